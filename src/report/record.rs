//! Lines of any known log format → records: whose job, which step, when, and what.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Deserialize;

use super::line::{Moment, go_duration, timestamped};
use crate::rules::logs::LogForge;
use crate::tool::KNOWN_LOG_WORDS;
use crate::tool::log::LogLine;

/// One line of a log, whatever its format was.
#[derive(Debug, PartialEq)]
pub struct Record<'a> {
    /// Name of the job as the log has it; `None` where a file holds one job and does not name it.
    pub job: Option<&'a str>,
    /// The step the line belongs to, where each line names it; elsewhere the last step that began.
    pub step: Option<LogStep<'a>>,
    pub time: Option<Moment>,
    /// To the second, where the format has nothing better.
    pub about: Option<Moment>,
    pub body: LineBody<'a>,
}

impl<'a> Record<'a> {
    fn at(job: Option<&'a str>, time: Option<Moment>, body: LineBody<'a>) -> Self {
        Self { job, step: None, time, about: time, body }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Stage {
    #[default]
    Main,
    /// After all steps of the job: where caches are saved.
    Post,
}

#[derive(Debug, Clone, PartialEq)]
pub struct LogStep<'a> {
    pub stage: Stage,
    /// Tells steps of one job apart; empty where their order does.
    pub id: Cow<'a, str>,
    pub name: Cow<'a, str>,
}

#[derive(Debug, PartialEq)]
pub enum LineBody<'a> {
    JobStart,
    StepStart(LogStep<'a>),
    StepEnd { step: LogStep<'a>, seconds: Option<f64> },
    JobEnd { passed: bool },
    Output(Cow<'a, str>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One job; each line begins with a timestamp: GitHub's, Forgejo's and Gitea's log files.
    Timestamped,
    /// `gh run view --log`: job, step, line, separated by tabs.
    GhView,
    /// `[workflow/job] text`.
    Act,
    /// `[job-id] text`: act with `--log-prefix-job-id`.
    ActById,
    ActJson,
    /// nox's own output, without any runner around it.
    Plain,
}

impl LogFormat {
    /// The format that this line can only have, or `None` where it says nothing.
    pub fn of(line: &str) -> Option<Self> {
        if timestamped(line).is_some() {
            return Some(Self::Timestamped);
        }
        if let Some((_, rest)) = line.split_once('\t')
            && let Some((_, text)) = rest.split_once('\t')
            && timestamped(text).is_some()
        {
            return Some(Self::GhView);
        }
        if let Some((job, text)) = act_prefix(line, |_| false) {
            if job.contains('/') {
                return Some(Self::Act);
            }
            if act_marker(text).is_some() {
                return Some(Self::ActById);
            }
        }
        if line.starts_with('{')
            && serde_json::from_str::<ActLine>(line).is_ok_and(|l| l.job.is_some())
        {
            return Some(Self::ActJson);
        }
        match KNOWN_LOG_WORDS.line(line) {
            Some(LogLine::SessionStart(_)) => Some(Self::Plain),
            _ => None,
        }
    }
}

/// Turns the lines of one log into records.
pub struct Decoder {
    format: LogFormat,
    /// Of act's text: a line without prefix continues the one before.
    last_job: String,
    /// Of act's text: the step whose name went on over the end of its line, so that its seconds are
    /// still to come.
    unfinished: Option<(Stage, String)>,
    /// Of act's text: jobs that have begun and not ended.
    running: HashSet<String>,
    /// Of a job's log file: whether Forgejo's or Gitea's runner wrote it, which are act, or GitHub's.
    of_act: Option<bool>,
}

impl Decoder {
    pub fn new(format: LogFormat) -> Self {
        Self {
            format,
            last_job: String::new(),
            unfinished: None,
            running: HashSet::new(),
            of_act: None,
        }
    }

    /// Hands the records of a line to `sink`.
    pub fn decode(&mut self, line: &str, sink: &mut dyn FnMut(&Record<'_>)) {
        match self.format {
            LogFormat::Timestamped => {
                let (time, text) =
                    timestamped(line).map_or((None, line), |(time, text)| (Some(time), text));
                // The first line that only one of the runners writes tells which it was; what a step prints
                // may look like a line of the other.
                if self.of_act.is_none() {
                    self.of_act = written_by_act(text);
                }
                let body = match self.of_act {
                    Some(true) => act_marker(text).filter(|marker| !unlabelled(marker)),
                    _ => github_marker(text),
                };
                let body = body.unwrap_or(LineBody::Output(text.into()));
                let echo = matches!(body, LineBody::StepStart(_)) && text.starts_with("##[group]");
                if begins_job(text) {
                    sink(&Record::at(None, time, LineBody::JobStart));
                }
                sink(&Record::at(None, time, body));
                // the line that starts a step on GitHub names the action, which is worth keeping as
                // text too
                if echo {
                    sink(&Record::at(None, time, LineBody::Output(text.into())));
                }
            }
            LogFormat::GhView => gh_view(line, sink),
            LogFormat::Act | LogFormat::ActById => self.act(line, sink),
            LogFormat::ActJson => act_json(line, sink),
            LogFormat::Plain => sink(&Record::at(None, None, LineBody::Output(line.into()))),
        }
    }

    fn act(&mut self, line: &str, sink: &mut dyn FnMut(&Record<'_>)) {
        let named = |job: &str| job.contains('/') || self.format == LogFormat::ActById;
        let known = |job: &str| self.last_job == job || self.running.contains(job);
        let Some((job, text)) = act_prefix(line, known).filter(|(job, _)| named(job)) else {
            // In a terminal act prints what a step prints without the name of its job.
            let only = self.running.iter().next().filter(|_| self.running.len() == 1);
            if let (Some(output), Some(job)) = (line.strip_prefix("| "), only) {
                sink(&Record::at(Some(job), None, LineBody::Output(output.into())));
                return;
            }
            if let Some((stage, name)) = self.unfinished.take() {
                match bracketed_duration(line) {
                    Some((_, seconds)) => {
                        let step = LogStep { stage, id: "".into(), name: name.into() };
                        let body = LineBody::StepEnd { step, seconds: Some(seconds) };
                        sink(&Record::at(Some(&self.last_job), None, body));
                    }
                    None => self.unfinished = Some((stage, name)),
                }
            }
            return;
        };
        self.unfinished = None;
        self.last_job.clear();
        self.last_job.push_str(job);
        let body = match text.strip_prefix("  | ") {
            Some(output) => LineBody::Output(output.into()),
            None => act_marker(text).unwrap_or(LineBody::Output(without_act_symbol(text).into())),
        };
        match &body {
            LineBody::StepEnd { step, seconds: None } => {
                self.unfinished = Some((step.stage, step.name.to_string()))
            }
            LineBody::StepStart(step) if step.name == SET_UP => {
                if self.running.len() < MOST_RUNNING {
                    self.running.insert(job.to_owned());
                }
                sink(&Record::at(Some(job), None, LineBody::JobStart));
            }
            LineBody::JobEnd { .. } => _ = self.running.remove(job),
            _ => {}
        }
        sink(&Record::at(Some(job), None, body));
    }
}

/// Jobs that are remembered as running; one input has no more.
const MOST_RUNNING: usize = 4096;

/// The first and the last step of every job of act.
const SET_UP: &str = "Set up job";
const COMPLETE: &str = "Complete job";

/// `[name   ] rest`. A name may hold brackets too: then it ends where what follows is act's, or where the name is
/// one that is known.
fn act_prefix(line: &str, is_known: impl Fn(&str) -> bool) -> Option<(&str, &str)> {
    let inside = line.strip_prefix('[')?;
    let mut ends = inside
        .match_indices("] ")
        .take(MOST_BRACKETS)
        .map(|(at, mark)| (inside[..at].trim_end(), &inside[at + mark.len()..]));
    let first = ends.clone().next()?;
    let (job, rest) = ends.find(|(job, rest)| is_of_act(rest) || is_known(job)).unwrap_or(first);
    (!job.is_empty() && !job.starts_with('/')).then_some((job, rest))
}

/// Brackets in a line that may be the end of a job's name.
const MOST_BRACKETS: usize = 8;

/// What a step prints, or what act says of steps and jobs.
fn is_of_act(text: &str) -> bool {
    text.starts_with("  | ") || text.trim_start().starts_with(['⭐', '✅', '❌', '🏁', '🚀', '🐳'])
}

/// What act and the runners made from it say about steps and jobs, in its text and in Forgejo's and
/// Gitea's logs.
fn act_marker(text: &str) -> Option<LineBody<'_>> {
    let text = text.trim_start();
    if let Some(rest) = text.strip_prefix("⭐ Run ") {
        return Some(LineBody::StepStart(staged(rest)));
    }
    if let Some(rest) = text.strip_prefix("✅").or_else(|| text.strip_prefix("❌")) {
        let rest = rest.trim_start();
        let rest = rest.strip_prefix("Success - ").or_else(|| rest.strip_prefix("Failure - "))?;
        let (name, seconds) =
            bracketed_duration(rest).map_or((rest, None), |(name, seconds)| (name, Some(seconds)));
        return Some(LineBody::StepEnd { step: staged(name), seconds });
    }
    match text.strip_prefix("🏁")?.trim() {
        "Job succeeded" => Some(LineBody::JobEnd { passed: true }),
        "Job failed" => Some(LineBody::JobEnd { passed: false }),
        _ => None,
    }
}

/// Forgejo's and Gitea's runners keep only what steps print, from the first output to the end of the
/// last step: the step that is named before isn't the one that prints.
fn unlabelled(marker: &LineBody<'_>) -> bool {
    match marker {
        LineBody::StepStart(step) | LineBody::StepEnd { step, .. } => {
            step.stage == Stage::Main && step.name != COMPLETE
        }
        _ => false,
    }
}

fn staged(text: &str) -> LogStep<'_> {
    let (stage, name) = match text.strip_prefix("Post ") {
        Some(name) => (Stage::Post, name),
        None => (Stage::Main, text.strip_prefix("Main ").unwrap_or(text)),
    };
    LogStep { stage, id: "".into(), name: name.trim().into() }
}

/// `rest [1.5s]` at the end of a line.
fn bracketed_duration(text: &str) -> Option<(&str, f64)> {
    let (rest, duration) = text.trim_end().strip_suffix(']')?.rsplit_once('[')?;
    Some((rest.trim_end(), go_duration(duration)?))
}

/// act puts a symbol before the workflow commands it carries out: `  🚧  ::warning::text`.
fn without_act_symbol(text: &str) -> &str {
    let trimmed = text.trim_start();
    match trimmed.split_once("  ") {
        Some((symbol, rest)) if symbol.chars().count() <= 2 && !symbol.is_ascii() => {
            rest.trim_start()
        }
        _ => text,
    }
}

/// Where a step begins in the log file of a GitHub job.
fn github_marker(text: &str) -> Option<LineBody<'_>> {
    if text == "Post job cleanup." {
        return Some(LineBody::StepStart(LogStep {
            stage: Stage::Post,
            id: "".into(),
            name: "".into(),
        }));
    }
    let name = text.strip_prefix("##[group]Run ")?;
    Some(LineBody::StepStart(LogStep {
        stage: Stage::Main,
        id: "".into(),
        name: name.trim().into(),
    }))
}

fn gh_view(line: &str, sink: &mut dyn FnMut(&Record<'_>)) {
    let Some((job, rest)) = line.split_once('\t') else { return };
    let Some((column, rest)) = rest.split_once('\t') else { return };
    let (time, text) = timestamped(rest).map_or((None, rest), |(time, text)| (Some(time), text));
    if begins_job(text) {
        sink(&Record::at(Some(job), time, LineBody::JobStart));
    }
    // newer versions of gh cannot always tell the step
    let known = column != "UNKNOWN STEP";
    match github_marker(text) {
        Some(LineBody::StepStart(mut step)) => {
            if known {
                step.name = staged(column).name;
            }
            sink(&Record::at(Some(job), time, LineBody::StepStart(step)));
            sink(&Record::at(Some(job), time, LineBody::Output(text.into())));
        }
        _ => sink(&Record::at(Some(job), time, LineBody::Output(text.into()))),
    }
}

/// One line of `act --json`; unknown fields are many and change.
#[derive(Deserialize)]
struct ActLine<'a> {
    #[serde(borrow)]
    job: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    msg: Cow<'a, str>,
    #[serde(borrow)]
    stage: Option<Cow<'a, str>>,
    #[serde(borrow)]
    step: Option<Cow<'a, str>>,
    #[serde(rename = "stepID")]
    step_id: Option<Vec<String>>,
    /// Nanoseconds.
    #[serde(rename = "executionTime")]
    execution_time: Option<u64>,
    #[serde(rename = "stepResult")]
    step_result: Option<String>,
    #[serde(rename = "jobResult")]
    job_result: Option<String>,
    #[serde(borrow)]
    time: Option<Cow<'a, str>>,
}

/// The lines' `time` is in whole seconds, and output is stamped when it is flushed: good enough for
/// an estimate, not to measure with.
fn act_json(line: &str, sink: &mut dyn FnMut(&Record<'_>)) {
    let Ok(parsed) = serde_json::from_str::<ActLine>(line) else { return };
    let Some(job) = parsed.job.as_deref().map(str::trim_end) else { return };
    let stage = if parsed.stage.as_deref() == Some("Post") { Stage::Post } else { Stage::Main };
    let step = parsed.step.as_deref().map(|name| {
        let id = parsed.step_id.map_or_else(String::new, |id| id.join("/"));
        LogStep { stage, id: id.into(), name: Cow::Borrowed(name.trim()) }
    });
    let about = parsed.time.as_deref().and_then(|time| timestamped(time)).map(|(moment, _)| moment);
    let record = |step, body| Record { job: Some(job), step, time: None, about, body };
    if let Some(result) = &parsed.job_result {
        return sink(&record(None, LineBody::JobEnd { passed: result == "success" }));
    }
    if step.as_ref().is_some_and(|s| s.name == SET_UP) && parsed.msg.starts_with('⭐') {
        sink(&record(None, LineBody::JobStart));
    }
    if let (Some(ended), Some(_)) = (&step, &parsed.step_result) {
        let seconds = parsed.execution_time.map(|nanoseconds| nanoseconds as f64 / 1e9);
        return sink(&record(None, LineBody::StepEnd { step: ended.clone(), seconds }));
    }
    for text in parsed.msg.lines() {
        let text = super::line::plain(without_act_symbol(text));
        sink(&record(step.clone(), LineBody::Output(text)));
    }
}

/// The first line of a job's log, whichever runner wrote it.
fn begins_job(text: &str) -> bool {
    text.starts_with("Current runner version: ") || received_task(text)
}

/// Which runner writes such a line, where only one does.
fn written_by_act(text: &str) -> Option<bool> {
    if text.starts_with("Current runner version: ") || github_marker(text).is_some() {
        return Some(false);
    }
    (received_task(text) || act_marker(text).is_some()).then_some(true)
}

/// The first line of forgejo-runner and act_runner.
fn received_task(text: &str) -> bool {
    text.contains("(version:") && text.contains(") received task ")
}

/// Which forge's runner writes such a line.
pub fn forge_of(text: &str) -> Option<LogForge> {
    if text.starts_with("Current runner version: ") || text.starts_with("##[group]Run ") {
        return Some(LogForge::Github);
    }
    received_task(text).then_some(LogForge::Forgejo)
}
