//! `nox/cache-not-reused`: does nox delete what the cache restored?

use super::report::{CachePlace, CacheReport};
use crate::base::finding::Finding;
use crate::base::remedy::Remedy;
use crate::cache::job_caches::JobCaches;
use crate::job::{Event, Invocation};
use crate::rules::checks::{self, id};

const ID: &str = id::CACHE_NOT_REUSED;

pub fn check(caches: &JobCaches<'_>) -> Option<Finding> {
    let mut places = Vec::new();
    let mut calls: Vec<(&Event, &Invocation)> = Vec::new();
    for cached in caches.list {
        let wasted: Vec<_> = cached.wasted_on().collect();
        let Some((_, first)) = wasted.first() else { continue };
        places.push(CachePlace {
            cached,
            span: cached.event.span,
            label: format!("`{}` deletes what this restores", first.command),
        });
        calls.extend(wasted);
    }
    let (_, first) = calls.first()?;
    let refused = first
        .run
        .reuse_refused
        .as_ref()
        .map(|word| format!(" because of `{word}`"))
        .unwrap_or_default();
    let report = CacheReport {
        rule: ID,
        message: format!(
            "`{}` deletes the environments that the cache restored and builds them again{refused}",
            first.command
        ),
        help: checks::help(ID),
        remedy: Remedy::Reuse,
    };
    report.finding(caches, &places)
}
