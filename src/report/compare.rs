//! Runs before and runs after → what the change of each job is worth, in seconds and in words.

use serde::Serialize;

use super::job::{JobRun, NoxSource, Outcome, Restore, Save};
use super::summary::{JobSummary, Stat, restore_seconds, save_seconds, summarize};
use crate::rules::logs::LOGS;

/// Whether a job that passed before passes still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Passes {
    Still,
    /// It passed before and fails now.
    NoLonger,
    /// It failed before and passes now.
    Again,
    StillNot,
    Unknown,
}

/// One job before and after.
#[derive(Debug, Serialize)]
pub struct Difference {
    pub job: String,
    pub passes: Passes,
    /// Sessions whose result is not what it was: name, before, after.
    pub sessions_changed: Vec<String>,
    /// Seconds inside nox, less than before.
    pub nox_seconds_saved: Option<f64>,
    /// nox seconds saved − restore − save, as far as these were not paid before.
    pub net_gain_seconds: Option<f64>,
    /// The whole job, shorter than before.
    pub job_seconds_saved: Option<f64>,
    pub verdict: String,
    pub before: JobSummary,
    pub after: JobSummary,
}

/// The source that all of these runs have.
pub fn source<'a>(runs: impl Iterator<Item = &'a JobRun> + Clone) -> Option<NoxSource> {
    NoxSource::common(
        runs.filter(|run| run.ran_nox).map(|run| &run.nox).collect::<Vec<_>>().into_iter(),
    )
}

/// Seconds that a run pays for its environments: inside nox, restoring, saving.
fn cost(run: &JobRun, source: NoxSource) -> Option<f64> {
    let tried = run.caches.iter().any(|cache| cache.restore != Restore::None);
    let restore = if tried { restore_seconds(run)? } else { 0.0 };
    let saved = run.caches.iter().any(|cache| cache.save == Save::Saved);
    let save = if saved { save_seconds(run)? } else { 0.0 };
    Some(run.nox.by(source)? + restore + save)
}

/// What the runs with a restored cache gain over those without, of one job under one workflow.
pub fn net_gain_within(runs: &[JobRun]) -> Option<f64> {
    let restored = |run: &&JobRun| run.caches.iter().any(|cache| cache.restored());
    let source = source(runs.iter())?;
    let with = Stat::of(runs.iter().filter(restored).filter_map(|run| cost(run, source)))?;
    // a run that fills the cache pays for saving; what is gained is against a run that has none
    let without =
        Stat::of(runs.iter().filter(|run| !restored(run)).filter_map(|run| run.nox.by(source)))?;
    Some(without.median - with.median)
}

