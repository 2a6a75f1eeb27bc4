//! All jobs of a run together: seconds a run, minutes a month, and the job the others wait for.

use serde::Serialize;

use super::JobLine;
use super::compare::Difference;
use super::summary::JobSummary;

/// Sums are of single jobs' medians; jobs run in parallel, so nobody waits for all of them.
#[derive(Debug, Serialize)]
pub struct WorkflowSavings {
    /// What caches save, or would save, a run, over all jobs for which there is a number.
    pub saved_seconds: f64,
    pub jobs: usize,
    pub estimated: bool,
    pub minutes_a_month: Option<f64>,
    pub slowest: Option<Slowest>,
}

/// The job that takes longest, which is about what a run takes by the clock.
#[derive(Debug, Serialize)]
pub struct Slowest {
    pub job: String,
    pub seconds: f64,
    /// The job that takes longest when caches save what they do.
    pub then_job: String,
    pub then_seconds: f64,
}

impl WorkflowSavings {
    pub(super) fn of_estimates(jobs: &[JobLine], runs_per_month: Option<u32>) -> Option<Self> {
        let about = |line: &JobLine| {
            line.estimate.as_ref().filter(|e| e.pays).map(|estimate| estimate.saves_about)
        };
        let times = jobs.iter().map(|line| {
            let now = line.summary.job_seconds.map(|s| s.median);
            let gain = about(line);
            let then = now.map(|now| now - gain.unwrap_or(0.0));
            Times { job: &line.summary.job, now, gain, then }
        });
        Self::of(times.collect(), true, runs_per_month)
    }

    pub(super) fn of_differences(
        differences: &[Difference],
        runs_per_month: Option<u32>,
    ) -> Option<Self> {
        let times = differences.iter().map(|d| {
            let gain = d.net_gain_seconds.or(d.job_seconds_saved).filter(|_| d.settled);
            let median = |summary: &JobSummary| summary.job_seconds.map(|s| s.median);
            Times { job: &d.job, now: median(&d.before), gain, then: median(&d.after) }
        });
        Self::of(times.collect(), false, runs_per_month)
    }

    fn of(jobs: Vec<Times<'_>>, estimated: bool, runs_per_month: Option<u32>) -> Option<Self> {
        let gains: Vec<f64> = jobs.iter().filter_map(|times| times.gain).collect();
        if gains.is_empty() {
            return None;
        }
        let saved_seconds: f64 = gains.iter().sum();
        Some(Self {
            saved_seconds,
            jobs: gains.len(),
            estimated,
            minutes_a_month: runs_per_month.map(|runs| f64::from(runs) * saved_seconds / 60.0),
            slowest: slowest(&jobs),
        })
    }
}

/// Seconds of one job.
struct Times<'a> {
    job: &'a str,
    now: Option<f64>,
    gain: Option<f64>,
    then: Option<f64>,
}

/// Only where the seconds of every job are known: the one without may be the slowest.
fn slowest(jobs: &[Times<'_>]) -> Option<Slowest> {
    let longest = |seconds: fn(&Times<'_>) -> Option<f64>| {
        let all: Option<Vec<(&str, f64)>> =
            jobs.iter().map(|times| Some((times.job, seconds(times)?))).collect();
        all?.into_iter().max_by(|a, b| a.1.total_cmp(&b.1))
    };
    let (job, seconds) = longest(|times| times.now)?;
    let (then_job, then_seconds) = longest(|times| times.then)?;
    Some(Slowest { job: job.to_owned(), seconds, then_job: then_job.to_owned(), then_seconds })
}
