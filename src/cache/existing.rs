//! The caches a job already has for its environments.

use super::builds::Builds;
use crate::base::glob::Pattern;
use crate::job::context::{Subject, is_cacheable, is_meant_for, touches_folder};
use crate::job::event::CachedPath;
use crate::job::key_template::Rendered;
use crate::job::{CacheStep, Event, Invocation, Timeline};
use crate::tool::Reuse;

/// Where nox keeps its environments if nothing says otherwise.
const DEFAULT_FOLDER: &str = ".nox";

/// A step that restores environments, on one instance.
pub struct ExistingCache<'a> {
    /// Among the caches of the job.
    pub index: usize,
    pub timeline: &'a Timeline,
    /// Of the event in the timeline.
    pub position: usize,
    pub event: &'a Event,
    pub step: &'a CacheStep,
    pub builds: Builds,
    pub rendered: Rendered,
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

    /// The calls after the step that build in its folder without reusing what is there.
    pub fn wasted_on(&self) -> impl Iterator<Item = (&'a Event, &'a Invocation)> + use<'a> {
        let (step, site) = (self.step, self.event.site);
        self.calls_after().filter(move |(event, call)| {
            let mixed = call.run.reuse == Reuse::Mixed && call.run.reuse_refused.is_none();
            event.happens_on_hit(site)
                && is_cacheable(call)
                && (call.run.reuse == Reuse::Off || mixed)
                && is_meant_for(step, &call.folders)
        })
    }

    /// Whenever the step runs, the call runs, too.
    pub fn runs_with(&self, call: &Event, invocation: &Invocation) -> bool {
        !invocation.conditional
            && (call.condition.is_none() || call.condition == self.event.condition)
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

/// Whether a line of `path` restores the environments in `folder`.
pub fn covers(path: &CachedPath, folder: &str) -> bool {
    let written = path.folder.as_deref().unwrap_or(&path.written);
    if written.is_empty() || written == folder || folder.starts_with(&format!("{written}/")) {
        return true;
    }
    // What is restored is the folder itself, a folder around it, or everything in it.
    Pattern::parse(written).is_ok_and(|p| {
        let inside = ["", "/tests", "/tests/bin"].map(|path| format!("{folder}{path}"));
        !p.negated && inside.iter().any(|path| p.matches(path))
    }) && written.contains(['*', '?', '['])
}

/// A line of `path` that was meant for one of these folders.
pub fn is_named_like(path: &CachedPath, folders: &[String]) -> bool {
    let name = |text: &str| {
        text.trim_end_matches(['/', '*']).rsplit(['/', '\\']).next().map(str::to_owned)
    };
    let own = name(path.folder.as_deref().unwrap_or(&path.written));
    folders.iter().any(|f| name(f) == own)
}

/// The environment folders of the calls on one instance.
pub fn folders(timeline: &Timeline) -> Vec<String> {
    let calls = timeline.invocations().filter(|(_, i)| touches_folder(i));
    calls.flat_map(|(_, i)| i.folders.iter().cloned()).collect()
}

/// The steps of one job that restore environments, on every instance.
pub fn caches<'a>(subject: &'a Subject<'_>) -> Vec<ExistingCache<'a>> {
    let seen = subject.runs_tool();
    let mut found = Vec::new();
    for timeline in &subject.timelines {
        let mut names = folders(timeline);
        let unknown = timeline.invocations().any(|(_, i)| is_cacheable(i) && i.folders.is_empty());
        // Where nox runs out of sight, its usual folder is still only nox's.
        if !seen || unknown {
            names.push(DEFAULT_FOLDER.to_owned());
        }
        for (position, event) in timeline.events.iter().enumerate() {
            if let Some(step) = event.cache().filter(|s| !s.keyless && is_meant_for(s, &names)) {
                found.push(ExistingCache {
                    index: found.len(),
                    timeline,
                    position,
                    event,
                    step,
                    builds: Builds::of(subject, timeline),
                    rendered: step.template.rendered(),
                });
            }
        }
    }
    found
}
