//! `nox/frozen-dependencies`: do packages without a pinned version ever upgrade?

use super::report::{CacheReport, places, steps};
use crate::base::finding::Finding;
use crate::base::remedy::Remedy;
use crate::cache::existing::ExistingCache;
use crate::cache::job_caches::JobCaches;
use crate::job::context::is_cacheable;
use crate::job::key_template::KeyPiece;
use crate::rules::checks::{self, id};
use crate::tool::Reuse;

const ID: &str = id::FROZEN_DEPENDENCIES;

pub fn check(caches: &JobCaches<'_>) -> Option<Finding> {
    let found: Vec<&ExistingCache<'_>> =
        caches.list.iter().filter(|c| is_frozen(caches, c)).collect();
    let places = places(
        caches,
        &found,
        "key",
        "keeps the packages of the first run until a hashed file changes",
    );
    let report = CacheReport {
        rule: ID,
        message: "unpinned packages stay at the version of the first run".to_owned(),
        help: checks::help(ID),
        remedy: Remedy::TurnWeekly { caches: steps(&places) },
    };
    report.finding(caches, &places)
}

/// Unpinned packages are reused under a key that follows fewer files than decide about them, and no
/// calendar.
fn is_frozen(caches: &JobCaches<'_>, cached: &ExistingCache<'_>) -> bool {
    let key = &cached.step.template;
    let turns = |piece: &KeyPiece| piece.hashes.is_empty() && !piece.is_fixed();
    let mut calls = cached.calls_after().map(|(_, i)| i).filter(|i| is_cacheable(i));
    if key.broken
        || key.pieces.iter().any(turns)
        || key.hashes().next().is_none()
        || !calls.any(|i| i.run.unpinned && i.run.reuse == Reuse::On && !i.run.exact_installer)
    {
        return false;
    }
    // A hash of nothing is another check's question.
    caches.hashes_everything(cached) == Some(false)
}
