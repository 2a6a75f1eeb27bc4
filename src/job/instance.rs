//! Job × matrix leg × caller: what really runs.

use crate::actions::context::{Inputs, Scope};
use crate::actions::expr::{Eval, Value};
use crate::actions::matrix::{Leg, Legs};
use crate::actions::triggers::{InputDeclaration, Trigger};
use crate::repo::Repository;
use crate::repo::index::Caller;

/// What findings are reported for: a job, or a composite action that no job of the repository uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unit {
    pub document: usize,
    pub job: Option<usize>,
}

impl Unit {
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
    pub unit: Unit,
    pub leg: Leg,
    pub inputs: Inputs,
    /// The job that calls this one's workflow.
    pub caller: Option<Caller>,
}

/// All instances of a unit.
#[derive(Debug, Clone)]
pub struct Instances {
    pub list: Vec<Instance>,
    /// These are all of them, with all values known.
    pub exact: bool,
    /// The triggers in effect: the workflow's own, and those of its callers in place of
    /// `workflow_call`.
    pub triggers: Vec<Trigger>,
    /// Workflows elsewhere may call this one, with inputs and on events not known.
    pub open: bool,
}

/// More instances than this are not looked at one by one.
const MAX_INSTANCES: usize = 512;
/// Reusable workflows may call each other this deep on GitHub.
const MAX_CALL_DEPTH: usize = 4;

impl Instances {
    pub fn of(repository: &Repository, unit: Unit) -> Self {
        let document = &repository.documents[unit.document];
        let Some((workflow, job)) = document.workflow().zip(unit.job) else {
            let declared = document.action().map_or(&[][..], |a| &a.inputs);
            let instance = Instance {
                unit,
                leg: Leg { open: true, ..Leg::default() },
                inputs: undecided(declared),
                caller: None,
            };
            return Self { list: vec![instance], exact: false, triggers: Vec::new(), open: true };
        };
        let definition = &workflow.jobs[job];
        let mut triggers = Vec::new();
        let mut open = false;
        let mut starts: Vec<(Inputs, Option<Caller>)> = Vec::new();
        for trigger in &workflow.triggers.list {
            if trigger.event != "workflow_call" {
                triggers.push(trigger.clone());
                continue;
            }
            let calls = calls(repository, unit.document, MAX_CALL_DEPTH, &mut triggers);
            open |= calls.is_empty();
            starts.extend(calls);
            if open {
                starts.push((undecided(&trigger.inputs), None));
            }
        }
        if starts.is_empty() || triggers_start_directly(&workflow.triggers.list) {
            starts.push((dispatched(&workflow.triggers.list), None));
        }
        let mut list = Vec::new();
        let mut exact = !open;
        for (inputs, caller) in starts {
            let empty = Leg::default();
            let scope = Scope::new(&empty, &inputs, &definition.id).with_env(&workflow.env);
            let legs =
                definition.matrix.map_or_else(Legs::single, |m| m.legs(&document.tree, &scope));
            exact &= legs.exact;
            for leg in legs.legs {
                if list.len() == MAX_INSTANCES {
                    exact = false;
                    break;
                }
                let instance = Instance { unit, leg, inputs: inputs.clone(), caller };
                if !list.contains(&instance) {
                    list.push(instance);
                }
            }
        }
        Self { list, exact, triggers, open }
    }

    /// The names of the events, when no others can start the unit.
    pub fn events(&self) -> Option<Vec<String>> {
        (!self.open).then(|| self.triggers.iter().map(|t| t.event.clone()).collect())
    }
}

fn triggers_start_directly(triggers: &[Trigger]) -> bool {
    triggers.iter().any(|t| t.event != "workflow_call")
}

/// The inputs that each caller in this repository passes; adds the callers' triggers to `triggers`.
fn calls(
    repository: &Repository,
    document: usize,
    depth: usize,
    triggers: &mut Vec<Trigger>,
) -> Vec<(Inputs, Option<Caller>)> {
    let mut out = Vec::new();
    let declared = declarations(repository, document);
    for caller in repository.callers(document) {
        let Some(workflow) = repository.documents[caller.document].workflow() else { continue };
        let job = &workflow.jobs[caller.job];
        for trigger in &workflow.triggers.list {
            if trigger.event == "workflow_call" {
                if depth > 0 {
                    calls(repository, caller.document, depth - 1, triggers);
                }
            } else if !triggers
                .iter()
                .any(|t| t.event == trigger.event && t.names_tags() == trigger.names_tags())
            {
                triggers.push(trigger.clone());
            }
        }
        let outer = undecided(&declarations(repository, caller.document));
        let no_leg = Leg::default();
        let scope = Scope::new(&no_leg, &outer, &job.id).with_env(&workflow.env);
        let legs = job.matrix.map_or_else(Legs::single, |m| {
            m.legs(&repository.documents[caller.document].tree, &scope)
        });
        for leg in &legs.legs {
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
            out.push((Inputs { values }, Some(*caller)));
        }
    }
    out
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
