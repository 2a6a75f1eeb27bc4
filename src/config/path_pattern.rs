//! Path patterns in settings: `*` and `?` inside one folder name, `**` for any number of folders.

use serde::Deserialize;

use crate::base::glob::{name_fits, names_fit};

/// A pattern over paths relative to the repository root; one without `/` matches file names
/// in any folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct PathPattern(String);

impl PathPattern {
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `path`, written with `/`, matches; a pattern that names a folder matches everything
    /// below it.
    pub fn matches(&self, path: &str) -> bool {
        let pattern = self.0.trim_start_matches("./");
        let names: Vec<&str> = path.split('/').collect();
        if !pattern.contains('/') {
            return names.last().is_some_and(|name| name_fits(pattern, name));
        }
        let mut parts: Vec<&str> = pattern.trim_matches('/').split('/').collect();
        parts.push("**");
        names_fit(&parts, &names, name_fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let table = [
            ("ci.yml", ".github/workflows/ci.yml", true),
            ("*.yml", ".github/workflows/ci.yml", true),
            ("c?.yml", ".github/workflows/ci.yml", true),
            ("ci.yml", ".github/workflows/ci.yml.bak", false),
            (".github/workflows/*.yml", ".github/workflows/ci.yml", true),
            (".github/*.yml", ".github/workflows/ci.yml", false),
            (".github/**/*.yml", ".github/workflows/ci.yml", true),
            ("**/ci.yml", "ci.yml", true),
            ("./.github/workflows", ".github/workflows/ci.yml", true),
            (".github/", ".github/workflows/ci.yml", true),
            (".github/work", ".github/workflows/ci.yml", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("x/**/y", "x/y", true),
            ("", "ci.yml", false),
        ];
        for (pattern, path, expected) in table {
            assert_eq!(PathPattern::new(pattern).matches(path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn hostile_patterns_are_cheap() {
        let pattern = PathPattern::new("**/".repeat(200) + &"*a".repeat(200));
        assert!(!pattern.matches(&("b/".repeat(200) + &"a".repeat(500) + "b")));
    }
}
