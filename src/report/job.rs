//! Records of one job → what its caches did, what nox did, and how long each took.

mod cache;
mod step;
mod tool;

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Serialize;

use super::event::{LogEvent, RunnerEvent, event};
use super::line::Moment;
use super::record::{LineBody, Record, Stage, forge_of};
use crate::rules::logs::LogForge;
use crate::tool::log::SessionResult;
use step::{LineBefore, StepKey, StepState};

pub use cache::{CacheUse, Restore, Save};
pub use tool::{Build, ToolSeconds, ToolSource};

/// Steps, environments and sessions of one job that are kept; a real job has far fewer, a hostile
/// log could have any number.
pub(super) const MOST: usize = 4096;

/// Caches of one job that are kept, each restore and each save: they are compared with each other.
const MOST_CACHES: usize = 200;

/// Lines of parallel streams come a little out of order; a clock that is set goes further back.
const LEAST_STEP_BACK: f64 = 1.0;

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum JobOutcome {
    Passed,
    Failed,
    Cancelled,
    /// The log does not say.
    Unknown,
}

/// Where the seconds of a job come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum JobSource {
    Timestamps,
    /// The sum of its steps, as act reports each.
    Steps,
}

/// One job in one run.
#[derive(Debug, Clone)]
pub struct JobRun {
    pub name: String,
    /// The log does not name its job: `name` is that of the file.
    pub named_by_file: bool,
    /// The id of the job in its workflow, where the log gives it.
    pub id: Option<String>,
    pub forge: Option<LogForge>,
    pub outcome: JobOutcome,
    /// The log ends before the job does.
    pub truncated: bool,
    /// Caches of nox's environments.
    pub caches: Vec<CacheUse>,
    /// Of what installers download and build.
    pub package_caches: Vec<CacheUse>,
    pub other_caches: Vec<CacheUse>,
    /// Sessions that built their environment.
    pub builds: Vec<Build>,
    /// Environments by name, in the order of the log.
    pub created: Vec<String>,
    pub reused: Vec<String>,
    pub sessions: Vec<(String, SessionResult)>,
    pub tool: ToolSeconds,
    pub ran_tool: bool,
    /// The tool's own file, which says nothing about caches.
    pub of_tool_alone: bool,
    /// Of all lines and their times, so that a log that is given twice is known; `None` without any times, since
    /// short logs may be alike.
    pub fingerprint: Option<u64>,
    /// Steps that prepare environments, such as the one that deletes them before they are built again.
    pub preparation_seconds: Option<f64>,
    pub approach: Option<Approach>,
    pub job_seconds: Option<(f64, JobSource)>,
    pub interpreters: BTreeSet<String>,
    /// nox found a restored environment without its interpreter.
    pub interpreter_gone: bool,
}

impl JobRun {
    /// Whether environments were restored.
    pub fn restored(&self) -> bool {
        self.caches.iter().any(CacheUse::restored)
    }

    /// Whether every environment was built although the key had matched exactly. What an older key brings
    /// is built again on purpose.
    pub fn threw_away(&self) -> bool {
        let exact = |cache: &CacheUse| matches!(cache.restore, Restore::Hit | Restore::Restored);
        self.caches.iter().any(exact) && !self.created.is_empty() && self.reused.is_empty()
    }
}

/// From the last line before the caches of environments and packages, or before the tool where there are none, to
/// the tool's first line: what can be compared where the log does not say where steps begin.
#[derive(Debug, Clone)]
pub struct Approach {
    /// The line that it begins with, without what changes from run to run.
    pub anchor: String,
    pub seconds: f64,
}

/// Takes in the records of one job in the order of the log.
pub struct JobBuilder {
    name: String,
    named_by_file: bool,
    steps: Vec<StepState>,
    /// The last step of each kind.
    places: HashMap<StepKey, usize>,
    /// Caches that the steps told of so far.
    caches: usize,
    current: usize,
    first: Option<Moment>,
    last: Option<Moment>,
    ended: Option<bool>,
    exit_code: bool,
    error: bool,
    cancelled: bool,
    runner_end: bool,
    /// Some runner's marks were seen, so that their absence at the end means something.
    has_runner: bool,
    /// The number of the task, and the id of the job.
    task: Option<(String, String)>,
    forge: Option<LogForge>,
    log: tool::ToolLog,
    interpreters: BTreeSet<String>,
    line_before: LineBefore,
    /// Of the tool's first line: when it came, and what came before it.
    tool_begins: Option<(Option<Moment>, LineBefore)>,
    begun: bool,
    clock_set_back: bool,
    /// The runner ended the step that ran the tool.
    step_stopped: bool,
    hasher: DefaultHasher,
    /// Some line had a time, or some step its seconds.
    timed: bool,
}

