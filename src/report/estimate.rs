//! Runs without a cache, or with one that is thrown away → what a cache would save.

use serde::Serialize;

use super::job::{Build, CacheUse, JobRun, Restore};
use super::summary::Stat;
use super::verdict::rounded;
use crate::rules::logs::{LOGS, Range};

/// What a cache of a job's environments would save a run.
#[derive(Debug, Clone, Serialize)]
pub struct Estimate {
    /// Creating environments and installing into them, over all sessions of a run.
    pub build_seconds: f64,
    /// All sessions that build, from beginning to end.
    pub session_seconds: Option<f64>,
    /// Restoring packages, where the cache of the environments would hold them.
    pub packages_seconds: Option<f64>,
    /// After restoring and looking through the environments: at least, about, at most. Below zero it costs.
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
        if self.thrown_away && self.pays {
            let saves = rounded(self.saves_about);
            return format!("restored, then built again: add -r to save about {saves} s a run");
        }
        let mut builds = format!("builds for {} s", rounded(self.build_seconds));
        if let Some(packages) = self.packages_seconds {
            builds += &format!(" and restores packages for {} s", rounded(packages));
        }
        let what = match (self.pays, self.cached, self.packages_seconds) {
            (true, true, _) => "a run that finds its cache",
            (true, false, None) => "a cache",
            (true, false, Some(_)) => "one cache for both",
            (false, false, _) => return format!("{builds}; leave it as it is"),
            (false, true, _) => return format!("{builds}, too little for a cache to pay off"),
        };
        format!(
            "{builds}; {what} would save about {} s a run ({}\u{2013}{})",
            rounded(self.saves_about),
            rounded(self.saves_at_least.max(0.0)),
            rounded(self.saves_at_most)
        )
    }
}

/// Seconds that are known only to lie between two bounds.
#[derive(Debug, Clone, Copy, Default)]
struct Between {
    least: f64,
    most: f64,
}

impl Between {
    fn exactly(seconds: f64) -> Self {
        Self { least: seconds, most: seconds }
    }

    fn facts((least, most): Range) -> Self {
        Self { least, most }
    }

    fn plus(self, other: Self) -> Self {
        Self { least: self.least + other.least, most: self.most + other.most }
    }

    fn minus(self, other: Self) -> Self {
        Self { least: self.least - other.most, most: self.most - other.least }
    }

    fn times(self, seconds: f64) -> Self {
        Self { least: self.least * seconds, most: self.most * seconds }
    }

    fn but_at_most(self, other: Self) -> Self {
        Self { least: self.least.min(other.least), most: self.most.min(other.most) }
    }
}

/// What one run would have saved.
struct RunSaves<'a> {
    run: &'a JobRun,
    build_seconds: f64,
    packages_seconds: Option<f64>,
    saves: Between,
}

impl<'a> RunSaves<'a> {
    /// `None` where the lines of a session have no times.
    fn of(run: &'a JobRun) -> Option<Self> {
        let facts = &LOGS.estimate;
        let mut build_seconds = 0.0;
        let mut unpacking = Between::default();
        let mut reusing = Between::default();
        let mut compiling = Between::default();
        for build in &run.builds {
            let backend = build.backend.as_deref();
            let seconds = build.build_seconds?;
            let commands = build.seconds.map_or(0.0, |all| (all - seconds).max(0.0));
            let reuse = Between::facts(facts.reuse_seconds_per_session.of(backend));
            build_seconds += seconds;
            unpacking =
                unpacking.plus(Between::facts(facts.unpack_share.of(backend)).times(seconds));
            // Looking through an environment takes no longer than building it.
            reusing = reusing.plus(reuse.but_at_most(Between::exactly(seconds)));
            compiling = compiling
                .plus(Between::facts(facts.compile.of_commands.of(backend)).times(commands));
        }
        let replaced = replaced(run);
        let packages_seconds = restored_seconds(replaced.iter().copied());
        let brought = restored_seconds(run.caches.iter());
        let installing = build_seconds + packages_seconds.unwrap_or(0.0) + brought.unwrap_or(0.0);
        let compiling =
            compiling.but_at_most(Between::facts(facts.compile.of_installing).times(installing));
        let saves = Between::exactly(build_seconds).plus(compiling).minus(reusing);
        Some(Self {
            run,
            build_seconds,
            packages_seconds,
            saves: saves.plus(caches_save(run, &replaced, unpacking)),
        })
    }
}

