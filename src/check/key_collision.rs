//! `nox/key-collision`: can instances that build different environments share a key?

use std::collections::BTreeSet;

use super::report::{CachePlace, CacheReport, steps};
use crate::base::finding::Finding;
use crate::base::remedy::Remedy;
use crate::cache::existing::ExistingCache;
use crate::cache::hashed;
use crate::cache::job_caches::JobCaches;
use crate::job::CacheForm;
use crate::job::context::JobContext;
use crate::rules::checks::id;

const ID: &str = id::KEY_COLLISION;
/// The most caches that are compared pair by pair; any others aren't compared.
const MAX_COMPARED: usize = 512;

/// Who shares a key with a cache.
struct Rival {
    /// The job, and its file where that is another one; `None` for a leg of the same job.
    job: Option<String>,
    difference: &'static str,
}

pub fn check(caches: &JobCaches<'_>) -> Option<Finding> {
    let candidates = caches.list.iter().filter(|c| c.step.key.is_some() && c.rendered.complete);
    let own: Vec<&ExistingCache<'_>> =
        candidates.filter(|c| is_sure(caches.context, c)).take(MAX_COMPARED).collect();
    let mut places = Vec::new();
    let mut first: Option<(&ExistingCache<'_>, Rival)> = None;
    let mut asked: BTreeSet<&str> = BTreeSet::new();
    for (position, cached) in own.iter().enumerate() {
        let others = own[position + 1..]
            .iter()
            .filter(|other| !std::ptr::eq(cached.timeline, other.timeline));
        let among = others
            .filter(|other| collide(cached, other))
            .find_map(|other| Some(Rival { job: None, difference: difference(cached, other)? }));
        let found = match among {
            Some(rival) => Some(rival),
            None if asked.insert(&cached.rendered.text) => elsewhere(caches, cached),
            None => None,
        };
        let Some(rival) = found else { continue };
        let label = match &rival.job {
            None => format!("shared by matrix legs that {}", rival.difference),
            Some(job) => format!("shared with {job}"),
        };
        places.push(CachePlace { cached, span: caches.input_span(cached, "key"), label });
        first.get_or_insert((cached, rival));
    }
    let (_, rival) = first?;
    let message = match &rival.job {
        None => format!(
            "matrix legs of `{}` share one cache key, but {}",
            caches.context.name, rival.difference
        ),
        Some(job) => format!(
            "jobs `{}` and {job} share one cache key, but {}",
            caches.context.name, rival.difference
        ),
    };
    let help =
        "A key is saved once, so whichever saves first decides what all the others restore. Add \
         to the key what differs between them."
            .to_owned();
    let remedy = Remedy::RewriteKey { caches: steps(&places) };
    CacheReport { rule: ID, message, help, remedy }.finding(caches, &places)
}

/// A job elsewhere in the repository that shares the key.
fn elsewhere(caches: &JobCaches<'_>, cached: &ExistingCache<'_>) -> Option<Rival> {
    let others = caches
        .jobs
        .under(&cached.rendered)
        .filter(|(other, _)| other.job_ref != caches.context.job_ref);
    let mut rivals = others.filter_map(|(other, theirs)| {
        let difference = difference(cached, theirs).filter(|_| theirs.step.key.is_some())?;
        (collide(cached, theirs) && is_sure(other, theirs)).then_some((other, difference))
    });
    let (other, difference) = rivals.next()?;
    let path = &other.document().path;
    let here = other.job_ref.document == caches.context.job_ref.document;
    let file = if here { String::new() } else { format!(" of `{path}`") };
    Some(Rival { job: Some(format!("`{}`{file}", other.name)), difference })
}

/// What certainly differs in what they build. A step that only restores is there for the cache of
/// another job: it takes the sessions that it needs from those that the other saved.
fn difference(a: &ExistingCache<'_>, b: &ExistingCache<'_>) -> Option<&'static str> {
    if [a, b].iter().any(|cached| cached.step.form == CacheForm::Restore) {
        return a.builds.difference_of_session(&b.builds);
    }
    a.builds.difference(&b.builds)
}

/// `env.pythonLocation` ends with the processor, so it differs where the runners' processors do.
fn is_told_by_location(a: &ExistingCache<'_>, b: &ExistingCache<'_>) -> bool {
    let location = |path: &String| path == "env.pythonlocation";
    let named = a.step.template.pieces.iter().any(|piece| piece.paths.iter().any(location));
    let is_arm = |c: &ExistingCache<'_>| c.builds.runner.as_ref().map(|r| r.contains("arm"));
    named && is_arm(a).is_some() && is_arm(b).is_some() && is_arm(a) != is_arm(b)
}

fn collide(a: &ExistingCache<'_>, b: &ExistingCache<'_>) -> bool {
    a.rendered.is_same(&b.rendered)
        && !is_told_by_location(a, b)
        && a.builds.shares_caches_with(&b.builds)
        && a.identity().is_some_and(|own| b.identity().is_some_and(|other| own == other))
}

/// Files that a step writes may differ from job to job: only hashes of tracked files are the same
/// everywhere.
fn is_sure(context: &JobContext<'_>, cached: &ExistingCache<'_>) -> bool {
    let known = |h: &&crate::job::key_template::Hash| h.patterns.is_some();
    let mut hashes = cached.step.template.hashes().filter(known);
    hashes.all(|h| !hashed::is_written(context, cached.timeline, cached.event, h))
}
