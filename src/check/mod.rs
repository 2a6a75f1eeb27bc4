//! The checks: each asks one question of a unit's timelines.

pub mod audit;
pub mod cache_after_run;
pub mod cache_before_checkout;
pub mod cache_not_reused;
pub mod constant_key;
pub mod frozen_dependencies;
pub mod interpreter_not_in_key;
pub mod invalid_key;
pub mod jobs;
pub mod key_collision;
pub mod missing_cache;
pub mod missing_restore_keys;
pub mod restore_keys_mismatch;
pub mod retired_cache_action;
pub mod stale_install;
pub mod wrong_path;

use audit::Audit;
use jobs::Jobs;

use crate::base::finding::Finding;

/// Looks at caches that are already there.
type AuditCheck = fn(&Audit<'_>) -> Option<Finding>;

/// In the order in which their fixes are combined: where a step stands comes first.
const AUDIT_CHECKS: [AuditCheck; 13] = [
    retired_cache_action::check,
    cache_before_checkout::check,
    cache_after_run::check,
    wrong_path::check,
    cache_not_reused::check,
    invalid_key::check,
    constant_key::check,
    key_collision::check,
    interpreter_not_in_key::check,
    restore_keys_mismatch::check,
    missing_restore_keys::check,
    stale_install::check,
    frozen_dependencies::check,
];

/// Every finding of every check about one job of `jobs`.
pub fn run(jobs: &Jobs<'_>, job: usize) -> Vec<Finding> {
    let mut found = Vec::new();
    let subject = &jobs.subjects[job];
    if subject.runs_tool() {
        found.extend(missing_cache::check(subject));
    }
    let audit = Audit::new(jobs, job);
    if !audit.caches.is_empty() {
        found.extend(AUDIT_CHECKS.iter().filter_map(|check| check(&audit)));
    }
    found
}
