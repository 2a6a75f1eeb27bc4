//! Walks the steps of one instance, composite actions included, and writes down its events.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::event::{CacheStep, Event, EventKind, Gate, Invocation, StepRef};
use super::gated::HitOutput;
use super::instance::{Instance, Instances};
use super::state::{CheckoutPlace, WorkspaceState};
use super::undecided::Undecided;
use crate::actions::context::{Inputs, Scope, runner_os};
use crate::actions::reader::{Env, RunDefaults};
use crate::actions::{Job, Step, StepList};
use crate::base::finding::Location;
use crate::base::text::Span;
use crate::repo::{Document, Repository};
use crate::rules::forges::forges;
use crate::shell::reading_cost;
use crate::tool::{Files, Most, Request, Run, TooMuchWork};

/// What a step that uses a composite action is called on the way to what the action does.
const USES_ACTION: &str = "uses this action";
/// Composite actions may use each other this deep on GitHub.
const MAX_ACTION_DEPTH: usize = 9;
/// Steps of one instance, those of composite actions counted each time they are used.
const MAX_STEPS: usize = 5_000;
/// Cache steps of one instance: each is compared with the calls and the other caches.
const MAX_CACHES: usize = 100;
/// Lines in the `path` of all of them.
const MAX_PATHS: usize = 1_000;
/// Folders in which one instance keeps environments.
const MAX_FOLDERS: usize = 100;
/// Work that the instances of one file may cost together: one for a step, a followed script or a
/// call of the tool, and one more for this many bytes of a script.
const MAX_WORK_OF_FILE: usize = 120_000;
const BYTES_PER_WORK: usize = 64;
/// For a call, the scripts before it are searched for who supplies its Python: this many times what
/// a search for one name costs.
const SEARCHES_FOR_CALL: usize = 16;
/// Of these searches, so many cost nothing: an ordinary job has fewer steps.
const FREE_SEARCHES: usize = 64;
/// Steps through a noxfile that cost one more: about what it takes to read so much of a script.
const STEPS_PER_WORK: usize = 16;
/// Definitions of sessions that one instance reads without paying for what all jobs share.
const FREE_LOADINGS: usize = 16;
/// Work that one instance may cost.
const MAX_WORK: usize = 20_000;

/// The work that each instance of a file may cost that has so many of them.
pub fn most_work(instances: usize) -> usize {
    (MAX_WORK_OF_FILE / instances.max(1)).clamp(1, MAX_WORK)
}

/// The events of one instance, in order.
#[derive(Debug, Clone)]
pub struct Timeline {
    pub instance: Instance,
    pub events: Vec<Event>,
    /// What could not be decided, where and why.
    pub undecided: Vec<Undecided>,
    /// Not all of its steps were read.
    pub is_cut: bool,
}

impl Timeline {
    /// The calls of the tool with their events, in order.
    pub fn invocations(&self) -> impl Iterator<Item = (&Event, &Invocation)> {
        self.events.iter().filter_map(|e| e.invocation().map(|i| (e, i)))
    }

    /// The cache steps with their events, in order.
    pub fn caches(&self) -> impl Iterator<Item = (&Event, &CacheStep)> {
        self.events.iter().filter_map(|e| e.cache().map(|c| (e, c)))
    }
}

