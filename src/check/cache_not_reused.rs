//! `nox/cache-not-reused`: does nox delete what the cache restored?

use super::audit::{Audit, Cached, Place, Report, fix};
use crate::base::finding::{Finding, Fix};
use crate::fix::reuse_flag;
use crate::job::context::{is_cacheable, is_meant_for};
use crate::job::{Event, Invocation};
use crate::tool::Reuse;

pub const ID: &str = "nox/cache-not-reused";

pub fn check(audit: &Audit<'_>) -> Option<Finding> {
    let mut places = Vec::new();
    let mut calls: Vec<(&Event, &Invocation)> = Vec::new();
    let mut at = None;
    for cached in audit.caches {
        let wasted: Vec<_> = wasted(cached).collect();
        let Some((_, first)) = wasted.first() else { continue };
        places.push(Place {
            cached,
            span: cached.event.span,
            label: format!("`{}` deletes what this restores", first.command),
        });
        at.get_or_insert(cached.event.site);
        calls.extend(wasted);
    }
    let (_, first) = calls.first()?;
    let refused = first
        .run
        .reuse_refused
        .as_ref()
        .map(|word| format!(": `{word}` asks for that"))
        .unwrap_or_default();
    let report = Report {
        rule: ID,
        message: format!(
            "`{}` deletes the environments that the cache restored and builds them anew{refused}",
            first.command
        ),
        help:
            "nox removes an existing environment unless it is told to reuse it, so this cache only costs time, for the \
               download and for the upload. Pass `-r` directly after the program word; installs still run, so that \
               environments follow the project."
                .to_owned(),
    };
    let fixed = reuse(audit, at?, &calls);
    let mut finding = audit.finding(report, &places, fixed)?;
    if finding.fix.is_some() && calls.iter().any(|(_, i)| i.run.unpinned) {
        let note = "`-r` keeps what is installed: packages without a pinned version stay as they are until the key changes";
        finding.notes.push(note.to_owned());
    }
    Some(finding)
}

/// The calls after the cache that build in its folder without reusing what is there.
fn wasted<'a>(cached: &Cached<'a>) -> impl Iterator<Item = (&'a Event, &'a Invocation)> {
    let step = cached.step;
    cached.calls_after().filter(move |(_, i)| {
        let mixed = i.run.reuse == Reuse::Mixed && i.run.reuse_refused.is_none();
        is_cacheable(i) && (i.run.reuse == Reuse::Off || mixed) && is_meant_for(step, &i.folders)
    })
}

fn reuse(
    audit: &Audit<'_>,
    site: crate::job::Site,
    calls: &[(&Event, &Invocation)],
) -> Result<Fix, String> {
    let applicability = audit.editable(site)?;
    if let Some(reason) = calls.iter().find_map(|(_, i)| reuse_flag::obstacle(i)) {
        return Err(reason);
    }
    let document = calls.first().map_or(site.document, |(e, _)| e.site.document);
    let (edits, changes) =
        reuse_flag::insert(audit.subject.repository, document, calls.iter().copied())?;
    let path = &audit.subject.repository.documents[document].path;
    Ok(fix(applicability, "Let nox reuse what the cache restored".to_owned(), path, edits, changes))
}
