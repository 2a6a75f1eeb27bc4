//! The existing caches of one job, with what is judged about them: what they need, and whether
//! their steps may be edited.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::Needs;
use super::all_jobs::AllJobs;
use super::existing::{ExistingCache, covers};
use super::hashed::hashed;
use super::publish::Permission;
use crate::actions::{Step, StepList};
use crate::base::finding::{Applicability, Route, Segment};
use crate::base::text::Span;
use crate::job::context::{JobContext, cacheable, touches_folder};
use crate::job::{CacheForm, CacheStep, Event, StepRef};
use crate::repo::Document;

/// One job with its caches of environments, among all jobs of the repository.
pub struct JobCaches<'a> {
    pub context: &'a JobContext<'a>,
    pub list: &'a [ExistingCache<'a>],
    pub permission: Permission,
    /// All jobs of the repository, this one included.
    pub jobs: &'a AllJobs<'a>,
    /// By the document in which the step stands: several checks ask, and the answer is expensive.
    needs: RefCell<BTreeMap<usize, Result<Needs, String>>>,
    /// The caches of each step, by their position in the list.
    by_step: HashMap<StepRef, Vec<usize>>,
}

impl<'a> JobCaches<'a> {
    pub fn new(jobs: &'a AllJobs<'a>, job: usize) -> Self {
        let context = &jobs.contexts[job];
        let permission = Permission::of(context, &jobs.passing);
        let list = jobs.caches(job);
        let mut by_step: HashMap<StepRef, Vec<usize>> = HashMap::new();
        for cached in list {
            by_step.entry(cached.event.step_ref).or_default().push(cached.index);
        }
        Self { context, list, permission, jobs, needs: RefCell::default(), by_step }
    }

    /// The caches of one step, on every instance.
    pub fn legs_of(&self, step_ref: StepRef) -> impl Iterator<Item = &'a ExistingCache<'a>> {
        self.by_step.get(&step_ref).into_iter().flatten().map(|index| &self.list[*index])
    }

    /// The caches of the instance that has this one.
    fn beside(&self, cached: &ExistingCache<'_>) -> impl Iterator<Item = &'a ExistingCache<'a>> {
        let beside = |other: &&ExistingCache<'_>| std::ptr::eq(other.timeline, cached.timeline);
        let (before, after) = self.list.split_at(cached.index);
        before.iter().rev().take_while(beside).chain(after.iter().take_while(beside))
    }

