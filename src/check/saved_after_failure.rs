//! `nox/saved-after-failure`: are environments saved although building them may have failed?

use super::report::{CachePlace, CacheReport};
use crate::base::finding::Finding;
use crate::base::remedy::Remedy;
use crate::cache::existing::ExistingCache;
use crate::cache::job_caches::JobCaches;
use crate::job::context::touches_folder;
use crate::job::{CacheForm, Event};
use crate::rules::checks::{self, id};

const ID: &str = id::SAVED_AFTER_FAILURE;

/// Functions of an `if:` that let a step run after a failure.
const AFTER_FAILURE: [&str; 3] = ["always()", "failure()", "!cancelled()"];
/// Commands that succeed whatever failed before them.
const SUCCEEDS: [&str; 4] = ["true", ":", "echo", "exit 0"];
/// What after such a command may let the step fail all the same.
const FAILS: [&str; 5] = ["exit", "false", "&&", ";", "\\"];

/// Why a step saves after a failure.
enum SaveReason {
    /// This function of its `if:`.
    Condition(&'static str),
    /// These words before it hide the failure.
    Hidden(String),
}

pub fn check(caches: &JobCaches<'_>) -> Option<Finding> {
    let mut places = Vec::new();
    let mut first = None;
    // A key that is new in every run is never found again as it is.
    let once = |c: &&ExistingCache<'_>| c.step.template.pieces.iter().any(|p| p.is_unique());
    let restoring = caches.list.iter().filter(|c| c.step.form != CacheForm::Save);
    for cached in restoring.filter(|c| !once(c)) {
        for (event, _) in caches.savers(cached) {
            let Some(step) = caches.step_at(event.step_ref) else { continue };
            let text = step.condition.as_ref().map_or("", |c| c.text.as_str());
            // It asks whether the nox step succeeded: then it saves only complete environments.
            if text.contains(".outcome") || text.contains(".conclusion") {
                continue;
            }
            let mut installs = installs_before(cached, event);
            if installs.any(|install| asks_for(caches, install, text)) {
                continue;
            }
            let plain = text.replace(' ', "");
            let asked = AFTER_FAILURE.into_iter().find(|f| plain.contains(f));
            let hidden = || ignored_before(caches, cached, event).map(SaveReason::Hidden);
            let Some(why) = asked.map(SaveReason::Condition).or_else(hidden) else { continue };
            let label = match &why {
                SaveReason::Condition(function) => {
                    format!("`{function}` also saves after a failure")
                }
                SaveReason::Hidden(words) => {
                    format!("`{words}` lets the job go on to this step after a failure")
                }
            };
            places.push(CachePlace { cached, span: event.span, label });
            first.get_or_insert(why);
        }
    }
    let message = match first? {
        SaveReason::Condition(function) => format!(
            "`if: {function}` also saves environments that a failed install left incomplete"
        ),
        SaveReason::Hidden(words) => format!(
            "`{words}` hides failures of nox, so environments are also saved that a failed install \
             left incomplete"
        ),
    };
    let report = CacheReport {
        rule: ID,
        message,
        help: checks::help(ID),
        remedy: Remedy::Refused("cachelint can't tell when this step is meant to save".to_owned()),
    };
    report.finding(caches, &places)
}

/// The calls between the step that restores and the one that saves that may leave incomplete
/// environments.
fn installs_before<'c>(
    cached: &ExistingCache<'c>,
    saver: &'c Event,
) -> impl Iterator<Item = &'c Event> {
    let events = &cached.timeline.events[cached.position..];
    let before = events.iter().take_while(move |event| !std::ptr::eq(*event, saver));
    before.filter(|event| {
        event.invocation().is_some_and(|call| touches_folder(call) && !call.run.installs_skipped)
    })
}

/// Whether an `if:` asks for what the step of a call says of it: an output or a variable.
fn asks_for(caches: &JobCaches<'_>, install: &Event, condition: &str) -> bool {
    let id = caches.step_at(install.step_ref).and_then(|step| step.id.as_ref());
    let says = |file: &str| rest_of_line(caches, install).is_some_and(|rest| rest.contains(file));
    id.is_some_and(|id| condition.contains(&format!("steps.{}.", id.text)))
        || (condition.contains("env.") && says("GITHUB_ENV"))
}

/// What follows a call on its line.
fn rest_of_line<'a>(caches: &JobCaches<'a>, call: &Event) -> Option<&'a str> {
    caches.document_of(call.step_ref).text.as_str().get(call.span.end..)?.lines().next()
}

/// What hides a failure of a call between the step that restores and the one that saves.
fn ignored_before(
    caches: &JobCaches<'_>,
    cached: &ExistingCache<'_>,
    saver: &Event,
) -> Option<String> {
    installs_before(cached, saver).find_map(|event| {
        let step = caches.step_at(event.step_ref)?;
        if step.continues.as_ref().is_some_and(|continues| continues.text == "true") {
            return Some("continue-on-error: true".to_owned());
        }
        let after = rest_of_line(caches, event)?.trim_start_matches(' ').strip_prefix("||")?;
        let (word, rest) = SUCCEEDS
            .iter()
            .find_map(|word| Some((word, after.trim_start().strip_prefix(word)?)))?;
        let goes_on = !FAILS.iter().any(|part| rest.contains(part));
        goes_on.then(|| format!("|| {word}"))
    })
}
