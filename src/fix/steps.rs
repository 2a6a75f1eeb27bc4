//! New steps as text and as values, inserted before a step in the file's own style.

use serde_yaml::{Mapping, Value};

use super::action_ref::ActionRef;
use super::fold::{HEADER, folded};
use super::quote::scalar;
use super::style::{Style, first_line};
use crate::actions::StepList;
use crate::base::finding::{Change, Edit};
use crate::base::text::Span;
use crate::cache::interpreter::Probe;
use crate::repo::Document;

/// The workspace, as `working-directory` names it.
const ROOT: &str = ".";

/// A step to insert.
#[derive(Debug, Clone)]
pub struct NewStep {
    /// Written where the steps of the list have names.
    pub name: String,
    pub id: Option<String>,
    pub condition: Option<String>,
    pub body: StepBody,
}

/// What a new step does.
#[derive(Debug, Clone)]
pub enum StepBody {
    Uses {
        action: ActionRef,
        inputs: Vec<(&'static str, Input)>,
    },
    /// `at_root`: the job's steps run in another folder by default.
    Run {
        shell: Option<&'static str>,
        at_root: bool,
        script: String,
    },
}

/// The value of an input.
#[derive(Debug, Clone)]
pub enum Input {
    Line(String),
    /// A block of one item a line.
    Block(Vec<String>),
}

impl Input {
    /// One item on its line, several as a block.
    pub fn list(items: Vec<String>) -> Self {
        match items.as_slice() {
            [one] => Self::Line(one.clone()),
            _ => Self::Block(items),
        }
    }

    fn value(&self) -> Value {
        match self {
            Self::Line(line) => line.as_str().into(),
            Self::Block(lines) => lines.iter().map(|l| format!("{l}\n")).collect::<String>().into(),
        }
    }
}

/// Inserts steps, in this order, before `list.steps[at]`; fails with the reason where the file's
/// layout does not allow it.
pub fn insert_steps(
    document: &Document,
    list: &StepList,
    at: usize,
    new: &[NewStep],
) -> Result<(Edit, Vec<Change>), &'static str> {
    if list.flow {
        return Err("the steps are written in flow style (`steps: [ … ]`)");
    }
    if list.shared {
        return Err("the steps are shared with another job through an anchor");
    }
    let before = list.steps.get(at).ok_or("cachelint can't find the step")?;
    if before.concurrent {
        return Err("nox runs alongside other steps (`parallel` or `background`)");
    }
    let style = Style::of(document, list, at).ok_or("the step doesn't start on its own line")?;
    let newline = document.text.newline().as_str();
    let mut content = String::new();
    let mut changes = Vec::new();
    for step in new {
        for line in step.lines(&style) {
            content.push_str(&line);
            content.push_str(newline);
        }
        if style.blank_line {
            content.push_str(newline);
        }
        changes.push(Change::InsertItem {
            sequence: list.route.clone(),
            index: before.index,
            value: step.value(&style),
        });
    }
    let offset = document.text.line_start(first_line(document, before));
    Ok((Edit { span: Span::at(offset), content }, changes))
}

impl NewStep {
    /// The step that finds out what a key needs and no expression gives.
    pub fn asking(probe: &Probe, condition: Option<String>) -> Self {
        Self {
            name: probe.name.clone(),
            id: Some(probe.id.to_owned()),
            condition,
            body: StepBody::Run {
                shell: probe.needs_bash.then_some("bash"),
                at_root: false,
                script: probe.script.clone(),
            },
        }
    }

    /// Line breaks around an expression mean nothing.
    fn condition(&self) -> Option<&str> {
        self.condition.as_deref().map(str::trim)
    }

