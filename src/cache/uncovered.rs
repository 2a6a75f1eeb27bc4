//! The calls of a job that build environments although no cache restores them.

use std::collections::BTreeMap;

use crate::cache::existing::holds;
use crate::cache::supplied::{supplied, uses_what_is_there};
use crate::job::context::{JobContext, cacheable, is_meant_for, touches_folder};
use crate::job::{CacheStep, Event, EventKind, Invocation, StepRef, Timeline};

/// A call of the tool on one instance.
#[derive(Debug, Clone, Copy)]
pub struct UncoveredCall<'t> {
    pub timeline: &'t Timeline,
    pub event: &'t Event,
    pub invocation: &'t Invocation,
}

/// What no cache covers.
#[derive(Debug, Default)]
pub struct Uncovered<'t> {
    /// The cacheable calls, instance by instance, in order.
    pub calls: Vec<UncoveredCall<'t>>,
    /// Some other instance of the job has a cache.
    pub covered_elsewhere: bool,
    /// A cache step is there that only asks whether its key exists.
    pub looked_up: bool,
}

impl<'t> Uncovered<'t> {
    pub fn of(context: &'t JobContext<'_>) -> Self {
        let mut found = Self::default();
        for timeline in &context.timelines {
            let folders: Vec<String> =
                cacheable(timeline).flat_map(|(_, call)| call.folders.iter().cloned()).collect();
            let covers = |step: &CacheStep| {
                is_meant_for(step, &folders)
                    || holds(step, &folders)
                    || restores_a_session(step, timeline)
            };
            let there = supplied(context, timeline).is_some()
                && cacheable(timeline).all(|(_, call)| uses_what_is_there(call));
            if there {
                continue;
            }
            let restores = |event: &Event, step: &CacheStep| {
                // What runs only without a hit needs no more than the answer.
                let mut calls = cacheable(timeline);
                !step.only_looks_up() || calls.all(|(call, _)| !call.happens_on_hit(event.step_ref))
            };
            let mut covering = timeline.caches().filter(|(_, step)| covers(step)).peekable();
            let is_there = covering.peek().is_some();
            if covering.any(|(event, step)| restores(event, step)) {
                found.covered_elsewhere = true;
            } else {
                found.looked_up |= is_there;
                let calls = cacheable(timeline);
                found.calls.extend(calls.map(|(event, invocation)| UncoveredCall {
                    timeline,
                    event,
                    invocation,
                }));
            }
        }
        found
    }

    /// Where a cache step goes: before the job's first call, or inside the composite action that
    /// sets up the interpreter.
    pub fn step_ref(&self) -> Result<StepRef, String> {
        let mut targets: BTreeMap<(usize, Option<usize>), StepRef> = BTreeMap::new();
        let calls = self.touching();
        let only = only_action(&calls);
        for UncoveredCall { timeline, event, .. } in calls {
            let inside = event.step_ref.document != event.outer.document
                && timeline.events.iter().any(|e| {
                    matches!(e.kind, EventKind::Interpreter(_) | EventKind::Checkout { .. })
                        && e.step_ref.document == event.step_ref.document
                        && e.outer == event.outer
                        && e.step_ref.step < event.step_ref.step
                });
            let inside = inside || only == Some(event.step_ref.document);
            let step_ref = if inside { event.step_ref } else { event.outer };
            let first = targets.entry((step_ref.document, step_ref.job)).or_insert(step_ref);
            *first = (*first).min(step_ref);
        }
        let mut found = targets.into_values();
        match (found.next(), found.next()) {
            (Some(step_ref), None) => Ok(step_ref),
            _ => Err("nox runs in several actions that set up their own interpreters".to_owned()),
        }
    }

    /// Every call on these instances that puts anything into the folder, also one whose environment
    /// stays empty: a cache must be restored before all of them.
    pub fn touching(&self) -> Vec<UncoveredCall<'t>> {
        let mut seen: Vec<&Timeline> = Vec::new();
        let mut calls = Vec::new();
        for UncoveredCall { timeline, .. } in &self.calls {
            if seen.last().is_some_and(|last| std::ptr::eq(*last, *timeline)) {
                continue;
            }
            seen.push(timeline);
            let touching = timeline.invocations().filter(|(_, call)| touches_folder(call));
            calls.extend(touching.map(|(event, invocation)| UncoveredCall {
                timeline,
                event,
                invocation,
            }));
        }
        calls
    }
}

/// The action in which all of these calls stand, where each instance uses it in one step.
fn only_action(calls: &[UncoveredCall<'_>]) -> Option<usize> {
    let first = calls.first()?.event.step_ref.document;
    let stands_in = |call: &UncoveredCall<'_>| {
        let used_once = calls
            .iter()
            .filter(|other| std::ptr::eq(other.timeline, call.timeline))
            .all(|other| other.event.outer == call.event.outer);
        let event = call.event;
        event.step_ref.document == first && event.outer.document != first && used_once
    };
    calls.iter().all(stands_in).then_some(first)
}

/// Whether a cache step restores the environment of a single session (`.nox/tests`).
fn restores_a_session(step: &CacheStep, timeline: &Timeline) -> bool {
    let restores = |path: &str| step.paths.iter().any(|p| p.folder.as_deref() == Some(path));
    cacheable(timeline).any(|(_, call)| {
        let sessions = call.run.sessions.iter().filter_map(|s| s.folder.as_ref());
        sessions
            .flat_map(|session| call.folders.iter().map(move |f| format!("{f}/{session}")))
            .any(|path| restores(&path))
    })
}
