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
    pub sessions: Vec<Build>,
}

impl Estimate {
    pub fn sentence(&self) -> String {
        let build = rounded(self.build_seconds);
        if self.thrown_away && self.pays {
            let saves = rounded(self.saves_about);
            return format!("restored, then built again: add -r to save about {saves} s a run");
        }
        if !self.pays {
            return format!("builds {build} s, leave it");
        }
        format!(
            "builds {build} s; a cache would save about {} s a run ({}\u{2013}{})",
            rounded(self.saves_about),
            rounded(self.saves_at_least),
            rounded(self.saves_at_most)
        )
    }
}

/// `None` where no run built anything, or where the lines have no times.
pub fn estimate<'a>(runs: impl Iterator<Item = &'a JobRun>) -> Option<Estimate> {
    let built: Vec<&JobRun> = runs.filter(|run| !run.builds.is_empty()).collect();
    let seconds =
        |run: &&JobRun| -> Option<f64> { run.builds.iter().map(|build| build.build_seconds).sum() };
    // The run in the middle stands for all, so that sums and sessions are of the same run.
    let median = Stat::of(built.iter().filter_map(seconds))?.median;
    let distance = |run: &&&JobRun| seconds(run).map_or(f64::MAX, |s| (s - median).abs());
    let run = built.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
    let facts = &LOGS.estimate;
    let (mut least, mut most) = facts.steps_seconds;
    let (mut reuse_least, mut reuse_most) = (0.0, 0.0);
    for build in &run.builds {
        let backend = build.backend.as_deref();
        let build_seconds = build.build_seconds?;
        let share = facts.unpack_share.of(backend);
        let reuse = facts.reuse_seconds_per_session.of(backend);
        least += share.0 * build_seconds;
        most += share.1 * build_seconds;
        // Looking through an environment takes no longer than building it.
        reuse_least += reuse.0.min(build_seconds);
        reuse_most += reuse.1.min(build_seconds);
    }
    let build_seconds = seconds(run)?;
    let thrown_away = run.restored() && run.threw_away();
    if thrown_away {
        // What restoring costs is paid already.
        (least, most) = (0.0, 0.0);
    }
    let saves = |costs: f64| build_seconds - costs;
    let (saves_at_least, saves_at_most) = (saves(most + reuse_most), saves(least + reuse_least));
    let saves_about = f64::midpoint(saves_at_least, saves_at_most);
    Some(Estimate {
        build_seconds,
        session_seconds: run.builds.iter().map(|build| build.seconds).sum(),
        saves_at_least: saves_at_least.max(0.0),
        saves_about,
        saves_at_most,
        pays: saves_about >= facts.pays_from,
        thrown_away,
        sessions: run.builds.clone(),
    })
}