    fn lines(&self, style: &Style) -> Vec<String> {
        let nesting = " ".repeat(style.nesting);
        let key_indent = format!("{}{}", style.dash_indent, " ".repeat(1 + style.gap));
        let width = style.line_limit.map(|limit| limit.saturating_sub(key_indent.len()));
        let mut keys = Vec::new();
        if style.named {
            let quote = style.quote.map(String::from).unwrap_or_default();
            keys.push(format!("name: {quote}{}{quote}", self.name));
        }
        keys.extend(self.id.iter().map(|id| format!("id: {id}")));
        match self.condition() {
            Some(condition) if condition.contains('\n') => {
                keys.push("if: |-".to_owned());
                keys.extend(condition.lines().map(|line| format!("{nesting}{line}")));
            }
            Some(condition) => keys.extend(entry("", "if", condition, &nesting, width)),
            None => {}
        }
        match &self.body {
            StepBody::Uses { action, inputs } => {
                let gap = " ".repeat(style.comment_gap);
                let comment = action.comment.as_ref().map(|c| format!("{gap}{c}"));
                let comment = comment.unwrap_or_default();
                keys.push(format!("uses: {}{comment}", action.uses));
                keys.push("with:".to_owned());
                for (name, input) in inputs {
                    match input {
                        Input::Line(line) => {
                            keys.extend(entry(&nesting, name, line, &nesting, width));
                        }
                        Input::Block(lines) => {
                            keys.push(format!("{nesting}{name}: |"));
                            keys.extend(lines.iter().map(|l| format!("{nesting}{nesting}{l}")));
                        }
                    }
                }
            }
            StepBody::Run { shell, at_root, script } => {
                keys.extend(shell.iter().map(|shell| format!("shell: {shell}")));
                keys.extend(at_root.then(|| format!("working-directory: {ROOT}")));
                if script.contains('\n') {
                    keys.push("run: |".to_owned());
                    keys.extend(script.lines().map(|line| format!("{nesting}{line}")));
                } else {
                    keys.extend(entry("", "run", script, &nesting, width));
                }
            }
        }
        let mut lines: Vec<String> = keys.iter().map(|key| format!("{key_indent}{key}")).collect();
        if style.dash_alone {
            lines.insert(0, format!("{}-", style.dash_indent));
        } else {
            lines[0] = format!("{}-{}{}", style.dash_indent, " ".repeat(style.gap), keys[0]);
        }
        lines
    }

    fn value(&self, style: &Style) -> Value {
        let mut step = Mapping::new();
        let mut set = |key: &str, value: Value| _ = step.insert(Value::from(key), value);
        if style.named {
            set("name", self.name.as_str().into());
        }
        if let Some(id) = &self.id {
            set("id", id.as_str().into());
        }
        if let Some(condition) = self.condition() {
            set("if", condition.into());
        }
        match &self.body {
            StepBody::Uses { action, inputs } => {
                set("uses", action.uses.as_str().into());
                let inputs = inputs.iter().map(|(name, input)| ((*name).into(), input.value()));
                set("with", Value::Mapping(inputs.collect()));
            }
            StepBody::Run { shell, at_root, script } => {
                if let Some(shell) = shell {
                    set("shell", (*shell).into());
                }
                if *at_root {
                    set("working-directory", ROOT.into());
                }
                let line_break = if script.contains('\n') { "\n" } else { "" };
                set("run", format!("{}{line_break}", script.trim_end()).into());
            }
        }
        Value::Mapping(step)
    }
}

/// `name: text` on one line, or as a folded block where that is longer than `width`.
fn entry(indent: &str, name: &str, text: &str, nesting: &str, width: Option<usize>) -> Vec<String> {
    let line = format!("{indent}{name}: {}", scalar(text));
    let room = width.filter(|width| line.chars().count() > *width);
    match room.and_then(|width| folded(text, width.saturating_sub(indent.len() + nesting.len()))) {
        Some(lines) => std::iter::once(format!("{indent}{name}: {HEADER}"))
            .chain(lines.into_iter().map(|line| format!("{indent}{nesting}{line}")))
            .collect(),
        None => vec![line],
    }
}
