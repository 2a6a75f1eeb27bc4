//! `nox/cache-before-checkout`: does a checkout delete what the cache restored?

use super::report::{CachePlace, CacheReport, move_step};
use crate::base::finding::Finding;
use crate::cache::existing::{ExistingCache, folders};
use crate::cache::job_caches::JobCaches;
use crate::job::context::touches_folder;
use crate::job::{Event, EventKind};
use crate::rules::checks::{self, id};

const ID: &str = id::CACHE_BEFORE_CHECKOUT;

pub fn check(caches: &JobCaches<'_>) -> Option<Finding> {
    let mut places = Vec::new();
    let mut first: Option<(&ExistingCache<'_>, usize)> = None;
    for cached in caches.list {
        let Some(call) = wiped_before(cached) else { continue };
        let label = "a later checkout deletes what this restores".to_owned();
        places.push(CachePlace { cached, span: cached.event.span, label });
        first.get_or_insert((cached, call));
    }
    let (cached, before) = first?;
    let report = CacheReport {
        rule: ID,
        message: format!(
            "job `{}` restores its environments before the checkout, which deletes them",
            caches.context.name
        ),
        help: checks::help(ID),
        remedy: move_step(&places, cached, before, "Restore the environments after the checkout"),
    };
    report.finding(caches, &places)
}

/// The position of the first call after a checkout that deletes what the step restored.
fn wiped_before(cached: &ExistingCache<'_>) -> Option<usize> {
    let folders = folders(cached.timeline);
    let around = |folder: &str| {
        folder.is_empty() || folders.iter().any(|f| f.starts_with(&format!("{folder}/")))
    };
    let earlier: Vec<&str> = cached.timeline.events[..cached.position]
        .iter()
        .filter_map(|e| checkout(e).map(|(f, _)| f))
        .collect();
    let after = &cached.timeline.events[cached.position..];
    let call = after.iter().position(|e| e.invocation().is_some_and(touches_folder))?;
    let between = after[..call].iter();
    let wipes =
        between.filter(|e| e.condition.is_none()).filter_map(checkout).any(|(folder, cleans)| {
            // Without a repository there, checkout empties the folder whatever `clean` says.
            around(folder) && (cleans || !earlier.contains(&folder))
        });
    wipes.then_some(cached.position + call)
}

fn checkout(event: &Event) -> Option<(&str, bool)> {
    match &event.kind {
        EventKind::Checkout { folder: Some(folder), cleans, .. } => Some((folder, *cleans)),
        _ => None,
    }
}
