//! `nox/cache-after-run`: are the environments built before the cache is restored?

use super::audit::{Audit, Cached, Place, Report, covers};
use crate::base::finding::Finding;
use crate::fix::move_step::before_call;
use crate::job::Event;
use crate::job::context::{is_cacheable, is_meant_for};

pub const ID: &str = "nox/cache-after-run";

pub fn check(audit: &Audit<'_>) -> Option<Finding> {
    let mut late: Vec<(&Cached<'_>, &Event)> = Vec::new();
    for cached in audit.caches {
        let mut calls = cached.calls_before().filter(|(e, i)| {
            cached.runs_with(e, i) && is_cacheable(i) && is_meant_for(cached.step, &i.folders)
        });
        let Some((event, invocation)) = calls.next() else { continue };
        let earlier = cached.timeline.events[..cached.position].iter().filter_map(Event::cache);
        let restored = earlier.filter(|s| is_meant_for(s, &invocation.folders)).count() > 0;
        let covered =
            cached.step.paths.iter().any(|p| invocation.folders.iter().any(|f| covers(p, f)));
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
    audit.finding(
        report,
        &places,
        before_call(audit, cached, first, "Restore the environments before nox runs"),
    )
}
