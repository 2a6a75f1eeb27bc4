//! Files of a repository to findings.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use crate::base::finding::{Finding, Location, Problem};
use crate::base::guard::guarded;
use crate::base::text::Text;
use crate::cache::audit::CacheAudit;
use crate::cache::jobs::AllJobs;
use crate::check;
use crate::config::Config;
use crate::fix;
use crate::job::context::Subject;
pub use crate::job::shown::JobTimeline;
use crate::job::{Undecided, Unit, shown, undecided};
use crate::repo::discover::Discovered;
use crate::repo::read::read_all;
use crate::repo::{Content, Reach, RepoFiles, Repository};
use crate::tool::{self, Files};

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
    /// Jobs of which it is open whether they build environments.
    pub undecided_jobs: usize,
    pub timelines: Vec<JobTimeline>,
}

/// What is told beside findings. Of thousands of files it fills the memory, so only what will be
/// shown is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Details {
    pub undecided: bool,
    pub timelines: bool,
}

impl Details {
    pub const ALL: Self = Self { undecided: true, timelines: true };
}

/// Checks the requested ones of `files`; the others are read because they may be called.
pub fn lint(root: &Path, files: &[Discovered], settings: &Config, details: Details) -> Outcome {
    let (repository, problems) = read(root, files, settings);
    let mut outcome = check(&repository, files, settings, details);
    outcome.problems.splice(0..0, problems);
    outcome
}

/// The repository, and what is wrong with the requested ones of `files`.
fn read(root: &Path, files: &[Discovered], settings: &Config) -> (Repository, Vec<Problem>) {
    let answers = tool::known();
    let tracked = RepoFiles::new(root);
    let ((documents, mut problems), ()) =
        rayon::join(|| read_all(root, files), || answers.read_ahead(&tracked));
    if let Some(doubt) = tracked.tracked().doubt() {
        let path = root.join(".git/index");
        problems.push(Problem { path, position: None, message: doubt.to_owned(), help: None });
    }
    let repository = Repository::new(tracked, &settings.nox_actions, answers, documents)
        .with_cache_action(settings.cache_action.as_deref());
    (repository, problems)
}

fn check(
    repository: &Repository,
    files: &[Discovered],
    settings: &Config,
    details: Details,
) -> Outcome {
    let requested: HashSet<&str> =
        files.iter().filter(|f| f.requested).map(|f| f.relative.as_str()).collect();
    let requested: BTreeSet<usize> = (0..repository.documents.len())
        .filter(|document| requested.contains(repository.documents[*document].path.as_str()))
        .collect();
    let reach = Reach::new(repository);
    let leads = |unit: &Unit| reach.may_lead(&repository.documents[unit.document], unit.job);
    // Jobs of other files can share a cache with those that were asked for.
    let documents = 0..repository.documents.len();
    let units: Vec<Unit> =
        documents.into_par_iter().flat_map_iter(|d| units(repository, d)).filter(leads).collect();
    let path = |unit: &Unit| repository.path(unit.document);
    let mut problems = Vec::new();
    let subjects = without(&mut problems, Subject::all(repository, settings, &units));
    let jobs = AllJobs::new(&subjects);
    let asked: Vec<usize> =
        (0..subjects.len()).filter(|s| requested.contains(&subjects[*s].unit.document)).collect();
    let found: Vec<_> = asked
        .par_iter()
        .map(|job| guarded(&path(&subjects[*job].unit), || resolved(&jobs, *job)))
        .collect();
    let found: Vec<Finding> = without(&mut problems, found).into_iter().flatten().collect();
    let reported: HashSet<(&str, &str)> =
        found.iter().map(|f| (f.primary.path.as_str(), f.job.as_str())).collect();
    let (mut undecided, mut timelines) = (Vec::new(), Vec::new());
    let mut undecided_jobs = 0;
    for subject in asked.into_iter().map(|job| &subjects[job]) {
        let reported = reported.contains(&(subject.document().path.as_str(), &subject.name));
        let open = !reported && undecided::is_undecided(&subject.timelines);
        undecided_jobs += usize::from(open);
        if details.undecided {
            undecided.extend(self::undecided(subject));
        }
        if details.timelines {
            timelines.extend(timeline(subject));
        }
    }
    drop(reported);
    let findings = settle(repository, &requested, found, settings);
    let texts = pointed_into(repository, &findings, &undecided);
    Outcome { findings, problems, texts, undecided, undecided_jobs, timelines }
}

