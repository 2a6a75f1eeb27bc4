//! A job's timelines in a few words: does it create environments, where, would it reuse them.

use super::event::Invocation;
use super::timeline::Timeline;
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
pub fn summarize(timelines: &[Timeline]) -> Summary {
    let calls: Vec<&Invocation> =
        timelines.iter().flat_map(Timeline::invocations).map(|(_, i)| i).collect();
    let mut env_dirs: Vec<String> = calls
        .iter()
        .filter(|i| creates(i) != Answer::No)
        .flat_map(|i| i.folders.iter().cloned())
        .collect();
    env_dirs.sort();
    env_dirs.dedup();
    Summary {
        creates_env: Answer::any(calls.iter().map(|i| creates(i))),
        env_dirs,
        reuse: reuse(&calls),
    }
}

/// Whether a call creates environments. Where its sessions are out of sight, the tool's defaults
/// decide, as they do for the checks.
pub fn creates(invocation: &Invocation) -> Answer {
    match invocation.run.creates_env {
        Answer::Unknown if invocation.run.creates_by_default => Answer::Yes,
        answer => answer,
    }
}

/// Whether a call reuses environments, by the tool's defaults where its sessions are out of sight.
fn reuses(invocation: &Invocation) -> Reuse {
    if invocation.run.off_by_default { Reuse::Off } else { invocation.run.reuse }
}

/// Over the calls that surely create something; else over those that may; else over all.
fn reuse(calls: &[&Invocation]) -> Reuse {
    let of = |wanted: &dyn Fn(&Invocation) -> bool| -> Vec<Reuse> {
        calls.iter().filter(|i| wanted(i)).map(|i| reuses(i)).collect()
    };
    let certain = of(&|i| i.run.creates_env == Answer::Yes);
    let possible = of(&|i| i.run.creates_env != Answer::No);
    let counted = [certain, possible, of(&|_| true)]
        .into_iter()
        .find(|list| !list.is_empty())
        .unwrap_or_default();
    match counted.split_first() {
        None => Reuse::Unknown,
        Some((first, rest)) if rest.iter().all(|r| r == first) => *first,
        Some(_) if counted.contains(&Reuse::Unknown) => Reuse::Unknown,
        Some(_) => Reuse::Mixed,
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
