//! `nox/cache-removed`: does something delete the environments before nox uses them, or before they
//! are saved?

use super::report::{CachePlace, CacheReport};
use crate::base::finding::Finding;
use crate::base::remedy::Remedy;
use crate::cache::existing::{ExistingCache, covers};
use crate::cache::job_caches::JobCaches;
use crate::job::CacheForm;
use crate::job::context::touches_folder;
use crate::job::folder::Removal;
use crate::rules::checks::id;

const ID: &str = id::CACHE_REMOVED;

pub fn check(caches: &JobCaches<'_>) -> Option<Finding> {
    let mut places = Vec::new();
    let mut first: Option<(&Removal, &str, RemovedBefore)> = None;
    for cached in caches.list {
        let before_use = removed_before_use(cached).map(|(r, f)| (r, f, RemovedBefore::Use));
        let before_save = || removed_before_save(cached).map(|(r, f)| (r, f, RemovedBefore::Save));
        let Some((removal, folder, moment)) = before_use.or_else(before_save) else { continue };
        let label = match moment {
            RemovedBefore::Use => format!("`{}` deletes what this restores", removal.what),
            RemovedBefore::Save => format!("`{}` deletes what this would save", removal.what),
        };
        places.push(CachePlace { cached, span: cached.event.span, label });
        first.get_or_insert((removal, folder, moment));
    }
    let (removal, folder, moment) = first?;
    let (message, help) = match moment {
        RemovedBefore::Use => (
            format!("`{}` deletes `{folder}` between the cache step and nox", removal.what),
            "nox builds every environment again, so the cache only costs time. Move this command \
             before the cache step, run it only if `cache-hit` isn't `true`, or remove the cache \
             step.",
        ),
        RemovedBefore::Save => (
            format!("`{}` deletes `{folder}` before the cache is saved", removal.what),
            "The cache step saves at the end of the job. By then the folder is gone, so no run \
             ever gets a cache. Remove this command or the cache step.",
        ),
    };
    let report = CacheReport {
        rule: ID,
        message,
        help: help.to_owned(),
        remedy: Remedy::Refused("cachelint can't tell which of the two steps you need".to_owned()),
    };
    report.finding(caches, &places)
}

/// When the environments are deleted.
#[derive(Clone, Copy)]
enum RemovedBefore {
    Use,
    Save,
}

/// What deletes the folder after the last call that uses it, while the step saves it at the end.
fn removed_before_save<'a>(cached: &ExistingCache<'a>) -> Option<(&'a Removal, &'a str)> {
    if cached.step.form != CacheForm::Both {
        return None;
    }
    let events = &cached.timeline.events[cached.position..];
    let last = events.iter().rposition(|e| e.invocation().is_some_and(touches_folder))?;
    let call = events[last].invocation()?;
    let saves = |folder: &&String| cached.step.paths.iter().any(|p| covers(p, folder));
    events[last..].iter().find_map(|event| {
        let removal = event.removal()?;
        let always = event.happens_without_hit(cached.event.step_ref) && event.condition.is_none();
        let folder = call.folders.iter().filter(saves).find(|folder| removal.takes(folder))?;
        always.then_some((removal, folder.as_str()))
    })
}

/// What deletes a restored folder before the next call that uses it, also after an exact hit.
fn removed_before_use<'a>(cached: &ExistingCache<'a>) -> Option<(&'a Removal, &'a str)> {
    let events = &cached.timeline.events[cached.position..];
    let next = events.iter().position(|e| e.invocation().is_some_and(touches_folder))?;
    let call = events[next].invocation()?;
    let restores = |folder: &&String| cached.step.paths.iter().any(|p| covers(p, folder));
    events[..next].iter().find_map(|event| {
        let removal = event.removal()?;
        let always = event.happens_on_hit(cached.event.step_ref) && event.condition.is_none();
        let folder = call.folders.iter().filter(restores).find(|folder| removal.takes(folder))?;
        always.then_some((removal, folder.as_str()))
    })
}
