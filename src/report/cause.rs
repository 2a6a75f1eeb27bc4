//! What went wrong with the caches of a job, from what its runs did.

use std::collections::BTreeSet;

use super::job::{JobRun, Restore, Save};
use super::summary::Trouble;
use crate::rules::logs::{Cause, LOGS};

/// Every trouble once, in the order found.
pub fn causes(runs: &[JobRun]) -> Vec<Trouble> {
    let mut found = CauseCollector { troubles: Vec::new(), runs: runs.len() };
    let caches = || runs.iter().flat_map(|run| &run.caches);
    let always =
        |wanted: Restore| caches().count() > 0 && caches().all(|cache| cache.restore == wanted);
    let several = runs.len() > 1;
    if several && always(Restore::ByRestoreKey) {
        found.add(Cause::OlderKeyAlways, &keys(runs));
    }
    if several && always(Restore::Miss) {
        found.add(Cause::NothingRestored, "");
    }
    let uncached = runs.iter().all(|run| run.caches.is_empty());
    let tells = |run: &JobRun| run.ran_tool && !(run.created.is_empty() && run.reused.is_empty());
    if uncached && runs.iter().any(tells) {
        found.add(Cause::NoCache, "");
    }
    let environments: Vec<BTreeSet<&str>> = runs
        .iter()
        .map(|run| run.created.iter().chain(&run.reused).map(String::as_str).collect())
        .filter(|names: &BTreeSet<&str>| !names.is_empty())
        .collect();
    if let [first, others @ ..] = environments.as_slice()
        && others.iter().any(|other| first.is_disjoint(other))
    {
        let all: BTreeSet<&str> = environments.iter().flatten().copied().collect();
        found.add(Cause::NothingInCommon, &all.into_iter().collect::<Vec<_>>().join(", "));
    }
    for run in runs {
        of_run(run, several && always(Restore::ByRestoreKey), &mut found);
    }
    let known: Vec<_> =
        runs.iter().map(|run| &run.interpreters).filter(|set| !set.is_empty()).collect();
    if known.windows(2).any(|pair| pair[0] != pair[1]) {
        let all: BTreeSet<&str> = known.into_iter().flatten().map(String::as_str).collect();
        found.add(Cause::InterpreterDiffers, &all.into_iter().collect::<Vec<_>>().join(", "));
    }
    found.troubles
}

struct CauseCollector {
    troubles: Vec<Trouble>,
    runs: usize,
}

impl CauseCollector {
    fn add(&mut self, cause: Cause, names: &str) {
        let trouble = Trouble { cause, sentence: LOGS.sentence(cause, names, self.runs) };
        if !self.troubles.contains(&trouble) {
            self.troubles.push(trouble);
        }
    }
}

fn of_run(run: &JobRun, older_said: bool, found: &mut CauseCollector) {
    if run.truncated {
        found.add(Cause::Truncated, "");
    }
    if run.interpreter_gone {
        found.add(Cause::InterpreterGone, "");
    }
    let created = run.created.join(", ");
    if run.caches.iter().any(|cache| cache.restored()) && !run.created.is_empty() {
        if run.threw_away() {
            found.add(Cause::ReuseOff, &created);
        } else if !run.reused.is_empty() {
            found.add(Cause::PartlyRecreated, &created);
        } else {
            found.add(Cause::OlderKeyRebuilt, &created);
        }
        if run.caches.iter().any(|cache| cache.restore == Restore::Hit) {
            found.add(Cause::ExactYetRecreated, "");
        }
    }
    for cache in &run.caches {
        match &cache.restore {
            Restore::ByRestoreKey if !older_said => {
                found.add(
                    Cause::OlderKey,
                    cache.restored_key.as_deref().unwrap_or("its key isn't in the log"),
                );
            }
            Restore::Forbidden => found.add(Cause::RestoreForbidden, ""),
            Restore::Failed(text) => found.add(Cause::RestoreFailed, text),
            Restore::LookedUpOnly => found.add(Cause::LookedUpOnly, ""),
            _ => {}
        }
        match &cache.save {
            Save::JobFailed => found.add(Cause::JobFailed, ""),
            Save::Race => found.add(Cause::Race, ""),
            Save::ReadOnly => found.add(Cause::ReadOnly, ""),
            Save::NothingThere => found.add(Cause::NothingThere, ""),
            Save::Failed(text) => found.add(Cause::SaveFailed, text),
            Save::NotMentioned => found.add(Cause::NotSaved, ""),
            Save::Saved | Save::AlreadyThere | Save::Unknown => {}
        }
    }
}

fn keys(runs: &[JobRun]) -> String {
    let mut keys: Vec<&str> =
        runs.iter().flat_map(|r| &r.caches).filter_map(|c| c.restored_key.as_deref()).collect();
    keys.dedup();
    keys.join(", ")
}
