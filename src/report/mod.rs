//! Run logs → what the caches of nox's environments did, and whether they pay.

mod cause;
mod cells;
mod compare;
mod error;
mod estimate;
mod event;
mod job;
mod json;
mod line;
mod markdown;
mod read;
mod record;
mod summary;
mod table;
mod verdict;
mod workflow;

use std::collections::{HashMap, HashSet};
use std::io::{Read, Write};
use std::path::PathBuf;

use serde::Serialize;

use crate::base::evidence::{Evidence, Saves};
use crate::base::printable::without_commands;
use crate::rules::logs::LogForge;
use compare::{Difference, Passes, compare, net_gain_within, passing};
use estimate::{Estimate, estimate};
use job::JobRun;
use summary::{JobSummary, Storage, by_job, storage, summarize};
use workflow::WorkflowSavings;

pub use error::ReportError;

/// Read run logs and report what caches of nox environments did and what they save.
///
/// A log is a GitHub log archive (zip or unpacked), the output of `gh run view --log`, the log of a
/// Forgejo or Gitea job, the output of `act` or `act --json`, or the file that `nox --report`
/// writes. A path can also be a folder or a zip of these, or `-` for standard input.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ReportArgs {
    /// Logs of one or more runs of a workflow
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Logs of runs before the change; one or more
    #[arg(long, value_name = "PATH", num_args = 1.., requires = "after", conflicts_with = "paths")]
    pub before: Vec<PathBuf>,
    /// Logs of runs after the change; one or more
    #[arg(long, value_name = "PATH", num_args = 1.., requires = "before", conflicts_with = "paths")]
    pub after: Vec<PathBuf>,
    /// Format of the report
    #[arg(long, value_enum, default_value_t)]
    pub output_format: ReportFormat,
    /// How often the workflow runs per month; adds what caches save per month
    #[arg(long, value_name = "N")]
    pub runs_per_month: Option<u32>,
    /// Exit with 1 if a job got slower, as far as the runs can tell
    #[arg(long, requires = "after")]
    pub fail_if_slower: bool,
    /// The forge whose quota the archives count against [default: the one in the logs]
    #[arg(long, value_enum)]
    pub forge: Option<LogForge>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ReportFormat {
    #[default]
    Table,
    /// Tables for a pull request
    Markdown,
    Json,
}

/// What the report comes to, for the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportOutcome {
    /// Exit code 0.
    Reported,
    /// A job that passed before the change fails after it: exit code 1.
    NoLongerPasses,
    /// A job got slower, and that was asked about: exit code 1.
    Slower,
}

/// All that is printed, in any format.
#[derive(Debug, Serialize)]
struct ReportJson {
    version: u32,
    /// Of one set of runs; empty where two sets are compared.
    jobs: Vec<JobLine>,
    /// Of runs before and after; empty where nothing is compared.
    differences: Vec<Difference>,
    total: Option<Total>,
    workflow: Option<WorkflowSavings>,
    storage: Option<Storage>,
    #[serde(rename = "jobs_without_nox")]
    jobs_without_tool: Vec<String>,
    only_before: Vec<String>,
    only_after: Vec<String>,
}

#[derive(Debug, Serialize)]
struct JobLine {
    /// What runs with a restored cache gain over those without, where the logs have both.
    net_gain_seconds: Option<f64>,
    /// What a cache would save, where environments were built.
    estimate: Option<Estimate>,
    #[serde(flatten)]
    summary: JobSummary,
}

/// Over the jobs whose verdict the runs are enough for; the counts say how many they are.
#[derive(Debug, Serialize)]
struct Total {
    jobs: usize,
    jobs_still_passing: usize,
    #[serde(rename = "nox_seconds_saved")]
    tool_seconds_saved: Option<f64>,
    net_gain_seconds: Option<f64>,
    jobs_with_net_gain: usize,
    job_seconds_saved: Option<f64>,
}

