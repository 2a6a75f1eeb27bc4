//! A step moved up or down in its list, with the comments above it.

use super::style::first_line;
use crate::finding::{Change, Edit};
use crate::repo::Document;
use crate::text::Span;
use crate::workflow::StepList;

/// Moves `steps.steps[from]` before `steps.steps[before]`; fails with the reason where the layout does not allow it.
pub fn move_step(
    document: &Document,
    steps: &StepList,
    from: usize,
    before: usize,
) -> Result<(Vec<Edit>, Change), &'static str> {
    let (Some(step), Some(target)) = (steps.steps.get(from), steps.steps.get(before)) else {
        return Err("the steps are not in sight");
    };
    if steps.flow {
        return Err("the steps are written in flow style (`steps: [ … ]`)");
    }
    if steps.shared || step.shared {
        return Err("the steps are shared with another job through an anchor");
    }
    if step.concurrent || target.concurrent {
        return Err("the steps run beside others (`parallel` or `background`)");
    }
    let text = &document.text;
    let newline = text.newline().as_str();
    let start = text.line_start(first_line(document, step));
    let (removed, mut moved) = match steps.steps.get(from + 1) {
        Some(next) => {
            let end = text.line_start(first_line(document, next));
            (Span::new(start, end), text.as_str()[start..end].to_owned())
        }
        None => {
            let last = step.span.end.saturating_sub(usize::from(text.as_str()[..step.span.end].ends_with('\n')));
            let end = text.line_start(text.line_of(last) + 1);
            let chunk = &text.as_str()[start..end];
            if chunk.ends_with('\n') {
                (Span::new(start, end), chunk.to_owned())
            } else {
                // The step before it becomes the end of the file, which still has no last line break.
                let before = start - newline.len().min(start);
                (Span::new(before, end), format!("{chunk}{newline}"))
            }
        }
    };
    let at = text.line_start(first_line(document, target));
    if steps.steps.get(from + 1).is_none() && has_blank_before(document, first_line(document, target)) {
        moved.push_str(newline);
    }
    let edits = vec![Edit { span: removed, content: String::new() }, Edit { span: Span::at(at), content: moved }];
    let change = Change::MoveItem { sequence: steps.route.clone(), from: step.index, before: target.index };
    Ok((edits, change))
}

fn has_blank_before(document: &Document, line: usize) -> bool {
    line > 0 && document.text.line(line - 1).trim().is_empty()
}
