//! What is gathered of one step while its lines go by.

use super::super::event::CacheEvent;
use super::super::line::Moment;
use super::super::record::{LogStep, Stage};
use super::MOST;
use super::cache::{Restoring, Saving};

/// Characters of an echoed input that are kept.
const LONGEST: usize = 2048;

/// One step; the first of a job stands for the lines before any step, and for logs that know no
/// steps.
#[derive(Debug, Default)]
pub(super) struct StepState {
    pub stage: Stage,
    pub id: String,
    pub name: String,
    pub start: Option<Moment>,
    pub last: Option<Moment>,
    /// As the runner reports it.
    pub seconds: Option<f64>,
    pub nox: Option<(Option<Moment>, Option<Moment>)>,
    pub path: String,
    pub key: String,
    echo: Echo,
    pub restoring: Vec<Restoring>,
    pub saving: Vec<Saving>,
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
            start,
            ..Self::default()
        }
    }

    pub fn is(&self, step: &LogStep<'_>) -> bool {
        self.stage == step.stage
            && self.id == step.id
            && (!step.id.is_empty() || self.name == step.name)
    }

    /// Whether the log told where this step begins.
    pub fn is_real(&self) -> bool {
        self.stage == Stage::Post || !self.name.is_empty()
    }

    pub fn saw_nox(&mut self, time: Option<Moment>) {
        let first = self.nox.map_or(time, |(first, _)| first);
        self.nox = Some((first, time));
    }

    /// Takes the line if it belongs to the echo of the step's inputs.
    pub fn echo(&mut self, text: &str) -> bool {
        if text.starts_with("##[group]Run ") {
            self.echo = Echo::Other;
            return true;
        }
        if self.echo == Echo::Off {
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

    /// `before` is when the line before was written.
    pub fn cache(&mut self, event: CacheEvent, time: Option<Moment>, before: Option<Moment>) {
        let saves = matches!(event, CacheEvent::Saved(_) | CacheEvent::NotSaved(..));
        if saves || (self.stage == Stage::Post && matches!(event, CacheEvent::Size(_))) {
            if !self.saving.last().is_some_and(|s| s.goes_on_with(&event))
                && self.saving.len() < MOST
            {
                self.saving.push(Saving::default());
            }
            if let Some(saving) = self.saving.last_mut() {
                saving.take(event, time);
            }
            return;
        }
        if !self.restoring.last().is_some_and(|r| r.goes_on_with(&event))
            && self.restoring.len() < MOST
        {
            self.restoring.push(Restoring::after(before));
        }
        if let Some(restoring) = self.restoring.last_mut() {
            restoring.take(event, time);
        }
    }

    /// A post step that ran only because the job had passed.
    pub fn proves_success(&self) -> bool {
        !self.saving.is_empty()
    }
}
