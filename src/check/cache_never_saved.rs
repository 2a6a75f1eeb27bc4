//! `nox/cache-never-saved`: does any step save what a restoring step looks for?

use super::report::{CachePlace, CacheReport};
use crate::base::finding::Finding;
use crate::base::remedy::Remedy;
use crate::cache::existing::ExistingCache;
use crate::cache::job_caches::JobCaches;
use crate::job::context::touches_folder;
use crate::job::key_template::RenderedKey;
use crate::job::{CacheForm, CacheStep, Event};
use crate::rules::checks::{self, id};

const ID: &str = id::CACHE_NEVER_SAVED;

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
    if cached.step.form != CacheForm::Restore || cached.step.must_hit {
        return None;
    }
    let timelines = caches.jobs.contexts.iter().flat_map(|s| &s.timelines);
    let savers: Vec<&CacheStep> = timelines
        .flat_map(|t| t.caches())
        .map(|(_, step)| step)
        .filter(|step| step.form != CacheForm::Restore)
        .collect();
    if savers.iter().flat_map(|s| &s.paths).any(|p| !p.known) {
        return None;
    }
    let same_folder = |step: &&&CacheStep| folders(step) == folders(cached.step);
    let here: Vec<&&CacheStep> = savers.iter().filter(same_folder).collect();
    if here.is_empty() {
        return Some("no step saves this path");
    }
    let same_spelling = |step: &&&&CacheStep| written(step) == written(cached.step);
    let here: Vec<&&&CacheStep> = here.iter().filter(same_spelling).collect();
    if here.is_empty() {
        return Some("the step that saves it spells the path differently");
    }
    let here: Vec<&CacheStep> = here.into_iter().map(|step| **step).collect();
    let found: Vec<&CacheStep> = here.into_iter().filter(|step| may_find(cached, step)).collect();
    if found.is_empty() {
        return Some("it is saved under a different key");
    }
    let early = |step: &&CacheStep| is_saved_early(cached, step);
    found.iter().all(early).then_some("it is saved before nox has built anything")
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

fn folders(step: &CacheStep) -> Vec<&str> {
    step.paths.iter().map(|p| p.folder.as_deref().unwrap_or(&p.written)).collect()
}

fn written(step: &CacheStep) -> Vec<&str> {
    step.paths.iter().map(|p| p.written.as_str()).collect()
}

/// Whether the restoring step may find what `saver` saves.
fn may_find(cached: &ExistingCache<'_>, saver: &CacheStep) -> bool {
    let saved = saver.template.rendered();
    let given = saver.key.as_ref().is_some_and(|key| key.text.contains("outputs."));
    let same_text =
        saver.key.as_ref().zip(cached.step.key.as_ref()).is_some_and(|(a, b)| a.text == b.text);
    let by_prefix = |restored: &RenderedKey| saved.text.starts_with(&restored.text);
    let unknown = !saved.complete || !cached.rendered.complete;
    let literal = |text: &str| text.split("${{").next().unwrap_or_default().to_owned();
    let unlike = {
        let (a, b) = (literal(&saved.text), literal(&cached.rendered.text));
        !a.starts_with(&b) && !b.starts_with(&a)
    };
    given
        || same_text
        || by_prefix(&cached.rendered)
        || cached.step.restore_templates.iter().any(|t| by_prefix(&t.rendered()))
        || (unknown && !unlike)
}
