//! Variables of a job and inputs of a step, set or added.

use serde_yaml::{Mapping, Value};

use super::quote::scalar;
use super::style::indent;
use crate::actions::{Job, Scalar, StepList};
use crate::base::finding::{Change, Edit, Route, Segment};
use crate::base::text::Span;
use crate::repo::Document;
use crate::yaml::{Kind, NodeId, ScalarStyle};

type Changed = (Vec<Edit>, Vec<Change>);

/// Sets variables in the `env:` of a job, which gets one where it has none.
pub fn set_variables(
    document: &Document,
    job: &Job,
    variables: &[(&'static str, String)],
) -> Result<Changed, &'static str> {
    let route = vec![Segment::Key("jobs".into()), Segment::Key(job.id.clone())];
    let tree = &document.tree;
    if tree.is_alias(job.node) || tree.node(job.node).anchored {
        return Err("the job is shared through an anchor");
    }
    let Some(env) = tree.get(job.node, "env").filter(|env| !tree.is_null(*env)) else {
        return match tree.get(job.node, "env") {
            Some(_) => Err("the job's `env` is empty"),
            None => new_env(document, job, route, variables),
        };
    };
    let mut route = route;
    route.push(Segment::Key("env".into()));
    set_entries(document, env, &route, variables)
}

/// Sets an input of a step to a one-line value, or adds it.
pub fn set_input(
    document: &Document,
    list: &StepList,
    step: usize,
    name: &'static str,
    value: &str,
) -> Result<(Edit, Change), &'static str> {
    const UNSAFE: &str = "cachelint can't edit this step safely";
    let step = list.steps.get(step).ok_or(UNSAFE)?;
    let mut route: Route = list.route.clone();
    route.push(Segment::Index(step.index));
    if list.flow || list.shared || step.shared {
        return Err(UNSAFE);
    }
    let Some(with) = document.tree.get(step.node, "with") else {
        let uses = step.uses.as_ref().ok_or(UNSAFE)?;
        let indent = indent(document, list);
        return add_inputs(document, uses, (route, indent), name, value).ok_or(UNSAFE);
    };
    route.push(Segment::Key("with".into()));
    let (edits, changes) = set_entries(document, with, &route, &[(name, value.to_owned())])?;
    edits.into_iter().zip(changes).next().ok_or(UNSAFE)
}

/// A `with:` after the line of `uses:`, whose entries are indented by so many spaces.
fn add_inputs(
    document: &Document,
    uses: &Scalar,
    (mapping, nesting): (Route, usize),
    name: &str,
    value: &str,
) -> Option<(Edit, Change)> {
    let text = &document.text;
    let newline = text.newline().as_str();
    let line = text.line_of(uses.span.start);
    let written = text.line(line);
    // Nothing but the key may come before the value, and the value must end on the line.
    let before = written.get(..uses.span.start - text.line_start(line))?;
    let key = before.trim_start_matches([' ', '-']);
    if key.trim_end() != "uses:" || text.line_of(uses.span.end) != line {
        return None;
    }
    let indent = " ".repeat(before.len() - key.len());
    let next = text.line_start(line + 1);
    if next == text.line_start(line) || !text.as_str()[..next].ends_with('\n') {
        return None;
    }
    let content = format!(
        "{indent}with:{newline}{indent}{}{name}: {}{newline}",
        " ".repeat(nesting),
        plain(value)
    );
    let entry: Mapping = [(Value::from(name), read(value))].into_iter().collect();
    let change = Change::AddKey { mapping, key: "with".into(), value: Value::Mapping(entry) };
    Some((Edit { span: Span::at(next), content }, change))
}

