//! `nox/restore-keys-mismatch`: can a restore key match anything that is saved?

use super::report::{CachePlace, CacheReport, steps};
use crate::base::finding::Finding;
use crate::base::remedy::Remedy;
use crate::cache::existing::ExistingCache;
use crate::cache::job_caches::JobCaches;
use crate::job::key_template::Key;
use crate::rules::cache_actions::cache_actions;
use crate::rules::checks::{self, id};

const ID: &str = id::RESTORE_KEYS_MISMATCH;

pub fn check(caches: &JobCaches<'_>) -> Option<Finding> {
    let mut places = Vec::new();
    let mut first: Option<(&ExistingCache<'_>, String)> = None;
    for cached in caches.list.iter().filter(|c| c.step.key.is_some()) {
        let Some(line) = mismatch(caches, cached) else { continue };
        let label = if line.starts_with("- ") {
            "the dash is part of the text"
        } else {
            "no saved key starts with this"
        };
        places.push(CachePlace {
            cached,
            span: caches.input_span(cached, "restore-keys"),
            label: label.to_owned(),
        });
        first.get_or_insert((cached, line));
    }
    let (_, line) = first?;
    let message = if line.starts_with("- ") {
        format!("`restore-keys` is one string, not a list: no key starts with the dash of `{line}`")
    } else {
        format!(
            "the restore key `{line}` can never match: no key saved for this folder starts with it"
        )
    };
    let report = CacheReport {
        rule: ID,
        message,
        help: checks::help(ID),
        remedy: Remedy::CorrectRestoreKeys { caches: steps(&places) },
    };
    report.finding(caches, &places)
}

/// The first restore key that matches nothing on any instance.
fn mismatch(caches: &JobCaches<'_>, cached: &ExistingCache<'_>) -> Option<String> {
    // The action refuses more keys than that.
    let most = cache_actions().limits.keys;
    let mut lines = cached.restore_lines().zip(&cached.step.restore_templates).take(most);
    lines
        .find(|(_, restore)| !matches_something(caches, cached, restore))
        .map(|(line, _)| line.to_owned())
}

/// Another job may save what this one restores.
fn matches_something(caches: &JobCaches<'_>, cached: &ExistingCache<'_>, restore: &Key) -> bool {
    let mut own = caches.legs_of(cached.event.step_ref).map(|c| &c.step.template);
    if own.any(|key| restore.can_begin(key)) {
        return true;
    }
    let Some(mut saved) = caches.jobs.saved_keys(cached) else { return true };
    saved.any(|key| restore.can_begin(key))
}
