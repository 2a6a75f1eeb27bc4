//! The caches a job already has for its environments, and what every check of them needs to report
//! one.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::actions::{Step, StepList};
use crate::base::finding::{Applicability, Change, Edit, Finding, Fix, Location, Route, Segment};
use crate::base::glob::Pattern;
use crate::base::text::Span;
use crate::cache::Needs;
use crate::cache::builds::Builds;
use crate::cache::publish::Permission;
use crate::check::jobs::Jobs;
use crate::job::context::{Subject, is_cacheable, is_meant_for, touches_folder};
use crate::job::event::CachedPath;
use crate::job::key_template::Rendered;
use crate::job::{CacheForm, CacheStep, Event, Invocation, Site, Timeline};
use crate::repo::Document;
use crate::rules::checks;

/// Where nox keeps its environments if nothing says otherwise.
const DEFAULT_FOLDER: &str = ".nox";

/// One job with its caches of environments, among all jobs of the repository.
pub struct Audit<'a> {
    pub subject: &'a Subject<'a>,
    pub caches: &'a [Cached<'a>],
    pub permission: Permission,
    /// All jobs of the repository, this one included.
    pub jobs: &'a Jobs<'a>,
    /// By the document in which the step stands; to work them out is dear.
    needs: RefCell<BTreeMap<usize, Result<Needs, String>>>,
}

/// A step that restores environments, on one instance.
pub struct Cached<'a> {
    pub timeline: &'a Timeline,
    /// Of the event in the timeline.
    pub position: usize,
    pub event: &'a Event,
    pub step: &'a CacheStep,
    pub builds: Builds,
    pub rendered: Rendered,
}

/// A cache step as a finding shows it.
pub struct Place<'a> {
    pub cached: &'a Cached<'a>,
    pub span: Span,
    pub label: String,
}

/// What a check says; the rest follows from the caches it says it about.
pub struct Report {
    pub rule: &'static str,
    pub message: String,
    pub help: String,
}

impl<'a> Cached<'a> {
    /// The calls after the step, in order.
    pub fn calls_after(&self) -> impl Iterator<Item = (&'a Event, &'a Invocation)> + use<'a> {
        self.timeline.events[self.position..].iter().filter_map(|e| Some((e, e.invocation()?)))
    }

    /// The calls before the step, in order.
    pub fn calls_before(&self) -> impl Iterator<Item = (&'a Event, &'a Invocation)> + use<'a> {
        self.timeline.events[..self.position].iter().filter_map(|e| Some((e, e.invocation()?)))
    }

    /// Whenever the step runs, the call runs, too.
    pub fn runs_with(&self, call: &Event, invocation: &Invocation) -> bool {
        !invocation.conditional
            && (call.condition.is_none() || call.condition == self.event.condition)
    }

    /// The `path` lines, which are part of a cache's identity, in a form in which equal ones are
    /// equal; `None` where two instances may have different ones all the same.
    pub fn identity(&self) -> Option<Vec<&'a str>> {
        self.step.paths.iter().map(CachedPath::identity).collect()
    }
}

/// Whether a line of `path` restores the environments in `folder`.
pub fn covers(path: &CachedPath, folder: &str) -> bool {
    let written = path.folder.as_deref().unwrap_or(&path.written);
    if written.is_empty() || written == folder || folder.starts_with(&format!("{written}/")) {
        return true;
    }
    // What is restored is the folder itself, a folder around it, or everything in it.
    Pattern::parse(written)
        .is_ok_and(|p| !p.negated && (p.matches(folder) || p.matches(&format!("{folder}/tests"))))
        && written.contains(['*', '?', '['])
}

/// The environment folders of the calls on one instance.
pub fn folders(timeline: &Timeline) -> Vec<String> {
    let calls = timeline.invocations().filter(|(_, i)| touches_folder(i));
    calls.flat_map(|(_, i)| i.folders.iter().cloned()).collect()
}

