//! What a tool's own lines in a run log say, and by which words its caches are known.

/// Reads the lines of one tool.
pub trait LogWords: Sync {
    /// What a line without timestamp and colour says; `None` where it is not the tool's.
    fn line(&self, text: &str) -> Option<LogLine>;
    /// Whether a path of a cache is one of the tool's environment folders.
    fn is_environment_folder(&self, path: &str) -> bool;
    /// Whether a key or the name of a step has the tool's name in it.
    fn is_named_in(&self, text: &str) -> bool;
}

#[derive(Debug, Clone, PartialEq)]
pub enum LogLine {
    SessionStart(String),
    SessionEnd {
        name: String,
        result: SessionResult,
        seconds: Option<f64>,
        /// Where the tool rounds to minutes or more, it took less than that.
        at_most: Option<f64>,
    },
    /// All sessions of one call have ended.
    RunEnd {
        seconds: Option<f64>,
    },
    Created {
        name: String,
        /// Where the environment lies.
        folder: String,
        /// What builds the environment, where the line tells it.
        backend: Option<String>,
    },
    Reused {
        name: String,
        folder: String,
    },
    InterpreterGone,
    /// A command that puts packages into the environment.
    Install,
    Command,
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionResult {
    Success,
    Skipped,
    Aborted,
    Failed,
}

impl std::fmt::Display for SessionResult {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Success => "success",
            Self::Skipped => "skipped",
            Self::Aborted => "aborted",
            Self::Failed => "failed",
        })
    }
}