/// The caches of packages that go when the environments are cached.
fn replaced(run: &JobRun) -> Vec<&CacheUse> {
    let moves = |build: &Build| LOGS.estimate.moves_packages(build.backend.as_deref());
    if !run.caches.is_empty() || !run.builds.iter().any(moves) {
        return Vec::new();
    }
    run.package_caches.iter().filter(|cache| cache.is_replaced()).collect()
}

/// Of those that brought something.
fn restored_seconds<'a>(caches: impl Iterator<Item = &'a CacheUse>) -> Option<f64> {
    let restored = caches.filter(|cache| cache.restored());
    restored.filter_map(|cache| cache.restore_seconds).reduce(|sum, seconds| sum + seconds)
}

/// What a run pays for its caches now, less what a run pays that finds its environments.
fn caches_save(run: &JobRun, replaced: &[&CacheUse], unpacking: Between) -> Between {
    let facts = &LOGS.estimate;
    let post = Between::facts(facts.post_step_seconds);
    let saving: f64 = run.caches.iter().filter_map(|cache| cache.save_seconds).sum();
    let anew = Between::exactly(run.preparation_seconds.unwrap_or(0.0) + saving);
    if run.restored() {
        // The same archive is restored then. What an older key brings is deleted, and saved anew.
        return if saving > 0.0 { anew.minus(post) } else { anew };
    }
    if let Some(seconds) = restored_seconds(replaced.iter().copied()) {
        // The step at the end is the same for both.
        return Between::exactly(seconds)
            .minus(Between::facts(facts.replaced_share).times(seconds));
    }
    // A service that was down isn't what a run pays that finds nothing.
    let missed = run.caches.iter().chain(replaced.iter().copied());
    let missed = missed.filter(|cache| cache.restore == Restore::Miss);
    let looking = missed.filter_map(|cache| {
        let most = cache.restore_seconds?;
        Some(Between { least: cache.restore_seconds_at_least.unwrap_or(most), most })
    });
    let paid = looking.fold(anew, Between::plus);
    let posts: f64 = replaced.iter().filter_map(|cache| cache.post_seconds).sum();
    let found = Between::facts(facts.restore_step_seconds).plus(unpacking);
    paid.plus(Between::exactly(posts)).minus(found).minus(post)
}

/// `None` where no run built anything, or where the lines have no times.
pub fn estimate<'a>(runs: impl Iterator<Item = &'a JobRun>) -> Option<Estimate> {
    let built: Vec<RunSaves<'a>> =
        runs.filter(|run| !run.builds.is_empty()).filter_map(RunSaves::of).collect();
    let median = |of: fn(&RunSaves<'_>) -> f64| Some(Stat::of(built.iter().map(of))?.median);
    let build_seconds = median(|run| run.build_seconds)?;
    let (saves_at_least, saves_at_most) =
        (median(|run| run.saves.least)?, median(|run| run.saves.most)?);
    // The run in the middle stands for all where there is no sum.
    let distance = |run: &&RunSaves<'_>| (run.build_seconds - build_seconds).abs();
    let run = built.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)))?.run;
    let saves_about = f64::midpoint(saves_at_least, saves_at_most);
    Some(Estimate {
        build_seconds,
        session_seconds: run.builds.iter().map(|build| build.seconds).sum(),
        packages_seconds: Stat::of(built.iter().filter_map(|run| run.packages_seconds))
            .map(|stat| stat.median),
        saves_at_least,
        saves_about,
        saves_at_most,
        pays: saves_about >= LOGS.estimate.pays_from,
        thrown_away: run.threw_away(),
        cached: !run.caches.is_empty(),
        sessions: run.builds.clone(),
    })
}
