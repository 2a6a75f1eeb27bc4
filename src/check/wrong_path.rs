//! `nox/wrong-path`: does the cache hold the folder in which nox keeps its environments?

use std::collections::HashSet;

use super::report::{CachePlace, CacheReport};
use crate::base::finding::Finding;
use crate::base::remedy::Remedy;
use crate::cache::existing::{ExistingCache, is_named_like};
use crate::cache::job_caches::JobCaches;
use crate::rules::checks::{self, id};

const ID: &str = id::WRONG_PATH;

pub fn check(caches: &JobCaches<'_>) -> Option<Finding> {
    let mut places = Vec::new();
    let mut first: Option<(&ExistingCache<'_>, Vec<String>)> = None;
    for cached in caches.list {
        let missed = caches.missed_folders(cached);
        let Some(folder) = missed.first() else { continue };
        let label = format!("nox keeps its environments in `{folder}`");
        places.push(CachePlace { cached, span: caches.input_span(cached, "path"), label });
        first.get_or_insert((cached, missed));
    }
    let (cached, missed) = first?;
    let written: Vec<&str> = cached
        .step
        .paths
        .iter()
        .filter(|p| is_named_like(p, &missed))
        .map(|p| p.written.as_str())
        .collect();
    let (there, folder) = (written.join("`, `"), missed.join("`, `"));
    let report = CacheReport {
        rule: ID,
        message: format!(
            "the cache restores `{there}`, but nox keeps this job's environments in `{folder}`"
        ),
        help: checks::help(ID),
        remedy: Remedy::SetPath { caches: one_of_each_instance(caches) },
    };
    report.finding(caches, &places)
}

/// A cache of each instance that misses folders, so that no instance caches them in two steps.
fn one_of_each_instance(caches: &JobCaches<'_>) -> Vec<usize> {
    let mut taken = HashSet::new();
    let instances = caches.list.chunk_by(|a, b| std::ptr::eq(a.timeline, b.timeline));
    let mut found = Vec::new();
    for instance in instances {
        let steps = || instance.iter().map(|cached| cached.event.step_ref);
        let Some(first) = instance.first() else { continue };
        if steps().all(|step_ref| !taken.contains(&step_ref))
            && !caches.missed_folders(first).is_empty()
        {
            found.push(first.index);
            taken.extend(steps());
        }
    }
    found
}
