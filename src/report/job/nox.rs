//! What nox did in a job, and how long it took by each clock there is.

use serde::Serialize;

use super::super::line::Moment;
use super::MOST;
use super::step::StepState;
use crate::tool::log::{LogLine, SessionResult};

/// Where the seconds inside nox come from, most exact first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoxSource {
    /// The file of `nox --report`.
    Report,
    /// From nox's first line to its last, by the log's timestamps.
    Timestamps,
    /// The whole steps that ran nox, as the runner reports them.
    Steps,
    /// nox's own words, in whole seconds.
    NoxLines,
}

/// The seconds inside nox by each source that the log has.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoxSeconds {
    pub report: Option<f64>,
    pub timestamps: Option<f64>,
    pub steps: Option<f64>,
    pub nox_lines: Option<f64>,
}

impl NoxSeconds {
    pub fn by(&self, source: NoxSource) -> Option<f64> {
        match source {
            NoxSource::Report => self.report,
            NoxSource::Timestamps => self.timestamps,
            NoxSource::Steps => self.steps,
            NoxSource::NoxLines => self.nox_lines,
        }
    }
}

impl NoxSource {
    /// The most exact source that all of these have, so that what is compared was measured alike.
    pub fn common<'a>(runs: impl Iterator<Item = &'a NoxSeconds> + Clone) -> Option<Self> {
        [Self::Report, Self::Timestamps, Self::Steps, Self::NoxLines].into_iter().find(|&source| {
            runs.clone().count() > 0 && runs.clone().all(|run| run.by(source).is_some())
        })
    }
}

/// One session that built its environment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Build {
    pub session: String,
    /// Creating the environment and installing into it; `None` where the lines have no times that
    /// can be trusted.
    pub build_seconds: Option<f64>,
    /// The whole session.
    pub seconds: Option<f64>,
    pub backend: Option<String>,
}

/// The session that runs.
#[derive(Debug, Default)]
struct OpenSession {
    /// When it began.
    start: Option<Moment>,
    /// The line that built something, if the last line did: what comes next ends it.
    building: Option<Option<Moment>>,
    created: bool,
    backend: Option<String>,
    built: f64,
    /// A time was missing, or a clock went backwards.
    unmeasured: bool,
}

impl OpenSession {
    /// Whatever was being built was built when this line came.
    fn interrupt(&mut self, time: Option<Moment>) {
        let Some(began) = self.building.take() else { return };
        match time.zip(began).and_then(|(end, start)| end.since(start)) {
            Some(seconds) => self.built += seconds,
            None => self.unmeasured = true,
        }
    }
}

/// What the tool's lines say, gathered.
#[derive(Debug, Default)]
pub(super) struct NoxLog {
    pub created: Vec<String>,
    pub reused: Vec<String>,
    pub sessions: Vec<(String, SessionResult)>,
    pub builds: Vec<Build>,
    open: Option<OpenSession>,
    /// Of ended sessions in lines outside of any step; `None` once one has no timestamps.
    between: Option<f64>,
    /// Of whole invocations; `None` once one is without.
    told: Option<f64>,
    /// Sessions since the last summary of an invocation.
    told_since: Vec<Option<f64>>,
    any: bool,
    unmeasured: bool,
    untold: bool,
    gone: bool,
}

/// nox says whole seconds, and a busy machine prints late.
const TOLERANCE: f64 = 2.0;

impl NoxLog {
    pub fn ran(&self) -> bool {
        self.any
    }

    pub fn in_session(&self) -> bool {
        self.open.is_some()
    }

    pub fn interpreter_gone(&self) -> bool {
        self.gone
    }

    pub fn take(&mut self, line: LogLine, time: Option<Moment>) {
        self.any = true;
        if let Some(open) = &mut self.open {
            open.interrupt(time);
        }
        match line {
            LogLine::SessionStart(_) => {
                self.open = Some(OpenSession { start: time, ..OpenSession::default() });
            }
            LogLine::SessionEnd { name, result, seconds } => self.end(name, result, seconds, time),
            LogLine::RunEnd { seconds } => {
                self.told_since.clear();
                self.tell(seconds);
            }
            LogLine::Created { name, backend } => {
                if let Some(open) = &mut self.open {
                    open.created = true;
                    open.backend = backend;
                    open.building = Some(time);
                }
                remember(&mut self.created, name);
            }
            LogLine::Install => {
                if let Some(open) = self.open.as_mut().filter(|open| open.created) {
                    open.building = Some(time);
                }
            }
            LogLine::Reused(name) => remember(&mut self.reused, name),
            LogLine::InterpreterGone => self.gone = true,
            LogLine::Command | LogLine::Other => {}
        }
    }

    fn end(
        &mut self,
        name: String,
        result: SessionResult,
        told: Option<f64>,
        time: Option<Moment>,
    ) {
        let open = self.open.take().unwrap_or_default();
        let span = open.start.zip(time).and_then(|(start, end)| end.since(start));
        match span {
            Some(span) => self.between = Some(self.between.unwrap_or(0.0) + span),
            None => self.unmeasured = true,
        }
        if open.created && self.builds.len() < MOST {
            // Sessions that ran in parallel print at their end, and a clock may have been set: then
            // the lines' times are not those of the work.
            let trusted = match (span, told) {
                (Some(span), Some(told)) => (span - told).abs() <= TOLERANCE + 0.1 * told,
                (Some(_), None) => true,
                (None, _) => false,
            };
            self.builds.push(Build {
                session: name.clone(),
                build_seconds: (trusted && !open.unmeasured).then_some(open.built),
                seconds: span.filter(|_| trusted).or(told),
                backend: open.backend,
            });
        }
        if self.told_since.len() < MOST {
            self.told_since.push(told);
        }
        if self.sessions.len() < MOST {
            self.sessions.push((name, result));
        }
    }

    fn tell(&mut self, seconds: Option<f64>) {
        match seconds {
            Some(seconds) => self.told = Some(self.told.unwrap_or(0.0) + seconds),
            None => self.untold = true,
        }
    }

    /// Nothing is said of a log that ends while nox may still have had work to do.
    pub fn seconds(&mut self, steps: &[StepState], truncated: bool) -> NoxSeconds {
        for seconds in std::mem::take(&mut self.told_since) {
            self.tell(seconds);
        }
        if truncated || self.open.is_some() || !self.any {
            return NoxSeconds::default();
        }
        let with_nox: Vec<&StepState> = steps.iter().filter(|s| s.ran_tool()).collect();
        let timestamps = if with_nox.iter().all(|s| s.is_real()) {
            with_nox.iter().map(|s| s.nox.and_then(|(first, last)| last?.since(first?))).sum()
        } else if self.unmeasured {
            None
        } else {
            self.between
        };
        let in_steps: Option<f64> = with_nox.iter().map(|s| s.seconds).sum();
        NoxSeconds {
            report: None,
            timestamps,
            steps: in_steps,
            nox_lines: self.told.filter(|_| !self.untold),
        }
    }
}

fn remember(names: &mut Vec<String>, name: String) {
    if names.len() < MOST && !names.contains(&name) {
        names.push(name);
    }
}
