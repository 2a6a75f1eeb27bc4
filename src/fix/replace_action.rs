//! A release of the cache action that the service accepts, in place of a retired one.

use super::action_ref::working_release;
use super::fix;
use crate::actions::Uses;
use crate::base::finding::{Applicability, Change, Edit, Fix};
use crate::base::text::Span;
use crate::cache::job_caches::JobCaches;
use crate::cache::publish::Permission;
use crate::job::StepRef;
use crate::repo::Document;
use crate::rules::cache_actions::release_numbers;

/// The fix that writes a release that works, into the steps that restore and those that save.
pub fn replace_action(caches: &JobCaches<'_>) -> Result<Fix, String> {
    let step_refs = &retired(caches);
    // A cache that works again could poison what the job publishes.
    if let Permission::Withheld(reason) = &caches.permission {
        return Err(reason.clone());
    }
    let first = *step_refs.first().ok_or("cachelint can't find the step")?;
    let document = caches.document_of(first);
    let new = working_release(caches.context.repository, caches.context.settings, document);
    let (_, reference) =
        new.uses.rsplit_once('@').ok_or("cachelint knows no version that works")?;
    let (mut edits, mut changes) = (Vec::new(), Vec::new());
    for step_ref in step_refs.iter().filter(|s| s.document == first.document) {
        let step = caches.step_at(*step_ref).ok_or("cachelint can't find the step")?;
        if step.shared || step.concurrent || caches.steps_at(*step_ref).is_none_or(|l| l.shared) {
            return Err("the step is shared through an anchor, or runs alongside others".to_owned());
        }
        let scalar = step.uses.as_ref().ok_or("cachelint can't find the step")?;
        let written = Uses::parse(&scalar.text).ok_or("the action can't be read")?;
        let known = document.text.as_str().get(scalar.span.range()).unwrap_or_default();
        if known.matches(written.reference).count() != 1 || !known.contains(scalar.text.trim()) {
            return Err("cachelint can't edit this `uses:` safely".to_owned());
        }
        let at = scalar.span.start + known.rfind(written.reference).unwrap_or_default();
        edits.push(Edit {
            span: Span::new(at, at + written.reference.len()),
            content: reference.to_owned(),
        });
        edits.extend(comment(document, scalar.span.end, new.comment.as_deref()));
        let value = scalar.text.replace(written.reference, reference);
        changes.push(Change::SetScalar {
            at: caches.route(*step_ref, &["uses"]).ok_or("cachelint can't find the step")?,
            value,
        });
    }
    let applicability = Applicability::Safe;
    Ok(fix(applicability, format!("Use `{}`", new.uses), &document.path, edits, changes))
}

/// Where retired actions are: the step that saves must understand what the other one restores.
fn retired(caches: &JobCaches<'_>) -> Vec<StepRef> {
    let mut step_refs = Vec::new();
    for cached in caches.by_step().into_iter().filter(|c| c.step.retired) {
        step_refs.push(cached.event.step_ref);
        let savers = caches.savers(cached).into_iter().filter(|(_, saver)| saver.retired);
        step_refs.extend(savers.map(|(event, _)| event.step_ref));
    }
    step_refs.sort_unstable();
    step_refs.dedup();
    step_refs
}

/// The comment that names the release, rewritten; a comment that says something else stays.
fn comment(document: &Document, after: usize, new: Option<&str>) -> Option<Edit> {
    let line = document.text.line_of(after);
    let end = document.text.line_start(line) + document.text.line(line).len();
    let rest = document.text.as_str().get(after..end)?;
    match (rest.find('#'), new) {
        (None, Some(new)) => Some(Edit { span: Span::at(end), content: format!(" {new}") }),
        (Some(at), new) => {
            let old = rest[at..].trim_start_matches(['#', ' ']);
            let names_release = old.starts_with('v') && release_numbers(old.trim()).is_some();
            let start = after + at;
            match new {
                _ if !names_release => None,
                Some(new) => Some(Edit { span: Span::new(start, end), content: new.to_owned() }),
                None => Some(Edit {
                    span: Span::new(after + rest[..at].trim_end().len(), end),
                    content: String::new(),
                }),
            }
        }
        (None, None) => None,
    }
}
