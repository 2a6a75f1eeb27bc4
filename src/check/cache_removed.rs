//! `nox/cache-removed`: does something delete the restored environments before nox uses them?

use super::report::{CachePlace, CacheReport};
use crate::base::finding::Finding;
use crate::base::remedy::Remedy;
use crate::cache::existing::{ExistingCache, covers};
use crate::cache::job_caches::JobCaches;
use crate::job::context::touches_folder;
use crate::job::folder::Removal;
use crate::rules::checks::id;

const ID: &str = id::CACHE_REMOVED;

pub fn check(caches: &JobCaches<'_>) -> Option<Finding> {
    let mut places = Vec::new();
    let mut first: Option<(&Removal, &str)> = None;
    for cached in caches.list {
        let Some((removal, folder)) = removal(cached) else { continue };
        let label = format!("`{}` deletes what this restores", removal.what);
        places.push(CachePlace { cached, span: cached.event.span, label });
        first.get_or_insert((removal, folder));
    }
    let (removal, folder) = first?;
    let report = CacheReport {
        rule: ID,
        message: format!("`{}` deletes `{folder}` between the cache step and nox", removal.what),
        help: "nox builds every environment again, so the cache only costs time. Move this \
               command before the cache step, run it only if `cache-hit` isn't `true`, or remove \
               the cache step."
            .to_owned(),
        remedy: Remedy::Refused("cachelint can't tell which of the two steps you need".to_owned()),
    };
    report.finding(caches, &places)
}

/// What deletes a restored folder before the next call that uses it, also after an exact hit.
fn removal<'a>(cached: &ExistingCache<'a>) -> Option<(&'a Removal, &'a str)> {
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
