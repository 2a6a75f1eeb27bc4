//! A job's timelines in a few words: does it create environments, where, would it reuse them.

use super::build::Timeline;
use super::event::{EventKind, Invocation};
use crate::tool::{Answer, Reuse};

/// What all instances of a job together tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    pub creates_env: Answer,
    /// Environment folders relative to the workspace, sorted.
    pub env_dirs: Vec<String>,
    pub reuse: Reuse,
}

/// Sums up the calls of the tool on all instances.
pub fn summarise(timelines: &[Timeline]) -> Summary {
    let calls: Vec<&Invocation> = timelines.iter().flat_map(Timeline::invocations).map(|(_, i)| i).collect();
    let creating: Vec<&Invocation> = calls.iter().copied().filter(|i| i.run.creates_env != Answer::No).collect();
    let mut env_dirs: Vec<String> = creating.iter().flat_map(|i| i.folders.iter().cloned()).collect();
    env_dirs.sort();
    env_dirs.dedup();
    let mut reuses = creating.iter().map(|i| i.run.reuse);
    let reuse = match reuses.next() {
        None => calls.first().map_or(Reuse::Unknown, |i| i.run.reuse),
        Some(first) if reuses.all(|r| r == first) => first,
        Some(_) if creating.iter().any(|i| i.run.reuse == Reuse::Unknown) => Reuse::Unknown,
        Some(_) => Reuse::Mixed,
    };
    Summary { creates_env: Answer::any(calls.iter().map(|i| i.run.creates_env)), env_dirs, reuse }
}

/// One line for people about each event of an instance, in order.
pub fn lines(timeline: &Timeline) -> Vec<String> {
    timeline.events.iter().map(|event| line(&event.kind)).collect()
}

fn line(kind: &EventKind) -> String {
    match kind {
        EventKind::Checkout { folder, own, .. } => {
            let what = if *own { "this repository" } else { "another repository" };
            match folder.as_deref() {
                Some("") => format!("checkout of {what}"),
                Some(folder) => format!("checkout of {what} into `{folder}`"),
                None => format!("checkout of {what} into a folder that is not known"),
            }
        }
        EventKind::Interpreter { action, .. } => format!("interpreter from `{action}`"),
        EventKind::PackageCache { installer } => format!("package cache of {installer}"),
        EventKind::Cache(step) => {
            let paths: Vec<&str> = step.paths.iter().map(|p| p.written.as_str()).collect();
            format!("cache of {} (`{}`)", paths.join(", "), step.action)
        }
        EventKind::Run(run) => {
            let creates = match run.run.creates_env {
                Answer::Yes => format!("creates environments in {}", run.folders.join(", ")),
                Answer::No => format!("creates none: {}", run.run.why),
                Answer::Unknown => "may create environments".to_owned(),
            };
            format!("`{}`: {creates}; reuse {}", run.command, reuse_word(run.run.reuse))
        }
        EventKind::Publish { what } => what.clone(),
    }
}

/// `on`, `off`, `mixed` or `unknown`.
pub fn reuse_word(reuse: Reuse) -> &'static str {
    match reuse {
        Reuse::On => "on",
        Reuse::Off => "off",
        Reuse::Mixed => "mixed",
        Reuse::Unknown => "unknown",
    }
}
