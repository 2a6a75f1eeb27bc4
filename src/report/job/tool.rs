//! What nox did in a job, and how long it took by each clock there is.

use std::collections::HashSet;

use serde::Serialize;

use super::super::line::Moment;
use super::MOST;
use super::step::StepState;
use crate::tool::log::{LogLine, SessionResult};

/// Where the seconds inside nox come from, most exact first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToolSource {
    /// The file of `nox --report`.
    Report,
    /// From nox's first line to its last, by the log's timestamps.
    Timestamps,
    /// The whole steps that ran nox, as the runner reports them.
    Steps,
    /// nox's own words, in whole seconds.
    #[serde(rename = "nox-lines")]
    ToolLines,
}

/// The seconds inside nox by each source that the log has.
#[derive(Debug, Clone, Copy, Default)]
pub struct ToolSeconds {
    pub report: Option<f64>,
    pub timestamps: Option<f64>,
    pub steps: Option<f64>,
    pub tool_lines: Option<f64>,
}

impl ToolSeconds {
    pub fn by(&self, source: ToolSource) -> Option<f64> {
        match source {
            ToolSource::Report => self.report,
            ToolSource::Timestamps => self.timestamps,
            ToolSource::Steps => self.steps,
            ToolSource::ToolLines => self.tool_lines,
        }
    }
}

