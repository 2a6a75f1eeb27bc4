//! All jobs of a repository that may run the tool, with their caches, so that one can be compared
//! with the others.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

use super::action_users::ActionUsers;
use super::artifacts::Passing;
use super::existing::{ExistingCache, caches};
use super::publish::is_pull_request_only;
use crate::actions::Uses;
use crate::job::context::JobContext;
use crate::job::key_template::{Key, RenderedKey};
use crate::job::{CacheForm, CacheStep};
use crate::repo::{Document, Repository};
use crate::rules::is_known_action;

/// The most caches of other jobs that one cache is compared with.
pub const MAX_COMPARED: usize = 2_000;

pub struct AllJobs<'a> {
    pub contexts: &'a [JobContext<'a>],
    pub passing: Passing<'a>,
    pub users: ActionUsers,
    /// By job.
    caches: Vec<Vec<ExistingCache<'a>>>,
    /// Jobs and their caches by the key, where that is the same on every run.
    by_key: HashMap<String, Vec<(usize, usize)>>,
    /// The jobs that run some step of an action, by the action.
    by_action: HashMap<usize, Vec<usize>>,
    saved: Saved<'a>,
    /// Some cache must be found, and something that isn't read may save it: a workflow of another
    /// repository that a job calls, or an action that no rule knows.
    pub may_save_unseen: bool,
}

/// What the jobs save, so that a cache is compared only with those that may match it.
#[derive(Default)]
struct Saved<'a> {
    /// The steps that save, by what they save.
    steps: HashMap<String, Vec<Saver<'a>>>,
    /// What they save, each with its paths sorted.
    sorted: HashSet<String>,
    /// Some step saves paths that are not known.
    unknown: bool,
    /// Not all instances and steps of some job were read: the others may save anything.
    cut: bool,
    /// The different keys of caches with the same paths.
    keys: HashMap<Option<String>, Vec<&'a Key>>,
    /// The different keys of the steps that only save.
    separate_keys: Vec<&'a Key>,
}

/// A step that saves.
pub struct Saver<'a> {
    pub step: &'a CacheStep,
    pub rendered: RenderedKey,
    /// Only pull requests start its job: no other run can read what it saves.
    pub for_pull_requests_only: bool,
}

impl<'a> Saved<'a> {
    fn add(&mut self, step: &'a CacheStep, for_pull_requests_only: bool) {
        self.unknown |= step.paths.iter().any(|path| !path.known);
        let saver = Saver { step, rendered: step.template.rendered(), for_pull_requests_only };
        self.sorted.insert(sorted(step));
        self.steps.entry(step.saves().join("\n")).or_default().push(saver);
    }

    fn of(contexts: &'a [JobContext<'a>], caches: &[Vec<ExistingCache<'a>>]) -> Self {
        let is_cut = |context: &JobContext<'_>| {
            context.instances.undecided.is_some() || context.timelines.iter().any(|t| t.is_cut)
        };
        let mut saved = Self { cut: contexts.iter().any(is_cut), ..Self::default() };
        let mut seen = HashSet::new();
        let steps = contexts.iter().flat_map(|context| {
            let alone = is_pull_request_only(&context.instances.triggers);
            let steps = context.timelines.iter().flat_map(|timeline| timeline.caches());
            steps.map(move |(_, step)| (step, alone))
        });
        for (step, alone) in steps {
            if step.form != CacheForm::Restore {
                saved.add(step, alone);
            }
            if step.form == CacheForm::Save && seen.insert(step.template.text()) {
                saved.separate_keys.push(&step.template);
            }
        }
        let mut seen = HashSet::new();
        for cached in caches.iter().flatten() {
            let (key, paths) = (&cached.step.template, lines(cached));
            if seen.insert((paths.clone(), key.text())) {
                saved.keys.entry(paths).or_default().push(key);
            }
        }
        saved
    }
}