/// Reads the logs that `args` name (`-` is `stdin`) and writes the report to `out`.
///
/// # Errors
/// Whatever keeps the report from being made; the exit code is 2 then, and nothing was written but
/// by a failed write.
pub fn run(
    args: &ReportArgs,
    stdin: &mut dyn Read,
    out: &mut dyn Write,
) -> Result<ReportOutcome, ReportError> {
    let comparing = !args.before.is_empty() && !args.after.is_empty();
    if (args.before.is_empty() != args.after.is_empty()) || (comparing != args.paths.is_empty()) {
        return Err(ReportError::Usage);
    }
    if args
        .paths
        .iter()
        .chain(&args.before)
        .chain(&args.after)
        .filter(|path| path.as_os_str() == "-")
        .count()
        > 1
    {
        return Err(ReportError::StdinTwice);
    }
    let report = if comparing {
        let before = read::read_all(&args.before, stdin)?;
        let after = read::read_all(&args.after, stdin)?;
        compared(before, after, args)?
    } else {
        listed(read::read_all(&args.paths, stdin)?, args)?
    };
    let mut text = Vec::new();
    match args.output_format {
        ReportFormat::Table => table::write(&report, &mut text)?,
        ReportFormat::Markdown => markdown::write(&report, &mut text)?,
        ReportFormat::Json => json::write(&report, &mut text)?,
    }
    out.write_all(&match args.output_format {
        ReportFormat::Json => text,
        ReportFormat::Table | ReportFormat::Markdown => without_commands(&text),
    })?;
    let any = |wanted: fn(&Difference) -> bool| report.differences.iter().any(wanted);
    Ok(match () {
        () if any(|difference| difference.passes == Passes::NoLonger) => {
            ReportOutcome::NoLongerPasses
        }
        () if args.fail_if_slower && any(|difference| difference.slower) => ReportOutcome::Slower,
        () => ReportOutcome::Reported,
    })
}

/// What logs say about the jobs of a workflow, for the linter.
///
/// # Errors
/// Whatever keeps the logs from being read, or that nox ran in none of them.
pub fn evidence(paths: &[PathBuf]) -> Result<Evidence, ReportError> {
    if paths.iter().any(|path| path.as_os_str() == "-") {
        return Err(ReportError::LogsFromStdin);
    }
    let (runs, others) = with_tool(read::read_all(paths, &mut std::io::empty())?);
    none_left(&runs, &others)?;
    let mut jobs = Vec::new();
    for (name, runs) in by_job(runs) {
        let Some(estimate) = built_anew(&runs) else { continue };
        let saves = Saves {
            builds_seconds: (estimate.build_seconds + estimate.packages_seconds.unwrap_or(0.0))
                .round() as u32,
            restores_packages: estimate.packages_seconds.is_some(),
            about_seconds: estimate.saves_about.max(0.0).round() as u32,
            pays: estimate.pays,
        };
        // A log file of Forgejo or Gitea is named by whoever saved it; the log itself has the id.
        let ids = runs.iter().filter_map(|run| run.id.clone());
        let mut names: Vec<String> = std::iter::once(name).chain(ids).collect();
        names.dedup();
        jobs.extend(names.into_iter().map(|name| (name, saves)));
    }
    Ok(Evidence::new(jobs))
}

/// Runs of jobs that have to do with nox, and the names of the others.
fn with_tool(runs: Vec<JobRun>) -> (Vec<JobRun>, Vec<String>) {
    let concerned: HashSet<String> = runs
        .iter()
        .filter(|run| run.ran_tool || !run.caches.is_empty())
        .map(|run| run.name.clone())
        .collect();
    let (with, without): (Vec<_>, Vec<_>) =
        runs.into_iter().partition(|run| concerned.contains(&run.name));
    (with, by_job(without).into_iter().map(|(name, _)| name).collect())
}

fn none_left(runs: &[JobRun], others: &[String]) -> Result<(), ReportError> {
    if runs.iter().any(|run| run.ran_tool) {
        return Ok(());
    }
    let names = runs
        .iter()
        .map(|run| run.name.clone())
        .chain(others.iter().cloned())
        .take(10)
        .collect::<Vec<_>>();
    Err(ReportError::NothingOfTool {
        names: if names.is_empty() { "the logs".to_owned() } else { names.join(", ") },
    })
}

