//! Job × matrix leg × caller: what really runs.

use std::collections::BTreeSet;

use crate::actions::context::{Inputs, Scope};
use crate::actions::expr::{Eval, Value};
use crate::actions::matrix::{Leg, Legs};
use crate::actions::triggers::{InputDeclaration, Trigger};
use crate::repo::Repository;
use crate::repo::index::Caller;

/// What findings are reported for: a job, or a composite action that no job of the repository uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobRef {
    pub document: usize,
    pub job: Option<usize>,
}

impl JobRef {
    /// The job's id, or `(composite)`.
    pub fn name(self, repository: &Repository) -> String {
        let document = &repository.documents[self.document];
        match (document.workflow(), self.job) {
            (Some(workflow), Some(job)) => workflow.jobs[job].id.clone(),
            _ => "(composite)".to_owned(),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    pub job_ref: JobRef,
    pub leg: Leg,
    pub inputs: Inputs,
    /// The job that calls this one's workflow.
    pub caller: Option<Caller>,
}

/// All instances of a job or action.
#[derive(Debug, Clone)]
pub struct Instances {
    pub list: Vec<Instance>,
    /// These are all of them, with all values known.
    pub exact: bool,
    /// The triggers in effect: the workflow's own, and those of its callers in place of
    /// `workflow_call`.
    pub triggers: Vec<Trigger>,
    /// Tags or releases start the workflow, whatever the job's `if:` says of them.
    pub for_tags: bool,
    /// Workflows elsewhere may call this one, with inputs and on events not known.
    pub external_callers: bool,
    /// Why these are not all, where a limit was reached.
    pub undecided: Option<String>,
}

/// Instances of one job that are looked at one by one.
pub(super) const MAX_INSTANCES: usize = 512;
/// Instances of all jobs of a workflow together, as long as each job gets a few.
const MAX_INSTANCES_OF_FILE: usize = 100 * MAX_INSTANCES;
/// Instances that a job gets however many jobs there are.
const MIN_INSTANCES: usize = 8;

/// How many instances of a job are looked at in a workflow of that many jobs.
pub(super) fn most_instances(jobs: usize) -> usize {
    (MAX_INSTANCES_OF_FILE / jobs.max(1)).clamp(MIN_INSTANCES, MAX_INSTANCES)
}

/// How the runs of a workflow start: the same for all of its jobs.
#[derive(Debug, Default)]
pub struct Starts {
    /// What each passes, and who calls.
    list: Vec<(Inputs, Option<Caller>)>,
    triggers: Vec<Trigger>,
    external_callers: bool,
    /// There are more than are looked at.
    cut: bool,
}

impl Starts {
    pub fn of(repository: &Repository, document: usize) -> Self {
        let mut starts = Self::default();
        let Some(workflow) = repository.documents[document].workflow() else { return starts };
        let most = most_instances(workflow.jobs.len());
        for trigger in &workflow.triggers.list {
            if trigger.event != "workflow_call" {
                starts.triggers.push(trigger.clone());
                continue;
            }
            add_triggers_of_callers(repository, document, &mut starts.triggers);
            starts.cut |= !add_calls(repository, document, most, &mut starts.list);
            starts.external_callers |= starts.list.is_empty();
            if starts.external_callers {
                starts.list.push((undecided(&trigger.inputs), None));
            }
        }
        if starts.list.is_empty() || triggers_start_directly(&workflow.triggers.list) {
            starts.list.push((dispatched(&workflow.triggers.list), None));
        }
        starts
    }
}

impl Instances {
    pub fn of(repository: &Repository, job_ref: JobRef) -> Self {
        Self::with(repository, job_ref, &Starts::of(repository, job_ref.document))
    }

    /// Of a job whose workflow starts so.
    pub fn with(repository: &Repository, job_ref: JobRef, starts: &Starts) -> Self {
        let document = &repository.documents[job_ref.document];
        let Some((workflow, job)) = document.workflow().zip(job_ref.job) else {
            let declared = document.action().map_or(&[][..], |a| &a.inputs);
            let instance = Instance {
                job_ref,
                leg: Leg { incomplete: true, ..Leg::default() },
                inputs: undecided(declared),
                caller: None,
            };
            return Self {
                list: vec![instance],
                exact: false,
                triggers: Vec::new(),
                for_tags: false,
                external_callers: true,
                undecided: None,
            };
        };
        let definition = &workflow.jobs[job];
        let most = most_instances(workflow.jobs.len());
        let mut triggers = starts.triggers.clone();
        let (external_callers, mut cut) = (starts.external_callers, starts.cut);
        let mut exact = !external_callers;
        let mut list: Vec<Instance> = Vec::new();
        for (inputs, caller) in &starts.list {
            let empty = Leg::default();
            let scope = Scope::new(&empty, inputs, &definition.id).with_env(&workflow.env);
            let legs =
                definition.matrix.map_or_else(Legs::single, |m| m.legs(&document.tree, &scope));
            exact &= legs.exact;
            for leg in legs.legs {
                let instance = Instance { job_ref, leg, inputs: inputs.clone(), caller: *caller };
                if !list.contains(&instance) {
                    list.push(instance);
                }
            }
            if list.len() > most {
                list.truncate(most);
                cut = true;
                break;
            }
        }
        let undecided = cut.then(|| {
            format!("more than {most} legs and callers: only the first {most} are checked")
        });
        let for_tags =
            triggers.iter().any(|t| t.names_tags() || t.only_tags() || t.event == "release");
        if let Some(condition) = &definition.condition
            && !external_callers
        {
            triggers = let_through(&condition.text, &definition.id, triggers);
        }
        Self { list, exact: exact && !cut, triggers, for_tags, external_callers, undecided }
    }

    /// The names of the events, when no others can start the unit.
    pub fn events(&self) -> Option<Vec<String>> {
        (!self.external_callers).then(|| self.triggers.iter().map(|t| t.event.clone()).collect())
    }
}

/// The triggers whose runs the job's `if:` may let through: all of them where it lets none.
fn let_through(condition: &str, job_id: &str, triggers: Vec<Trigger>) -> Vec<Trigger> {
    let (leg, inputs) = (Leg::default(), Inputs::default());
    let scope = Scope::new(&leg, &inputs, job_id);
    let lets_event = |trigger: &&Trigger| {
        let event = std::slice::from_ref(&trigger.event);
        scope.clone().with_events(Some(event)).condition(condition) != Some(false)
    };
    let left: Vec<Trigger> = triggers.iter().filter(lets_event).cloned().collect();
    let left = if left.is_empty() { triggers } else { left };
    // What it says of branches and tags shows with those that it names, and with one that nobody
    // names.
    let named = condition.split(['\'', '"']).filter(|text| text.starts_with("refs/"));
    let (tags, others): (Vec<&str>, Vec<&str>) = named
        .chain(["refs/tags/-", "refs/heads/-", "refs/heads/main", "refs/pull/1/merge"])
        .partition(|name| name.starts_with("refs/tags/"));
    let lets = |name: &str| scope.clone().with_reference(name).condition(condition) != Some(false);
    let only_tags = tags.into_iter().any(lets) && !others.into_iter().any(lets);
    if only_tags { vec![Trigger::of_tags()] } else { left }
}

fn triggers_start_directly(triggers: &[Trigger]) -> bool {
    triggers.iter().any(|t| t.event != "workflow_call")
}

/// Adds the triggers of all workflows that call `document`, directly or through others. Each
/// workflow is looked at once, so that those which call each other come to an end.
fn add_triggers_of_callers(repository: &Repository, document: usize, triggers: &mut Vec<Trigger>) {
    let mut seen = BTreeSet::from([document]);
    let mut queue = vec![document];
    while let Some(called) = queue.pop() {
        for caller in repository.callers(called) {
            if !seen.insert(caller.document) {
                continue;
            }
            let Some(workflow) = repository.documents[caller.document].workflow() else { continue };
            for trigger in &workflow.triggers.list {
                let is_known = |known: &Trigger| {
                    known.event == trigger.event && known.names_tags() == trigger.names_tags()
                };
                if trigger.event == "workflow_call" {
                    queue.push(caller.document);
                } else if !triggers.iter().any(is_known) {
                    triggers.push(trigger.clone());
                }
            }
        }
    }
}

/// Adds the inputs that each call in this repository passes. False where there are more calls than
/// are looked at.
fn add_calls(
    repository: &Repository,
    document: usize,
    most: usize,
    starts: &mut Vec<(Inputs, Option<Caller>)>,
) -> bool {
    let declared = declarations(repository, document);
    for caller in repository.callers(document) {
        let Some(workflow) = repository.documents[caller.document].workflow() else { continue };
        let job = &workflow.jobs[caller.job];
        let outer = undecided(&declarations(repository, caller.document));
        let no_leg = Leg::default();
        let scope = Scope::new(&no_leg, &outer, &job.id).with_env(&workflow.env);
        let legs = job.matrix.map_or_else(Legs::single, |m| {
            m.legs(&repository.documents[caller.document].tree, &scope)
        });
        let first = starts.len();
        for leg in &legs.legs {
            #[cfg(test)]
            crate::testing::count_work(repository.files().root());
            let scope = Scope::new(leg, &outer, &job.id).with_env(&workflow.env);
            let values = declared
                .iter()
                .map(|input| {
                    let passed =
                        job.with.iter().find(|(name, _)| name.eq_ignore_ascii_case(&input.name));
                    let value = match passed {
                        Some((_, scalar)) => scope.evaluate(&scalar.text),
                        None => default_of(input),
                    };
                    (input.name.clone(), value)
                })
                .collect();
            let start = (Inputs { values }, Some(*caller));
            if starts[first..].contains(&start) {
                continue;
            }
            if starts.len() == most {
                return false;
            }
            starts.push(start);
        }
    }
    true
}

fn declarations(repository: &Repository, document: usize) -> Vec<InputDeclaration> {
    repository.documents[document]
        .workflow()
        .map(|w| w.triggers.list.iter().flat_map(|t| t.inputs.iter().cloned()).collect())
        .unwrap_or_default()
}

fn default_of(input: &InputDeclaration) -> Eval {
    // An input that is neither passed nor has a default is the empty string.
    Eval::Known(Value::String(input.default.clone().unwrap_or_default()))
}

/// Inputs that a caller not known to us passes.
fn undecided(declared: &[InputDeclaration]) -> Inputs {
    Inputs { values: declared.iter().map(|i| (i.name.clone(), Eval::Unknown)).collect() }
}

/// Inputs of a run started by an event: what `workflow_dispatch` offers, else the empty string.
fn dispatched(triggers: &[Trigger]) -> Inputs {
    let mut values: Vec<(String, Eval)> = Vec::new();
    for trigger in triggers {
        for input in &trigger.inputs {
            let value = match (trigger.event.as_str(), input.options.as_slice()) {
                ("workflow_dispatch", []) => Eval::Unknown,
                ("workflow_dispatch", options) => {
                    Eval::one_of(options.iter().cloned().map(Value::String))
                }
                _ => default_of(input),
            };
            if !values.iter().any(|(name, _)| *name == input.name) {
                values.push((input.name.clone(), value));
            }
        }
    }
    Inputs { values }
}
