//! Files of a repository to findings.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use crate::base::finding::{Finding, Location, Problem};
use crate::base::guard::guarded;
use crate::base::text::{Span, Text};
use crate::cache::all_jobs::AllJobs;
use crate::cache::artifacts::Passing;
use crate::cache::existing::ExistingCache;
use crate::cache::hashed;
use crate::cache::job_caches::JobCaches;
use crate::cache::publish::Permission;
use crate::check;
use crate::config::Config;
use crate::fix;
use crate::job::context::JobContext;
pub use crate::job::timeline_view::JobTimeline;
use crate::job::{JobRef, StepRef, Undecided, timeline_view, undecided};
use crate::repo::discover::Discovered;
use crate::repo::read::read_all;
use crate::repo::{Content, Reach, RepoFiles, Repository};
use crate::tool::{self, Files};

/// What checking a repository found.
#[derive(Debug, Default)]
pub struct Outcome {
    /// About requested files only, suppressed ones left out, severities as configured. What a
    /// requested action causes may be found in a workflow that uses it.
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

/// What is reported besides findings. Of thousands of files it fills the memory, so only what will be
/// shown is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Details {
    pub undecided: bool,
    pub timelines: bool,
}

impl Details {
    pub const ALL: Self = Self { undecided: true, timelines: true };
}

/// Jobs that are looked at because an action is asked for that they use.
const MAX_USERS_ASKED: usize = 10_000;

/// Checks the requested ones of `files`; the others are read because they may be called, and because
/// an action is checked where it is used.
pub fn lint(root: &Path, files: &[Discovered], settings: &Config, details: Details) -> Outcome {
    let (repository, problems) = read(root, files, settings);
    let mut outcome = check(&repository, files, settings, details);
    outcome.problems.splice(0..0, problems);
    repository.documents.into_par_iter().for_each(drop);
    outcome
}

/// The repository, and what is wrong with the requested ones of `files`.
fn read(root: &Path, files: &[Discovered], settings: &Config) -> (Repository, Vec<Problem>) {
    let answers = tool::known();
    let ((documents, mut problems), tracked) = rayon::join(
        || read_all(root, files),
        || {
            let tracked = RepoFiles::new(root);
            answers.read_ahead(&tracked);
            tracked
        },
    );
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
    let scope = NamedFiles::new(repository, files);
    let requested = scope.with_users(settings);
    let reach = Reach::new(repository);
    let leads =
        |job_ref: &JobRef| reach.may_lead(&repository.documents[job_ref.document], job_ref.job);
    // Jobs of other files can share a cache with those that were asked for.
    let documents = 0..repository.documents.len();
    let job_refs: Vec<JobRef> = documents
        .into_par_iter()
        .flat_map_iter(|d| job_refs(repository, d))
        .filter(leads)
        .collect();
    let path = |job_ref: &JobRef| repository.path(job_ref.document);
    let mut problems = Vec::new();
    let contexts = without(&mut problems, JobContext::all(repository, settings, &job_refs));
    let jobs = AllJobs::new(repository, &contexts);
    let asked: Vec<usize> = (0..contexts.len())
        .filter(|s| requested.contains(&contexts[*s].job_ref.document))
        .collect();
    let found: Vec<_> = asked
        .par_iter()
        .map(|job| guarded(&path(&contexts[*job].job_ref), || resolved(&jobs, *job)))
        .collect();
    let found: Vec<Finding> = without(&mut problems, found).into_iter().flatten().collect();
    let reported: HashSet<(&str, &str)> =
        found.iter().map(|f| (f.primary.path.as_str(), f.job.as_str())).collect();
    let (mut undecided, mut timelines) = (Vec::new(), Vec::new());
    let mut undecided_jobs = 0;
    for job in asked {
        let context = &contexts[job];
        if !scope.concerns_job(context) {
            continue;
        }
        let reported = reported.contains(&(context.document().path.as_str(), &context.name));
        let open = !reported && undecided::is_undecided(&context.timelines);
        undecided_jobs += usize::from(open);
        if details.undecided {
            let open = self::undecided(&jobs, job).into_iter();
            let is_named = scope.names(&context.document().path);
            undecided.extend(open.filter(|place| is_named || scope.names(&place.path)));
        }
        if details.timelines {
            timelines.extend(timeline(context));
        }
    }
    drop(reported);
    let unread = repository.files().unread().into_iter();
    problems.extend(unread.map(|(path, message)| Problem {
        path: repository.files().root().join(path),
        position: None,
        message,
        help: None,
    }));
    let mut findings = settle(repository, &requested, found, settings);
    // Only now: before, comments that ignore findings would count as unused.
    findings.retain(|finding| scope.concerns(finding));
    let texts = pointed_into(repository, &findings, &undecided);
    drop(jobs);
    contexts.into_par_iter().for_each(drop);
    Outcome { findings, problems, texts, undecided, undecided_jobs, timelines }
}

/// What the user asked about.
struct NamedFiles<'a> {
    repository: &'a Repository,
    /// The requested files, without the workflows that are looked at because of an action.
    named: BTreeSet<usize>,
}

impl<'a> NamedFiles<'a> {
    fn new(repository: &'a Repository, files: &[Discovered]) -> Self {
        let requested = files.iter().filter(|file| file.requested);
        let named = requested.filter_map(|file| repository.document(&file.relative)).collect();
        Self { repository, named }
    }

