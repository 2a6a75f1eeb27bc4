//! The longest line that a repository's yamllint settings allow
//! (yamllint.readthedocs.io, "Configuration" and "line-length").

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_yaml::Value;

use super::RepoFiles;
use crate::base::text::Text;
use crate::tool::Files;

/// Where yamllint looks for its settings, in this order.
const FILES: [&str; 3] = [".yamllint", ".yamllint.yaml", ".yamllint.yml"];
const RULE: &str = "line-length";
/// The limit of the settings that yamllint brings along, `default` and `relaxed`.
const DEFAULT: usize = 80;

#[derive(Deserialize)]
struct Settings {
    extends: Option<String>,
    #[serde(default)]
    rules: BTreeMap<String, Value>,
}

/// The most characters that a line may have; `None` without settings, without a limit, and where
/// the settings can't be read.
pub fn line_limit(files: &RepoFiles) -> Option<usize> {
    let path = FILES.into_iter().find(|path| files.tracked().contains(path))?;
    limit(&files.read(path)?)
}

fn limit(settings: &str) -> Option<usize> {
    let settings: Settings = serde_yaml::from_str(settings).ok()?;
    let extended = settings.extends.is_some().then_some(DEFAULT);
    match settings.rules.get(RULE) {
        None => extended,
        Some(Value::String(word)) if word == "disable" => None,
        Some(Value::Bool(false)) => None,
        Some(Value::Mapping(options)) => match options.get("max") {
            None => Some(DEFAULT),
            Some(max) => usize::try_from(max.as_i64()?).ok(),
        },
        Some(_) => Some(DEFAULT),
    }
}

/// Whether every line that could be broken is at most so long: a longer one says that the limit
/// isn't held in this file.
pub fn holds(text: &Text, limit: usize) -> bool {
    text.as_str().lines().all(|line| {
        let words = line.trim_start().trim_start_matches(['#', '-']).trim();
        line.chars().count() <= limit || !words.contains(' ')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_settings() {
        for (settings, expected) in [
            ("extends: default\n", Some(80)),
            ("extends: relaxed\nrules:\n  truthy: disable\n", Some(80)),
            ("extends: default\nrules:\n  line-length: disable\n", None),
            ("extends: default\nrules:\n  line-length: {max: 120, level: warning}\n", Some(120)),
            ("rules:\n  line-length:\n    max: 160\n", Some(160)),
            ("rules:\n  line-length: enable\n", Some(80)),
            ("rules:\n  line-length: {allow-non-breakable-words: false}\n", Some(80)),
            ("rules:\n  line-length: {max: -1}\n", None),
            ("rules:\n  truthy: disable\n", None),
            ("rules: [\n", None),
        ] {
            assert_eq!(limit(settings), expected, "{settings}");
        }
    }

    #[test]
    fn a_file_with_a_longer_line_is_held_to_no_limit() {
        let text = |line: &str| Text::new("ci.yml", line.as_bytes().to_vec()).unwrap();
        assert!(holds(&text("a: b\n# https://example.org/a-very-long-address\n"), 20));
        assert!(!holds(&text("a: b\nname: a very long sentence\n"), 20));
    }
}