/// What was given; the problems of what was not go to the others, each once.
fn without<T>(problems: &mut Vec<Problem>, given: Vec<Result<T, Problem>>) -> Vec<T> {
    let mut kept = Vec::with_capacity(given.len());
    for result in given {
        match result {
            Ok(value) => kept.push(value),
            Err(problem) if problems.contains(&problem) => {}
            Err(problem) => problems.push(problem),
        }
    }
    kept
}

/// The findings about a job, each with its fix or the reason why it has none.
fn resolved(jobs: &AllJobs<'_>, job: usize) -> Vec<Finding> {
    let audit = CacheAudit::new(jobs, job);
    let mut findings = check::run(&audit);
    findings.iter_mut().for_each(|finding| fix::resolve(&audit, finding));
    findings
}

/// The jobs of a workflow; a composite action only where no job of the repository uses it.
fn units(repository: &Repository, document: usize) -> Vec<Unit> {
    match &repository.documents[document].content {
        Content::Workflow(workflow) => {
            (0..workflow.jobs.len()).map(|job| Unit { document, job: Some(job) }).collect()
        }
        Content::Action(action) if action.composite && !repository.is_called(document) => {
            vec![Unit { document, job: None }]
        }
        Content::Action(_) => Vec::new(),
    }
}

/// Applies settings and comments.
fn settle(
    repository: &Repository,
    requested: &BTreeSet<usize>,
    found: Vec<Finding>,
    settings: &Config,
) -> Vec<Finding> {
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
        kept.extend(
            crate::engine::suppress::suppress(
                &document.path,
                &document.text,
                &document.tree,
                findings,
                ran,
            )
            .kept,
        );
    }
    // Last, because findings about comments have a severity too.
    for finding in &mut kept {
        finding.severity = settings.severity_of(finding.rule, finding.severity);
    }
    if let Some(evidence) = &settings.evidence {
        super::by_logs::settle(repository, evidence, &mut kept);
    }
    kept
}

fn undecided(subject: &Subject<'_>) -> Vec<Location> {
    let all = undecided::all(subject.repository, &subject.timelines);
    let place = |u: Undecided| Location {
        label: format!("{}: {}", subject.name, u.place.label),
        ..u.place
    };
    all.into_iter().map(place).collect()
}

fn timeline(subject: &Subject<'_>) -> Option<JobTimeline> {
    let Subject { repository, instances, timelines, .. } = subject;
    subject.runs_tool().then(|| {
        shown::job(repository, &subject.document().path, &subject.name, instances, timelines)
    })
}

/// The texts that findings and fixes point into.
fn pointed_into(
    repository: &Repository,
    findings: &[Finding],
    undecided: &[Location],
) -> BTreeMap<String, Arc<Text>> {
    let places =
        findings.iter().flat_map(|f| f.related.iter().chain([&f.primary])).chain(undecided);
    let fixes = findings.iter().filter_map(|f| f.fix.as_ref()).map(|fix| fix.path.as_str());
    let paths: BTreeSet<&str> = places.map(|place| place.path.as_str()).chain(fixes).collect();
    let mut out = BTreeMap::new();
    for path in paths {
        let text = match repository.document(path) {
            Some(document) => Some(repository.documents[document].text.clone()),
            None => repository
                .files()
                .read(path)
                .and_then(|content| Text::new(path, content.as_bytes().to_vec()).ok()),
        };
        out.extend(text.map(|text| (path.to_owned(), Arc::new(text))));
    }
    out
}

#[cfg(test)]
mod tests;
