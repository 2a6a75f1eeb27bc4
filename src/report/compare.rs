//! Runs before and runs after → what the change of each job is worth, in seconds and in words.

use serde::Serialize;

use super::estimate::estimate;
use super::job::{CacheUse, JobOutcome, JobRun, Restore, ToolSource};
use super::summary::{JobSummary, Stat, summarize};
use super::verdict::{BeforeAfter, Verdict, verdict};

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
    #[serde(rename = "nox_seconds_saved")]
    pub tool_seconds_saved: Option<f64>,
    /// Seconds in nox and in all cache steps of environments and packages, posts included, less
    /// than before.
    pub net_gain_seconds: Option<f64>,
    /// The whole job, shorter than before.
    pub job_seconds_saved: Option<f64>,
    /// Whether caches of unknown content count, because only one side has them.
    pub others_counted: bool,
    /// Whether the runs are enough for the verdict.
    pub settled: bool,
    /// The job got slower, as far as the runs can tell.
    pub slower: bool,
    pub verdict: String,
    pub before: JobSummary,
    pub after: JobSummary,
}

/// The source that all of these runs have.
pub fn source<'a>(runs: impl Iterator<Item = &'a JobRun> + Clone) -> Option<ToolSource> {
    ToolSource::common(
        runs.filter(|run| run.ran_tool).map(|run| &run.tool).collect::<Vec<_>>().into_iter(),
    )
}

/// What is a part of the cost.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counted {
    All,
    /// As [`Counted::All`], but all that comes between the same line and the tool's first stands for restoring.
    Approach,
    /// As [`Counted::All`], and the other caches of the job too.
    Others,
    /// As if there were no cache of environments.
    WithoutCache,
}

/// Seconds that a run pays for its environments: inside nox, and in all cache steps of environments
/// and packages, posts included. At least and at most, where the log tells only bounds.
fn cost(run: &JobRun, source: ToolSource, counted: Counted) -> Option<(f64, f64)> {
    let mut exact = run.tool.by(source)?;
    let mut restores = Vec::new();
    let (own, approach): (&[CacheUse], _) = match counted {
        Counted::All | Counted::Others => (&run.caches, None),
        Counted::Approach => (&run.caches, Some(run.approach.as_ref()?.seconds)),
        Counted::WithoutCache => (&[], None),
    };
    exact += approach.unwrap_or(0.0);
    if !own.is_empty() {
        exact += run.preparation_seconds.unwrap_or(0.0);
    }
    for cache in own {
        // An own cache without its seconds leaves the sum untold.
        if cache.restore != Restore::None && approach.is_none() {
            restores.push((cache.restore_seconds_at_least, cache.restore_seconds?));
        }
        if cache.saves_archive() {
            exact += cache.save_seconds?;
        } else {
            exact += cache.post_seconds.unwrap_or(0.0);
        }
    }
    let others: &[CacheUse] = if counted == Counted::Others { &run.other_caches } else { &[] };
    for cache in run.package_caches.iter().chain(others) {
        if approach.is_none() {
            let restore = cache.restore_seconds.unwrap_or(0.0);
            restores.push((cache.restore_seconds_at_least, restore));
        }
        exact += cache.post_seconds.unwrap_or(0.0);
    }
    let least: f64 = restores.iter().map(|(least, most)| least.unwrap_or(*most)).sum();
    let most: f64 = restores.iter().map(|(_, most)| most).sum();
    Some((exact + least, exact + most))
}

/// What several runs cost, at least and at most; `None` where one of them does not tell.
#[derive(Debug, Clone, Copy)]
pub struct Costs {
    pub least: Stat,
    pub most: Stat,
}

impl Costs {
    fn of<'a>(
        runs: impl Iterator<Item = &'a JobRun>,
        source: ToolSource,
        counted: Counted,
    ) -> Option<Self> {
        let all: Option<Vec<(f64, f64)>> = runs.map(|run| cost(run, source, counted)).collect();
        let all = all?;
        Some(Self {
            least: Stat::of(all.iter().map(|(least, _)| *least))?,
            most: Stat::of(all.iter().map(|(_, most)| *most))?,
        })
    }

    pub fn exactly(seconds: Stat) -> Self {
        Self { least: seconds, most: seconds }
    }
}

/// What is gained for sure, or lost for sure; where the bounds allow both, the middle.
pub fn gain(before: Costs, after: Costs) -> f64 {
    let least = before.least.median - after.most.median;
    let most = before.most.median - after.least.median;
    match () {
        () if least > 0.0 => least,
        () if most < 0.0 => most,
        () => f64::midpoint(least, most),
    }
}

/// What the runs with a restored cache gain over those without, of one job under one workflow.
pub fn net_gain_within(runs: &[JobRun]) -> Option<f64> {
    let counts = passing(runs.iter());
    let counted = || runs.iter().filter(|run| counts(run));
    let source = source(counted())?;
    let with = counted().filter(|run| run.restored());
    // A run that fills the cache pays for saving; what is gained is against a run that has none.
    let without = counted().filter(|run| !run.restored());
    Some(gain(
        Costs::of(without, source, Counted::WithoutCache)?,
        Costs::of(with, source, Counted::All)?,
    ))
}

