//! `nox/retired-cache-action`: does the service still accept this version of the cache action?

use super::audit::{Audit, Place, Report, fix};
use crate::actions::Uses;
use crate::base::finding::{Change, Edit, Finding, Fix};
use crate::base::text::Span;
use crate::cache::publish::Permission;
use crate::fix::action_ref::cache_action;
use crate::job::Site;

pub const ID: &str = "nox/retired-cache-action";

pub fn check(audit: &Audit<'_>) -> Option<Finding> {
    let mut places = Vec::new();
    for cached in audit.by_site().into_iter().filter(|c| c.step.retired) {
        let uses = audit.step_at(cached.event.site).and_then(|s| s.uses.as_ref());
        let span = uses.map_or(cached.event.span, |u| u.span);
        places.push(Place {
            cached,
            span,
            label: "the cache service refuses this version".to_owned(),
        });
    }
    let step = places.first()?.cached.step;
    let sites = places.iter().map(|p| p.cached.event.site);
    // The step that saves must understand what the other one restores.
    let savers = places
        .iter()
        .flat_map(|p| audit.savers(p.cached))
        .filter(|(_, s)| s.retired)
        .map(|(e, _)| e.site);
    let mut all: Vec<Site> = sites.chain(savers).collect();
    all.sort_unstable();
    all.dedup();
    let report = Report {
        rule: ID,
        message: format!(
            "`{}@{}` no longer works: it speaks to a cache service that was switched off",
            step.action, step.reference
        ),
        help:
            "The step fails, or restores nothing. Releases of actions/cache below v3.4.0 and v4.2.0 stopped working in \
               2025; use one that the service still accepts."
                .to_owned(),
    };
    let fix = update(audit, &all);
    audit.finding(report, &places, fix)
}

fn update(audit: &Audit<'_>, sites: &[Site]) -> Result<Fix, String> {
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
    let applicability = crate::base::finding::Applicability::Safe;
    Ok(fix(applicability, format!("Use `{}`", new.uses), &document.path, edits, changes))
}

/// The comment that names the release, written anew; a comment that says something else stays.
fn comment(document: &crate::repo::Document, after: usize, new: Option<&str>) -> Option<Edit> {
    let line = document.text.line_of(after);
    let end = document.text.line_start(line) + document.text.line(line).len();
    let rest = document.text.as_str().get(after..end)?;
    match (rest.find('#'), new) {
        (None, Some(new)) => Some(Edit { span: Span::at(end), content: format!(" {new}") }),
        (Some(at), new) => {
            let old = rest[at..].trim_start_matches(['#', ' ']);
            let names_release = old.starts_with('v')
                && crate::rules::cache_actions::release_numbers(old.trim()).is_some();
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
