//! A finding from what a check says and the cache steps it says it about.

use std::collections::HashSet;

use crate::base::finding::{Finding, Location};
use crate::base::remedy::Remedy;
use crate::base::text::Span;
use crate::cache::existing::ExistingCache;
use crate::cache::job_caches::JobCaches;
use crate::rules::checks;

/// Cache steps of one job that are moved.
const MAX_MOVED: usize = 5;

/// A cache step as a finding points at it.
pub struct CachePlace<'a> {
    pub cached: &'a ExistingCache<'a>,
    pub span: Span,
    pub label: String,
}

/// What a check says; the rest follows from the caches it says it about.
pub struct CacheReport {
    pub rule: &'static str,
    pub message: String,
    pub help: String,
    pub remedy: Remedy,
}

/// These cache steps, each pointed at where its input `name` stands.
pub fn places<'a>(
    caches: &JobCaches<'a>,
    found: &[&'a ExistingCache<'a>],
    name: &str,
    label: &str,
) -> Vec<CachePlace<'a>> {
    let place = |cached: &&'a ExistingCache<'a>| CachePlace {
        cached,
        span: caches.input_span(cached, name),
        label: label.to_owned(),
    };
    found.iter().map(place).collect()
}

/// The first cache of each step among these places.
pub fn steps(places: &[CachePlace<'_>]) -> Vec<usize> {
    first_of_steps(places.iter().map(|place| place.cached))
}

/// The step of `cached`, which is one of these places, moves before the event at `before` of its
/// timeline. Each move is a round of its own.
pub fn move_step(
    places: &[CachePlace<'_>],
    cached: &ExistingCache<'_>,
    before: usize,
    title: &'static str,
) -> Remedy {
    if steps(places).len() > MAX_MOVED {
        return Remedy::Refused(format!("more than {MAX_MOVED} cache steps would have to move"));
    }
    Remedy::MoveStep { cache: cached.index, before, title }
}

/// The first of these caches of each step.
pub fn first_of_steps<'c>(caches: impl Iterator<Item = &'c ExistingCache<'c>>) -> Vec<usize> {
    let mut seen = HashSet::new();
    caches.filter(|cached| seen.insert(cached.event.step_ref)).map(|cached| cached.index).collect()
}

impl CacheReport {
    /// The first place is the finding's own, the others are related.
    pub fn finding(self, caches: &JobCaches<'_>, places: &[CachePlace<'_>]) -> Option<Finding> {
        let first = places.first()?;
        let check = checks::get(self.rule);
        let mut related: Vec<Location> = Vec::new();
        let primary = location(caches, first, &mut related);
        for place in &places[1..] {
            let location = location(caches, place, &mut related);
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
            job: caches.context.name.clone(),
            notes: Vec::new(),
            remedy: Some(self.remedy),
            fix: None,
            no_fix_reason: None,
            withheld: None,
        })
    }
}

/// A place in the job's own file; where the step is inside an action, the action's file is related.
fn location(
    caches: &JobCaches<'_>,
    place: &CachePlace<'_>,
    related: &mut Vec<Location>,
) -> Location {
    let event = place.cached.event;
    let inside = Location {
        path: caches.document_of(event.step_ref).path.clone(),
        span: place.span,
        label: place.label.clone(),
    };
    if event.step_ref == event.outer {
        return inside;
    }
    let uses = caches.step_at(event.outer).and_then(|s| s.uses.as_ref());
    let span = uses.map_or(Span::default(), |u| u.span);
    if !related.contains(&inside) {
        related.push(inside);
    }
    Location {
        path: caches.document_of(event.outer).path.clone(),
        span,
        label: place.label.clone(),
    }
}
