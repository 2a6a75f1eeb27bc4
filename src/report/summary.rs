//! The runs of one job → one line of a report: medians with their spread, counts, names, and what
//! went wrong.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use super::cause::causes;
use super::job::{Build, CacheUse, JobOutcome, JobRun, JobSource, Restore, Save, ToolSource};
use crate::rules::logs::{Cause, LOGS, LogForge};
use crate::tool::log::SessionResult;

/// Median and spread of a number over several runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Stat {
    pub median: f64,
    pub least: f64,
    pub most: f64,
    /// How many runs have the number.
    pub runs: usize,
}

impl Stat {
    /// `None` of no values.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        let upper = *values.get(values.len() / 2)?;
        let lower = *values.get((values.len() - 1) / 2)?;
        Some(Self { median: f64::midpoint(lower, upper), least, most, runs: values.len() })
    }
}

/// One job over its runs. What the logs do not say is `None`, never zero.
#[derive(Debug, Serialize)]
pub struct JobSummary {
    pub job: String,
    pub outcomes: BTreeMap<&'static str, usize>,
    pub restores: BTreeMap<&'static str, usize>,
    pub saves: BTreeMap<&'static str, usize>,
    pub restore_seconds: Option<Stat>,
    pub save_seconds: Option<Stat>,
    /// Steps at the end of the job, of caches of environments, whether they saved or not.
    pub post_seconds: Option<Stat>,
    /// Restoring, and the steps at the end, of caches of packages.
    pub package_cache_seconds: Option<Stat>,
    /// Steps that prepare environments, such as the one that deletes them before they are built again.
    pub preparation_seconds: Option<Stat>,
    /// Some seconds above are upper bounds.
    pub bounds_only: bool,
    /// Of the archives of nox's environments, together, in the last run that gives them.
    pub archive_bytes: Option<u64>,
    pub environments_created: Vec<String>,
    pub environments_reused: Vec<String>,
    #[serde(rename = "nox_seconds")]
    pub tool_seconds: Option<Stat>,
    #[serde(rename = "nox_seconds_from")]
    pub tool_seconds_from: Option<ToolSource>,
    pub job_seconds: Option<Stat>,
    pub job_seconds_from: Option<JobSource>,
    pub interpreters: Vec<String>,
    pub causes: Vec<Trouble>,
    /// How many of the runs the seconds above are of.
    pub runs_counted: usize,
    pub runs: Vec<RunDetails>,
}

/// What went wrong, as a name and as a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trouble {
    pub cause: Cause,
    pub sentence: String,
}

/// One run as it was, for those who compute on.
#[derive(Debug, Serialize)]
pub struct RunDetails {
    pub outcome: JobOutcome,
    pub truncated: bool,
    pub caches: Vec<CacheUse>,
    pub package_caches: Vec<CacheUse>,
    pub other_caches: Vec<CacheUse>,
    pub builds: Vec<Build>,
    pub created: Vec<String>,
    pub reused: Vec<String>,
    pub sessions: Vec<(String, SessionResult)>,
    #[serde(rename = "nox_seconds")]
    pub tool_seconds: Option<f64>,
    pub job_seconds: Option<f64>,
}

/// The archives of all jobs against what a repository may have.
#[derive(Debug, Serialize)]
pub struct Storage {
    pub bytes: u64,
    pub archives: usize,
    /// Archives whose size the logs do not say; they are not in `bytes`.
    pub archives_of_unknown_size: usize,
    pub forge: Option<LogForge>,
    pub quota_bytes: Option<u64>,
    pub note: Option<String>,
}

/// The runs sorted by job, in the order of the logs.
pub fn by_job(runs: Vec<JobRun>) -> Vec<(String, Vec<JobRun>)> {
    let mut jobs: Vec<(String, Vec<JobRun>)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for run in runs {
        let place = *places.entry(run.name.clone()).or_insert(jobs.len());
        match jobs.get_mut(place) {
            Some((_, known)) => known.push(run),
            None => jobs.push((run.name.clone(), vec![run])),
        }
    }
    jobs
}

