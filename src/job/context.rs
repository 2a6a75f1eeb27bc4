//! What a check looks at: one unit with the timelines of all its instances.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

use crate::base::finding::Problem;
use crate::base::guard::guarded;
use crate::config::Config;
use crate::job::key_template::Key;
use crate::job::{
    CacheForm, CacheStep, Event, Instances, Invocation, JobRef, Starts, Timeline, build, most_work,
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
    /// Tracked files that may be compared with the patterns of one hash.
    pub most_compared: usize,
}

/// Comparisons of a tracked file with a pattern, for all keys of a repository together.
const MAX_COMPARED: usize = 2_000_000;

impl<'a> JobContext<'a> {
    /// Another job of the repository, which isn't among those that were asked for. Nothing runs in
    /// parallel: who asks for it may hold a lock, and this thread would take up other work while it
    /// waits, which may need the same lock.
    pub fn beside(&self, job_ref: JobRef) -> Self {
        let Self { repository, settings, most_compared, .. } = *self;
        let instances = Instances::of(repository, job_ref);
        let most = most_work(instances.list.len());
        let timelines =
            instances.list.iter().map(|i| build(repository, &instances, i, most)).collect();
        let name = job_ref.name(repository);
        Self { repository, settings, job_ref, name, instances, timelines, most_compared }
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
        let name = job_ref.name(repository);
        let most_compared = MAX_COMPARED;
        Self { repository, settings, job_ref, name, instances, timelines, most_compared }
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
        let starts = Self::starts(repository, job_refs);
        let instances: Vec<Result<Instances, Problem>> = job_refs
            .par_iter()
            .map(|job_ref| {
                let starts = starts[&job_ref.document].as_ref().map_err(Problem::clone)?;
                guarded(&path(job_ref), || Instances::with(repository, *job_ref, starts))
            })
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
        let mut contexts: Vec<Result<Self, Problem>> =
            job_refs.par_iter().zip(instances).map(context).collect();
        let hashes: HashSet<&[String]> =
            contexts.iter().flatten().flat_map(Self::hashed_patterns).collect();
        let most = MAX_COMPARED / hashes.len().max(1);
        contexts.iter_mut().flatten().for_each(|context| context.most_compared = most);
        contexts
    }

    /// How the workflow of each unit starts: what a call passes is evaluated once, not for each job.
    fn starts(
        repository: &Repository,
        job_refs: &[JobRef],
    ) -> HashMap<usize, Result<Starts, Problem>> {
        let documents: HashSet<usize> = job_refs.iter().map(|job_ref| job_ref.document).collect();
        let starts = |document| {
            let path = repository.path(document);
            (document, guarded(&path, || Starts::of(repository, document)))
        };
        documents.into_par_iter().map(starts).collect()
    }

    /// The patterns of each hash in the keys of the job.
    fn hashed_patterns(&self) -> impl Iterator<Item = &[String]> {
        let steps = self.timelines.iter().flat_map(Timeline::caches).map(|(_, step)| step);
        let keys =
            steps.flat_map(|step| std::iter::once(&step.template).chain(&step.restore_templates));
        keys.flat_map(Key::hashes).filter_map(|hash| hash.patterns.as_deref())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    /// Else all callers are evaluated for each job that they run.
    #[test]
    fn what_a_call_passes_is_evaluated_once_for_all_jobs() {
        let caller = |i: usize| {
            format!(
                "  c{i}:\n    uses: ./.github/workflows/b.yml\n    strategy: {{matrix: {{a: [1, 2]}}}}\n    with: {{s: \"s{i}-${{{{ matrix.a }}}}\"}}\n"
            )
        };
        let callers = format!("on: push\njobs:\n{}", (0..5).map(caller).collect::<String>());
        let job =
            |i: usize| format!("  t{i}:\n    steps:\n      - run: nox -s ${{{{ inputs.s }}}}\n");
        let called = format!(
            "on: {{workflow_call: {{inputs: {{s: {{type: string}}}}}}}}\njobs:\n{}",
            (0..20).map(job).collect::<String>()
        );
        let folder = testing::repository(&[
            (".github/workflows/a.yml", callers.as_str()),
            (".github/workflows/b.yml", called.as_str()),
            ("noxfile.py", testing::NOXFILE),
        ]);
        let repository = testing::read(folder.path());
        let document = repository.document(".github/workflows/b.yml").unwrap();
        let job_refs: Vec<JobRef> =
            (0..20).map(|job| JobRef { document, job: Some(job) }).collect();
        let settings = Config::default();
        let contexts = JobContext::all(&repository, &settings, &job_refs);
        assert_eq!(testing::counted_work(folder.path()), 5 * 2);
        for context in contexts {
            let context = context.unwrap();
            assert_eq!(context.instances.list.len(), 10);
            assert_eq!(context.instances.list, Instances::of(&repository, context.job_ref).list);
        }
    }
}
