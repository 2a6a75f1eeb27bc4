//! `nox/constant-key`: does the key change when what is built changes?

use super::report::{CachePlace, CacheReport, steps};
use crate::base::finding::{Finding, Severity};
use crate::base::remedy::Remedy;
use crate::cache::existing::ExistingCache;
use crate::cache::hashed;
use crate::cache::job_caches::JobCaches;
use crate::job::key_template::{Hash, KeyPiece};
use crate::rules::checks::id;
use crate::tool::Answer;

const ID: &str = id::CONSTANT_KEY;

/// What keeps a key from changing.
#[derive(Clone, PartialEq)]
enum KeyFlaw {
    NoHash,
    /// No hash matches anything; the first patterns.
    EmptyHashes(String),
    /// Others do.
    EmptyHash(String),
}

pub fn check(caches: &JobCaches<'_>) -> Option<Finding> {
    let mut places = Vec::new();
    let mut first: Option<(&ExistingCache<'_>, KeyFlaw)> = None;
    for cached in caches.list.iter().filter(|c| c.step.key.is_some() && !c.step.template.broken) {
        let Some(flaw) = flaw(caches, cached) else { continue };
        let label = match &flaw {
            KeyFlaw::NoHash => "never changes".to_owned(),
            KeyFlaw::EmptyHashes(patterns) | KeyFlaw::EmptyHash(patterns) => {
                format!("no tracked file matches {patterns}")
            }
        };
        places.push(CachePlace { cached, span: caches.input_span(cached, "key"), label });
        first.get_or_insert((cached, flaw));
    }
    let (_, flaw) = first?;
    let message = match &flaw {
        KeyFlaw::NoHash => {
            "the cache key never changes, so the environments of the first run are reused from then on"
                .to_owned()
        }
        KeyFlaw::EmptyHashes(patterns) => {
            format!(
                "no tracked file matches {patterns}, so `hashFiles` is always empty and the key never changes"
            )
        }
        KeyFlaw::EmptyHash(patterns) => {
            format!(
                "no tracked file matches {patterns}, so this `hashFiles` is always empty"
            )
        }
    };
    let help = "Once a key exists, its cache is never overwritten. Hash the files that define the \
         environments (the noxfile) and those that say what is installed. Paths are relative to \
         the workspace."
        .to_owned();
    let remedy = Remedy::RewriteKey { caches: steps(&places) };
    let mut finding = CacheReport { rule: ID, message, help, remedy }.finding(caches, &places)?;
    if matches!(flaw, KeyFlaw::EmptyHash(_)) {
        finding.severity = Severity::Warning;
    }
    Some(finding)
}

fn flaw(caches: &JobCaches<'_>, cached: &ExistingCache<'_>) -> Option<KeyFlaw> {
    let key = &cached.step.template;
    let empty = |hash: &Hash| {
        hashed::matches(caches.context, cached.timeline, cached.event, hash) == Answer::No
    };
    let follows = |piece: &KeyPiece| match piece.hashes.as_slice() {
        [] => !piece.is_fixed(),
        hashes => !hashes.iter().all(empty),
    };
    let empty_hash = key.hashes().find(|h| empty(h)).map(named);
    match (key.pieces.iter().any(follows), empty_hash) {
        (false, Some(patterns)) => Some(KeyFlaw::EmptyHashes(patterns)),
        (false, None) => Some(KeyFlaw::NoHash),
        (true, Some(patterns)) => Some(KeyFlaw::EmptyHash(patterns)),
        (true, None) => None,
    }
}

fn named(hash: &Hash) -> String {
    let patterns: Vec<String> = hash.patterns.iter().flatten().map(|p| format!("`{p}`")).collect();
    patterns.join(", ")
}