/// What a step saves or restores, as one text that is equal for equal paths in any order.
fn sorted(step: &CacheStep) -> String {
    let mut saved = step.saves();
    saved.sort_unstable();
    saved.join("\n")
}

/// The paths as one text that is equal for equal paths.
fn lines(cached: &ExistingCache<'_>) -> Option<String> {
    Some(cached.identity()?.join("\n"))
}

impl<'a> AllJobs<'a> {
    pub fn new(repository: &'a Repository, contexts: &'a [JobContext<'a>]) -> Self {
        let caches: Vec<Vec<ExistingCache<'a>>> = contexts.par_iter().map(caches).collect();
        let mut by_key: HashMap<String, Vec<(usize, usize)>> = HashMap::new();
        for (context, cached) in
            caches.iter().enumerate().flat_map(|(s, all)| (0..all.len()).map(move |c| (s, c)))
        {
            let rendered = &caches[context][cached].rendered;
            if rendered.complete {
                by_key.entry(rendered.text.clone()).or_default().push((context, cached));
            }
        }
        let mut by_action: HashMap<usize, Vec<usize>> = HashMap::new();
        for (at, context) in contexts.iter().enumerate() {
            let events = context.timelines.iter().flat_map(|timeline| &timeline.events);
            let inside = events.map(|e| e.step_ref).filter(|step_ref| step_ref.job.is_none());
            let actions: HashSet<usize> = inside.map(|step_ref| step_ref.document).collect();
            actions.into_iter().for_each(|action| by_action.entry(action).or_default().push(at));
        }
        let (saved, passing) =
            rayon::join(|| Saved::of(contexts, &caches), || Passing::new(repository, contexts));
        let may_save_unseen = caches.iter().flatten().any(|cached| cached.step.must_hit)
            && repository.documents.iter().any(|document| may_save_unseen(repository, document));
        let users = ActionUsers::new(repository.documents.len());
        Self { contexts, passing, users, caches, by_key, by_action, saved, may_save_unseen }
    }

    /// The caches of a job, by its position among the contexts.
    pub fn caches(&self, job: usize) -> &[ExistingCache<'a>] {
        &self.caches[job]
    }

    /// The jobs that run some step of an action.
    pub fn that_use(&self, action: usize) -> impl Iterator<Item = &'a JobContext<'a>> {
        let users = self.by_action.get(&action).into_iter().flatten();
        users.map(|context| &self.contexts[*context])
    }

    /// The steps of all jobs that save what `step` restores; `None` where some step saves paths that
    /// are not known, not all steps were read, or there are too many to compare.
    pub fn savers_of(&self, step: &CacheStep) -> Option<&[Saver<'a>]> {
        let found = self.saved.steps.get(&step.saves().join("\n")).map_or(&[][..], Vec::as_slice);
        let known = !self.saved.unknown && !self.saved.cut;
        (known && found.len() <= MAX_COMPARED).then_some(found)
    }

    /// Whether some step saves the same paths, in whatever order.
    pub fn is_saved_in_another_order(&self, step: &CacheStep) -> bool {
        self.saved.sorted.contains(&sorted(step))
    }

    /// The different keys under which some job may save what `cached` restores; `None` where not
    /// all were read, or they are too many to compare.
    pub fn saved_keys(
        &self,
        cached: &ExistingCache<'_>,
    ) -> Option<impl Iterator<Item = &'a Key> + use<'a, '_>> {
        let same_paths = self.saved.keys.get(&lines(cached)).map_or(&[][..], Vec::as_slice);
        let separate = &self.saved.separate_keys;
        (!self.saved.cut && same_paths.len() + separate.len() <= MAX_COMPARED)
            .then(|| same_paths.iter().chain(separate).copied())
    }