/// Reads one instance in order, as far as that costs no more than `most` (see [`most_work`]).
pub fn build(
    repository: &Repository,
    instances: &Instances,
    instance: &Instance,
    most: usize,
) -> Timeline {
    let document = &repository.documents[instance.job_ref.document];
    let workflow = document.workflow();
    let job = workflow.zip(instance.job_ref.job).map(|(w, j)| &w.jobs[j]);
    let events = instances.events();
    let mut builder = TimelineBuilder {
        repository,
        instance,
        job,
        defaults: workflow.map(|w| &w.defaults),
        events_in_effect: events.as_deref(),
        external_callers: instances.external_callers,
        runner_os: None,
        envs: workflow.iter().map(|w| &w.env).chain(job.map(|j| &j.env)).collect(),
        state: WorkspaceState::default(),
        events: Vec::new(),
        undecided: Vec::new(),
        conditions: Vec::new(),
        gates: Vec::new(),
        assumed: None,
        via: Vec::new(),
        outer: None,
        depth: 0,
        taken: 0,
        script_bytes: 0,
        most,
        left: most,
        searched_for: None,
        loaded: HashSet::new(),
        compared: Compared::default(),
        followed: 0,
        is_cut: false,
    };
    if let Some(job) = job {
        let scope = builder.scope(&instance.inputs, None);
        let os = runner_os(job, &scope);
        let skipped = job.condition.as_ref().and_then(|c| scope.condition(&c.text)) == Some(false);
        builder.runner_os = os;
        if skipped {
            return Timeline {
                instance: instance.clone(),
                events: Vec::new(),
                undecided: Vec::new(),
                is_cut: false,
            };
        }
    }
    if let Some(why) = &instances.undecided
        && instances.list.first().is_some_and(|first| std::ptr::eq(first, instance))
    {
        builder.undecide_instances(why);
    }
    if let Some(job) = job {
        builder.called_elsewhere(job);
    }
    if let Some(steps) = document.steps(instance.job_ref.job) {
        builder.steps(instance.job_ref.document, instance.job_ref.job, steps, &instance.inputs);
    }
    let undecided = builder.settled();
    let TimelineBuilder { events, is_cut, .. } = builder;
    Timeline { instance: instance.clone(), events, undecided, is_cut }
}

/// A timeline that is being built.
pub(super) struct TimelineBuilder<'a> {
    pub repository: &'a Repository,
    pub instance: &'a Instance,
    pub job: Option<&'a Job>,
    pub defaults: Option<&'a RunDefaults>,
    events_in_effect: Option<&'a [String]>,
    /// Other repositories may call the workflow: the workspace may be theirs.
    pub external_callers: bool,
    pub runner_os: Option<&'static str>,
    /// Environments around the steps, outermost first.
    pub envs: Vec<&'a Env>,
    pub state: WorkspaceState,
    pub events: Vec<Event>,
    pub undecided: Vec<Undecided>,
    /// `if:` texts on the way that could not be decided.
    conditions: Vec<String>,
    /// Conditions on the way that ask for a cache step's `cache-hit`.
    pub(super) gates: Vec<Gate>,
    /// The answer to such a question that a script is read with.
    pub(super) assumed: Option<(HitOutput, &'static str)>,
    pub via: Vec<Location>,
    /// The job's step that a composite action was entered from.
    pub outer: Option<StepRef>,
    pub depth: usize,
    /// Steps read so far.
    taken: usize,
    /// The size of their scripts.
    script_bytes: usize,
    /// Work that may be spent, and what is left of it.
    most: usize,
    left: usize,
    /// The last step that calls the tool.
    searched_for: Option<StepRef>,
    /// Definitions of sessions that were read so far, by what tells them apart.
    loaded: HashSet<u64>,
    compared: Compared,
    /// Scripts of other files read so far.
    pub followed: usize,
    /// Some steps were not read.
    is_cut: bool,
}

/// How much of an instance checks compare with each other.
#[derive(Default)]
struct Compared {
    caches: usize,
    paths: usize,
    folders: BTreeSet<String>,
}

impl Compared {
    fn add(&mut self, kind: &EventKind) {
        match kind {
            EventKind::Cache(step) => {
                self.caches += 1;
                self.paths += step.paths.len();
            }
            EventKind::Run(call) => self.folders.extend(call.folders.iter().cloned()),
            _ => {}
        }
    }

    /// The limit that is exceeded.
    fn exceeded(&self) -> Option<String> {
        if self.caches > MAX_CACHES {
            Some(format!("{MAX_CACHES} cache steps"))
        } else if self.paths > MAX_PATHS {
            Some(format!("{MAX_PATHS} lines in the `path` of cache steps"))
        } else if self.folders.len() > MAX_FOLDERS {
            Some(format!("{MAX_FOLDERS} folders of environments"))
        } else {
            None
        }
    }
}

