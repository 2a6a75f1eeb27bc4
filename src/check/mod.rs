//! The checks: each asks one question of a unit's timelines.

mod cache_after_run;
mod cache_before_checkout;
mod cache_never_saved;
mod cache_not_reused;
mod cache_removed;
mod cached_twice;
mod constant_key;
mod frozen_dependencies;
mod interpreter_not_in_key;
mod invalid_key;
mod key_collision;
mod missing_cache;
mod missing_restore_keys;
mod partial_hit_reused;
mod report;
mod restore_keys_mismatch;
mod retired_cache_action;
mod saved_after_failure;
mod stale_install;
mod wrong_path;

use crate::base::finding::Finding;
use crate::cache::job_caches::JobCaches;

/// Looks at caches that are already there.
type AuditCheck = fn(&JobCaches<'_>) -> Option<Finding>;

/// In the order in which their fixes are combined: the position of a step comes first.
const AUDIT_CHECKS: [AuditCheck; 18] = [
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
    cache_removed::check,
    cached_twice::check,
    cache_never_saved::check,
    saved_after_failure::check,
    partial_hit_reused::check,
    frozen_dependencies::check,
];

/// Every finding of every check about one job, each with the remedy for it.
pub fn run(caches: &JobCaches<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    if caches.context.runs_tool() {
        found.extend(missing_cache::check(caches));
    }
    if !caches.list.is_empty() {
        found.extend(AUDIT_CHECKS.iter().filter_map(|check| check(caches)));
    }
    found
}

#[cfg(test)]
mod restore_and_save_tests;
