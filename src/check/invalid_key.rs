//! `nox/invalid-key`: does the cache service accept the key on every leg?

use super::report::{CachePlace, CacheReport, steps};
use crate::base::finding::Finding;
use crate::base::remedy::Remedy;
use crate::cache::existing::ExistingCache;
use crate::cache::job_caches::JobCaches;
use crate::job::key_template::{HASH_CHARS, Key};
use crate::rules::cache_actions::cache_actions;
use crate::rules::checks::{self, id};

const ID: &str = id::INVALID_KEY;

pub fn check(caches: &JobCaches<'_>) -> Option<Finding> {
    let mut places = Vec::new();
    let mut first: Option<(&ExistingCache<'_>, String)> = None;
    for cached in caches.list {
        let Some((input, reason)) = refused(cached) else { continue };
        places.push(CachePlace {
            cached,
            span: caches.input_span(cached, input),
            label: reason.clone(),
        });
        first.get_or_insert((cached, reason));
    }
    let (_, reason) = first?;
    let report = CacheReport {
        rule: ID,
        message: format!("the cache action rejects the key, so the job fails: {reason}"),
        help: checks::help(ID),
        remedy: Remedy::RewriteKey { caches: steps(&places) },
    };
    report.finding(caches, &places)
}

/// What is refused, and the input it is in.
fn refused(cached: &ExistingCache<'_>) -> Option<(&'static str, String)> {
    let limits = &cache_actions().limits;
    let restore = &cached.step.restore_templates;
    if restore.len() + 1 > limits.keys {
        return Some((
            "restore-keys",
            format!("there are {} keys, but only {} are allowed", restore.len() + 1, limits.keys),
        ));
    }
    let own = std::iter::once(("key", &cached.step.template));
    own.chain(restore.iter().map(|k| ("restore-keys", k))).find_map(|(input, key)| {
        if key.known_text().contains(&limits.forbidden) {
            return Some((input, "it contains a comma".to_owned()));
        }
        let length = least_length(key);
        (length > limits.key_characters)
            .then(|| (input, format!("it is longer than {} characters", limits.key_characters)))
    })
}

/// The key is at least this long.
fn least_length(key: &Key) -> usize {
    let hashes = key.pieces.iter().filter(|p| p.text.is_none() && p.is_hash()).count();
    key.known_text().chars().count() + hashes * HASH_CHARS
}
