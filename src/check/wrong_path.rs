//! `nox/wrong-path`: does the cache hold the folder in which nox keeps its environments?

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
        remedy: Remedy::SetPath { cache: cached.index },
    };
    report.finding(caches, &places)
}