/// Which runs' seconds count: a run that failed or was cancelled may have ended early, so those that
/// passed, if there are any.
pub fn passing<'a>(mut runs: impl Iterator<Item = &'a JobRun>) -> impl Fn(&JobRun) -> bool + Copy {
    let any = runs.any(|run| run.outcome == JobOutcome::Passed);
    move |run| !any || run.outcome == JobOutcome::Passed
}

/// Whether the way to the tool begins with the same line in all runs: then its seconds can be compared.
fn same_approach<'a>(mut runs: impl Iterator<Item = &'a JobRun>) -> bool {
    let Some(first) = runs.next().and_then(|run| run.approach.as_ref()) else { return false };
    runs.all(|run| run.approach.as_ref().is_some_and(|other| other.anchor == first.anchor))
}

/// Compares the runs of one job. Of the runs after, those with a restored cache count, if there are
/// any: the first one fills it.
pub fn compare(job: &str, before: &[JobRun], after: &[JobRun]) -> Difference {
    let warmed = after.iter().any(JobRun::restored);
    let warm = |run: &&JobRun| !warmed || run.restored();
    let passing_before = passing(before.iter());
    let passing_after = passing(after.iter().filter(warm));
    let counts = |run: &JobRun| warm(&run) && passing_after(run);
    let counted = || after.iter().filter(|run| counts(run));
    let counted_before = || before.iter().filter(|run| passing_before(run));
    let source = source(counted_before().chain(counted()));
    let tool = |runs: &[&JobRun]| {
        let source = source?;
        Stat::of(runs.iter().filter_map(|run| run.tool.by(source)))
    };
    let job_seconds = |runs: &[&JobRun]| {
        Stat::of(runs.iter().filter_map(|run| run.job_seconds).map(|(seconds, _)| seconds))
    };
    let same_clock = counted_before()
        .chain(counted())
        .filter_map(|r| r.job_seconds)
        .map(|s| s.1)
        .collect::<std::collections::BTreeSet<_>>()
        .len()
        == 1;
    let all_before: Vec<&JobRun> = counted_before().collect();
    let all_counted: Vec<&JobRun> = counted().collect();
    // What only one side has came or went with the change.
    let have_others = |runs: &[&JobRun]| runs.iter().any(|run| !run.other_caches.is_empty());
    let others_changed = have_others(&all_before) != have_others(&all_counted);
    let pair = |before: Option<Stat>, after: Option<Stat>| Some((before?, after?));
    let measured = source.and_then(|source| {
        let part = match () {
            () if others_changed => Counted::Others,
            () if same_approach(all_before.iter().chain(&all_counted).copied()) => {
                Counted::Approach
            }
            () => Counted::All,
        };
        let costs = |runs: &[&JobRun]| Costs::of(runs.iter().copied(), source, part);
        Some((costs(&all_before)?, costs(&all_counted)?))
    });
    let job_seconds =
        pair(job_seconds(&all_before), job_seconds(&all_counted)).filter(|_| same_clock);
    let difference = |(before, after): (Stat, Stat)| before.median - after.median;
    let tool_saved = pair(tool(&all_before), tool(&all_counted)).map(difference);
    let of_tool_alone = counted_before().chain(counted()).any(|run| run.of_tool_alone);
    let measured = measured.filter(|_| !of_tool_alone);
    let passes = passes(before, after);
    let evidence = BeforeAfter {
        measured,
        job_seconds,
        cache_before: before.iter().any(|run| !run.caches.is_empty()),
        cache_after: after.iter().any(|run| !run.caches.is_empty()),
        restored_before: before.iter().any(JobRun::restored),
        warmed,
        thrown_away: warmed && counted().all(JobRun::threw_away),
        with_reuse: estimate(counted()).map(|estimate| estimate.saves_about),
    };
    let Verdict { text, settled, slower } = match passes {
        Passes::NoLonger => {
            Verdict { text: "no longer passes".to_owned(), settled: false, slower: false }
        }
        _ if of_tool_alone => Verdict::of_tool_alone(tool_saved),
        _ => verdict(&evidence),
    };
    Difference {
        job: job.to_owned(),
        passes,
        sessions_changed: sessions_changed(before, after),
        tool_seconds_saved: tool_saved,
        net_gain_seconds: measured.map(|(before, after)| gain(before, after)),
        job_seconds_saved: job_seconds.map(difference),
        others_counted: others_changed,
        settled,
        slower,
        verdict: text,
        before: summarize(job, before, source, passing_before),
        after: summarize(job, after, source, counts),
    }
}

fn passes(before: &[JobRun], after: &[JobRun]) -> Passes {
    let all = |runs: &[JobRun], wanted: JobOutcome| runs.iter().all(|run| run.outcome == wanted);
    let any = |runs: &[JobRun], wanted: JobOutcome| runs.iter().any(|run| run.outcome == wanted);
    let (passed, failed) = (JobOutcome::Passed, JobOutcome::Failed);
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
