//! What is gathered of one step while its lines go by.

use super::super::event::CacheEvent;
use super::super::line::Moment;
use super::super::record::{LogStep, Stage};
use super::cache::{Restoring, Saving};
use crate::fix::REBUILD_STEP;
use crate::tool::KNOWN_LOG_WORDS;

/// Characters of an echoed input that are kept.
const LONGEST: usize = 2048;
/// Of a line by which logs are compared.
const LONGEST_ANCHOR: usize = 60;

/// One step; the first of a job stands for the lines before any step, and for logs that know no
/// steps.
#[derive(Debug, Default)]
pub(super) struct StepState {
    pub stage: Stage,
    pub id: String,
    pub name: String,
    pub start: Option<Moment>,
    pub last: Option<Moment>,
    /// When the next step began.
    pub end: Option<Moment>,
    /// Its script names the environment folder.
    touches_environments: bool,
    /// As the runner reports it.
    pub seconds: Option<f64>,
    pub tool: Option<(Option<Moment>, Option<Moment>)>,
    pub path: String,
    pub key: String,
    echo: Echo,
    pub restoring: Vec<Restoring>,
    pub saving: Vec<Saving>,
}

/// What tells the steps of a job apart in its log: stage, id, name.
pub type StepKey = (Stage, String, String);

/// The line before an event, by which two logs can be compared that don't tell where steps begin.
#[derive(Debug, Clone, Default)]
pub struct LineBefore {
    pub time: Option<Moment>,
    text: String,
}

impl LineBefore {
    pub fn take(&mut self, text: &str, time: Option<Moment>) {
        self.time = time.or(self.time);
        self.text.clear();
        let end = text.char_indices().nth(LONGEST_ANCHOR).map_or(text.len(), |(at, _)| at);
        self.text.push_str(&text[..end]);
    }

    /// The line without what changes from run to run.
    pub fn anchor(&self) -> String {
        self.text.replace(|c: char| c.is_ascii_digit(), "0")
    }
}

/// GitHub echoes a step's inputs between `##[group]Run` and `##[endgroup]`; values of several lines
/// go on unindented.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Echo {
    #[default]
    Off,
    Other,
    Path,
    Key,
}

impl StepState {
    pub fn new(step: &LogStep<'_>, start: Option<Moment>) -> Self {
        let clipped = |text: &str| text.chars().take(LONGEST).collect();
        Self {
            stage: step.stage,
            id: clipped(&step.id),
            name: clipped(&step.name),
            touches_environments: step.name == REBUILD_STEP || names_environments(&step.name),
            start,
            ..Self::default()
        }
    }

    pub fn is(&self, step: &LogStep<'_>) -> bool {
        self.stage == step.stage
            && self.id == step.id
            && (!step.id.is_empty() || self.name == step.name)
    }

    /// Equal for steps that the lines of a log do not tell apart.
    pub fn key_of_step(&self) -> StepKey {
        let name = if self.id.is_empty() { self.name.as_str() } else { "" };
        (self.stage, self.id.clone(), name.to_owned())
    }

    /// Whether the log told where this step begins.
    pub fn is_real(&self) -> bool {
        self.stage == Stage::Post || !self.name.is_empty()
    }

    /// Seconds of a step that prepares environments and does nothing else, such as the one that deletes them
    /// before they are built again.
    pub fn preparation(&self) -> Option<f64> {
        let other = self.ran_tool() || !self.restoring.is_empty() || !self.saving.is_empty();
        if !self.touches_environments || other || self.stage == Stage::Post {
            return None;
        }
        self.seconds.or_else(|| self.end?.since(self.start?))
    }

    pub fn ran_tool(&self) -> bool {
        self.tool.is_some()
    }

    pub fn saw_tool(&mut self, time: Option<Moment>) {
        let first = self.tool.map_or(time, |(first, _)| first);
        self.tool = Some((first, time));
    }

    /// Takes the line if it belongs to the echo of the step's inputs.
    pub fn echo(&mut self, text: &str) -> bool {
        if text.starts_with("##[group]Run ") {
            self.echo = Echo::Other;
            self.touches_environments |= names_environments(text);
            return true;
        }
        if self.echo == Echo::Off {
            return false;
        }
        // A step may print such a group itself, and what the tool says in it counts.
        if KNOWN_LOG_WORDS.line(text).is_some() {
            self.echo = Echo::Off;
            return false;
        }
        if text.starts_with("##[endgroup]") {
            self.echo = Echo::Off;
            return true;
        }
        let (kind, value) = if let Some(value) = text.strip_prefix("  path: ") {
            (Echo::Path, value)
        } else if let Some(value) = text.strip_prefix("  key: ") {
            (Echo::Key, value)
        } else if text.starts_with("  ") || matches!(text, "with:" | "env:") {
            (Echo::Other, "")
        } else {
            (self.echo, text)
        };
        self.echo = kind;
        let target = match kind {
            Echo::Path => &mut self.path,
            Echo::Key => &mut self.key,
            Echo::Other | Echo::Off => return true,
        };
        if target.len() + value.len() < LONGEST {
            if !target.is_empty() {
                target.push('\n');
            }
            target.push_str(value.trim());
        }
        true
    }

    /// Takes what the log says of a cache; `before` is when the line before was written. True where
    /// it is a new cache, which there must be `room` for.
    pub fn cache(
        &mut self,
        event: CacheEvent,
        time: Option<Moment>,
        before: &LineBefore,
        room: bool,
    ) -> bool {
        let saves = matches!(event, CacheEvent::Saved(_) | CacheEvent::NotSaved(..));
        if saves || (self.stage == Stage::Post && matches!(event, CacheEvent::Size(_))) {
            let is_new = room && !self.saving.last().is_some_and(|s| s.goes_on_with(&event));
            if is_new {
                self.saving.push(Saving::default());
            }
            if let Some(saving) = self.saving.last_mut() {
                saving.take(event, time);
            }
            return is_new;
        }
        let is_new = room && !self.restoring.last().is_some_and(|r| r.goes_on_with(&event));
        if is_new {
            self.restoring.push(Restoring::after(before.clone()));
        }
        if let Some(restoring) = self.restoring.last_mut() {
            restoring.take(event, time);
        }
        is_new
    }

    /// A post step that ran only because the job had passed.
    pub fn proves_success(&self) -> bool {
        !self.saving.is_empty()
    }
}

fn names_environments(text: &str) -> bool {
    text.split_whitespace()
        .any(|word| KNOWN_LOG_WORDS.is_environment_folder(word.trim_matches(['"', '\''])))
}
