//! What a check looks at: one unit with the timelines of all its instances.

use std::collections::HashMap;

use rayon::prelude::*;

use crate::base::finding::Problem;
use crate::base::guard::guarded;
use crate::config::Config;
use crate::job::{
    CacheForm, CacheStep, Event, Instances, Invocation, JobRef, Timeline, build, most_work,
};
use crate::repo::{Document, Repository};
use crate::tool::{Answer, Reuse};

#[derive(Debug)]
pub struct JobContext<'a> {
    pub repository: &'a Repository,
    pub settings: &'a Config,
    pub job_ref: JobRef,
    pub name: String,
    pub instances: Instances,
    pub timelines: Vec<Timeline>,
}

impl<'a> JobContext<'a> {
    pub fn new(repository: &'a Repository, settings: &'a Config, job_ref: JobRef) -> Self {
        let instances = Instances::of(repository, job_ref);
        let most = most_work(instances.list.len());
        Self::with(repository, settings, job_ref, instances, most)
    }

    fn with(
        repository: &'a Repository,
        settings: &'a Config,
        job_ref: JobRef,
        instances: Instances,
        most: usize,
    ) -> Self {
        let timelines: Vec<Timeline> =
            instances.list.par_iter().map(|i| build(repository, &instances, i, most)).collect();
        Self { repository, settings, job_ref, name: job_ref.name(repository), instances, timelines }
    }

    /// The units with their timelines, in the same order. The jobs of one file share the work that
    /// may be spent on it, so that what a file costs does not depend on what else there is. A unit
    /// that hits a bug is a problem of its file.
    pub fn all(
        repository: &'a Repository,
        settings: &'a Config,
        job_refs: &[JobRef],
    ) -> Vec<Result<Self, Problem>> {
        let path = |job_ref: &JobRef| repository.path(job_ref.document);
        let instances: Vec<Result<Instances, Problem>> = job_refs
            .par_iter()
            .map(|job_ref| guarded(&path(job_ref), || Instances::of(repository, *job_ref)))
            .collect();
        let mut of_file: HashMap<usize, usize> = HashMap::new();
        for (job_ref, instances) in job_refs.iter().zip(&instances) {
            let legs = instances.as_ref().map_or(0, |instances| instances.list.len());
            *of_file.entry(job_ref.document).or_default() += legs;
        }
        let context = |(job_ref, instances): (&JobRef, Result<Instances, Problem>)| {
            let most = most_work(of_file[&job_ref.document]);
            let instances = instances?;
            guarded(&path(job_ref), || Self::with(repository, settings, *job_ref, instances, most))
        };
        job_refs.par_iter().zip(instances).map(context).collect()
    }

    pub fn document(&self) -> &'a Document {
        &self.repository.documents[self.job_ref.document]
    }

    /// Whether some instance calls the tool at all.
    pub fn runs_tool(&self) -> bool {
        self.timelines.iter().any(|t| t.invocations().next().is_some())
    }
}

/// A call whose environments a cache could keep: it creates some and puts something into them.
/// Where the sessions are out of sight, the tool's defaults decide.
pub fn is_cacheable(invocation: &Invocation) -> bool {
    let creates = match invocation.run.creates_env {
        Answer::Yes => true,
        Answer::Unknown => invocation.run.creates_by_default,
        Answer::No => false,
    };
    creates && invocation.run.installs_anything != Answer::No && is_ours(invocation)
}

/// A call that puts anything at all into the environment folder, or may: a cache must be restored
/// before it.
pub fn touches_folder(invocation: &Invocation) -> bool {
    invocation.run.creates_env != Answer::No && is_ours(invocation)
}

fn is_ours(invocation: &Invocation) -> bool {
    invocation.action.is_none_or(|a| !a.rebuilds && !a.own_cache)
}

/// Whether the call deletes what a cache restored, unless it is told otherwise.
pub fn needs_reuse_flag(invocation: &Invocation) -> bool {
    !matches!(invocation.run.reuse, Reuse::On)
}

/// The cacheable calls of an instance, in order.
pub fn cacheable(timeline: &Timeline) -> impl Iterator<Item = (&Event, &Invocation)> {
    timeline.invocations().filter(|(_, i)| is_cacheable(i))
}

/// Whether a cache step was meant for these environment folders: it restores one of them, or one of
/// that name elsewhere. A folder deliberately inside (`.nox/.cache`) is not the environments.
pub fn is_meant_for(step: &CacheStep, folders: &[String]) -> bool {
    step.form != CacheForm::Save
        && step.paths.iter().any(|path| folders.iter().any(|f| means(path, f)))
}

fn means(path: &crate::job::event::CachedPath, folder: &str) -> bool {
    let name = folder.rsplit('/').next().unwrap_or(folder);
    let written = path.folder.as_deref().unwrap_or(&path.written);
    let written = written.trim_end_matches("/**").trim_end_matches("/*").trim_end_matches('/');
    written == folder || written.rsplit(['/', '\\']).next() == Some(name)
}
