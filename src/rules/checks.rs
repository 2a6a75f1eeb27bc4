//! Severity and texts of the checks, from `rules/checks.yaml`.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::finding::Severity;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Checks {
    checks: Vec<Check>,
}

/// One check as users read of it.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// `nox/missing-cache`.
    pub id: String,
    pub severity: Severity,
    /// What it finds, one line.
    pub summary: String,
    /// Markdown.
    pub what: String,
    pub why: String,
    pub fix: FixAvailability,
    /// How the fix works and when it is unsafe.
    pub fix_safety: String,
    /// A workflow fragment that is reported, and the same put right.
    pub bad: String,
    pub good: String,
    #[serde(default)]
    pub references: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FixAvailability {
    None,
    Sometimes,
    Always,
}

static DATA: LazyLock<Checks> = LazyLock::new(|| super::load("checks.yaml", include_str!("../../rules/checks.yaml")));

/// All checks, in the order of the file.
pub fn checks() -> &'static [Check] {
    &DATA.checks
}

/// A check by its id, with or without the `nox/` prefix.
pub fn check(id: &str) -> Option<&'static Check> {
    checks().iter().find(|c| c.id == id || c.id.split_once('/').is_some_and(|(_, short)| short == id))
}
