//! Path patterns in settings: `*` and `?` inside one folder name, `**` for any number of folders.

use serde::Deserialize;

/// A pattern over paths relative to the repository root; one without `/` is meant for the file name alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct PathPattern(String);

impl PathPattern {
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// Whether `path`, written with `/`, matches; a pattern that names a folder matches everything below it.
    pub fn matches(&self, path: &str) -> bool {
        let pattern = self.0.trim_start_matches("./");
        let names: Vec<&str> = path.split('/').collect();
        if !pattern.contains('/') {
            return names.last().is_some_and(|name| name_matches(pattern, name));
        }
        let mut parts: Vec<&str> = pattern.trim_matches('/').split('/').collect();
        parts.push("**");
        // matched[i]: the parts so far match the first i names. One row per part keeps hostile patterns cheap.
        let mut matched = vec![false; names.len() + 1];
        matched[0] = true;
        for part in parts {
            let mut next = vec![false; names.len() + 1];
            for i in 0..=names.len() {
                next[i] = if part == "**" {
                    matched[i] || (i > 0 && next[i - 1])
                } else {
                    i > 0 && matched[i - 1] && name_matches(part, names[i - 1])
                };
            }
            matched = next;
        }
        matched[names.len()]
    }
}

/// `*` and `?` against one name; on a mismatch only the last `*` is widened, which is enough.
fn name_matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    let mut widen: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                widen = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match widen {
                Some((star, from)) => {
                    widen = Some((star, from + 1));
                    p = star + 1;
                    n = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
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
