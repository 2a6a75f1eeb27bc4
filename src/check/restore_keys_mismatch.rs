//! `nox/restore-keys-mismatch`: can a restore key match anything that is saved?

use super::report::{CachePlace, CacheReport};
use crate::base::finding::Finding;
use crate::base::remedy::Remedy;
use crate::cache::existing::ExistingCache;
use crate::cache::job_caches::JobCaches;
use crate::job::CacheForm;
use crate::job::key_template::Key;
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
            "no saved key starts like this"
        };
        places.push(CachePlace {
            cached,
            span: caches.input_span(cached, "restore-keys"),
            label: label.to_owned(),
        });
        first.get_or_insert((cached, line));
    }
    let (cached, line) = first?;
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
        remedy: Remedy::CorrectRestoreKeys { cache: cached.index },
    };
    report.finding(caches, &places)
}

/// The first restore key that matches nothing on any instance.
fn mismatch(caches: &JobCaches<'_>, cached: &ExistingCache<'_>) -> Option<String> {
    let mut lines = cached.restore_lines().zip(&cached.step.restore_templates);
    lines
        .find(|(_, restore)| !matches_something(caches, cached, restore))
        .map(|(line, _)| line.to_owned())
}

/// Another job may save what this one restores.
fn matches_something(caches: &JobCaches<'_>, cached: &ExistingCache<'_>, restore: &Key) -> bool {
    let same_step = caches.list.iter().filter(|c| c.event.step_ref == cached.event.step_ref);
    let mut own = same_step.map(|c| &c.step.template);
    if own.any(|key| restore.can_begin(key)) {
        return true;
    }
    let paths = cached.identity();
    let same_folder = caches.jobs.all().filter(|c| c.identity() == paths).map(|c| &c.step.template);
    let caches =
        caches.jobs.contexts.iter().flat_map(|other| &other.timelines).flat_map(|t| t.caches());
    let saved =
        caches.filter(|(_, step)| step.form == CacheForm::Save).map(|(_, step)| &step.template);
    same_folder.chain(saved).any(|key| restore.can_begin(key))
}
