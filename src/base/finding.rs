//! A finding and its fix, as values: what is wrong, where, why, and which text edits put it right.

use std::path::PathBuf;

use crate::base::remedy::Remedy;
use crate::base::text::Span;

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Info,
    Warning,
    Error,
}

/// Which fixes `--fix` applies, ordered from least to most trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Applicability {
    /// Shown only; applying it needs a person's decision.
    DisplayOnly,
    /// Applied with `--unsafe-fixes`: may change what the workflow does beyond its caching.
    Unsafe,
    Safe,
}

/// A place in a file of the repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// Relative to the repository root, with `/`.
    pub path: String,
    pub span: Span,
    /// A few words to print at the place.
    pub label: String,
}

/// One violated check.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Id of the check, such as `nox/missing-cache`.
    pub rule: &'static str,
    pub severity: Severity,
    /// One sentence: what is wrong.
    pub message: String,
    /// Why it matters and what to do, one paragraph.
    pub help: String,
    pub primary: Location,
    pub related: Vec<Location>,
    /// Job id, or `(composite)`.
    pub job: String,
    /// Said with the fix: what it buys, what it costs, who can read the cache.
    pub notes: Vec<String>,
    /// What would cure it.
    pub remedy: Option<Remedy>,
    pub fix: Option<Fix>,
    /// Why there is no fix, when there is none.
    pub no_fix_reason: Option<String>,
    /// Why the finding does not count, when caching here is better left to a person (publishing
    /// jobs, low-trust triggers).
    pub withheld: Option<String>,
}

impl Finding {
    /// Whether it counts for the exit code: the user can act on it.
    pub fn is_actionable(&self) -> bool {
        self.severity >= Severity::Warning && self.withheld.is_none()
    }

    /// Takes the fix away and says why.
    pub fn drop_fix(&mut self, reason: impl Into<String>) {
        self.fix = None;
        self.no_fix_reason = Some(reason.into());
    }
}

/// What the people who review a fix want to know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FixDetails {
    pub notes: Vec<String>,
    /// Of the caches that the fix adds or gives another key.
    pub keys: Vec<String>,
}

impl FixDetails {
    pub fn of(finding: &Finding) -> Self {
        let changes = finding.fix.iter().flat_map(|fix| &fix.changes);
        Self { notes: finding.notes.clone(), keys: changes.filter_map(Change::key).collect() }
    }
}

impl Severity {
    /// Lower case, as users write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// Text edits and the value change they perform. All edits are in one file.
#[derive(Debug, Clone)]
pub struct Fix {
    pub applicability: Applicability,
    /// Imperative title: "Cache `.nox` before this step".
    pub message: String,
    /// The file to edit, relative to the repository root, with `/`.
    pub path: String,
    /// Non-overlapping, sorted by start.
    pub edits: Vec<Edit>,
    /// What the edits must do to the file's value, in order of application; proved by two other
    /// parsers before writing.
    pub changes: Vec<Change>,
}

/// Replaces `span` by `content`; an empty span inserts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Edit {
    pub span: Span,
    pub content: String,
}

/// From the document's root to a value.
pub type Route = Vec<Segment>;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Segment {
    Key(String),
    Index(usize),
}

/// A declared change of a YAML value. Every route and index is meant in the *original* document.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Change {
    /// A new item in the sequence at `sequence`, before the item that is at `index` in the original
    /// document.
    InsertItem { sequence: Route, index: usize, value: serde_yaml::Value },
    /// The scalar at `at` becomes `value`.
    SetScalar { at: Route, value: String },
    /// The scalar at `at` becomes YAML's `true` or `false`.
    SetBool { at: Route, value: bool },
    /// The mapping at `mapping` gains `key`, which it did not have.
    AddKey { mapping: Route, key: String, value: serde_yaml::Value },
    /// The mapping at `mapping` loses `key`, which it had.
    RemoveKey { mapping: Route, key: String },
    /// The item at `index` of `sequence` goes.
    RemoveItem { sequence: Route, index: usize },
    /// The item at `from` of `sequence` comes before the item that was at `before`.
    MoveItem { sequence: Route, from: usize, before: usize },
}

impl Change {
    /// The key of a cache step that the change inserts, or gives another key.
    fn key(&self) -> Option<String> {
        match self {
            Change::InsertItem { value, .. } => {
                value.get("with")?.get("key")?.as_str().map(str::to_owned)
            }
            Change::SetScalar { at, value } => {
                let key = matches!(at.last(), Some(Segment::Key(name)) if name == "key");
                key.then(|| value.clone())
            }
            _ => None,
        }
    }

    /// The value that changes: the sequence, the mapping or the scalar.
    pub fn route(&self) -> &Route {
        match self {
            Change::InsertItem { sequence, .. }
            | Change::RemoveItem { sequence, .. }
            | Change::MoveItem { sequence, .. } => sequence,
            Change::AddKey { mapping, .. } | Change::RemoveKey { mapping, .. } => mapping,
            Change::SetScalar { at, .. } | Change::SetBool { at, .. } => at,
        }
    }
}

/// Something that kept a file or a part of it from being checked; makes the exit code 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub path: PathBuf,
    /// Line and column from 1, where one is known.
    pub position: Option<crate::base::text::Position>,
    pub message: String,
    /// A way out.
    pub help: Option<String>,
}