impl JobBuilder {
    /// `named_by_file` where the log gave no name.
    pub fn new(name: &str, named_by_file: bool) -> Self {
        Self {
            name: name.to_owned(),
            named_by_file,
            steps: vec![StepState::default()],
            places: HashMap::from([(StepState::default().key_of_step(), 0)]),
            caches: 0,
            current: 0,
            first: None,
            last: None,
            ended: None,
            exit_code: false,
            error: false,
            cancelled: false,
            runner_end: false,
            has_runner: false,
            task: None,
            forge: None,
            log: tool::ToolLog::default(),
            interpreters: BTreeSet::new(),
            line_before: LineBefore::default(),
            tool_begins: None,
            begun: false,
            clock_set_back: false,
            step_stopped: false,
            hasher: DefaultHasher::new(),
            timed: false,
        }
    }

    pub fn has_ended(&self) -> bool {
        self.ended.is_some() || self.runner_end
    }

    /// Whether the log told the beginning of the job, so that the next beginning under its name is
    /// another run, or another attempt.
    pub fn has_begun(&self) -> bool {
        self.begun
    }

    pub fn take(&mut self, record: &Record<'_>) {
        self.remember(record);
        if let Some(time) = record.time {
            self.first.get_or_insert(time);
            self.clock_set_back |= self
                .last
                .and_then(|last| last.since(time))
                .is_some_and(|back| back > LEAST_STEP_BACK);
            self.last = Some(time);
        }
        match &record.body {
            LineBody::JobStart => {
                self.has_runner = true;
                self.begun = true;
            }
            // A session may print a group of that name, and no step begins while one runs.
            LineBody::StepStart(step)
                if self.forge == Some(LogForge::Github)
                    && step.stage == Stage::Main
                    && self.log.in_session()
                    && !self.step_stopped => {}
            LineBody::StepStart(step) => {
                self.has_runner = true;
                if self.step_stopped {
                    self.log.stop();
                }
                if let Some(before) = self.steps.get_mut(self.current) {
                    before.end = record.time;
                }
                self.add_step(StepState::new(step, record.time));
                self.current = self.steps.len() - 1;
            }
            LineBody::StepEnd { step, seconds } => {
                self.has_runner = true;
                let mut state = StepState::new(step, None);
                state.seconds = *seconds;
                match self.places.get(&state.key_of_step()).and_then(|at| self.steps.get_mut(*at)) {
                    Some(known) => known.seconds = *seconds,
                    None => self.add_step(state),
                }
            }
            LineBody::JobEnd { passed } => self.ended = Some(*passed),
            LineBody::Output(text) => {
                if let Some(step) = &record.step {
                    self.enter(step);
                }
                self.output(text, record.time, record.about);
            }
        }
    }

    fn remember(&mut self, record: &Record<'_>) {
        match &record.body {
            LineBody::Output(text) => (record.about, text).hash(&mut self.hasher),
            LineBody::StepEnd { seconds: Some(seconds), .. } => {
                seconds.to_bits().hash(&mut self.hasher);
                self.timed = true;
            }
            _ => {}
        }
        self.timed |= record.about.is_some();
    }

    fn enter(&mut self, step: &super::record::LogStep<'_>) {
        if self.steps.get(self.current).is_some_and(|s| s.is(step)) {
            return;
        }
        let state = StepState::new(step, None);
        self.current = match self.places.get(&state.key_of_step()) {
            Some(found) => *found,
            None => {
                self.add_step(state);
                self.steps.len() - 1
            }
        };
    }

    fn add_step(&mut self, state: StepState) {
        if self.steps.len() < MOST {
            self.places.insert(state.key_of_step(), self.steps.len());
            self.steps.push(state);
        }
    }

    fn output(&mut self, text: &str, time: Option<Moment>, about: Option<Moment>) {
        if self.forge.is_none() {
            self.forge = forge_of(text);
            self.has_runner |= self.forge.is_some();
        }
        let Some(step) = self.steps.get_mut(self.current) else { return };
        step.last = time.or(step.last);
        if step.echo(text) {
            self.line_before.take(text, time);
            return;
        }
        // Tools annotate with these too.
        self.error |= text.starts_with("##[error]");
        match event(text) {
            // What a session prints about caches isn't a cache.
            Some(LogEvent::Cache(_)) if !step.is_real() && self.log.in_session() => {}
            Some(LogEvent::Cache(event)) => {
                let room = self.caches < MOST_CACHES;
                self.caches += usize::from(step.cache(event, time, &self.line_before, room));
            }
            Some(LogEvent::Tool(line)) => {
                step.saw_tool(time);
                self.step_stopped = false;
                self.tool_begins.get_or_insert_with(|| (time, self.line_before.clone()));
                self.log.take(line, about);
            }
            Some(LogEvent::Runner(event)) => self.runner(event),
            None => {}
        }
        if !text.starts_with("##[debug]") {
            self.line_before.take(text, time);
        }
    }

