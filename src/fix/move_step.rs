//! A cache step moved up or down in its list, with the comments above it.

use super::fix;
use super::style::first_line;
use crate::actions::{Step, StepList};
use crate::base::finding::{Applicability, Change, Edit, Fix, Route, Segment};
use crate::base::text::Span;
use crate::cache::existing::ExistingCache;
use crate::cache::job_caches::JobCaches;
use crate::repo::Document;
use crate::yaml::{Kind, ScalarStyle};

/// The fix that moves a cache step directly before the step of the event at `before` in its
/// timeline, or before the step of the job that leads there.
pub fn move_before(
    caches: &JobCaches<'_>,
    cached: &ExistingCache<'_>,
    before: usize,
    message: &str,
) -> Result<Fix, String> {
    let step_ref = cached.event.step_ref;
    let applicability = caches.editable(step_ref)?.min(Applicability::Unsafe);
    let call = cached.timeline.events.get(before).ok_or("cachelint can't find the nox command")?;
    let target = [call.step_ref, call.outer]
        .into_iter()
        .find(|t| t.document == step_ref.document && t.job == step_ref.job);
    let target = target.ok_or("nox and the cache step are in different files")?;
    let document = caches.document_of(step_ref);
    let steps = caches.steps_at(step_ref).ok_or("cachelint can't find the step")?;
    if is_asked(steps, step_ref.step, target.step) {
        return Err("a step in between uses the outputs of the cache step".to_owned());
    }
    let (edits, changes) = move_step(document, steps, step_ref.step, target.step)?;
    Ok(fix(applicability, message.to_owned(), &document.path, edits, changes))
}

/// Whether a step before the new place uses an output of the step that moves down to it.
fn is_asked(steps: &StepList, from: usize, before: usize) -> bool {
    let Some(id) = steps.steps.get(from).and_then(|s| s.id.as_ref()) else { return false };
    let output = format!("steps.{}.", id.text);
    let between = steps.steps.iter().take(before).skip(from + 1);
    between.flat_map(|s| s.condition.iter().chain(&s.run)).any(|s| s.text.contains(&output))
}

/// Moves `steps.steps[from]` before `steps.steps[before]`; fails with the reason where the layout
/// does not allow it.
fn move_step(
    document: &Document,
    steps: &StepList,
    from: usize,
    before: usize,
) -> Result<(Vec<Edit>, Vec<Change>), &'static str> {
    let (Some(step), Some(target)) = (steps.steps.get(from), steps.steps.get(before)) else {
        return Err("cachelint can't find the steps");
    };
    if steps.flow {
        return Err("the steps are written in flow style (`steps: [ … ]`)");
    }
    if steps.shared || step.shared {
        return Err("the steps are shared with another job through an anchor");
    }
    if step.concurrent || target.concurrent {
        return Err("the steps run alongside others (`parallel` or `background`)");
    }
    let text = &document.text;
    let newline = text.newline().as_str();
    let mut changes = vec![Change::MoveItem {
        sequence: steps.route.clone(),
        from: step.index,
        before: target.index,
    }];
    let start = text.line_start(first_line(document, step));
    let (removed, mut moved) = match steps.steps.get(from + 1) {
        Some(next) => {
            let end = text.line_start(first_line(document, next));
            (Span::new(start, end), text.as_str()[start..end].to_owned())
        }
        None => {
            let last = step
                .span
                .end
                .saturating_sub(usize::from(text.as_str()[..step.span.end].ends_with('\n')));
            let end = text.line_start(text.line_of(last) + 1);
            let chunk = &text.as_str()[start..end];
            if chunk.ends_with('\n') {
                (Span::new(start, end), chunk.to_owned())
            } else {
                // The step before it becomes the end of the file, which still has no last line
                // break.
                let before = start - newline.len().min(start);
                changes.extend(last_block(document, steps, step).map(|(at, text)| {
                    Change::SetScalar { at, value: format!("{}\n", text.trim_end_matches('\n')) }
                }));
                let previous = from.checked_sub(1).and_then(|i| steps.steps.get(i));
                if !text.as_str()[..before].ends_with('\n') {
                    changes.extend(previous.and_then(|p| last_block(document, steps, p)).map(
                        |(at, text)| Change::SetScalar {
                            at,
                            value: text.trim_end_matches('\n').to_owned(),
                        },
                    ));
                }
                (Span::new(before, end), format!("{chunk}{newline}"))
            }
        }
    };
    let at = text.line_start(first_line(document, target));
    if steps.steps.get(from + 1).is_none()
        && has_blank_before(document, first_line(document, target))
    {
        moved.push_str(newline);
    }
    let edits = vec![
        Edit { span: removed, content: String::new() },
        Edit { span: Span::at(at), content: moved },
    ];
    Ok((edits, changes))
}

/// The block text (`|`, `>`) with which a step ends: its value has a last line break only if the
/// file has one there.
fn last_block<'d>(
    document: &'d Document,
    steps: &StepList,
    step: &Step,
) -> Option<(Route, &'d str)> {
    let tree = &document.tree;
    let mut route = steps.route.clone();
    route.push(Segment::Index(step.index));
    let mut node = step.node;
    loop {
        match tree.node(node).kind {
            Kind::Mapping { entries, flow: false } => {
                let last = entries.last()?;
                route.push(Segment::Key(tree.str(last.key)?.to_owned()));
                node = last.value;
            }
            Kind::Sequence { items, flow: false } => {
                route.push(Segment::Index(items.len().checked_sub(1)?));
                node = items.last()?.node;
            }
            Kind::Scalar { value, style: ScalarStyle::Literal | ScalarStyle::Folded } => {
                let header = document.text.as_str()[tree.span(node).range()].lines().next()?;
                return (!header.contains('-')).then_some((route, value));
            }
            _ => return None,
        }
    }
}

fn has_blank_before(document: &Document, line: usize) -> bool {
    line > 0 && document.text.line(line - 1).trim().is_empty()
}