fn listed(runs: Vec<JobRun>, args: &ReportArgs) -> Result<ReportJson, ReportError> {
    let storage = storage(&runs, args.forge);
    let (runs, jobs_without_tool) = with_tool(runs);
    none_left(&runs, &jobs_without_tool)?;
    let jobs: Vec<JobLine> = by_job(runs)
        .into_iter()
        .map(|(name, runs)| JobLine {
            net_gain_seconds: net_gain_within(&runs),
            estimate: built_anew(&runs),
            summary: {
                let counts = passing(runs.iter());
                let source = compare::source(runs.iter().filter(|run| counts(run)));
                summarize(&name, &runs, source, counts)
            },
        })
        .collect();
    Ok(ReportJson {
        version: 2,
        workflow: WorkflowSavings::of_estimates(&jobs, args.runs_per_month),
        jobs,
        differences: Vec::new(),
        total: None,
        storage,
        jobs_without_tool,
        only_before: Vec::new(),
        only_after: Vec::new(),
    })
}

/// The estimate for a job whose environments are not cached, or restored and thrown away. Where some
/// run reused what it restored there is something better than an estimate.
fn built_anew(runs: &[JobRun]) -> Option<Estimate> {
    if runs.iter().any(|run| run.restored() && !run.reused.is_empty()) {
        return None;
    }
    let counts = passing(runs.iter());
    estimate(runs.iter().filter(|run| counts(run)))
}

fn compared(
    before: Vec<JobRun>,
    after: Vec<JobRun>,
    args: &ReportArgs,
) -> Result<ReportJson, ReportError> {
    let storage = storage(&after, args.forge);
    let (before, mut jobs_without_tool) = with_tool(before);
    none_left(&before, &jobs_without_tool)?;
    let (after, others) = with_tool(after);
    none_left(&after, &others)?;
    jobs_without_tool.extend(others);
    jobs_without_tool.sort();
    jobs_without_tool.dedup();
    let mut before = by_job(before);
    let mut after = by_job(after);
    // one log each, named only by its file: the names need not agree
    if let ([(name, runs)], [(other, others)]) = (before.as_mut_slice(), after.as_mut_slice())
        && runs.iter().chain(others.iter()).all(|run| run.named_by_file)
    {
        other.clone_from(name);
    }
    let names = |jobs: &[(String, Vec<JobRun>)]| {
        jobs.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    let (names_before, names_after) = (names(&before), names(&after));
    let runs_after: HashMap<&String, &Vec<JobRun>> =
        after.iter().map(|(name, runs)| (name, runs)).collect();
    let differences: Vec<Difference> = before
        .iter()
        .filter_map(|(name, runs)| Some(compare(name, runs, runs_after.get(name)?)))
        .collect();
    if differences.is_empty() {
        return Err(ReportError::NothingInCommon {
            before: names_before.join(", "),
            after: names_after.join(", "),
        });
    }
    let without = |names: &[String], others: &[String]| {
        let others: HashSet<&String> = others.iter().collect();
        names.iter().filter(|name| !others.contains(name)).cloned().collect()
    };
    Ok(ReportJson {
        version: 2,
        jobs: Vec::new(),
        workflow: WorkflowSavings::of_differences(&differences, args.runs_per_month),
        total: Some(total(&differences)),
        differences,
        storage,
        jobs_without_tool,
        only_before: without(&names_before, &names_after),
        only_after: without(&names_after, &names_before),
    })
}

fn total(differences: &[Difference]) -> Total {
    let sum = |values: Vec<f64>| (!values.is_empty()).then(|| values.iter().sum());
    let settled = || differences.iter().filter(|d| d.settled);
    let gains: Vec<f64> = settled().filter_map(|d| d.net_gain_seconds).collect();
    Total {
        jobs: differences.len(),
        jobs_still_passing: differences
            .iter()
            .filter(|d| matches!(d.passes, Passes::Still | Passes::Again))
            .count(),
        tool_seconds_saved: sum(settled().filter_map(|d| d.tool_seconds_saved).collect()),
        jobs_with_net_gain: gains.len(),
        net_gain_seconds: sum(gains),
        job_seconds_saved: sum(settled().filter_map(|d| d.job_seconds_saved).collect()),
    }
}