/// Seconds are those of the runs for which `counts` holds. `source` is where the seconds of nox are
/// to come from; what is compared must be measured alike.
pub fn summarize(
    job: &str,
    runs: &[JobRun],
    source: Option<ToolSource>,
    counts: impl Fn(&JobRun) -> bool,
) -> JobSummary {
    let counted: Vec<&JobRun> = runs.iter().filter(|run| counts(run)).collect();
    let mut outcomes = BTreeMap::new();
    let mut restores = BTreeMap::new();
    let mut saves = BTreeMap::new();
    for run in runs {
        *outcomes.entry(outcome_word(run.outcome)).or_insert(0) += 1;
        for cache in &run.caches {
            *restores.entry(restore_word(&cache.restore)).or_insert(0) += 1;
            *saves.entry(save_word(&cache.save)).or_insert(0) += 1;
        }
    }
    let tool = |run: &&JobRun| source.and_then(|source| run.tool.by(source));
    let job_source = counted.iter().find_map(|run| run.job_seconds).map(|(_, source)| source);
    let mut interpreters: Vec<String> =
        runs.iter().flat_map(|r| r.interpreters.iter().cloned()).collect();
    interpreters.sort();
    interpreters.dedup();
    JobSummary {
        job: job.to_owned(),
        outcomes,
        restores,
        saves,
        restore_seconds: Stat::of(counted.iter().filter_map(|run| restore_seconds(run))),
        save_seconds: Stat::of(counted.iter().filter_map(|run| save_seconds(run))),
        post_seconds: Stat::of(counted.iter().filter_map(|run| post_seconds(run))),
        package_cache_seconds: Stat::of(counted.iter().filter_map(|run| package_seconds(run))),
        preparation_seconds: Stat::of(counted.iter().filter_map(|run| run.preparation_seconds)),
        bounds_only: counted
            .iter()
            .flat_map(|run| run.caches.iter().chain(&run.package_caches))
            .any(|cache| cache.restore_seconds_at_least.is_some()),
        archive_bytes: runs.iter().rev().find_map(archive_bytes),
        environments_created: union(runs, |run| &run.created),
        environments_reused: union(runs, |run| &run.reused),
        tool_seconds: Stat::of(counted.iter().copied().filter_map(|run| tool(&run))),
        tool_seconds_from: source,
        job_seconds: Stat::of(
            counted
                .iter()
                .filter_map(|run| run.job_seconds)
                .filter(|s| Some(s.1) == job_source)
                .map(|s| s.0),
        ),
        job_seconds_from: job_source,
        interpreters,
        causes: causes(runs),
        runs_counted: counted.len(),
        runs: runs
            .iter()
            .map(|run| RunDetails {
                outcome: run.outcome,
                truncated: run.truncated,
                caches: run.caches.clone(),
                package_caches: run.package_caches.clone(),
                other_caches: run.other_caches.clone(),
                builds: run.builds.clone(),
                created: run.created.clone(),
                reused: run.reused.clone(),
                sessions: run.sessions.clone(),
                tool_seconds: tool(&run),
                job_seconds: run.job_seconds.map(|(seconds, _)| seconds),
            })
            .collect(),
    }
}

fn union<'a>(runs: &'a [JobRun], names: impl Fn(&'a JobRun) -> &'a Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    runs.iter().flat_map(names).filter(|name| seen.insert(*name)).cloned().collect()
}

/// Of all caches of nox in a run; `None` where there is none, or one whose seconds the log does not
/// tell.
pub fn restore_seconds(run: &JobRun) -> Option<f64> {
    let mut tried = run.caches.iter().filter(|c| c.restore != Restore::None).peekable();
    tried.peek()?;
    tried.map(|c| c.restore_seconds).sum()
}

