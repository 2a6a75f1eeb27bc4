//! The longest line that a repository's prettier settings leave as it is (prettier.io,
//! "Configuration File" and "Options").
//!
//! By default prettier breaks no line of YAML. With `proseWrap: always` it breaks every value of more
//! than one word at `printWidth`.

use serde::Deserialize;
use serde_yaml::Value;

use super::RepoFiles;
use crate::base::path::{inside, parent, upward};
use crate::base::text::Text;
use crate::config::PathPattern;
use crate::tool::Files;
use crate::yaml::{Kind, ScalarStyle, Tree};

/// Where prettier looks for its settings, in this order; those in JavaScript can't be read.
const FILES: [&str; 6] = [
    "package.json",
    ".prettierrc",
    ".prettierrc.json",
    ".prettierrc.yaml",
    ".prettierrc.yml",
    ".prettierrc.toml",
];
/// The file that has other things in it, and the name of the settings there.
const PACKAGE: (&str, &str) = ("package.json", "prettier");
/// The option without which no line is broken.
const PROSE_WRAP: &str = "proseWrap";
const WIDTH: usize = 80;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PrettierSettings {
    #[serde(flatten)]
    options: LineOptions,
    overrides: Vec<PrettierOverride>,
}

/// Options for some files only.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PrettierOverride {
    files: Patterns,
    #[serde(default)]
    exclude_files: Patterns,
    #[serde(default)]
    options: LineOptions,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct LineOptions {
    prose_wrap: Option<String>,
    print_width: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Patterns {
    One(String),
    Several(Vec<String>),
}

impl Default for Patterns {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

impl Patterns {
    fn matches(&self, path: &str) -> bool {
        let patterns = match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(several) => several,
        };
        patterns.iter().any(|pattern| is_meant(pattern, path))
    }
}

/// Whether a pattern matches a file. Of braces only the first are read, `*.{yml,yaml}`.
fn is_meant(pattern: &str, path: &str) -> bool {
    let matches = |pattern: &str| PathPattern::new(pattern).matches(path);
    let braces =
        pattern.split_once('{').and_then(|(start, rest)| Some((start, rest.split_once('}')?)));
    match braces {
        Some((start, (list, end))) => {
            list.split(',').any(|part| matches(&format!("{start}{}{end}", part.trim())))
        }
        None => matches(pattern),
    }
}

/// The most characters that a line of this file may have; `None` where prettier breaks no line, and
/// where its settings can't be read.
pub fn line_limit(files: &RepoFiles, path: &str) -> Option<usize> {
    for folder in upward(parent(path)) {
        for name in FILES {
            let Some(text) = files.read(&inside(folder, name)) else { continue };
            if text.contains(PROSE_WRAP) {
                let settings = settings(name, &text)?;
                let own = path.strip_prefix(folder).unwrap_or(path).trim_start_matches('/');
                return settings.limit(own);
            }
            if name != PACKAGE.0 {
                return None;
            }
        }
    }
    None
}

/// `None` where the file has no settings.
fn settings(name: &str, text: &str) -> Option<PrettierSettings> {
    if name.ends_with(".toml") {
        return Some(toml::from_str(text).unwrap_or_default());
    }
    let (package, key) = PACKAGE;
    let value: Value = serde_yaml::from_str(text).unwrap_or_default();
    let value = if name == package { value.get(key)?.clone() } else { value };
    // A text names settings that a package has.
    Some(serde_yaml::from_value(value).unwrap_or_default())
}

impl PrettierSettings {
    fn limit(self, path: &str) -> Option<usize> {
        let LineOptions { mut prose_wrap, mut print_width } = self.options;
        let matches =
            |own: &PrettierOverride| own.files.matches(path) && !own.exclude_files.matches(path);
        for PrettierOverride { options, .. } in self.overrides.into_iter().filter(matches) {
            prose_wrap = options.prose_wrap.or(prose_wrap);
            print_width = options.print_width.or(print_width);
        }
        (prose_wrap.as_deref() == Some("always")).then_some(print_width.unwrap_or(WIDTH))
    }
}

/// Whether every value that prettier would break has been broken: else the file isn't formatted.
pub fn holds(text: &Text, tree: &Tree, limit: usize) -> bool {
    tree.nodes().all(|node| {
        let Kind::Scalar { value, style } = &node.kind else { return true };
        if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) || !value.contains(' ') {
            return true;
        }
        // A comment after the value is left where it is.
        let line = text.line_of(node.span.start);
        let start = text.line_start(line);
        let end = node.span.end.min(start + text.line(line).trim_end().len());
        text.as_str().get(start..end).is_none_or(|written| written.chars().count() <= limit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn limits_of_settings() {
        const CI: &str = ".github/workflows/ci.yml";
        let own = |files: &str| {
            format!("overrides:\n- files: {files}\n  options: {{proseWrap: always}}\n")
        };
        for (name, text, expected) in [
            (".prettierrc", "proseWrap: always\n", Some(80)),
            (".prettierrc", "{\"proseWrap\": \"always\", \"printWidth\": 100}", Some(100)),
            (".prettierrc.toml", "proseWrap = 'always'\nprintWidth = 120\n", Some(120)),
            (".prettierrc.yml", "printWidth: 100\n", None),
            (".prettierrc.yaml", "proseWrap: preserve\n", None),
            (".prettierrc.json", "{", None),
            (".prettierrc", "", None),
            (".github/.prettierrc", "proseWrap: always\n", Some(80)),
            ("docs/.prettierrc", "proseWrap: always\n", None),
            ("package.json", "{\"prettier\": {\"proseWrap\": \"always\"}}", Some(80)),
            ("package.json", "{\"proseWrap\": \"always\"}", None),
            ("package.json", "{\"prettier\": \"proseWrap-settings\"}", None),
            (".prettierrc", &own("'*.md'"), None),
            (".prettierrc", &own("'*.{yml,yaml}'"), Some(80)),
            (".prettierrc", &own("['*.md', '*.yml']"), Some(80)),
            (".prettierrc", &own("'.github/**/*.yml'"), Some(80)),
            (".prettierrc", &own("docs/*.yml"), None),
            (".prettierrc", &own("ci.yml"), Some(80)),
            (
                ".prettierrc",
                "proseWrap: always\noverrides:\n- files: '*.yml'\n  options: {proseWrap: never}\n",
                None,
            ),
            (
                ".prettierrc",
                "overrides:\n- files: '*.yml'\n  excludeFiles: ci.yml\n  options: {proseWrap: always}\n",
                None,
            ),
        ] {
            let folder = testing::repository(&[(name, text)]);
            let files = RepoFiles::new(folder.path());
            assert_eq!(line_limit(&files, CI), expected, "{name}: {text}");
        }
    }

    #[test]
    fn only_values_that_prettier_breaks_count() {
        let holds = |text: &str| {
            let text = Text::new("ci.yml", text.as_bytes().to_vec()).unwrap();
            let tree = crate::yaml::parse(&text).unwrap();
            super::holds(&text, &tree, 20)
        };
        assert!(holds(
            "# a comment that is longer\na: |\n  a line of a script\nb: no-blank-in-this-value\n"
        ));
        assert!(
            holds("a: two words # and a comment\n") && holds("a: the first line is\n  short\n")
        );
        assert!(!holds("a: a value of several words\n"));
        assert!(!holds("a: a value of several words\n  on two lines\n"));
    }
}
