//! Runs without a cache, or with one that is thrown away → what a cache would save.

use serde::Serialize;

use super::job::{Build, JobRun};
use super::summary::Stat;
use super::verdict::rounded;
use crate::rules::logs::LOGS;

/// What a cache of a job's environments would save a run.
#[derive(Debug, Clone, Serialize)]
pub struct Estimate {
    /// Creating environments and installing into them, over all sessions of a run.
    pub build_seconds: f64,
    /// All sessions that build, from beginning to end.
    pub session_seconds: Option<f64>,
    /// After restoring and looking through the environments: at least, about, at most.
    pub saves_at_least: f64,
    pub saves_about: f64,
    pub saves_at_most: f64,
    pub pays: bool,
    /// Restored already, and built all the same: only reuse is missing.
    pub thrown_away: bool,
    /// The job has a cache already, which did not bring what was built.
    pub cached: bool,
    pub sessions: Vec<Build>,
}

impl Estimate {
    pub fn sentence(&self) -> String {
        let build = rounded(self.build_seconds);
        if self.thrown_away && self.pays {
            let saves = rounded(self.saves_about);
            return format!("restored, then built again: add -r to save about {saves} s a run");
        }
        let what = match (self.pays, self.cached) {
            (true, false) => "a cache",
            (true, true) => "a run that finds its cache",
            (false, false) => return format!("builds {build} s, leave it"),
            (false, true) => return format!("builds {build} s, too little for a cache to pay"),
        };
        format!(
            "builds {build} s; {what} would save about {} s a run ({}\u{2013}{})",
            rounded(self.saves_about),
            rounded(self.saves_at_least),
            rounded(self.saves_at_most)
        )
    }
}

/// What one run would have saved.
struct RunSaves<'a> {
    run: &'a JobRun,
    build_seconds: f64,
    at_least: f64,
    at_most: f64,
}

impl<'a> RunSaves<'a> {
    /// `None` where the lines of a session have no times.
    fn of(run: &'a JobRun) -> Option<Self> {
        let facts = &LOGS.estimate;
        let (mut least, mut most) = facts.steps_seconds;
        let (mut reuse_least, mut reuse_most) = (0.0, 0.0);
        let mut build_seconds = 0.0;
        for build in &run.builds {
            let backend = build.backend.as_deref();
            let seconds = build.build_seconds?;
            let share = facts.unpack_share.of(backend);
            let reuse = facts.reuse_seconds_per_session.of(backend);
            build_seconds += seconds;
            least += share.0 * seconds;
            most += share.1 * seconds;
            // Looking through an environment takes no longer than building it.
            reuse_least += reuse.0.min(seconds);
            reuse_most += reuse.1.min(seconds);
        }
        if run.threw_away() {
            // What restoring costs is paid already.
            (least, most) = (0.0, 0.0);
        }
        let (at_least, at_most) =
            (build_seconds - most - reuse_most, build_seconds - least - reuse_least);
        Some(Self { run, build_seconds, at_least, at_most })
    }
}

/// `None` where no run built anything, or where the lines have no times.
pub fn estimate<'a>(runs: impl Iterator<Item = &'a JobRun>) -> Option<Estimate> {
    let built: Vec<RunSaves<'a>> =
        runs.filter(|run| !run.builds.is_empty()).filter_map(RunSaves::of).collect();
    let median = |of: fn(&RunSaves<'_>) -> f64| Some(Stat::of(built.iter().map(of))?.median);
    let build_seconds = median(|run| run.build_seconds)?;
    let (saves_at_least, saves_at_most) = (median(|run| run.at_least)?, median(|run| run.at_most)?);
    // The run in the middle stands for all where there is no sum.
    let distance = |run: &&RunSaves<'_>| (run.build_seconds - build_seconds).abs();
    let run = built.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)))?.run;
    let saves_about = f64::midpoint(saves_at_least, saves_at_most);
    Some(Estimate {
        build_seconds,
        session_seconds: run.builds.iter().map(|build| build.seconds).sum(),
        saves_at_least: saves_at_least.max(0.0),
        saves_about,
        saves_at_most,
        pays: saves_about >= LOGS.estimate.pays_from,
        thrown_away: run.threw_away(),
        cached: !run.caches.is_empty(),
        sessions: run.builds.clone(),
    })
}