impl ToolSource {
    /// The most exact source that all of these have, so that what is compared was measured alike.
    pub fn common<'a>(runs: impl Iterator<Item = &'a ToolSeconds> + Clone) -> Option<Self> {
        [Self::Report, Self::Timestamps, Self::Steps, Self::ToolLines].into_iter().find(|&source| {
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

/// A session that runs.
#[derive(Debug, Default)]
struct OpenSession {
    name: String,
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

/// Sessions that run in each other; nobody has this many.
const MOST_NESTED: usize = 16;

/// What the tool's lines say, gathered.
#[derive(Debug, Default)]
pub(super) struct ToolLog {
    pub created: DistinctNames,
    pub reused: DistinctNames,
    pub sessions: Vec<(String, SessionResult)>,
    pub builds: Vec<Build>,
    /// The sessions that run: each but the first runs in the one before, which calls the tool again.
    open: Vec<OpenSession>,
    /// Of ended sessions in lines outside of any step; `None` once one has no timestamps.
    between: Option<f64>,
    /// Of whole invocations; `None` once one is without.
    told: Option<f64>,
    /// Sessions since the last summary of an invocation.
    told_since: Vec<Option<f64>>,
    any: bool,
    unmeasured: bool,
    untold: bool,
    stopped: bool,
    gone: bool,
    /// Where environments lie.
    folders: DistinctNames,
    /// A session's lines are further apart than the session took: somebody set the clock.
    clock_set: bool,
}

/// nox says whole seconds, and a busy machine prints late.
const TOLERANCE: f64 = 2.0;

/// Nothing but a clock that was set makes lines come so much later than the tool took.
const LEAST_STEP_FORWARD: f64 = 10.0;

impl ToolLog {
    pub fn ran(&self) -> bool {
        self.any
    }

    pub fn in_session(&self) -> bool {
        !self.open.is_empty()
    }

    /// Whatever ran was stopped with its step, so that nobody knows how long it took.
    pub fn stop(&mut self) {
        self.stopped |= !self.open.is_empty();
        self.open.clear();
    }

    pub fn interpreter_gone(&self) -> bool {
        self.gone
    }

    pub fn clock_set(&self) -> bool {
        self.clock_set
    }

    /// The folders that environments lie in.
    pub fn folders(&self) -> &[String] {
        &self.folders.list
    }

    pub fn take(&mut self, line: LogLine, time: Option<Moment>) {
        self.any = true;
        if let Some(open) = self.open.last_mut() {
            open.interrupt(time);
        }
        match line {
            LogLine::SessionStart(name) => {
                // Begun anew: what ran under that name was stopped.
                let again = self.open.iter().position(|open| open.name == name);
                self.open.truncate(again.unwrap_or(MOST_NESTED));
                self.open.push(OpenSession { name, start: time, ..OpenSession::default() });
            }
            LogLine::SessionEnd { name, result, seconds, at_most } => {
                self.end(name, result, (seconds, at_most), time);
            }
            LogLine::RunEnd { seconds } => {
                if self.open.is_empty() {
                    self.told_since.clear();
                    self.tell(seconds);
                }
            }
            LogLine::Created { name, folder, backend } => {
                self.folders.add(folder);
                if let Some(open) = self.open.last_mut() {
                    open.created = true;
                    open.backend = backend;
                    open.building = Some(time);
                }
                self.created.add(name);
            }
            LogLine::Install => {
                if let Some(open) = self.open.last_mut().filter(|open| open.created) {
                    open.building = Some(time);
                }
            }
            LogLine::Reused { name, folder } => {
                self.folders.add(folder);
                self.reused.add(name);
            }
            LogLine::InterpreterGone => self.gone = true,
            LogLine::Command | LogLine::Other => {}
        }
    }

    /// `told` and `at_most` are what the tool says it took.
    fn end(
        &mut self,
        name: String,
        result: SessionResult,
        (told, at_most): (Option<f64>, Option<f64>),
        time: Option<Moment>,
    ) {
        let at = self.open.iter().rposition(|open| open.name == name);
        let open = at.and_then(|at| self.open.drain(at..).next()).unwrap_or_default();
        let is_outermost = self.open.is_empty();
        let span = open.start.zip(time).and_then(|(start, end)| end.since(start));
        let clock_set = span
            .zip(at_most)
            .is_some_and(|(span, most)| span > most + LEAST_STEP_FORWARD + 0.1 * most);
        self.clock_set |= clock_set;
        match span {
            _ if !is_outermost => {}
            Some(span) => self.between = Some(self.between.unwrap_or(0.0) + span),
            None => self.unmeasured = true,
        }
        if open.created && self.builds.len() < MOST {
            // Sessions that ran in parallel print at their end, and a clock may have been set: then
            // the lines' times are not those of the work.
            let trusted = match (span, told) {
                (Some(span), Some(told)) => (span - told).abs() <= TOLERANCE + 0.1 * told,
                (Some(_), None) => !clock_set,
                (None, _) => false,
            };
            self.builds.push(Build {
                session: name.clone(),
                build_seconds: (trusted && !open.unmeasured).then_some(open.built),
                seconds: span.filter(|_| trusted).or(told),
                backend: open.backend,
            });
        }
        if is_outermost && self.told_since.len() < MOST {
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
    pub fn seconds(&mut self, steps: &[StepState], truncated: bool) -> ToolSeconds {
        for seconds in std::mem::take(&mut self.told_since) {
            self.tell(seconds);
        }
        if truncated || self.stopped || !self.open.is_empty() || !self.any {
            return ToolSeconds::default();
        }
        let with_tool: Vec<&StepState> = steps.iter().filter(|s| s.ran_tool()).collect();
        let timestamps = if self.clock_set {
            None
        } else if with_tool.iter().all(|s| s.is_real()) {
            with_tool.iter().map(|s| s.tool.and_then(|(first, last)| last?.since(first?))).sum()
        } else if self.unmeasured {
            None
        } else {
            self.between
        };
        let in_steps: Option<f64> = with_tool.iter().map(|s| s.seconds).sum();
        ToolSeconds {
            report: None,
            timestamps,
            steps: in_steps,
            tool_lines: self.told.filter(|_| !self.untold),
        }
    }
}

/// Names of environments or folders, each once, in their order.
#[derive(Debug, Default)]
pub(super) struct DistinctNames {
    pub list: Vec<String>,
    known: HashSet<String>,
}

impl DistinctNames {
    fn add(&mut self, name: String) {
        if self.list.len() < MOST && self.known.insert(name.clone()) {
            self.list.push(name);
        }
    }
}