    pub fn document_of(&self, step_ref: StepRef) -> &'a Document {
        &self.context.repository.documents[step_ref.document]
    }

    pub fn step_at(&self, step_ref: StepRef) -> Option<&'a Step> {
        self.steps_at(step_ref)?.steps.get(step_ref.step)
    }

    pub fn steps_at(&self, step_ref: StepRef) -> Option<&'a StepList> {
        self.document_of(step_ref).steps(step_ref.job)
    }

    /// Where an input of the cache step is, or the step itself.
    pub fn input_span(&self, cached: &ExistingCache<'_>, name: &str) -> Span {
        let input = self.step_at(cached.event.step_ref).and_then(|s| s.input(name));
        input.map_or(cached.event.span, |scalar| scalar.span)
    }

    /// What a key needs, if its calls can be seen and nothing speaks against a correction.
    pub fn needs(&self, step_ref: StepRef) -> Result<Needs, String> {
        self.needs
            .borrow_mut()
            .entry(step_ref.document)
            .or_insert_with(|| self.needs_in(step_ref))
            .clone()
    }

    fn needs_in(&self, step_ref: StepRef) -> Result<Needs, String> {
        if !self.context.timelines.iter().any(|t| t.invocations().any(|(_, i)| touches_folder(i))) {
            return Err(
                "cachelint can't see how nox runs, so it doesn't know what the cache needs"
                    .to_owned(),
            );
        }
        let needs = Needs::of(self.context, step_ref.document, self.jobs);
        match &needs.failure {
            Some(reason) => Err(reason.clone()),
            None => Ok(needs),
        }
    }

    /// Whether the hashes of the key take every file that decides about the environments; `None`
    /// where that is not known, or a hash takes nothing.
    pub fn hashes_everything(&self, cached: &ExistingCache<'_>) -> Option<bool> {
        let needs = self.needs(cached.event.step_ref).ok()?;
        let mut taken: HashSet<String> = HashSet::new();
        for hash in cached.step.template.hashes() {
            let files = hashed(self.context, cached.timeline, cached.event, hash)?;
            if files.is_empty() {
                return None;
            }
            taken.extend(files.iter().cloned());
        }
        let added = |pattern: &String| {
            let files = self.context.repository.files();
            let most = self.context.most_compared;
            let meant = || files.hashed(pattern, &[&needs.checkout], most);
            needs.key_files.contains(pattern)
                && meant().is_some_and(|meant| meant.iter().all(|file| taken.contains(file)))
        };
        let mut wanted = needs.definition.iter().chain(&needs.installs);
        Some(wanted.all(|file| taken.contains(file) || added(file)))
    }

    /// Whether the step at `step_ref` may be edited, and how much a fix of it can be trusted.
    pub fn editable(&self, step_ref: StepRef) -> Result<Applicability, String> {
        let (Some(list), Some(step)) = (self.steps_at(step_ref), self.step_at(step_ref)) else {
            return Err("cachelint can't find the step".to_owned());
        };
        if step.shared || list.shared {
            return Err("the step is shared through an anchor".to_owned());
        }
        if step.concurrent {
            return Err("the step runs alongside others (`parallel` or `background`)".to_owned());
        }
        let users = |s: &&JobContext<'_>| {
            s.timelines.iter().any(|t| t.events.iter().any(|e| e.step_ref == step_ref))
        };
        // A step of a workflow runs in its own job alone.
        let mut jobs = self.jobs.that_use(step_ref.document).filter(users);
        if step_ref.job.is_none() && jobs.nth(1).is_some() {
            return Err("the step is in an action that several jobs use".to_owned());
        }
        match &self.permission {
            Permission::Withheld(reason) => Err(reason.clone()),
            Permission::OnlyPublishes => Err("the workflow only runs to publish".to_owned()),
            Permission::ReleaseBranch(_) => Ok(Applicability::Unsafe),
            Permission::Free | Permission::NotOnTags => Ok(Applicability::Safe),
        }
    }

    /// The route to a key of the step at `step_ref`.
    pub fn route(&self, step_ref: StepRef, keys: &[&str]) -> Option<Route> {
        let list = self.steps_at(step_ref)?;
        let mut route = list.route.clone();
        route.push(Segment::Index(list.steps.get(step_ref.step)?.index));
        route.extend(keys.iter().map(|k| Segment::Key((*k).to_owned())));
        Some(route)
    }

    /// The first cache of each step.
    pub fn by_step(&self) -> Vec<&'a ExistingCache<'a>> {
        let is_first = |c: &&ExistingCache<'_>| self.by_step[&c.event.step_ref][0] == c.index;
        self.list.iter().filter(is_first).collect()
    }

    /// Steps that save what the step restores, on the same instance.
    pub fn savers(&self, cached: &ExistingCache<'a>) -> Vec<(&'a Event, &'a CacheStep)> {
        let paths: Vec<&str> = cached.step.paths.iter().map(|p| p.written.as_str()).collect();
        let caches = cached.timeline.caches().filter(|(_, s)| s.form == CacheForm::Save);
        caches
            .filter(|(_, s)| s.paths.iter().map(|p| p.written.as_str()).eq(paths.iter().copied()))
            .collect()
    }

    /// Environment folders of the cache's instance that none of the instance's caches holds.
    pub fn missed_folders(&self, cached: &ExistingCache<'_>) -> Vec<String> {
        let calls: Vec<_> = cacheable(cached.timeline).map(|(_, i)| i).collect();
        if calls.iter().any(|i| i.folders.is_empty()) {
            return Vec::new();
        }
        let steps: Vec<_> = self.beside(cached).map(|c| c.step).collect();
        if steps.iter().flat_map(|s| &s.paths).any(|p| !p.known && p.folder.is_none()) {
            return Vec::new();
        }
        let held =
            |folder: &&String| steps.iter().flat_map(|s| &s.paths).any(|p| covers(p, folder));
        let built: BTreeSet<&String> = calls.iter().flat_map(|i| &i.folders).collect();
        built.into_iter().filter(|f| !held(f)).cloned().collect()
    }
}
