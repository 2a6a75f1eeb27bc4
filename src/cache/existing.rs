//! The caches a job already has for its environments.

use std::collections::HashSet;
use std::sync::Arc;

use super::builds::Builds;
use crate::base::glob::Pattern;
use crate::job::context::{JobContext, is_cacheable, is_meant_for, touches_folder};
use crate::job::event::CachedPath;
use crate::job::folder::Removal;
use crate::job::key_template::RenderedKey;
use crate::job::{CacheForm, CacheStep, Event, Invocation, Timeline};
use crate::tool::{Reuse, known_folder};

/// A step that restores environments, on one instance.
pub struct ExistingCache<'a> {
    /// Among the caches of the job.
    pub index: usize,
    pub timeline: &'a Timeline,
    /// Of the event in the timeline.
    pub position: usize,
    pub event: &'a Event,
    pub step: &'a CacheStep,
    /// Shared by the caches of the instance.
    pub builds: Arc<Builds>,
    pub rendered: RenderedKey,
}

impl<'a> ExistingCache<'a> {
    /// The calls after the step, in order.
    pub fn calls_after(&self) -> impl Iterator<Item = (&'a Event, &'a Invocation)> + use<'a> {
        self.timeline.events[self.position..].iter().filter_map(|e| Some((e, e.invocation()?)))
    }

    /// The calls before the step, in order.
    pub fn calls_before(&self) -> impl Iterator<Item = (&'a Event, &'a Invocation)> + use<'a> {
        self.timeline.events[..self.position].iter().filter_map(|e| Some((e, e.invocation()?)))
    }

    /// The calls after the step that build in its folder, although it found its exact key, without
    /// reusing what is there.
    pub fn wasted_on(&self) -> impl Iterator<Item = (&'a Event, &'a Invocation)> + use<'a> {
        let (step, step_ref) = (self.step, self.event.step_ref);
        self.calls_after().filter(move |(event, call)| {
            let mixed = call.run.reuse == Reuse::Mixed && call.run.reuse_refused.is_none();
            event.happens_on_hit(step_ref)
                && is_cacheable(call)
                && (call.run.reuse == Reuse::Off || mixed)
                && is_meant_for(step, &call.folders)
        })
    }

    /// Whenever the step runs, the call runs, too; a call that waits for an exact hit, whenever
    /// there is one.
    pub fn runs_with(&self, call: &Event, invocation: &Invocation) -> bool {
        let gated = call.gate.is_some_and(|gate| gate.cache == self.event.step_ref);
        !invocation.conditional
            && (call.condition.is_none() || gated || call.condition == self.event.condition)
    }

    /// The first call that uses the restored folder after an exact hit.
    pub fn first_on_hit(&self) -> Option<(&'a Event, &'a Invocation)> {
        self.calls_after()
            .find(|(e, call)| self.is_used_by(call) && e.happens_on_hit(self.event.step_ref))
    }

    /// The first call that uses what a restore key brought as it is; `None` where no key but the
    /// exact one restores anything, and where the environments are removed or rebuilt unless
    /// the hit was exact.
    pub fn first_on_partial_hit(&self) -> Option<(&'a Event, &'a Invocation)> {
        if self.step.restore_templates.is_empty() {
            return None;
        }
        let step_ref = self.event.step_ref;
        let after = self.timeline.events[self.position..].iter();
        let mut removed: Vec<&Removal> = Vec::new();
        for event in after.filter(|e| e.happens_without_hit(step_ref)) {
            removed.extend(event.removal());
            let Some(call) = event.invocation().filter(|call| self.is_used_by(call)) else {
                continue;
            };
            let is_gone = |folder: &String| removed.iter().any(|removal| removal.takes(folder));
            let is_kept = call.run.reuse != Reuse::Off && !call.folders.iter().all(is_gone);
            return is_kept.then_some((event, call));
        }
        None
    }

    /// Whether a restore key brings packages only: the environments are removed or rebuilt
    /// unless the hit was exact.
    pub fn is_rebuilt_on_partial_hit(&self) -> bool {
        !self.step.restore_templates.is_empty() && self.first_on_partial_hit().is_none()
    }

    /// Whether every call after the step that builds environments also removes from them what is no
    /// longer wanted: only then may it install into an older one. False if no call builds any.
    pub fn is_installed_exactly(&self) -> bool {
        let mut calls = self.calls_after().filter(|(_, c)| is_cacheable(c)).peekable();
        calls.peek().is_some() && calls.all(|(_, c)| c.run.exact_installer)
    }

    /// Whether the call puts something into a folder that the step restores.
    fn is_used_by(&self, call: &Invocation) -> bool {
        let restored = |folder: &String| self.step.paths.iter().any(|path| covers(path, folder));
        touches_folder(call) && call.folders.iter().any(restored)
    }

    /// The `path` lines, which are part of a cache's identity, in a form in which equal ones are
    /// equal; `None` where two instances may have different ones all the same.
    pub fn identity(&self) -> Option<Vec<&'a str>> {
        self.step.paths.iter().map(CachedPath::identity).collect()
    }

    /// The lines of `restore-keys` that are not empty.
    pub fn restore_lines(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let written = self.step.restore_keys.iter().flat_map(|s| s.text.lines());
        written.map(str::trim).filter(|line| !line.is_empty())
    }
}

