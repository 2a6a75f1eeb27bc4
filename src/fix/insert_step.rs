//! The cache step as text and as a value, inserted before a step in the file's own style.

use serde_yaml::{Mapping, Value};

use super::action_ref::ActionRef;
use super::quote::scalar;
use super::style::{Style, first_line};
use crate::actions::StepList;
use crate::base::finding::{Change, Edit};
use crate::base::text::Span;
use crate::cache::Needs;
use crate::cache::interpreter::Probe;
use crate::edit::verify::mapping;
use crate::repo::Document;

/// The step to insert.
#[derive(Debug, Clone)]
pub struct NewStep<'a> {
    pub needs: &'a Needs,
    pub action: ActionRef,
    /// The `if:` of the only step that runs the tool.
    pub condition: Option<String>,
    /// `lookup-only:`, where the job must not restore on tags.
    pub lookup_only: Option<&'static str>,
}

/// Inserts a cache step, and the step that its key needs, before `steps.steps[at]`; fails with the reason where the file's layout
/// does not allow it.
pub fn insert_step(
    document: &Document,
    steps: &StepList,
    at: usize,
    new: &NewStep<'_>,
) -> Result<(Edit, Vec<Change>), &'static str> {
    if steps.flow {
        return Err("the steps are written in flow style (`steps: [ … ]`)");
    }
    if steps.shared {
        return Err("the steps are shared with another job through an anchor");
    }
    let before = &steps.steps[at];
    if before.concurrent {
        return Err("nox runs beside other steps (`parallel` or `background`)");
    }
    let style =
        Style::of(document, steps, at).ok_or("the step does not begin a line of its own")?;
    let newline = document.text.newline().as_str();
    let probe = new.needs.probe.as_ref().map(|p| (probe_lines(p, &style), probe_value(p, &style)));
    let cache = (new.lines(&style), new.value(&style));
    let (mut content, mut changes) = (String::new(), Vec::new());
    for (lines, value) in probe.into_iter().chain([cache]) {
        for line in lines {
            content.push_str(&line);
            content.push_str(newline);
        }
        if style.blank_line {
            content.push_str(newline);
        }
        let (sequence, index) = (steps.route.clone(), before.index);
        changes.push(Change::InsertItem { sequence, index, value });
    }
    let offset = document.text.line_start(first_line(document, before));
    Ok((Edit { span: Span::at(offset), content }, changes))
}

/// The name of an inserted step, where steps have names.
const NAME: &str = "Cache nox environments";

/// The lines of a step with these keys, of which each may have several lines.
fn step_lines(keys: &[String], style: &Style) -> Vec<String> {
    let key_indent = format!("{}{}", style.dash_indent, " ".repeat(1 + style.gap));
    let mut lines: Vec<String> = keys.iter().map(|k| format!("{key_indent}{k}")).collect();
    if style.dash_alone {
        lines.insert(0, format!("{}-", style.dash_indent));
    } else {
        lines[0] = format!("{}-{}{}", style.dash_indent, " ".repeat(style.gap), keys[0]);
    }
    lines
}

fn probe_lines(probe: &Probe, style: &Style) -> Vec<String> {
    let mut keys = Vec::new();
    if style.named {
        let quote = style.quote.map(String::from).unwrap_or_default();
        keys.push(format!("name: {quote}{}{quote}", probe.name));
    }
    keys.push(format!("id: {}", probe.id));
    if probe.needs_bash {
        keys.push("shell: bash".to_owned());
    }
    let mut script = probe.script.lines();
    match (script.next(), script.next()) {
        (Some(one), None) => keys.push(format!("run: {}", scalar(one))),
        _ => {
            keys.push("run: |".to_owned());
            let indent = " ".repeat(style.nesting);
            keys.extend(probe.script.lines().map(|line| format!("{indent}{line}")));
        }
    }
    step_lines(&keys, style)
}

fn probe_value(probe: &Probe, style: &Style) -> Value {
    let several = probe.script.contains('\n');
    let script = if several { format!("{}\n", probe.script) } else { probe.script.clone() };
    let name = style.named.then(|| ("name", probe.name.clone().into()));
    let shell = probe.needs_bash.then(|| ("shell", "bash".into()));
    let keys = name.into_iter().chain([("id", Value::from(probe.id.clone()))]).chain(shell);
    mapping(keys.chain([("run", script.into())]))
}

impl NewStep<'_> {
    /// Line breaks around an expression mean nothing.
    fn condition(&self) -> Option<&str> {
        self.condition.as_deref().map(str::trim)
    }

    fn lines(&self, style: &Style) -> Vec<String> {
        let key_indent = format!("{}{}", style.dash_indent, " ".repeat(1 + style.gap));
        let with_indent = format!("{key_indent}{}", " ".repeat(style.nesting));
        let block_indent = format!("{with_indent}{}", " ".repeat(style.nesting));
        let mut keys = Vec::new();
        if style.named {
            let quote = style.quote.map(String::from).unwrap_or_default();
            keys.push(format!("name: {quote}{NAME}{quote}"));
        }
        match self.condition() {
            Some(condition) if condition.contains('\n') => {
                keys.push("if: |-".to_owned());
                keys.extend(
                    condition.lines().map(|line| format!("{}{line}", " ".repeat(style.nesting))),
                );
            }
            Some(condition) => keys.push(format!("if: {}", scalar(condition))),
            None => {}
        }
        let comment = self.action.comment.as_ref().map(|c| format!(" {c}")).unwrap_or_default();
        keys.push(format!("uses: {}{comment}", self.action.uses));
        keys.push("with:".to_owned());
        let mut lines = step_lines(&keys, style);
        let paths = self.needs.paths();
        match paths.as_slice() {
            [one] => lines.push(format!("{with_indent}path: {}", scalar(one))),
            many => {
                lines.push(format!("{with_indent}path: |"));
                lines.extend(many.iter().map(|p| format!("{block_indent}{p}")));
            }
        }
        lines.push(format!("{with_indent}key: {}", scalar(&self.needs.key())));
        if let Some(restore) = self.needs.restore_key() {
            lines.push(format!("{with_indent}restore-keys: |"));
            lines.push(format!("{block_indent}{restore}"));
        }
        if let Some(lookup_only) = self.lookup_only {
            lines.push(format!("{with_indent}lookup-only: {lookup_only}"));
        }
        lines
    }

    fn value(&self, style: &Style) -> Value {
        let mut step = Mapping::new();
        let mut set = |key: &str, value: Value| _ = step.insert(Value::from(key), value);
        if style.named {
            set("name", Value::from(NAME));
        }
        if let Some(condition) = self.condition() {
            set("if", condition.into());
        }
        set("uses", Value::from(self.action.uses.clone()));
        let mut with = Mapping::new();
        let paths = self.needs.paths();
        let path = match paths.as_slice() {
            [one] => one.clone(),
            many => many.iter().map(|p| format!("{p}\n")).collect(),
        };
        with.insert("path".into(), path.into());
        with.insert("key".into(), self.needs.key().into());
        if let Some(restore) = self.needs.restore_key() {
            with.insert("restore-keys".into(), format!("{restore}\n").into());
        }
        if let Some(lookup_only) = self.lookup_only {
            with.insert("lookup-only".into(), lookup_only.into());
        }
        set("with", Value::Mapping(with));
        Value::Mapping(step)
    }
}
