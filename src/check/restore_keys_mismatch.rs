//! `nox/restore-keys-mismatch`: can a restore key match anything that is saved?

use super::report::{Place, Report};
use crate::base::finding::Finding;
use crate::base::remedy::Remedy;
use crate::cache::audit::CacheAudit;
use crate::cache::existing::ExistingCache;
use crate::job::CacheForm;
use crate::job::key_template::Key;

pub const ID: &str = "nox/restore-keys-mismatch";

pub fn check(audit: &CacheAudit<'_>) -> Option<Finding> {
    let mut places = Vec::new();
    let mut first: Option<(&ExistingCache<'_>, String)> = None;
    for cached in audit.caches.iter().filter(|c| c.step.key.is_some()) {
        let Some(line) = mismatch(audit, cached) else { continue };
        let label = if line.starts_with("- ") {
            "the dash is part of the text"
        } else {
            "no saved key starts like this"
        };
        places.push(Place {
            cached,
            span: audit.input_span(cached, "restore-keys"),
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
    let report = Report {
        rule: ID,
        message,
        help:
            "A restore key restores the newest cache whose key starts with it. Write how the key starts, one per \
               line, without dashes."
                .to_owned(),
        remedy: Remedy::CorrectRestoreKeys { cache: cached.index },
    };
    report.finding(audit, &places)
}

/// The first restore key that matches nothing on any instance.
fn mismatch(audit: &CacheAudit<'_>, cached: &ExistingCache<'_>) -> Option<String> {
    let mut lines = cached.restore_lines().zip(&cached.step.restore_templates);
    lines
        .find(|(_, restore)| !matches_something(audit, cached, restore))
        .map(|(line, _)| line.to_owned())
}

/// Another job may save what this one restores.
fn matches_something(audit: &CacheAudit<'_>, cached: &ExistingCache<'_>, restore: &Key) -> bool {
    let same_step = audit.caches.iter().filter(|c| c.event.site == cached.event.site);
    let mut own = same_step.map(|c| &c.step.template);
    if own.any(|key| restore.can_begin(key)) {
        return true;
    }
    let paths = cached.identity();
    let same_folder = audit.jobs.all().filter(|c| c.identity() == paths).map(|c| &c.step.template);
    let caches =
        audit.jobs.subjects.iter().flat_map(|other| &other.timelines).flat_map(|t| t.caches());
    let saved =
        caches.filter(|(_, step)| step.form == CacheForm::Save).map(|(_, step)| &step.template);
    same_folder.chain(saved).any(|key| restore.can_begin(key))
}
