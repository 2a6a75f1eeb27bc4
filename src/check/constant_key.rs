//! `nox/constant-key`: does the key change when what is built changes?

use super::report::{Place, Report};
use crate::base::finding::{Finding, Severity};
use crate::base::remedy::Remedy;
use crate::cache::audit::CacheAudit;
use crate::cache::existing::ExistingCache;
use crate::cache::hashed;
use crate::job::key_template::{Hash, Piece};
use crate::tool::Answer;

pub const ID: &str = "nox/constant-key";

/// What keeps a key from changing.
#[derive(Clone, PartialEq)]
enum Flaw {
    NoHash,
    /// No hash matches anything; the first patterns.
    EmptyHashes(String),
    /// Others do.
    EmptyHash(String),
}

pub fn check(audit: &CacheAudit<'_>) -> Option<Finding> {
    let mut places = Vec::new();
    let mut first: Option<(&ExistingCache<'_>, Flaw)> = None;
    for cached in audit.caches.iter().filter(|c| c.step.key.is_some() && !c.step.template.broken) {
        let Some(flaw) = flaw(audit, cached) else { continue };
        let label = match &flaw {
            Flaw::NoHash => "never changes".to_owned(),
            Flaw::EmptyHashes(patterns) | Flaw::EmptyHash(patterns) => {
                format!("no tracked file matches {patterns}")
            }
        };
        places.push(Place { cached, span: audit.input_span(cached, "key"), label });
        first.get_or_insert((cached, flaw));
    }
    let (cached, flaw) = first?;
    let message = match &flaw {
        Flaw::NoHash => {
            "the cache key never changes, so the environments of the first run are reused from then on"
                .to_owned()
        }
        Flaw::EmptyHashes(patterns) => {
            format!(
                "no tracked file matches {patterns}, so `hashFiles` is always empty and the key never changes"
            )
        }
        Flaw::EmptyHash(patterns) => {
            format!(
                "no tracked file matches {patterns}, so `hashFiles` of it is always empty"
            )
        }
    };
    let help =
        "A cache is never overwritten once its key exists. Hash the files that define the environments (the \
                noxfile) and those that say what is installed; the paths are relative to the workspace."
            .to_owned();
    let remedy = Remedy::RewriteKey { cache: cached.index };
    let mut finding = Report { rule: ID, message, help, remedy }.finding(audit, &places)?;
    if matches!(flaw, Flaw::EmptyHash(_)) {
        finding.severity = Severity::Warning;
    }
    Some(finding)
}

fn flaw(audit: &CacheAudit<'_>, cached: &ExistingCache<'_>) -> Option<Flaw> {
    let key = &cached.step.template;
    let empty = |hash: &Hash| {
        hashed::matches(audit.subject, cached.timeline, cached.event, hash) == Answer::No
    };
    let follows = |piece: &Piece| match piece.hashes.as_slice() {
        [] => !piece.is_fixed(),
        hashes => !hashes.iter().all(empty),
    };
    let empty_hash = key.hashes().find(|h| empty(h)).map(named);
    match (key.pieces.iter().any(follows), empty_hash) {
        (false, Some(patterns)) => Some(Flaw::EmptyHashes(patterns)),
        (false, None) => Some(Flaw::NoHash),
        (true, Some(patterns)) => Some(Flaw::EmptyHash(patterns)),
        (true, None) => None,
    }
}

fn named(hash: &Hash) -> String {
    let patterns: Vec<String> = hash.patterns.iter().flatten().map(|p| format!("`{p}`")).collect();
    patterns.join(", ")
}