    /// With the files that use a named action: what an action does shows where it is used.
    fn with_users(&self, settings: &Config) -> BTreeSet<usize> {
        let documents = &self.repository.documents;
        let mut all = self.named.clone();
        if all.len() < documents.len() {
            let actions = self.named.iter().filter(|named| documents[**named].action().is_some());
            let users = actions
                .filter_map(|action| self.repository.users(*action, MAX_USERS_ASKED))
                .flatten()
                .map(|user| user.document);
            all.extend(users.filter(|user| !settings.excludes(&documents[*user].path)));
        }
        all
    }

    fn names(&self, path: &str) -> bool {
        self.repository.document(path).is_some_and(|document| self.named.contains(&document))
    }

    /// Whether a finding is in a named file, caused by it, or mended there.
    fn concerns(&self, finding: &Finding) -> bool {
        let places = finding.related.iter().chain([&finding.primary]);
        let mut paths = places.map(|place| &place.path).chain(finding.fix.iter().map(|f| &f.path));
        paths.any(|path| self.names(path))
    }

    /// Whether a job is in a named file, or a named action does something in it that counts.
    fn concerns_job(&self, context: &JobContext<'_>) -> bool {
        self.named.contains(&context.job_ref.document)
            || context.timelines.iter().any(|timeline| {
                let mut events = timeline.events.iter();
                events.any(|event| self.named.contains(&event.step_ref.document))
                    || timeline.undecided.iter().any(|open| self.names(&open.place.path))
            })
    }
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
    if !jobs.contexts[job].runs_tool() && jobs.caches(job).is_empty() {
        return Vec::new();
    }
    let caches = JobCaches::new(jobs, job);
    let mut findings = check::run(&caches);
    findings.iter_mut().for_each(|finding| fix::resolve(&caches, finding));
    findings
}

/// The jobs of a workflow; a composite action only where no job of the repository uses it.
fn job_refs(repository: &Repository, document: usize) -> Vec<JobRef> {
    match &repository.documents[document].content {
        Content::Workflow(workflow) => {
            (0..workflow.jobs.len()).map(|job| JobRef { document, job: Some(job) }).collect()
        }
        Content::Action(action) if action.composite && !repository.is_called(document) => {
            vec![JobRef { document, job: None }]
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
    kept.iter_mut().for_each(|finding| leave_excluded(finding, settings));
    // Last, because findings about comments have a severity too.
    for finding in &mut kept {
        finding.severity = settings.severity_of(finding.rule, finding.severity);
    }
    if let Some(evidence) = &settings.evidence {
        super::by_logs::settle(repository, evidence, &mut kept);
    }
    kept
}

/// A job may be mended in an action that it uses, but not in one that the settings exclude.
fn leave_excluded(finding: &mut Finding, settings: &Config) {
    let Some(fix) = &finding.fix else { return };
    if fix.path != finding.primary.path && settings.excludes(&fix.path) {
        let reason = format!("the fix belongs in `{}`, which the settings exclude", fix.path);
        finding.drop_fix(reason);
    }
}

fn undecided(jobs: &AllJobs<'_>, job: usize) -> Vec<Location> {
    let context = &jobs.contexts[job];
    let all = undecided::all(context.repository, &context.timelines);
    let place = |u: Undecided| Location {
        label: format!("{}: {}", context.name, u.place.label),
        ..u.place
    };
    let left_out = left_out(context, &jobs.passing).into_iter();
    all.into_iter().map(place).chain(left_out).chain(not_followed(jobs, job)).collect()
}

/// Says which cache steps have a hash of too many files.
fn not_followed(jobs: &AllJobs<'_>, job: usize) -> Vec<Location> {
    let context = &jobs.contexts[job];
    let is_too_much = |cached: &&ExistingCache<'_>| {
        let mut hashes = cached.step.template.hashes();
        hashes.any(|hash| hashed::is_too_much(context, cached.timeline, cached.event, hash))
    };
    let steps = jobs.caches(job).iter().filter(is_too_much);
    let steps: BTreeMap<StepRef, Span> =
        steps.map(|cached| (cached.event.step_ref, cached.event.span)).collect();
    let location = |(step_ref, span): (StepRef, Span)| Location {
        path: context.repository.documents[step_ref.document].path.clone(),
        span,
        label: format!(
            "{}: the keys of this repository have too many different hashes to compare all of its \
             files with them, so which files this key hashes is unknown",
            context.name
        ),
    };
    steps.into_iter().map(location).collect()
}

/// Says that a job is left alone because its workflow only runs to publish.
fn left_out(context: &JobContext<'_>, passing: &Passing<'_>) -> Option<Location> {
    let runs_only_to_publish =
        context.runs_tool() && Permission::of(context, passing) == Permission::OnlyPublishes;
    let job = context.document().workflow()?.jobs.get(context.job_ref.job?)?;
    runs_only_to_publish.then(|| Location {
        path: context.document().path.clone(),
        span: job.id_span,
        label: format!(
            "{}: not checked for a missing cache: the job only runs for tags or releases, \
             and restored files could end up in what it publishes",
            context.name
        ),
    })
}

fn timeline(context: &JobContext<'_>) -> Option<JobTimeline> {
    let JobContext { repository, instances, timelines, .. } = context;
    context.runs_tool().then(|| {
        timeline_view::job(
            repository,
            &context.document().path,
            &context.name,
            instances,
            timelines,
        )
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
