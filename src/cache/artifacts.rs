//! Whether what a job uploads is published by another job: a cache in the first reaches the release
//! as much as one in the second.

use std::collections::BTreeSet;

use crate::job::context::JobContext;
use crate::job::folder::Artifact;
use crate::job::{EventKind, Instances, JobRef, Timeline, build, most_work};
use crate::repo::Repository;

/// Instances of another job that are looked at.
const MAX_INSTANCES: usize = 16;
/// Jobs that files are followed through.
const MAX_JOBS: usize = 200;

/// A job of the same run, or of one that it starts.
struct OtherJob {
    name: String,
    takes: Vec<Artifact>,
    uploads: Vec<Artifact>,
    publishes: bool,
}

/// The job that publishes what this one uploads, and the artifact.
pub fn published_by(context: &JobContext<'_>) -> Option<(String, String)> {
    let mut passed: Vec<Artifact> = context.timelines.iter().flat_map(uploads).collect();
    if passed.is_empty() {
        return None;
    }
    let mut others = others(context);
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
            return Some((other.name, artifact));
        }
        passed.extend(other.uploads);
    }
}

fn uploads(timeline: &Timeline) -> Vec<Artifact> {
    let artifact = |kind: &EventKind| match kind {
        EventKind::Upload(artifact) => Some(artifact.clone()),
        _ => None,
    };
    timeline.events.iter().filter_map(|e| artifact(&e.kind)).collect()
}

fn others(context: &JobContext<'_>) -> Vec<OtherJob> {
    let repository = context.repository;
    let mut job_refs = Vec::new();
    for document in same_run(repository, context.job_ref.document) {
        let jobs = repository.documents[document].workflow().map_or(0, |w| w.jobs.len());
        job_refs.extend((0..jobs).map(|job| JobRef { document, job: Some(job) }));
    }
    job_refs.retain(|job_ref| *job_ref != context.job_ref && downloads(repository, *job_ref));
    job_refs.into_iter().take(MAX_JOBS).map(|job_ref| other(repository, job_ref)).collect()
}

/// Whether the text of a job, or an action of the repository that it uses, can take an artifact.
fn downloads(repository: &Repository, job_ref: JobRef) -> bool {
    let steps = repository.documents[job_ref.document].steps(job_ref.job);
    let uses = steps.into_iter().flat_map(|list| &list.steps).filter_map(|s| s.uses.as_ref());
    uses.into_iter().any(|uses| uses.text.contains("artifact") || uses.text.starts_with(['.', '$']))
}

fn other(repository: &Repository, job_ref: JobRef) -> OtherJob {
    let instances = Instances::of(repository, job_ref);
    let most = most_work(instances.list.len());
    let mut other = OtherJob {
        name: job_ref.name(repository),
        takes: Vec::new(),
        uploads: Vec::new(),
        publishes: false,
    };
    for instance in instances.list.iter().take(MAX_INSTANCES) {
        let timeline = build(repository, &instances, instance, most);
        other.uploads.extend(uploads(&timeline));
        for event in &timeline.events {
            other.takes.extend(event.arrival().and_then(|a| a.artifact.clone()));
            other.publishes |= matches!(event.kind, EventKind::Publish { .. });
        }
    }
    other
}

/// The workflows whose jobs can take what a job of `document` uploads: its own, those that call it,
/// those that these call, and those that start when one of them has run.
fn same_run(repository: &Repository, document: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::from([document]);
    let mut next = vec![document];
    while let Some(document) = next.pop() {
        let callers = repository.callers(document).iter().map(|caller| caller.document);
        let jobs = repository.documents[document].workflow().into_iter().flat_map(|w| &w.jobs);
        let called = jobs.filter_map(|j| repository.called_workflow(&j.calls.as_ref()?.text));
        let linked: Vec<usize> =
            callers.chain(called).chain(started_by(repository, document)).collect();
        next.extend(linked.into_iter().filter(|linked| found.insert(*linked)));
    }
    found
}

/// The workflows that start when `document` has run.
fn started_by(repository: &Repository, document: usize) -> impl Iterator<Item = usize> {
    let own = &repository.documents[document];
    let name = own.workflow().and_then(|w| w.name.as_ref()).map_or(&own.path, |name| &name.text);
    repository.documents.iter().enumerate().filter_map(move |(at, other)| {
        let trigger = other.workflow()?.triggers.get("workflow_run")?;
        trigger.workflows.contains(name).then_some(at)
    })
}
