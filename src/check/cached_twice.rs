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
    let mut instances = caches.list.chunk_by(|a, b| std::ptr::eq(a.timeline, b.timeline));
    let (first, second, folder) = instances.find_map(restored_twice)?;
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
               time. Keep one of the steps, or give them `if:` conditions so that only one runs."
                .to_owned(),
        remedy: Remedy::Refused("cachelint can't tell which of the steps should stay".to_owned()),
    };
    report.finding(caches, &places(caches, &[second, first], "path", "restores the same folder"))
}

/// Two caches of one instance that restore the same environment folder, where both run and nothing
/// between them uses or removes it.
fn restored_twice<'c, 'a>(
    caches: &'c [ExistingCache<'a>],
) -> Option<(&'c ExistingCache<'a>, &'c ExistingCache<'a>, String)> {
    let folders = folders(caches.first()?.timeline);
    let changes =
        |event: &Event| event.invocation().is_some_and(touches_folder) || event.removal().is_some();
    caches.iter().enumerate().find_map(|(at, first)| {
        let after = &first.timeline.events[first.position + 1..];
        let unchanged = after.iter().position(changes).unwrap_or(after.len());
        let end = first.position + 1 + unchanged;
        let seconds = caches[at + 1..].iter().take_while(|second| second.position < end);
        seconds.filter(|second| restore_together(first, second)).find_map(|second| {
            let folder =
                folders.iter().find(|folder| takes(first, folder) && takes(second, folder));
            Some((first, second, folder?.clone()))
        })
    })
}

/// Whether both steps run, and restore what is known.
fn restore_together(first: &ExistingCache<'_>, second: &ExistingCache<'_>) -> bool {
    let restores = |cached: &ExistingCache<'_>| {
        cached.step.lookup_only.is_none() && cached.step.paths.iter().all(|path| path.known)
    };
    first.event.step_ref != second.event.step_ref
        && first.event.condition == second.event.condition
        && first.event.gate.is_none()
        && second.event.gate.is_none()
        && restores(first)
        && restores(second)
}

fn takes(cached: &ExistingCache<'_>, folder: &str) -> bool {
    cached.step.paths.iter().any(|path| covers(path, folder))
}
