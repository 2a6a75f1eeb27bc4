//! `nox/retired-cache-action`: does the service still accept this version of the cache action?

use super::report::{CachePlace, CacheReport};
use crate::base::finding::Finding;
use crate::base::remedy::Remedy;
use crate::cache::job_caches::JobCaches;
use crate::rules::checks::{self, id};

const ID: &str = id::RETIRED_CACHE_ACTION;

pub fn check(caches: &JobCaches<'_>) -> Option<Finding> {
    let mut places = Vec::new();
    for cached in caches.by_step().into_iter().filter(|c| c.step.retired) {
        let uses = caches.step_at(cached.event.step_ref).and_then(|s| s.uses.as_ref());
        let span = uses.map_or(cached.event.span, |u| u.span);
        places.push(CachePlace { cached, span, label: "this version no longer works".to_owned() });
    }
    let step = places.first()?.cached.step;
    let report = CacheReport {
        rule: ID,
        message: format!(
            "`{}@{}` no longer works: it uses a cache service that was switched off",
            step.action, step.reference
        ),
        help: checks::help(ID),
        remedy: Remedy::ReplaceAction,
    };
    report.finding(caches, &places)
}
