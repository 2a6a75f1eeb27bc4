//! What nox did in a job, and how long it took by each clock there is.

use serde::Serialize;

use super::super::event::{NoxEvent, SessionResult};
use super::super::line::Moment;
use super::MOST;
use super::step::StepState;

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

/// What nox's lines say, gathered.
#[derive(Debug, Default)]
pub(super) struct NoxLog {
    pub created: Vec<String>,
    pub reused: Vec<String>,
    pub sessions: Vec<(String, SessionResult)>,
    /// Of the session that runs: its step and when it began.
    open: Option<(usize, Option<Moment>)>,
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

impl NoxLog {
    pub fn ran(&self) -> bool {
        self.any
    }

    pub fn interpreter_gone(&self) -> bool {
        self.gone
    }

    pub fn take(&mut self, event: NoxEvent, step: usize, time: Option<Moment>) {
        self.any = true;
        match event {
            NoxEvent::SessionStart(_) => self.open = Some((step, time)),
            NoxEvent::SessionEnd { name, result, seconds } => {
                match self.open.take() {
                    Some((_, Some(start))) => match time.and_then(|end| end.since(start)) {
                        Some(span) => self.between = Some(self.between.unwrap_or(0.0) + span),
                        None => self.unmeasured = true,
                    },
                    _ => self.unmeasured = true,
                }
                if self.told_since.len() < MOST {
                    self.told_since.push(seconds);
                }
                if self.sessions.len() < MOST {
                    self.sessions.push((name, result));
                }
            }
            NoxEvent::SessionsRan { seconds } => {
                self.told_since.clear();
                self.tell(seconds);
            }
            NoxEvent::Created(name) => remember(&mut self.created, name),
            NoxEvent::Reused(name) => remember(&mut self.reused, name),
            NoxEvent::InterpreterGone => self.gone = true,
            NoxEvent::Other => {}
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
        let with_nox: Vec<&StepState> = steps.iter().filter(|s| s.nox.is_some()).collect();
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