/// Compares the runs of one job. Of the runs after, those with a restored cache count, if there are
/// any: the first one fills it.
pub fn compare(job: &str, before: &[JobRun], after: &[JobRun]) -> Difference {
    let source = source(before.iter().chain(after));
    let has_cache = after.iter().any(|run| !run.caches.is_empty());
    let is_warm = |run: &JobRun| run.caches.iter().any(|cache| cache.restored());
    let warmed = after.iter().any(is_warm);
    let counts = |run: &JobRun| !warmed || is_warm(run);
    let counted: Vec<&JobRun> = after.iter().filter(|run| counts(run)).collect();
    let costs = |runs: &[&JobRun]| {
        let source = source?;
        let costs: Option<Vec<f64>> = runs.iter().map(|run| cost(run, source)).collect();
        Stat::of(costs?)
    };
    let nox = |runs: &[&JobRun]| {
        let source = source?;
        Stat::of(runs.iter().filter_map(|run| run.nox.by(source)))
    };
    let whole = |runs: &[&JobRun]| {
        Stat::of(runs.iter().filter_map(|run| run.job_seconds).map(|(seconds, _)| seconds))
    };
    let same_clock = before
        .iter()
        .chain(after)
        .filter_map(|r| r.job_seconds)
        .map(|s| s.1)
        .collect::<std::collections::BTreeSet<_>>();
    let all_before: Vec<&JobRun> = before.iter().collect();
    let saved = |before: Option<Stat>, after: Option<Stat>| Some((before?, after?));
    let cost = saved(costs(&all_before), costs(&counted));
    let whole = saved(whole(&all_before), whole(&counted)).filter(|_| same_clock.len() == 1);
    let difference = |(before, after): (Stat, Stat)| before.median - after.median;
    let passes = passes(before, after);
    let verdict = match passes {
        Passes::NoLonger => "no longer passes".to_owned(),
        _ if has_cache && !warmed => {
            "nothing was restored in the runs after: no verdict yet".to_owned()
        }
        _ => match (cost, whole) {
            (Some(cost), _) => verdict(cost, has_cache, ""),
            (None, Some(whole)) => {
                verdict(whole, has_cache, " (whole job; the log does not tell its parts)")
            }
            (None, None) => "the logs do not tell the seconds".to_owned(),
        },
    };
    Difference {
        job: job.to_owned(),
        passes,
        sessions_changed: sessions_changed(before, after),
        nox_seconds_saved: saved(nox(&all_before), nox(&counted)).map(difference),
        net_gain_seconds: cost.map(difference),
        job_seconds_saved: whole.map(difference),
        verdict,
        before: summarize(job, before, source, |_| true),
        after: summarize(job, after, source, counts),
    }
}

fn verdict((before, after): (Stat, Stat), has_cache: bool, remark: &str) -> String {
    let gain = before.median - after.median;
    let threshold = LOGS.verdict.least_seconds.max(LOGS.verdict.least_share * before.median);
    let overlap =
        before.runs.min(after.runs) > 1 && before.least <= after.most && after.least <= before.most;
    if gain.abs() < threshold {
        return format!("no difference worth the name ({gain:+.1} s){remark}");
    }
    if overlap {
        return format!(
            "no difference worth the name ({gain:+.1} s, within the spread of the runs){remark}"
        );
    }
    match (gain > 0.0, has_cache) {
        (true, _) => format!("saves {} s a run{remark}", rounded(gain)),
        (false, true) => format!("costs {} s a run: remove it{remark}", rounded(-gain)),
        (false, false) => format!("costs {} s a run{remark}", rounded(-gain)),
    }
}

/// Tenths only where they matter.
fn rounded(seconds: f64) -> String {
    if seconds < 10.0 { format!("{seconds:.1}") } else { format!("{seconds:.0}") }
}

fn passes(before: &[JobRun], after: &[JobRun]) -> Passes {
    let all = |runs: &[JobRun], wanted: Outcome| runs.iter().all(|run| run.outcome == wanted);
    let any = |runs: &[JobRun], wanted: Outcome| runs.iter().any(|run| run.outcome == wanted);
    let (passed, failed) = (Outcome::Passed, Outcome::Failed);
    match () {
        () if all(before, passed) && all(after, passed) => Passes::Still,
        () if all(before, passed) && any(after, failed) => Passes::NoLonger,
        () if any(before, failed) && all(after, passed) => Passes::Again,
        () if any(before, failed) && any(after, failed) => Passes::StillNot,
        () => Passes::Unknown,
    }
}

/// Sessions that ran on both sides, by their last result.
fn sessions_changed(before: &[JobRun], after: &[JobRun]) -> Vec<String> {
    let last = |runs: &[JobRun]| {
        let all = runs.iter().flat_map(|run| run.sessions.iter().cloned());
        all.collect::<std::collections::HashMap<_, _>>()
    };
    let (before, after) = (last(before), last(after));
    let mut changed: Vec<String> = before
        .iter()
        .filter_map(|(name, was)| {
            after.get(name).filter(|is| *is != was).map(|is| format!("{name}: {was}, now {is}"))
        })
        .collect();
    changed.sort();
    changed
}