    /// The caches under the same key, with their jobs.
    pub fn under(
        &self,
        key: &RenderedKey,
    ) -> impl Iterator<Item = (&'a JobContext<'a>, &ExistingCache<'a>)> {
        let same = if key.complete { self.by_key.get(&key.text) } else { None };
        same.into_iter()
            .flatten()
            .take(MAX_COMPARED)
            .map(|(context, cached)| (&self.contexts[*context], &self.caches[*context][*cached]))
    }
}

/// Whether a workflow or an action uses something that isn't read and may save.
fn may_save_unseen(repository: &Repository, document: &Document) -> bool {
    let jobs = document.workflow().map_or(&[][..], |workflow| &workflow.jobs);
    let mut calls = jobs.iter().filter_map(|job| job.calls.as_ref());
    let mut steps = document.step_lists().flat_map(|list| &list.steps);
    calls.any(|calls| repository.called_workflow(&calls.text).is_none())
        || steps.any(|step| {
            let uses = step.uses.as_ref().map_or("", |uses| uses.text.as_str());
            Uses::parse(uses).is_some_and(|uses| !is_known_action(uses.name))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::job::JobRef;
    use crate::testing::{self, NOXFILE};

    /// Else each user of an action would read all other users again.
    #[test]
    fn the_jobs_that_use_an_action_are_known_already() {
        let job = |i: usize| format!("  t{i}:\n    steps:\n      - uses: ./a\n");
        let text = format!("on: push\njobs:\n{}", (0..5).map(job).collect::<String>());
        let action = "runs:\n  using: composite\n  steps:\n    - {run: nox, shell: bash}\n";
        let files = [
            (".github/workflows/w.yml", text.as_str()),
            ("a/action.yml", action),
            ("noxfile.py", NOXFILE),
        ];
        let folder = testing::repository(&files);
        let repository = testing::read(folder.path());
        let settings = Config::default();
        let of = |document| (0..5).map(move |job| JobRef { document, job: Some(job) });
        let workflow = repository.document(".github/workflows/w.yml").unwrap();
        let job_refs: Vec<JobRef> = of(workflow).collect();
        let contexts: Vec<JobContext<'_>> = JobContext::all(&repository, &settings, &job_refs)
            .into_iter()
            .map(Result::unwrap)
            .collect();
        let jobs = AllJobs::new(&repository, &contexts);
        let action = repository.document("a/action.yml").unwrap();
        let users = repository.users(action, 50).unwrap();
        assert_eq!(users.len(), 5);
        for user in users {
            let job_ref = JobRef { document: user.document, job: Some(user.job) };
            let known = jobs.passing.known(job_ref).unwrap();
            assert!(contexts.iter().any(|context| std::ptr::eq(context, known)));
        }
    }

    /// Else each cache would be compared with those of all jobs, however many are alike.
    #[test]
    fn a_cache_is_compared_with_each_different_one_once() {
        let job = |i: usize| {
            format!(
                "  t{i}:\n    steps:\n      - uses: actions/cache@v5\n        with: {{path: .nox, key: \"nox-{}\"}}\n      - run: nox\n",
                i % 3
            )
        };
        let text = format!("on: push\njobs:\n{}", (0..60).map(job).collect::<String>());
        let files = [(".github/workflows/w.yml", text.as_str()), ("noxfile.py", NOXFILE)];
        let folder = testing::repository(&files);
        let repository = testing::read(folder.path());
        let settings = Config::default();
        let job_refs: Vec<JobRef> =
            (0..60).map(|job| JobRef { document: 0, job: Some(job) }).collect();
        let contexts: Vec<JobContext<'_>> = JobContext::all(&repository, &settings, &job_refs)
            .into_iter()
            .map(Result::unwrap)
            .collect();
        let jobs = AllJobs::new(&repository, &contexts);
        let cached = &jobs.caches(0)[0];
        assert_eq!(jobs.saved_keys(cached).unwrap().count(), 3);
        assert_eq!(jobs.savers_of(cached.step).unwrap().len(), 60);
        assert_eq!(jobs.under(&cached.rendered).count(), 20);
    }
}
