//! `nox/cache-after-run`: are the environments built before the cache is restored?

use super::report::{CachePlace, CacheReport, move_step};
use crate::base::finding::Finding;
use crate::cache::existing::{ExistingCache, covers};
use crate::cache::job_caches::JobCaches;
use crate::job::Event;
use crate::job::context::{is_cacheable, is_meant_for};
use crate::rules::checks::{self, id};

const ID: &str = id::CACHE_AFTER_RUN;

pub fn check(caches: &JobCaches<'_>) -> Option<Finding> {
    // With the position of the first call.
    let mut late: Vec<(&ExistingCache<'_>, usize)> = Vec::new();
    for cached in caches.list {
        let before = &cached.timeline.events[..cached.position];
        let mut calls =
            before.iter().enumerate().filter_map(|(at, e)| Some((at, e, e.invocation()?)));
        let call = calls.find(|(_, e, i)| {
            cached.runs_with(e, i) && is_cacheable(i) && is_meant_for(cached.step, &i.folders)
        });
        let Some((at, _, invocation)) = call else { continue };
        let earlier = before.iter().filter_map(Event::cache);
        let restored = earlier.filter(|s| is_meant_for(s, &invocation.folders)).count() > 0;
        let covered =
            cached.step.paths.iter().any(|p| invocation.folders.iter().any(|f| covers(p, f)));
        if !restored
            && covered
            && !late.iter().any(|(c, _)| c.event.step_ref == cached.event.step_ref)
        {
            late.push((cached, at));
        }
    }
    let places: Vec<CachePlace<'_>> = late
        .iter()
        .map(|(cached, _)| CachePlace {
            cached,
            span: cached.event.span,
            label: "restores what has already been built".to_owned(),
        })
        .collect();
    let &(cached, before) = late.first()?;
    let report = CacheReport {
        rule: ID,
        message: format!(
            "job `{}` restores its environments after nox has built them",
            caches.context.name
        ),
        help: checks::help(ID),
        remedy: move_step(&places, cached, before, "Restore the environments before nox runs"),
    };
    report.finding(caches, &places)
}
