//! A release of the cache action that the service accepts, in place of a retired one.

use super::action_ref::cache_action;
use super::fix;
use crate::actions::Uses;
use crate::base::finding::{Applicability, Change, Edit, Fix};
use crate::base::text::Span;
use crate::cache::audit::CacheAudit;
use crate::cache::publish::Permission;
use crate::job::Site;
use crate::repo::Document;
use crate::rules::cache_actions::release_numbers;

/// The fix that writes a release that works, into the steps that restore and those that save.
pub fn replace_action(audit: &CacheAudit<'_>) -> Result<Fix, String> {
    let sites = &retired(audit);
    // A cache that works again could poison what the job publishes.
    if let Permission::Withheld(reason) = &audit.permission {
        return Err(reason.clone());
    }
    let first = *sites.first().ok_or("the step is not in sight")?;
    let document = audit.document_of(first);
    let new = cache_action(audit.subject.repository, audit.subject.settings, document);
    let (_, reference) = new.uses.rsplit_once('@').ok_or("no version is known that works")?;
    let (mut edits, mut changes) = (Vec::new(), Vec::new());
    for site in sites.iter().filter(|s| s.document == first.document) {
        let step = audit.step_at(*site).ok_or("the step is not in sight")?;
        if step.shared || step.concurrent || audit.steps_at(*site).is_none_or(|l| l.shared) {
            return Err("the step is shared through an anchor, or runs beside others".to_owned());
        }
        let scalar = step.uses.as_ref().ok_or("the step is not in sight")?;
        let written = Uses::parse(&scalar.text).ok_or("the action cannot be read")?;
        let known = document.text.as_str().get(scalar.span.range()).unwrap_or_default();
        if known.matches(written.reference).count() != 1 || !known.contains(scalar.text.trim()) {
            return Err("the action is written in a way that cannot be edited safely".to_owned());
        }
        let at = scalar.span.start + known.rfind(written.reference).unwrap_or_default();
        edits.push(Edit {
            span: Span::new(at, at + written.reference.len()),
            content: reference.to_owned(),
        });
        edits.extend(comment(document, scalar.span.end, new.comment.as_deref()));
        let value = scalar.text.replace(written.reference, reference);
        changes.push(Change::SetScalar {
            at: audit.route(*site, &["uses"]).ok_or("the step is not in sight")?,
            value,
        });
    }
    let applicability = Applicability::Safe;
    Ok(fix(applicability, format!("Use `{}`", new.uses), &document.path, edits, changes))
}

/// Where retired actions stand: the step that saves must understand what the other one restores.
fn retired(audit: &CacheAudit<'_>) -> Vec<Site> {
    let mut sites = Vec::new();
    for cached in audit.by_site().into_iter().filter(|c| c.step.retired) {
        sites.push(cached.event.site);
        let savers = audit.savers(cached).into_iter().filter(|(_, saver)| saver.retired);
        sites.extend(savers.map(|(event, _)| event.site));
    }
    sites.sort_unstable();
    sites.dedup();
    sites
}

/// The comment that names the release, written anew; a comment that says something else stays.
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
