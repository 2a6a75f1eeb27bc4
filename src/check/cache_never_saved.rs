//! `nox/cache-never-saved`: does any step save what a restoring step looks for?

use super::report::{CachePlace, CacheReport};
use crate::base::finding::Finding;
use crate::base::remedy::Remedy;
use crate::cache::all_jobs::Saver;
use crate::cache::existing::ExistingCache;
use crate::cache::job_caches::JobCaches;
use crate::job::context::touches_folder;
use crate::job::key_template::RenderedKey;
use crate::job::{CacheForm, CacheStep, Event};
use crate::rules::checks::{self, id};
use crate::rules::forges::forges;

const ID: &str = id::CACHE_NEVER_SAVED;
/// Events whose runs read the caches of their pull request.
const OF_PULL_REQUESTS: [&str; 3] =
    ["pull_request", "pull_request_review", "pull_request_review_comment"];
/// The forge where no run of another branch reads them.
const ISOLATING: &str = "GitHub";

pub fn check(caches: &JobCaches<'_>) -> Option<Finding> {
    let mut places = Vec::new();
    let mut first: Option<&'static str> = None;
    for cached in caches.list {
        let Some(why) = never_saved(caches, cached) else { continue };
        places.push(CachePlace { cached, span: cached.event.span, label: why.to_owned() });
        first.get_or_insert(why);
    }
    let why = first?;
    let report = CacheReport {
        rule: ID,
        message: format!(
            "job `{}` restores a cache that is never saved: {why}",
            caches.context.name
        ),
        help: checks::help(ID),
        remedy: Remedy::Refused("cachelint can't tell which step should save it".to_owned()),
    };
    report.finding(caches, &places)
}

fn never_saved(caches: &JobCaches<'_>, cached: &ExistingCache<'_>) -> Option<&'static str> {
    if cached.step.form != CacheForm::Restore {
        return None;
    }
    // Whoever says that the cache must be there knows of something that saves it.
    if cached.step.must_hit && caches.jobs.may_save_unseen {
        return None;
    }
    let savers = caches.jobs.savers_of(cached.step)?;
    if savers.is_empty() {
        return Some(match caches.jobs.is_saved_in_another_order(cached.step) {
            true => "the step that saves it lists the paths in another order",
            false => "no step saves this path",
        });
    }
    let triggers = &caches.context.instances.triggers;
    // Only GitHub keeps the caches of a pull request to itself.
    let is_shared = forges().of(&caches.context.document().path).name != ISOLATING;
    let for_pull_requests = is_shared
        || triggers.is_empty()
        || triggers.iter().any(|t| OF_PULL_REQUESTS.contains(&t.event.as_str()));
    let (mut same_spelling, mut found, mut readable) = (false, false, false);
    for saver in savers.iter().filter(|saver| written(saver.step).eq(written(cached.step))) {
        same_spelling = true;
        if !may_find(cached, saver) {
            continue;
        }
        found = true;
        let is_readable = for_pull_requests || !saver.for_pull_requests_only;
        if is_readable && !is_saved_early(cached, saver.step) {
            return None;
        }
        readable |= is_readable;
    }
    Some(match (same_spelling, found, readable) {
        (false, ..) => "the step that saves it spells the path differently",
        (true, false, _) => "it is saved under a different key",
        (true, true, false) => "only pull requests save it, and no other run can read their caches",
        (true, true, true) => "it is saved before nox has built anything",
    })
}

/// Whether `saver` is a step of the same job that saves before any call that fills the folder.
fn is_saved_early(cached: &ExistingCache<'_>, saver: &CacheStep) -> bool {
    let events = &cached.timeline.events;
    let at = events.iter().position(|e| e.cache().is_some_and(|step| std::ptr::eq(step, saver)));
    let fills = |e: &Event| {
        e.invocation().is_some_and(touches_folder) || e.arrival().is_some() || e.gate.is_some()
    };
    saver.form == CacheForm::Save
        && at.is_some_and(|at| !events[..at].iter().any(fills) && events[at..].iter().any(fills))
}

fn written(step: &CacheStep) -> impl Iterator<Item = &str> {
    step.paths.iter().map(|p| p.written.as_str())
}

/// The text up to the first expression.
fn literal(text: &str) -> &str {
    text.split("${{").next().unwrap_or_default()
}

/// Whether the restoring step may find what `saver` saves.
fn may_find(cached: &ExistingCache<'_>, saver: &Saver<'_>) -> bool {
    let (saved, saver) = (&saver.rendered, saver.step);
    let given = saver.key.as_ref().is_some_and(|key| key.text.contains("outputs."));
    let same_text =
        saver.key.as_ref().zip(cached.step.key.as_ref()).is_some_and(|(a, b)| a.text == b.text);
    let by_prefix = |restored: &RenderedKey| saved.text.starts_with(&restored.text);
    let unknown = !saved.complete || !cached.rendered.complete;
    let unlike = {
        let (a, b) = (literal(&saved.text), literal(&cached.rendered.text));
        !a.starts_with(b) && !b.starts_with(a)
    };
    given
        || same_text
        || by_prefix(&cached.rendered)
        || cached.step.restore_templates.iter().any(|t| by_prefix(&t.rendered()))
        || (unknown && !unlike)
}