    /// Only where the tool's lines and those of its cache, if there is one, come in no step of their own.
    fn approach<'a>(&'a self, caches: impl Iterator<Item = &'a CacheUse>) -> Option<Approach> {
        let (begins, before_tool) = self.tool_begins.as_ref()?;
        let unlabelled = self.steps.first().is_some_and(|step| step.ran_tool());
        let tried = caches.filter(|cache| cache.restore != Restore::None);
        let before: Option<Vec<&LineBefore>> = tried.map(|cache| cache.before.as_ref()).collect();
        let before = before?.into_iter().min_by_key(|line| line.time).unwrap_or(before_tool);
        let seconds = begins.as_ref()?.since(before.time?)?;
        unlabelled.then(|| Approach { anchor: before.anchor(), seconds })
    }

    fn runner(&mut self, event: RunnerEvent) {
        match event {
            RunnerEvent::ExitCode => {
                self.exit_code = true;
                self.step_stopped = true;
            }
            RunnerEvent::Cancelled => {
                self.cancelled = true;
                self.step_stopped = true;
            }
            RunnerEvent::JobName(name) => {
                if self.named_by_file {
                    self.name = name;
                    self.named_by_file = false;
                }
            }
            RunnerEvent::Task(number, job) => self.task = Some((number, job)),
            RunnerEvent::End => self.runner_end = true,
            RunnerEvent::Interpreter(version) => {
                if self.interpreters.len() < MOST {
                    self.interpreters.insert(version);
                }
            }
        }
    }

    /// The job as far as the log describes it.
    pub fn finish(mut self) -> JobRun {
        let truncated = self.has_runner && !self.has_ended();
        let outcome = self.outcome();
        let tool = self.log.seconds(&self.steps, truncated);
        let preparations = self.steps.iter().filter_map(StepState::preparation);
        let preparation_seconds = preparations.reduce(|sum, seconds| sum + seconds);
        let job_seconds = self.job_seconds(truncated);
        let [caches, package_caches, other_caches] =
            cache::joined(&mut self.steps, outcome, truncated, self.log.folders());
        let approach = self.approach(caches.iter().chain(&package_caches));
        // the number of the task differs in each run, so it isn't a part of the job's name
        if self.named_by_file
            && let Some((task, _)) = &self.task
            && let Some(stem) = self.name.strip_suffix(task.as_str())
            && let Some(stem) = stem.strip_suffix('-')
        {
            self.name = stem.to_owned();
        }
        JobRun {
            name: self.name,
            named_by_file: self.named_by_file,
            id: self.task.map(|(_, id)| id),
            forge: self.forge,
            outcome,
            truncated,
            caches,
            package_caches,
            other_caches,
            ran_tool: self.log.ran(),
            of_tool_alone: false,
            fingerprint: self.timed.then(|| self.hasher.finish()),
            preparation_seconds,
            approach,
            interpreter_gone: self.log.interpreter_gone(),
            created: self.log.created.list,
            reused: self.log.reused.list,
            builds: self.log.builds,
            sessions: self.log.sessions,
            tool,
            job_seconds,
            interpreters: self.interpreters,
        }
    }

    fn outcome(&self) -> JobOutcome {
        if let Some(passed) = self.ended {
            return if passed { JobOutcome::Passed } else { JobOutcome::Failed };
        }
        if self.cancelled {
            return JobOutcome::Cancelled;
        }
        // a cache is saved after the steps only if the job passed, so an error before was allowed
        // to happen
        let saved_after = self.steps.iter().any(|s| s.stage == Stage::Post && s.proves_success());
        match (saved_after, self.exit_code, self.error) {
            (true, ..) => JobOutcome::Passed,
            (false, true, _) => JobOutcome::Failed,
            (false, false, false) if self.runner_end => JobOutcome::Passed,
            _ => JobOutcome::Unknown,
        }
    }

    fn job_seconds(&self, truncated: bool) -> Option<(f64, JobSource)> {
        if truncated || self.clock_set_back || self.log.clock_set() {
            return None;
        }
        if let (Some(first), Some(last)) = (self.first, self.last) {
            return Some((last.since(first)?, JobSource::Timestamps));
        }
        let timed = self.steps.iter().filter_map(|s| s.seconds);
        let sum: f64 = timed.clone().sum();
        (timed.count() > 0).then_some((sum, JobSource::Steps))
    }
}
