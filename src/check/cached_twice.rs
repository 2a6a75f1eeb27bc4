//! `nox/cached-twice`: do two cache steps restore the same environments on one run?

use super::report::{CacheReport, places};
use crate::base::finding::Finding;
use crate::base::remedy::Remedy;
use crate::cache::existing::{ExistingCache, covers, folders};
use crate::cache::job_caches::JobCaches;
use crate::job::context::touches_folder;
use crate::job::{CacheForm, Event};
use crate::rules::checks::id;

const ID: &str = id::CACHED_TWICE;

pub fn check(caches: &JobCaches<'_>) -> Option<Finding> {
    let (first, second, folder) = caches.list.iter().enumerate().find_map(|(at, first)| {
        caches.list[at + 1..].iter().find_map(|second| {
            let folder = shared_folder(first, second)?;
            Some((first, second, folder))
        })
    })?;
    let saved = match (first.step.form, second.step.form) {
        (CacheForm::Both, CacheForm::Both) => ", and both save it",
        _ => "",
    };
    let report = CacheReport {
        rule: ID,
        message: format!(
            "job `{}` restores `{folder}` from two caches: the second overwrites what the first \
             restored{saved}",
            caches.context.name
        ),
        help:
            "Where the two archives differ, nox reuses a mixture of both, and each of them costs \
               time. Keep one of the steps; or give them `if:` conditions so that only one runs."
                .to_owned(),
        remedy: Remedy::Refused("cachelint can't tell which of the steps should stay".to_owned()),
    };
    report.finding(caches, &places(caches, &[second, first], "path", "restores the same folder"))
}

/// The environment folder that both steps restore, where both run and nothing between them uses or
/// removes it.
fn shared_folder(first: &ExistingCache<'_>, second: &ExistingCache<'_>) -> Option<String> {
    let restores = |cached: &ExistingCache<'_>| {
        cached.step.lookup_only.is_none() && cached.step.paths.iter().all(|path| path.known)
    };
    let together = first.event.condition == second.event.condition
        && first.event.gate.is_none()
        && second.event.gate.is_none();
    if !std::ptr::eq(first.timeline, second.timeline)
        || first.event.step_ref == second.event.step_ref
        || !together
        || !restores(first)
        || !restores(second)
    {
        return None;
    }
    let between = &first.timeline.events[first.position + 1..second.position];
    let changes =
        |event: &Event| event.invocation().is_some_and(touches_folder) || event.removal().is_some();
    if between.iter().any(changes) {
        return None;
    }
    let takes = |cached: &ExistingCache<'_>, folder: &String| {
        cached.step.paths.iter().any(|path| covers(path, folder))
    };
    let mut folders = folders(first.timeline).into_iter();
    folders.find(|folder| takes(first, folder) && takes(second, folder))
}
