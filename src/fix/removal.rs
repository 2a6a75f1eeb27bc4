//! A step taken out of its list, with the comments above it.

use super::style::first_line;
use crate::actions::StepList;
use crate::base::finding::{Change, Edit};
use crate::base::text::Span;
use crate::repo::Document;

/// Removes `list.steps[at]`, which is not the last; fails with the reason where the layout does not
/// allow it, or where a comment on a line of its own would be lost.
pub fn remove_step(
    document: &Document,
    list: &StepList,
    at: usize,
) -> Result<(Edit, Change), &'static str> {
    let (Some(step), Some(next)) = (list.steps.get(at), list.steps.get(at + 1)) else {
        return Err("the step is the last one");
    };
    if list.flow {
        return Err("the steps are written in flow style (`steps: [ … ]`)");
    }
    if list.shared || step.shared {
        return Err("the step is shared through an anchor");
    }
    if step.concurrent || next.concurrent {
        return Err("the step runs alongside others (`parallel` or `background`)");
    }
    let text = &document.text;
    let start = text.line_start(first_line(document, step));
    let end = text.line_start(first_line(document, next));
    let begins_line = text.as_str()[start..].trim_start_matches(' ').starts_with(['-', '#']);
    if !begins_line {
        return Err("the step doesn't start on its own line");
    }
    if text.as_str()[start..end].lines().any(|line| line.trim_start().starts_with('#')) {
        return Err("a comment would be lost");
    }
    let change = Change::RemoveItem { sequence: list.route.clone(), index: step.index };
    Ok((Edit { span: Span::new(start, end), content: String::new() }, change))
}
