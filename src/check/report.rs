//! A finding from what a check says and the cache steps it says it about.

use crate::base::finding::{Finding, Location};
use crate::base::remedy::Remedy;
use crate::base::text::Span;
use crate::cache::audit::CacheAudit;
use crate::cache::existing::ExistingCache;
use crate::rules::checks;

/// A cache step as a finding points at it.
pub struct Place<'a> {
    pub cached: &'a ExistingCache<'a>,
    pub span: Span,
    pub label: String,
}

/// What a check says; the rest follows from the caches it says it about.
pub struct Report {
    pub rule: &'static str,
    pub message: String,
    pub help: String,
    pub remedy: Remedy,
}

/// These cache steps, each pointed at where its input `name` stands.
pub fn places<'a>(
    audit: &CacheAudit<'a>,
    found: &[&'a ExistingCache<'a>],
    name: &str,
    label: &str,
) -> Vec<Place<'a>> {
    let place = |cached: &&'a ExistingCache<'a>| Place {
        cached,
        span: audit.input_span(cached, name),
        label: label.to_owned(),
    };
    found.iter().map(place).collect()
}

impl Report {
    /// The first place is the finding's own, the others are related.
    pub fn finding(self, audit: &CacheAudit<'_>, places: &[Place<'_>]) -> Option<Finding> {
        let first = places.first()?;
        let check = checks::find(self.rule)?;
        let mut related: Vec<Location> = Vec::new();
        let primary = location(audit, first, &mut related);
        for place in &places[1..] {
            let location = location(audit, place, &mut related);
            if (&location.path, location.span) != (&primary.path, primary.span)
                && !related.contains(&location)
            {
                related.push(location);
            }
        }
        Some(Finding {
            rule: self.rule,
            severity: check.severity,
            message: self.message,
            help: self.help,
            primary,
            related,
            job: audit.subject.name.clone(),
            notes: Vec::new(),
            remedy: Some(self.remedy),
            fix: None,
            no_fix_reason: None,
            withheld: None,
        })
    }
}

/// A place in the job's own file; where the step is inside an action, the action's file is related.
fn location(audit: &CacheAudit<'_>, place: &Place<'_>, related: &mut Vec<Location>) -> Location {
    let event = place.cached.event;
    let inside = Location {
        path: audit.document_of(event.site).path.clone(),
        span: place.span,
        label: place.label.clone(),
    };
    if event.site == event.outer {
        return inside;
    }
    let uses = audit.step_at(event.outer).and_then(|s| s.uses.as_ref());
    let span = uses.map_or(Span::default(), |u| u.span);
    if !related.contains(&inside) {
        related.push(inside);
    }
    Location { path: audit.document_of(event.outer).path.clone(), span, label: place.label.clone() }
}
