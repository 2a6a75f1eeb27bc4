//! Files of a repository to findings.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use crate::check::{self, jobs::Jobs, subject::Subject};
use crate::config::Config;
use crate::discover::{Discovered, FileKind};
use crate::finding::{Finding, Location, Problem};
use crate::repo::{Content, Document, Reach, Repository};
use crate::text::Text;
pub use crate::timeline::shown::JobTimeline;
use crate::timeline::{Unit, shown};
use crate::tool::Files;
use crate::workflow::{Action, Workflow};

/// What checking a repository tells.
#[derive(Debug, Default)]
pub struct Outcome {
    /// In requested files only, suppressed ones left out, severities as configured.
    pub findings: Vec<Finding>,
    pub problems: Vec<Problem>,
    /// Every text that a finding or a fix may point into, by path relative to the root.
    pub texts: BTreeMap<String, Arc<Text>>,
    /// Places where something could not be decided; the label says what and why.
    pub undecided: Vec<Location>,
    pub timelines: Vec<JobTimeline>,
}

/// Checks the requested ones of `files`; the others are read because they may be called.
pub fn lint(root: &Path, files: &[Discovered], settings: &Config) -> Outcome {
    let mut outcome = Outcome::default();
    let read: Vec<_> = files.par_iter().map(document).collect();
    let mut documents = Vec::with_capacity(files.len());
    for (file, result) in files.iter().zip(read) {
        match result {
            Ok(document) => documents.push(document),
            // A file that was not asked for cannot spoil the answer about those that were.
            Err(problem) if file.requested => outcome.problems.push(problem),
            Err(_) => {}
        }
    }
    let mut repository = Repository::new(root, documents);
    repository.nox_actions.clone_from(&settings.nox_actions);
    let requested: Vec<usize> =
        files.iter().filter(|f| f.requested).filter_map(|f| repository.document(&f.relative)).collect();
    for document in &requested {
        outcome.problems.extend(shapes(&repository.documents[*document], root));
    }
    let reach = Reach::new(&repository);
    let documents = 0..repository.documents.len();
    // Jobs of other files can share a cache with those that were asked for.
    let units: Vec<Unit> = documents
        .into_par_iter()
        .flat_map_iter(|d| units(&repository, d))
        .filter(|unit| reach.may_lead(unit.document, unit.job))
        .collect();
    let subjects: Vec<Subject<'_>> = units.par_iter().map(|unit| Subject::new(&repository, settings, *unit)).collect();
    let jobs = Jobs::new(&subjects);
    let wanted: BTreeSet<usize> = requested.iter().copied().collect();
    let asked: Vec<usize> = (0..subjects.len()).filter(|s| wanted.contains(&subjects[*s].unit.document)).collect();
    let found: Vec<Finding> = asked.par_iter().flat_map_iter(|job| check::run(&jobs, *job)).collect();
    let asked = asked.into_iter().map(|job| &subjects[job]);
    for subject in asked {
        outcome.undecided.extend(undecided(subject));
        outcome.timelines.extend(timeline(subject));
    }
    outcome.findings = settle(&repository, &requested, found, settings);
    outcome.texts = followed(&repository, &outcome.findings);
    outcome.texts.extend(repository.documents.into_iter().map(|d| (d.path, Arc::new(d.text))));
    outcome
}

/// Reads and parses one file.
pub(crate) fn document(file: &Discovered) -> Result<Document, Problem> {
    let text = file.read()?;
    let tree = crate::yaml::parse(&text).map_err(|e| Problem {
        path: file.path.clone(),
        position: Some(e.position),
        message: e.message,
        help: e.help,
    })?;
    let content = match file.kind {
        FileKind::Workflow => Content::Workflow(Workflow::read(&tree)),
        FileKind::Action => Content::Action(Action::read(&tree)),
    };
    Ok(Document { path: file.relative.clone(), text, tree, content })
}

fn shapes<'a>(document: &'a Document, root: &'a Path) -> impl Iterator<Item = Problem> + 'a {
    document.shapes().iter().map(move |shape| Problem {
        path: root.join(&document.path),
        position: Some(document.text.position(shape.span.start)),
        message: shape.message.clone(),
        help: None,
    })
}

/// The jobs of a workflow; a composite action only where no job of the repository uses it.
fn units(repository: &Repository, document: usize) -> Vec<Unit> {
    match &repository.documents[document].content {
        Content::Workflow(workflow) => (0..workflow.jobs.len()).map(|job| Unit { document, job: Some(job) }).collect(),
        Content::Action(action) if action.composite && !repository.is_called(document) => {
            vec![Unit { document, job: None }]
        }
        Content::Action(_) => Vec::new(),
    }
}

/// Applies settings and comments.
fn settle(repository: &Repository, requested: &[usize], found: Vec<Finding>, settings: &Config) -> Vec<Finding> {
    let mut by_path: BTreeMap<String, Vec<Finding>> = BTreeMap::new();
    for finding in found {
        if settings.reports(finding.rule, &finding.primary.path) {
            by_path.entry(finding.primary.path.clone()).or_default().push(finding);
        }
    }
    let mut kept = Vec::new();
    for document in requested {
        let document = &repository.documents[*document];
        let findings = by_path.remove(&document.path).unwrap_or_default();
        let ran = |check: &str| settings.reports(check, &document.path);
        kept.extend(crate::suppress::suppress(&document.path, &document.text, &document.tree, findings, ran).kept);
    }
    // Last, because findings about comments have a severity too.
    for finding in &mut kept {
        finding.severity = settings.severity_of(finding.rule, finding.severity);
    }
    kept
}

fn undecided(subject: &Subject<'_>) -> Vec<Location> {
    let document = subject.document();
    let span = subject.unit.job.zip(document.workflow()).map_or_else(Default::default, |(j, w)| w.jobs[j].id_span);
    let mut reasons: Vec<String> = Vec::new();
    for timeline in &subject.timelines {
        let calls = timeline.invocations().flat_map(|(_, i)| i.run.undecided.iter());
        for reason in timeline.undecided.iter().chain(calls) {
            if !reasons.contains(reason) {
                reasons.push(reason.clone());
            }
        }
    }
    let place = |label: String| Location { path: document.path.clone(), span, label };
    reasons.into_iter().map(|reason| place(format!("{}: {reason}", subject.name))).collect()
}

fn timeline(subject: &Subject<'_>) -> Option<JobTimeline> {
    let Subject { repository, instances, timelines, .. } = subject;
    subject.runs_tool().then(|| shown::job(repository, &subject.document().path, &subject.name, instances, timelines))
}

/// The texts of followed files, which findings may point into.
fn followed(repository: &Repository, findings: &[Finding]) -> BTreeMap<String, Arc<Text>> {
    let mut out = BTreeMap::new();
    for place in findings.iter().flat_map(|f| &f.related) {
        if repository.document(&place.path).is_none() && !out.contains_key(&place.path) {
            let text = repository.files.read(&place.path);
            let text = text.and_then(|t| Text::new(&place.path, t.as_bytes().to_vec()).ok());
            out.extend(text.map(|t| (place.path.clone(), Arc::new(t))));
        }
    }
    out
}