/// Sets or adds entries of a block mapping of scalars.
fn set_entries(
    document: &Document,
    node: NodeId,
    route: &Route,
    entries: &[(&'static str, String)],
) -> Result<Changed, &'static str> {
    const SHARED: &str = "the mapping is shared through an anchor";
    let (tree, text) = (&document.tree, &document.text);
    if tree.is_alias(node) || tree.node(node).anchored {
        return Err(SHARED);
    }
    let Kind::Mapping { flow: false, entries: there } = tree.node(node).kind else {
        return Err("the mapping is written in flow style");
    };
    let first = there.first().ok_or("the mapping is empty")?;
    let start = tree.span(first.key).start;
    let line_start = text.line_start(text.line_of(start));
    let indent = text.as_str().get(line_start..start).unwrap_or("-");
    // Comments above the first entry stay with it.
    let mut line = text.line_of(start);
    while line > 0 && text.line(line - 1).trim_start().starts_with('#') {
        line -= 1;
    }
    let place = text.line_start(line);
    let (mut edits, mut changes, mut added) = (Vec::new(), Vec::new(), String::new());
    for (name, value) in entries {
        let found =
            there.iter().find(|e| tree.str(e.key).is_some_and(|k| k.eq_ignore_ascii_case(name)));
        let Some(entry) = found else {
            if !indent.bytes().all(|b| b == b' ') {
                return Err("the mapping doesn't start on its own line");
            }
            added.push_str(&format!("{indent}{name}: {}{}", plain(value), text.newline().as_str()));
            changes.push(Change::AddKey {
                mapping: route.clone(),
                key: (*name).to_owned(),
                value: read(value),
            });
            continue;
        };
        let old = tree.node(entry.value);
        let one_line = matches!(
            &old.kind,
            Kind::Scalar { style, .. } if !matches!(style, ScalarStyle::Literal | ScalarStyle::Folded)
        );
        if !one_line || old.anchored || old.tag.is_some() || tree.is_null(entry.value) {
            return Err("cachelint can't edit this value safely");
        }
        let key = tree.str(entry.key).unwrap_or(name).to_owned();
        let mut at = route.clone();
        at.push(Segment::Key(key));
        // A quoted `'true'` is meant as text, and its successor too.
        let span = tree.span(entry.value);
        let is_plain = !text.as_str()[span.range()].starts_with(['\'', '"']);
        let (content, change) = match read(value) {
            Value::Bool(bool) if is_plain => (plain(value), Change::SetBool { at, value: bool }),
            _ => (scalar(value), Change::SetScalar { at, value: value.clone() }),
        };
        edits.push(Edit { span, content });
        changes.push(change);
    }
    if !added.is_empty() {
        edits.push(Edit { span: Span::at(place), content: added });
    }
    Ok((edits, changes))
}

/// An `env:` before the `steps:` of a job.
fn new_env(
    document: &Document,
    job: &Job,
    mapping: Route,
    variables: &[(&'static str, String)],
) -> Result<Changed, &'static str> {
    const LAYOUT: &str = "cachelint can't edit this job safely";
    let (tree, text) = (&document.tree, &document.text);
    let steps = tree.entry(job.node, "steps").ok_or(LAYOUT)?;
    let start = tree.span(steps.key).start;
    let line_start = text.line_start(text.line_of(start));
    let indent = text.as_str().get(line_start..start).ok_or(LAYOUT)?;
    if indent.is_empty() || !indent.bytes().all(|b| b == b' ') {
        return Err(LAYOUT);
    }
    let newline = text.newline().as_str();
    let nesting = " ".repeat(indent_of(document, job));
    let mut content = format!("{indent}env:{newline}");
    let mut value = Mapping::new();
    for (name, text) in variables {
        content.push_str(&format!("{indent}{nesting}{name}: {}{newline}", plain(text)));
        value.insert((*name).into(), read(text));
    }
    // Comments and empty lines above `steps:` stay with it.
    let mut line = text.line_of(start);
    while line > 0 && text.line(line - 1).trim_start().starts_with('#') {
        line -= 1;
    }
    while line > 0 && text.line(line - 1).trim().is_empty() {
        line -= 1;
    }
    let change = Change::AddKey { mapping, key: "env".into(), value: Value::Mapping(value) };
    Ok((vec![Edit { span: Span::at(text.line_start(line)), content }], vec![change]))
}

/// Spaces between a job's id and its keys.
fn indent_of(document: &Document, job: &Job) -> usize {
    let column = |offset| document.text.position(offset).column;
    let entries = document.tree.entries(job.node);
    let key = entries.first().map(|entry| column(document.tree.span(entry.key).start));
    key.and_then(|key| key.checked_sub(column(job.id_span.start))).filter(|n| *n > 0).unwrap_or(2)
}

/// `false` is meant as YAML's word, everything else as text.
fn plain(value: &str) -> String {
    if value == "false" { value.to_owned() } else { scalar(value) }
}

fn read(value: &str) -> Value {
    if value == "false" { Value::Bool(false) } else { value.into() }
}