/// As [`restore_seconds`], of the archives that were written.
pub fn save_seconds(run: &JobRun) -> Option<f64> {
    let mut saved = run.caches.iter().filter(|c| c.save == Save::Saved).peekable();
    saved.peek()?;
    saved.map(|c| c.save_seconds).sum()
}

/// Of the steps at the end of the job that belong to caches of environments.
fn post_seconds(run: &JobRun) -> Option<f64> {
    let mut told = run.caches.iter().filter_map(|c| c.post_seconds).peekable();
    told.peek()?;
    Some(told.sum())
}

fn package_seconds(run: &JobRun) -> Option<f64> {
    let mut told = run
        .package_caches
        .iter()
        .flat_map(|c| [c.restore_seconds, c.post_seconds])
        .flatten()
        .peekable();
    told.peek()?;
    Some(told.sum())
}

fn archive_bytes(run: &JobRun) -> Option<u64> {
    let mut sizes = run.caches.iter().filter_map(|c| c.bytes).peekable();
    sizes.peek()?;
    Some(sizes.fold(0, u64::saturating_add))
}

/// Every archive once, by its key; those of other caches count against the same quota.
pub fn storage(runs: &[JobRun], forge: Option<LogForge>) -> Option<Storage> {
    let mut archives: BTreeMap<String, Option<u64>> = BTreeMap::new();
    for (index, run) in runs.iter().enumerate() {
        for (number, cache) in
            run.caches.iter().chain(&run.package_caches).chain(&run.other_caches).enumerate()
        {
            let exists = cache.restored() || matches!(cache.save, Save::Saved | Save::AlreadyThere);
            if !exists {
                continue;
            }
            let saved = (cache.save == Save::Saved).then_some(&cache.key);
            let key = saved.unwrap_or(&cache.restored_key).as_ref().or(cache.key.as_ref());
            let key = key.map_or_else(|| format!("{index}.{number}"), |key| key.to_lowercase());
            let known = archives.entry(key).or_default();
            *known = cache.bytes.or(*known);
        }
    }
    if archives.is_empty() {
        return None;
    }
    let forge = forge.or_else(|| runs.iter().find_map(|run| run.forge));
    let facts = forge.map(|forge| LOGS.forge(forge));
    Some(Storage {
        bytes: archives.values().flatten().fold(0, |sum, bytes| sum.saturating_add(*bytes)),
        archives: archives.len(),
        archives_of_unknown_size: archives.values().filter(|bytes| bytes.is_none()).count(),
        forge,
        quota_bytes: facts.and_then(|facts| facts.quota),
        note: facts.map(|facts| facts.note.clone()),
    })
}

fn outcome_word(outcome: JobOutcome) -> &'static str {
    match outcome {
        JobOutcome::Passed => "passed",
        JobOutcome::Failed => "failed",
        JobOutcome::Cancelled => "cancelled",
        JobOutcome::Unknown => "unknown",
    }
}

fn restore_word(restore: &Restore) -> &'static str {
    match restore {
        Restore::Hit => "hit",
        Restore::ByRestoreKey => "restored by a restore key",
        Restore::Restored => "restored",
        Restore::Miss => "miss",
        Restore::LookedUpOnly => "looked up only",
        Restore::Forbidden => "restore forbidden",
        Restore::Failed(_) => "restore failed",
        Restore::None => "unknown",
    }
}

fn save_word(save: &Save) -> &'static str {
    match save {
        Save::Saved => "saved",
        Save::AlreadyThere => "not saved: key already there",
        Save::JobFailed => "not saved: job failed",
        Save::Race => "not saved: race",
        Save::ReadOnly => "not saved: read-only",
        Save::NothingThere => "not saved: nothing there",
        Save::Failed(_) => "not saved: failed",
        Save::NotMentioned => "not saved",
        Save::Unknown => "unknown",
    }
}
