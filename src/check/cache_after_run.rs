//! `nox/cache-after-run`: are the environments built before the cache is restored?

use super::audit::{Audit, Cached, Place, Report, covers, fix};
use super::subject::{is_cacheable, is_meant_for};
use crate::finding::{Applicability, Finding, Fix};
use crate::fix::move_step::move_step;
use crate::timeline::Event;

pub const ID: &str = "nox/cache-after-run";

pub fn check(audit: &Audit<'_>) -> Option<Finding> {
    let mut late: Vec<(&Cached<'_>, &Event)> = Vec::new();
    for cached in audit.caches {
        let mut calls = cached.calls_before().filter(|(e, i)| {
            e.condition.is_none() && !i.conditional && is_cacheable(i) && is_meant_for(cached.step, &i.folders)
        });
        let Some((event, invocation)) = calls.next() else { continue };
        let earlier = cached.timeline.events[..cached.position].iter().filter_map(Event::cache);
        let restored = earlier.filter(|s| is_meant_for(s, &invocation.folders)).count() > 0;
        let covered = cached.step.paths.iter().any(|p| invocation.folders.iter().any(|f| covers(p, f)));
        if !restored && covered && !late.iter().any(|(c, _)| c.event.site == cached.event.site) {
            late.push((cached, event));
        }
    }
    let places: Vec<Place<'_>> = late
        .iter()
        .map(|(cached, _)| Place {
            cached,
            span: cached.event.span,
            label: "restores what has already been built".to_owned(),
        })
        .collect();
    let (cached, first) = late.first()?;
    let report = Report {
        rule: ID,
        message: format!("job `{}` restores its environments after nox has built them", audit.subject.name),
        help: "A cache step only helps what runs after it. Move it directly before the first step that runs nox."
            .to_owned(),
    };
    audit.finding(report, &places, forward(audit, cached, first))
}

fn forward(audit: &Audit<'_>, cached: &Cached<'_>, first: &Event) -> Result<Fix, String> {
    let site = cached.event.site;
    let applicability = audit.editable(site)?.min(Applicability::Unsafe);
    let target = [first.site, first.outer].into_iter().find(|t| t.document == site.document && t.job == site.job);
    let target = target.ok_or("nox runs in another file than the cache step")?;
    let document = audit.document_of(site);
    let steps = audit.steps_at(site).ok_or("the step is not in sight")?;
    let (edits, change) = move_step(document, steps, site.step, target.step)?;
    let message = "Restore the environments before nox runs".to_owned();
    Ok(fix(applicability, message, &document.path, edits, vec![change]))
}