/// The steps of one unit that restore environments, on every instance.
pub fn caches<'a>(subject: &'a Subject<'_>) -> Vec<Cached<'a>> {
    let seen = subject.runs_tool();
    let mut found = Vec::new();
    for timeline in &subject.timelines {
        let mut names = folders(timeline);
        let unknown = timeline.invocations().any(|(_, i)| is_cacheable(i) && i.folders.is_empty());
        // Where nox runs out of sight, its usual folder is still only nox's.
        if !seen || unknown {
            names.push(DEFAULT_FOLDER.to_owned());
        }
        for (position, event) in timeline.events.iter().enumerate() {
            if let Some(step) = event.cache().filter(|s| !s.keyless && is_meant_for(s, &names)) {
                let (builds, rendered) = (Builds::of(subject, timeline), step.template.rendered());
                found.push(Cached { timeline, position, event, step, builds, rendered });
            }
        }
    }
    found
}

impl<'a> Audit<'a> {
    pub fn new(jobs: &'a Jobs<'a>, job: usize) -> Self {
        let subject = &jobs.subjects[job];
        let permission = Permission::of(subject);
        Self { subject, caches: jobs.caches(job), permission, jobs, needs: RefCell::default() }
    }

    pub fn document_of(&self, site: Site) -> &'a Document {
        &self.subject.repository.documents[site.document]
    }

    pub fn step_at(&self, site: Site) -> Option<&'a Step> {
        self.steps_at(site)?.steps.get(site.step)
    }

    pub fn steps_at(&self, site: Site) -> Option<&'a StepList> {
        self.document_of(site).steps(site.job)
    }

    /// Where an input of the cache step stands, or the step itself.
    pub fn input_span(&self, cached: &Cached<'_>, name: &str) -> Span {
        let input = self.step_at(cached.event.site).and_then(|s| s.input(name));
        input.map_or(cached.event.span, |scalar| scalar.span)
    }

    /// These cache steps, each shown where its input `name` stands.
    pub fn places<'c>(&self, found: &[&'c Cached<'a>], name: &str, label: &str) -> Vec<Place<'c>> {
        let place = |cached: &&'c Cached<'a>| Place {
            cached,
            span: self.input_span(cached, name),
            label: label.to_owned(),
        };
        found.iter().map(place).collect()
    }

    /// What a key needs, if its calls can be seen and nothing speaks against a correction.
    pub fn needs(&self, site: Site) -> Result<Needs, String> {
        self.needs.borrow_mut().entry(site.document).or_insert_with(|| self.needs_in(site)).clone()
    }

    fn needs_in(&self, site: Site) -> Result<Needs, String> {
        if !self.subject.timelines.iter().any(|t| t.invocations().any(|(_, i)| touches_folder(i))) {
            return Err(
                "nox runs where it cannot be seen, so that what its cache needs is not known"
                    .to_owned(),
            );
        }
        let needs = Needs::of(self.subject, site.document);
        match &needs.failure {
            Some(reason) => Err(reason.clone()),
            None => Ok(needs),
        }
    }

    /// Whether the step at `site` may be edited, and how much a fix of it can be trusted.
    pub fn editable(&self, site: Site) -> Result<Applicability, String> {
        let (Some(list), Some(step)) = (self.steps_at(site), self.step_at(site)) else {
            return Err("the step is not in sight".to_owned());
        };
        if step.shared || list.shared {
            return Err("the step is shared through an anchor".to_owned());
        }
        if step.concurrent {
            return Err("the step runs beside others (`parallel` or `background`)".to_owned());
        }
        let users =
            |s: &&Subject<'_>| s.timelines.iter().any(|t| t.events.iter().any(|e| e.site == site));
        // A step of a workflow runs in its own job alone.
        if site.job.is_none() && self.jobs.subjects.iter().filter(users).count() > 1 {
            return Err("the step stands in an action that several jobs use".to_owned());
        }
        match &self.permission {
            Permission::Withheld(reason) => Err(reason.clone()),
            Permission::OnlyPublishes => Err("the workflow only runs to publish".to_owned()),
            Permission::ReleaseBranch(_) => Ok(Applicability::Unsafe),
            Permission::Free | Permission::NotOnTags => Ok(Applicability::Safe),
        }
    }

    /// The finding of a check: the first place is its own, the others are related.
    pub fn finding(
        &self,
        report: Report,
        places: &[Place<'_>],
        fix: Result<Fix, String>,
    ) -> Option<Finding> {
        let first = places.first()?;
        let check = checks::find(report.rule)?;
        let mut related: Vec<Location> = Vec::new();
        let primary = self.location(first, &mut related);
        for place in &places[1..] {
            let location = self.location(place, &mut related);
            if (&location.path, location.span) != (&primary.path, primary.span)
                && !related.contains(&location)
            {
                related.push(location);
            }
        }
        let (fix, no_fix_reason) = match fix {
            Ok(fix) if fix.edits.is_empty() => {
                (None, Some("the step already says what a correction would".to_owned()))
            }
            Ok(fix) => (Some(fix), None),
            Err(reason) => (None, Some(reason)),
        };
        Some(Finding {
            rule: report.rule,
            severity: check.severity,
            message: report.message,
            help: report.help,
            primary,
            related,
            job: self.subject.name.clone(),
            notes: Vec::new(),
            remedy: None,
            fix,
            no_fix_reason,
            withheld: None,
        })
    }

    /// A place in the job's own file; a step inside an action is shown beside it.
    fn location(&self, place: &Place<'_>, related: &mut Vec<Location>) -> Location {
        let event = place.cached.event;
        let inside = Location {
            path: self.document_of(event.site).path.clone(),
            span: place.span,
            label: place.label.clone(),
        };
        if event.site == event.outer {
            return inside;
        }
        let uses = self.step_at(event.outer).and_then(|s| s.uses.as_ref());
        let span = uses.map_or(Span::default(), |u| u.span);
        if !related.contains(&inside) {
            related.push(inside);
        }
        Location {
            path: self.document_of(event.outer).path.clone(),
            span,
            label: place.label.clone(),
        }
    }

    /// The route to a key of the step at `site`.
    pub fn route(&self, site: Site, keys: &[&str]) -> Option<Route> {
        let list = self.steps_at(site)?;
        let mut route = list.route.clone();
        route.push(Segment::Index(list.steps.get(site.step)?.index));
        route.extend(keys.iter().map(|k| Segment::Key((*k).to_owned())));
        Some(route)
    }

    /// The cached steps that restore at `site` first, one of each site.
    pub fn by_site(&self) -> Vec<&Cached<'a>> {
        let mut sites: Vec<Site> = Vec::new();
        self.caches
            .iter()
            .filter(|c| {
                !sites.contains(&c.event.site) && {
                    sites.push(c.event.site);
                    true
                }
            })
            .collect()
    }

    /// Steps that save what the step restores, on the same instance.
    pub fn savers(&self, cached: &Cached<'a>) -> Vec<(&'a Event, &'a CacheStep)> {
        let paths: Vec<&str> = cached.step.paths.iter().map(|p| p.written.as_str()).collect();
        let caches = cached.timeline.caches().filter(|(_, s)| s.form == CacheForm::Save);
        caches
            .filter(|(_, s)| s.paths.iter().map(|p| p.written.as_str()).eq(paths.iter().copied()))
            .collect()
    }
}

/// A fix from its parts.
pub fn fix(
    applicability: Applicability,
    message: String,
    path: &str,
    mut edits: Vec<Edit>,
    changes: Vec<Change>,
) -> Fix {
    edits.sort_by_key(|e| (e.span.start, e.span.end));
    Fix { applicability, message, path: path.to_owned(), edits, changes }
}
