//! The package cache of an action that sets up a program, switched off.

use super::variables::set_input;
use crate::actions::{Step, StepList};
use crate::base::finding::{Change, Edit, Segment};
use crate::base::text::Span;
use crate::repo::Document;
use crate::yaml::{Entry, Kind};

const UNSAFE: &str = "cachelint can't edit this step safely";

/// Sets the input `name` of a step to `false`, and removes the inputs that do nothing then.
pub fn switch_off(
    document: &Document,
    list: &StepList,
    at: usize,
    name: &'static str,
    details: &[String],
) -> Result<(Vec<Edit>, Vec<Change>), &'static str> {
    let (edit, change) = set_input(document, list, at, name, "false")?;
    let (mut edits, mut changes) = (vec![edit], vec![change]);
    let step = list.steps.get(at).ok_or(UNSAFE)?;
    for detail in details {
        let entry = input(document, step, detail).ok_or(UNSAFE)?;
        let span = lines_of(document, entry)?;
        let mut mapping = list.route.clone();
        mapping.extend([Segment::Index(step.index), Segment::Key("with".into())]);
        let key = document.tree.str(entry.key).ok_or(UNSAFE)?.to_owned();
        edits.push(Edit { span, content: String::new() });
        changes.push(Change::RemoveKey { mapping, key });
    }
    Ok((edits, changes))
}

fn input<'d>(document: &'d Document, step: &Step, name: &str) -> Option<&'d Entry> {
    let tree = &document.tree;
    let with = tree.get(step.node, "with")?;
    let is_it = |entry: &&Entry| tree.str(entry.key).is_some_and(|k| k.eq_ignore_ascii_case(name));
    tree.entries(with).iter().find(is_it)
}

/// The lines of an entry of a block mapping; fails where they hold a comment or something else, and
/// where a comment above them may be about the entry.
fn lines_of(document: &Document, entry: &Entry) -> Result<Span, &'static str> {
    let (tree, text) = (&document.tree, &document.text);
    let value = tree.node(entry.value);
    let key = tree.span(entry.key);
    if !matches!(value.kind, Kind::Scalar { .. }) || value.anchored || tree.is_alias(entry.value) {
        return Err(UNSAFE);
    }
    let first = text.line_of(key.start);
    let start = text.line_start(first);
    let written = text.as_str();
    let is_alone = written[start..key.start].bytes().all(|byte| byte == b' ');
    let is_commented = first > 0 && text.line(first - 1).trim_start().starts_with('#');
    let value_end = tree.span(entry.value).end.max(key.end);
    let end = key.end + written[key.end..value_end].trim_end().len();
    let last = text.line_of(end);
    // The header of a block scalar has room for a comment, too.
    let header = text.line(first);
    let header_comment = last > first && header.contains(" #");
    let rest = &text.line(last)[end - text.line_start(last)..];
    if !is_alone
        || is_commented
        || header_comment
        || !rest.trim_start_matches(':').trim().is_empty()
    {
        return Err("a comment would be lost");
    }
    Ok(Span::new(start, text.line_start(last + 1)))
}
