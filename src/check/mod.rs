//! The checks: each asks one question of a unit's timelines.

pub mod missing_cache;
pub mod subject;

use subject::Subject;

use crate::finding::Finding;

/// Every finding of every check about one unit.
pub fn run(subject: &Subject<'_>) -> Vec<Finding> {
    if !subject.runs_tool() {
        return Vec::new();
    }
    missing_cache::check(subject).into_iter().collect()
}
