//! How nox words what it does in a run log, from `rules/nox-logs.yaml`.

use std::sync::LazyLock;

use regex::{Captures, Regex, RegexSet};
use serde::Deserialize;

/// The rules of the embedded file, compiled once.
pub static NOX_LOGS: LazyLock<NoxLogs> = LazyLock::new(|| {
    let raw: RawNoxLogRules = super::embedded!("nox-logs");
    NoxLogs::from(raw)
});

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Says {
    SessionStart,
    SessionEnd,
    RunEnd,
    Created,
    Reused,
    InterpreterGone,
    Install,
    Other,
    Command,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawNoxLogRules {
    lines: Vec<RawLine>,
    own_environments: Vec<String>,
    environment_folder: String,
    word: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLine {
    says: Says,
    pattern: String,
}

/// The file's rules, ready to use.
pub struct NoxLogs {
    lines: Vec<(Says, Regex)>,
    /// All patterns at once: most lines of a log match none.
    any: RegexSet,
    own_environments: Vec<String>,
    pub environment_folder: String,
    /// In lower case.
    pub word: String,
}

impl From<RawNoxLogRules> for NoxLogs {
    fn from(raw: RawNoxLogRules) -> Self {
        let broken = |e: regex::Error| -> ! { panic!("internal error: rules/nox-logs.yaml: {e}") };
        let any =
            RegexSet::new(raw.lines.iter().map(|line| &line.pattern)).unwrap_or_else(|e| broken(e));
        let compiled =
            |line: RawLine| (line.says, Regex::new(&line.pattern).unwrap_or_else(|e| broken(e)));
        Self {
            lines: raw.lines.into_iter().map(compiled).collect(),
            any,
            own_environments: raw.own_environments,
            environment_folder: raw.environment_folder,
            word: raw.word,
        }
    }
}

impl NoxLogs {
    /// The first wording that matches, and its groups.
    pub fn find<'t>(&self, text: &'t str) -> Option<(Says, Captures<'t>)> {
        // Most lines match nothing, which is told sooner than which patterns match. Nearly all
        // lines that begin like this match.
        if !text.starts_with("nox > ") && !self.any.is_match(text) {
            return None;
        }
        let index = self.any.matches(text).iter().next()?;
        let (says, pattern) = self.lines.get(index)?;
        Some((*says, pattern.captures(text)?))
    }

    /// Whether nox made this environment for itself.
    pub fn is_own_environment(&self, name: &str) -> bool {
        self.own_environments.iter().any(|own| own == name)
    }
}