/// A checkout whose content is not known.
struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _path: &str) -> Option<Arc<str>> {
        None
    }

    fn is_tracked(&self, _path: &str) -> bool {
        false
    }

    fn tracked_under(&self, _folder: &str) -> Vec<String> {
        Vec::new()
    }
}

/// The step that is being read.
#[derive(Clone, Copy)]
pub(super) struct Here<'a> {
    pub document: &'a Document,
    pub step_ref: StepRef,
    pub step: &'a Step,
    pub inputs: &'a Inputs,
}

impl<'a> Here<'a> {
    /// The step of the same list with this id, if it comes before.
    pub fn earlier(&self, id: &str) -> Option<&'a Step> {
        let list = self.document.steps(self.step_ref.job)?;
        list.before(self.step_ref.step).iter().find(|step| step.has_id(id))
    }
}

impl<'a> TimelineBuilder<'a> {
    fn scope<'s>(&'s self, inputs: &'s Inputs, step: Option<&'s Step>) -> Scope<'s> {
        let job_id = self.job.map_or("", |j| j.id.as_str());
        let mut scope = Scope::new(&self.instance.leg, inputs, job_id)
            .with_exported(&self.state.exported)
            .with_runner(self.runner_os)
            .with_events(self.events_in_effect);
        if self.repository.forge_of(self.instance.job_ref.document).name == "GitHub" {
            scope = scope.with_hidden(&forges().process_variables);
        }
        for env in self.envs.iter().copied().chain(step.map(|s| &s.env)) {
            scope = scope.with_env(env);
        }
        match &self.assumed {
            Some((output, value)) => scope.with_output(&output.id, &output.name, value),
            None => scope,
        }
    }

    /// The context in which a step's values are evaluated.
    pub fn scope_at<'s>(&'s self, here: Here<'s>) -> Scope<'s> {
        self.scope(here.inputs, Some(here.step))
    }

    fn steps(&mut self, document: usize, job: Option<usize>, list: &'a StepList, inputs: &Inputs) {
        for (position, step) in list.steps.iter().enumerate() {
            if self.compared.exceeded().is_some() {
                return;
            }
            let step_ref = StepRef { document, job, step: position };
            let here =
                Here { document: &self.repository.documents[document], step_ref, step, inputs };
            if self.taken == MAX_STEPS {
                let why = format!("more than {MAX_STEPS} steps: the rest isn't read");
                return self.cut(here, step.span, why);
            }
            self.taken += 1;
            let script = step.run.as_ref().map_or("", |script| script.text.as_str());
            self.script_bytes += script.len();
            if !self.spend(here, reading_cost(script)) {
                return;
            }
            let known = self.depth;
            let condition =
                step.condition.as_ref().map(|c| (c, self.scope_at(here).condition(&c.text)));
            let gate = match condition {
                Some((text, None)) => self.gate(here, &text.text),
                _ => None,
            };
            match condition {
                Some((_, Some(false))) => continue,
                Some((_, None)) => self.conditions.extend(step.asks().map(str::to_owned)),
                _ => {}
            }
            self.gates.extend(gate);
            if step.uses.is_some() {
                self.uses(here);
            } else if step.run.is_some() {
                self.run(here);
            }
            debug_assert_eq!(known, self.depth);
            if matches!(condition, Some((_, None))) {
                self.conditions.pop();
            }
            if gate.is_some() {
                self.gates.pop();
            }
        }
    }

    /// Counts the work of a step or a script of so many bytes; false where it may no longer be
    /// done.
    pub fn spend(&mut self, here: Here<'_>, bytes: usize) -> bool {
        let work = 1 + bytes / BYTES_PER_WORK;
        let Some(left) = self.left.checked_sub(work) else {
            self.exhaust(here);
            return false;
        };
        self.left = left;
        true
    }

    /// What comes next would take more work than is left.
    fn exhaust(&mut self, here: Here<'_>) {
        self.left = 0;
        let why = format!(
            "the file's jobs, legs and steps add up to more than {MAX_WORK_OF_FILE} units of work: \
             the remaining steps aren't read"
        );
        self.cut(here, here.step.span, why);
    }

    /// What a search in all scripts so far costs, in bytes of a script that is read.
    pub fn searched(&self) -> usize {
        self.taken + self.script_bytes / BYTES_PER_WORK
    }

    /// Counts the work of a call; the scripts before it are searched once for each step.
    pub fn spend_call(&mut self, here: Here<'_>) -> bool {
        let is_known = self.searched_for == Some(here.step_ref);
        self.searched_for = Some(here.step_ref);
        let searched = self.searched().saturating_sub(FREE_SEARCHES);
        let bytes = if is_known { 0 } else { SEARCHES_FOR_CALL * searched };
        self.spend(here, bytes)
    }

    /// What the tool does at `place`, as far as that can be afforded.
    pub fn ask(
        &self,
        request: &Request<'_>,
        place: &CheckoutPlace,
    ) -> Result<Arc<Run>, TooMuchWork> {
        let steps = |work: usize| work * STEPS_PER_WORK + STEPS_PER_WORK - 1;
        let most = Most { work: steps(self.left), loading: steps(self.most) };
        if place.own {
            self.repository.answers.run(request, most)
        } else {
            self.repository.answers.elsewhere(request, most).map(Arc::new)
        }
    }

    /// Counts the work that an answer took; reading the definitions of sessions once for all calls
    /// with the same environment. `None` where it may no longer be done.
    pub fn spend_answer(
        &mut self,
        here: Here<'_>,
        answer: Result<Arc<Run>, TooMuchWork>,
    ) -> Option<Arc<Run>> {
        let Ok(run) = answer else {
            self.exhaust(here);
            return None;
        };
        let is_new = self.loaded.insert(run.loading.id);
        let loading = if !is_new {
            0
        } else if self.loaded.len() > FREE_LOADINGS {
            run.loading.work + run.loading.shared_work
        } else {
            run.loading.work
        };
        let work = (run.work + loading) / STEPS_PER_WORK;
        (work == 0 || self.spend(here, (work - 1) * BYTES_PER_WORK)).then_some(run)
    }

    /// Whether the work of so many bytes may still be done.
    pub fn affords(&self, bytes: usize) -> bool {
        self.left > bytes / BYTES_PER_WORK
    }

    /// Reads the steps of a composite action that the step `here` uses.
    pub fn enter(&mut self, here: Here<'_>, action: usize, inputs: &Inputs) {
        if self.depth == MAX_ACTION_DEPTH {
            return self.cut(here, here.step.span, "composite actions are nested too deeply");
        }
        let Some(steps) = self.repository.documents[action].steps(None) else { return };
        let entered = self.outer.is_none();
        if entered {
            self.outer = Some(here.step_ref);
        }
        self.via.push(self.location(here, here.step.span, USES_ACTION));
        self.depth += 1;
        self.steps(action, None, steps, inputs);
        self.depth -= 1;
        self.via.pop();
        if entered {
            self.outer = None;
        }
    }

    /// The files a call at `place` sees; of another repository's checkout nothing is known.
    pub fn files(&self, place: &CheckoutPlace) -> &'a dyn Files {
        if place.own { self.repository.files() } else { &NoFiles }
    }

    /// A place in the document of `here`.
    pub fn location(&self, here: Here<'_>, span: Span, label: &str) -> Location {
        Location { path: here.document.path.clone(), span, label: label.to_owned() }
    }

    /// Steps from here on are not read.
    fn cut<'w>(&mut self, here: Here<'_>, span: Span, why: impl Into<Cow<'w, str>>) {
        self.is_cut = true;
        self.undecide(here, span, why);
    }

    pub fn push(&mut self, here: Here<'_>, span: Span, kind: EventKind) {
        if self.compared.exceeded().is_some() {
            return;
        }
        self.compared.add(&kind);
        if let Some(limit) = self.compared.exceeded() {
            let why = format!("more than {limit}: the remaining steps aren't read");
            return self.cut(here, span, why);
        }
        self.events.push(Event {
            step_ref: here.step_ref,
            outer: self.outer.unwrap_or(here.step_ref),
            span,
            via: self.via.clone(),
            condition: self.conditions.last().cloned(),
            gate: self.gates.last().copied(),
            kind,
        });
    }
}