/// Whether `path` lies below `folder`.
fn lies_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether a line of `path` restores the environments in `folder`.
pub fn covers(path: &CachedPath, folder: &str) -> bool {
    let written = path.folder.as_deref().unwrap_or(&path.written);
    if written.is_empty() || written == folder || lies_below(folder, written) {
        return true;
    }
    // What is restored is the folder itself, a folder around it, or everything in it.
    written.contains(['*', '?', '['])
        && Pattern::parse(written).is_ok_and(|p| {
            let inside = ["", "/tests", "/tests/bin"].map(|path| format!("{folder}{path}"));
            !p.negated && inside.iter().any(|path| p.matches(path))
        })
}

/// Whether a cache step restores one of these folders whatever it was meant for: with a folder
/// around it, or by a pattern.
pub fn holds(step: &CacheStep, folders: &[String]) -> bool {
    let held = |folder: &String| {
        let left_out = |path: &CachedPath| {
            let inside = path.written.strip_prefix('!').map(|p| p.trim_start_matches("./"));
            inside.is_some_and(|path| path.trim_end_matches(['/', '*']) == folder)
        };
        step.paths.iter().any(|path| path.known && covers(path, folder))
            && !step.paths.iter().any(left_out)
    };
    step.form != CacheForm::Save && folders.iter().any(held)
}

/// A line of `path` that was meant for one of these folders.
pub fn is_named_like(path: &CachedPath, folders: &[String]) -> bool {
    let name = |text: &str| {
        text.trim_end_matches(['/', '*']).rsplit(['/', '\\']).next().map(str::to_owned)
    };
    let own = name(path.folder.as_deref().unwrap_or(&path.written));
    folders.iter().any(|f| name(f) == own)
}

/// The environment folders of the calls on one instance, each once.
pub fn folders(timeline: &Timeline) -> Vec<String> {
    let calls = timeline.invocations().filter(|(_, i)| touches_folder(i));
    let mut seen = HashSet::new();
    let folders = calls.flat_map(|(_, i)| &i.folders).filter(|folder| seen.insert(*folder));
    folders.cloned().collect()
}

/// The steps of one job that restore environments, on every instance.
pub fn caches<'a>(context: &'a JobContext<'_>) -> Vec<ExistingCache<'a>> {
    let seen = context.runs_tool();
    let mut found = Vec::new();
    for timeline in &context.timelines {
        let mut names = folders(timeline);
        let unknown = timeline.invocations().any(|(_, i)| is_cacheable(i) && i.folders.is_empty());
        // Where nox runs out of sight, its usual folder is still only nox's.
        if !seen || unknown {
            names.push(known_folder().to_owned());
        }
        let mut builds: Option<Arc<Builds>> = None;
        for (position, event) in timeline.events.iter().enumerate() {
            let is_ours = |step: &&CacheStep| {
                !step.keyless && (is_meant_for(step, &names) || holds(step, &names))
            };
            if let Some(step) = event.cache().filter(is_ours) {
                found.push(ExistingCache {
                    index: found.len(),
                    timeline,
                    position,
                    event,
                    step,
                    builds: builds
                        .get_or_insert_with(|| Arc::new(Builds::of(context, timeline)))
                        .clone(),
                    rendered: step.template.rendered(),
                });
            }
        }
    }
    found
}
