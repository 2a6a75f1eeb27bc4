//! Whether what a job uploads is published by another job: a cache in the first reaches the release
//! as much as one in the second.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::OnceLock;

use rayon::prelude::*;

use super::publish::publishing_environment;
use crate::job::context::JobContext;
use crate::job::folder::Artifact;
use crate::job::{EventKind, Instances, JobRef, Timeline, build, most_work};
use crate::repo::Repository;
use crate::rules::folders::folders;

/// Instances of another job that are looked at.
const MAX_INSTANCES: usize = 16;
/// Jobs that files are followed through.
const MAX_JOBS: usize = 200;

/// What the jobs of a repository pass on. Each is read once, not for every job that uploads.
pub struct Passing<'a> {
    repository: &'a Repository,
    /// The jobs whose timelines are known already.
    contexts: HashMap<JobRef, &'a JobContext<'a>>,
    /// The jobs that may take something.
    takers: BTreeMap<JobRef, OnceLock<OtherJob>>,
}

/// A job of the same run, or of one that it starts.
struct OtherJob {
    name: String,
    takes: Vec<Artifact>,
    uploads: Vec<Artifact>,
    publishes: bool,
}

impl<'a> Passing<'a> {
    pub fn new(repository: &'a Repository, contexts: &'a [JobContext<'a>]) -> Self {
        let documents = repository.documents.par_iter().enumerate();
        let job_refs = documents.flat_map_iter(|(document, read)| {
            let jobs = read.workflow().map_or(0, |workflow| workflow.jobs.len());
            (0..jobs).map(move |job| JobRef { document, job: Some(job) })
        });
        let takers: Vec<JobRef> =
            job_refs.filter(|job_ref| downloads(repository, *job_ref)).collect();
        Self {
            repository,
            contexts: contexts.iter().map(|context| (context.job_ref, context)).collect(),
            takers: takers.into_iter().map(|taker| (taker, OnceLock::new())).collect(),
        }
    }

    /// A job of which the timelines are known already.
    pub fn known(&self, job_ref: JobRef) -> Option<&'a JobContext<'a>> {
        self.contexts.get(&job_ref).copied()
    }

    /// The job that publishes what this one uploads, and the artifact.
    pub fn published_by(&self, context: &JobContext<'_>) -> Option<(String, String)> {
        let mut passed: Vec<Artifact> = context.timelines.iter().flat_map(uploads).collect();
        if passed.is_empty() {
            return None;
        }
        let mut others: Vec<&OtherJob> = self.others(context.job_ref).collect();
        // Through jobs that take files and upload them again; each round leaves one out.
        loop {
            let taken = |other: &OtherJob| {
                let taken = |artifact: &&Artifact| other.takes.iter().any(|t| t.may_be(artifact));
                passed.iter().find(taken).map(Artifact::shown)
            };
            let (at, artifact) =
                others.iter().enumerate().find_map(|(at, other)| Some((at, taken(other)?)))?;
            let other = others.remove(at);
            if other.publishes {
                return Some((other.name.clone(), artifact));
            }
            passed.extend(other.uploads.iter().cloned());
        }
    }

    /// The other jobs that may take what a job uploads.
    fn others(&self, own: JobRef) -> impl Iterator<Item = &OtherJob> {
        let documents = same_run(self.repository, own.document).into_iter();
        let takers = documents.flat_map(|document| {
            let after = document + 1;
            self.takers.range(JobRef { document, job: None }..JobRef { document: after, job: None })
        });
        let others = takers.filter(move |(job_ref, _)| **job_ref != own).take(MAX_JOBS);
        others.map(|(job_ref, read)| read.get_or_init(|| self.read(*job_ref)))
    }

    fn read(&self, job_ref: JobRef) -> OtherJob {
        let mut other = OtherJob {
            name: job_ref.name(self.repository),
            takes: Vec::new(),
            uploads: Vec::new(),
            publishes: publishing_environment(self.repository, job_ref).is_some(),
        };
        if let Some(context) = self.contexts.get(&job_ref) {
            context.timelines.iter().take(MAX_INSTANCES).for_each(|t| other.add(t));
            return other;
        }
        let instances = Instances::of(self.repository, job_ref);
        let most = most_work(instances.list.len());
        for instance in instances.list.iter().take(MAX_INSTANCES) {
            other.add(&build(self.repository, &instances, instance, most));
        }
        other
    }
}

impl OtherJob {
    fn add(&mut self, timeline: &Timeline) {
        self.uploads.extend(uploads(timeline));
        for event in &timeline.events {
            self.takes.extend(event.arrival().and_then(|a| a.artifact.clone()));
            self.publishes |= matches!(event.kind, EventKind::Publish { .. });
        }
    }
}

fn uploads(timeline: &Timeline) -> Vec<Artifact> {
    let artifact = |kind: &EventKind| match kind {
        EventKind::Upload(artifact) => Some(artifact.clone()),
        _ => None,
    };
    timeline.events.iter().filter_map(|e| artifact(&e.kind)).collect()
}

/// Whether the text of a job, or an action of the repository that it uses, can take an artifact.
fn downloads(repository: &Repository, job_ref: JobRef) -> bool {
    let steps = repository.documents[job_ref.document].steps(job_ref.job);
    let mut steps = steps.into_iter().flat_map(|list| &list.steps);
    steps.any(|step| {
        let named = |text: &str| text.contains("artifact") || text.starts_with(['.', '$']);
        step.uses.as_ref().is_some_and(|uses| named(&uses.text))
            || step.run.as_ref().is_some_and(|script| folders().may_download(&script.text))
    })
}

/// The workflows whose jobs can take what a job of `document` uploads: its own, those that call it,
/// those that these call, those that start when one of them has run, and those that ask for one of
/// its runs.
fn same_run(repository: &Repository, document: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::from([document]);
    found.extend(repository.takers_of_any_run());
    let mut next: Vec<usize> = found.iter().copied().collect();
    while let Some(document) = next.pop() {
        let callers = repository.callers(document).iter().map(|caller| caller.document);
        let jobs = repository.documents[document].workflow().into_iter().flat_map(|w| &w.jobs);
        let called = jobs.filter_map(|j| repository.called_workflow(&j.calls.as_ref()?.text));
        let linked: Vec<usize> =
            callers.chain(called).chain(repository.started_by(document).iter().copied()).collect();
        let linked: Vec<usize> =
            linked.into_iter().chain(repository.run_takers(document)).collect();
        next.extend(linked.into_iter().filter(|linked| found.insert(*linked)));
    }
    found
}
