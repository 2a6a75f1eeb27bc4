//! Which matrix values and inputs reach what decides an environment: nox's arguments, variables that
//! the noxfile reads, the runner, the container, the interpreter.

use std::collections::HashSet;
use std::sync::Arc;

use std::rc::Rc;

use crate::actions::context::ENV_FILE;
use crate::actions::expr::{Template, parse_condition, parse_template};
use crate::actions::{Scalar, Step};
use crate::job::context::{JobContext, cacheable, touches_folder};
use crate::job::{Event, EventKind, Invocation, StepRef, Timeline};
use crate::rules::setup_actions::setup_actions;
use crate::tool::Files;

/// Values are followed through this many others.
const MAX_DEPTH: usize = 3;
/// Words with which a line of a script changes what later lines do.
const AROUND: [&str; 10] =
    ["cd ", "pushd ", "export ", "source ", ". ", "if ", "case ", "set ", "$env:", "elif "];

/// A matrix value or input that reaches something decisive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReachingValue {
    /// `matrix.session`.
    pub path: String,
    /// It is a version or a processor that setup-python is asked for, and nothing else.
    pub version: bool,
    /// It is among the labels of `runs-on`.
    pub runner: bool,
    /// It reaches more than the labels.
    pub elsewhere: bool,
    /// It reaches a call of nox: its arguments, a variable that it reads, whether it runs.
    pub called: bool,
}

/// All of them, in the order in which they are found. `unfollowed`: nobody knows what decides the
/// interpreter, so whatever an earlier step is told may do so.
pub fn reaching(
    context: &JobContext<'_>,
    timelines: &[&Timeline],
    unfollowed: bool,
) -> Vec<ReachingValue> {
    let mut found =
        ValueCollector { context, list: Vec::new(), read: HashSet::new(), in_call: false };
    if let Some((workflow, job)) = context.document().workflow().zip(context.job_ref.job) {
        let job = &workflow.jobs[job];
        for label in &job.runs_on {
            found.text(&label.text, |reach| reach.runner = true);
        }
        found.texts(job.container.iter().chain(&job.defaults.working_directory));
        found.texts(workflow.defaults.working_directory.iter());
    }
    for timeline in timelines {
        let last = timeline.events.iter().rposition(|e| e.invocation().is_some_and(touches_folder));
        let events = &timeline.events[..last.map_or(0, |l| l + 1)];
        if let Some(event) = events.last().filter(|_| unfollowed) {
            let steps = found.steps_before(event.outer).chain(found.step(event.outer));
            steps.flat_map(texts_of).for_each(|text| found.text(text, elsewhere));
        }
        let exporter = events.iter().rfind(|e| e.set_up().is_some_and(|s| s.location));
        // What is written alike in one step reaches alike; a script may hold thousands of calls.
        let mut seen = HashSet::new();
        for event in events {
            match &event.kind {
                EventKind::Interpreter(_) => {
                    found.set_up(event, exporter.is_some_and(|e| std::ptr::eq(e, event)));
                }
                EventKind::Run(call) if touches_folder(call) => {
                    let document = &context.repository.documents[event.step_ref.document];
                    let written = document.text.as_str().get(event.span.range());
                    let run = Arc::as_ptr(&call.run);
                    let is_new =
                        seen.insert((event.step_ref, event.outer, written, call.conditional, run));
                    if is_new || !event.via.is_empty() {
                        found.in_call = true;
                        found.call(event, call);
                        found.in_call = false;
                    }
                }
                _ => {}
            }
        }
    }
    found.list
}

fn elsewhere(reach: &mut ReachingValue) {
    reach.elsewhere = true;
}

struct ValueCollector<'a> {
    context: &'a JobContext<'a>,
    list: Vec<ReachingValue>,
    /// Scripts whose lines were followed: the step, the one it was entered from, and whether only
    /// those lines count that change what others do.
    read: HashSet<(StepRef, StepRef, bool)>,
    /// What is read now belongs to a call.
    in_call: bool,
}

impl<'a> ValueCollector<'a> {
    fn texts<'t>(&mut self, scalars: impl Iterator<Item = &'t Scalar>) {
        scalars.for_each(|s| self.text(&s.text, elsewhere));
    }

    /// The paths of one text; those that other values lead to are followed.
    fn text(&mut self, text: &str, mark: impl Fn(&mut ReachingValue)) {
        for path in paths(text) {
            // An item of a list is taken as the whole list.
            let named = path.iter().take_while(|part| !part.starts_with(|c: char| c.is_numeric()));
            let written = named.cloned().collect::<Vec<String>>().join(".");
            if let Some(known) = self.list.iter_mut().find(|r| r.path == written) {
                mark(known);
                known.called |= self.in_call;
                continue;
            }
            let root = path[0].to_ascii_lowercase();
            if (root == "matrix" || root == "inputs") && path.len() > 1 {
                let mut reach = ReachingValue {
                    path: written,
                    version: false,
                    runner: false,
                    elsewhere: false,
                    called: self.in_call,
                };
                mark(&mut reach);
                self.list.push(reach);
            }
        }
    }

    /// The paths of a text of the step at `step_ref`, and of what these come from.
    fn followed(&mut self, event: &Event, step_ref: StepRef, text: &str, depth: usize) {
        if depth == 0 {
            return;
        }
        let inside = step_ref != event.outer && step_ref.job.is_none();
        for path in paths(text) {
            let name = path.get(1).map_or("", String::as_str);
            match path[0].to_ascii_lowercase().as_str() {
                "matrix" => self.text(text, elsewhere),
                "inputs" if inside => {
                    let outer = self.step(event.outer);
                    let with = outer.and_then(|s| s.input(name)).map(|s| s.text.as_str());
                    with.into_iter().for_each(|t| self.followed(event, event.outer, t, depth - 1));
                }
                "inputs" => self.text(text, elsewhere),
                "env" => {
                    for value in self.variables(event).filter(|(n, _)| *n == name).map(|(_, v)| v) {
                        self.followed(event, event.outer, value, depth - 1);
                    }
                    self.written(event, |word| word == name, depth);
                }
                "steps" => {
                    let named = |s: &&Step| s.id.as_ref().is_some_and(|id| id.text == name);
                    for text in self.steps_before(step_ref).filter(named).flat_map(texts_of) {
                        self.followed(event, step_ref, text, depth - 1);
                    }
                }
                _ => {}
            }
        }
    }

    /// What earlier steps write to the file of variables under such names.
    fn written(&mut self, event: &Event, counts: impl Fn(&str) -> bool, depth: usize) {
        for step in self.steps_before(event.outer) {
            let Some(script) = step.run.as_ref().filter(|s| s.text.contains(ENV_FILE)) else {
                continue;
            };
            let lines = script.text.lines().filter(|line| {
                line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).any(&counts)
            });
            for line in lines {
                self.followed(event, event.outer, line, depth - 1);
            }
        }
    }

    /// `last`: what it exports is still in effect where nox runs.
    fn set_up(&mut self, event: &Event, last: bool) {
        let Some(set_up) = event.set_up() else { return };
        let Some(step) = self.step(event.step_ref) else { return };
        let action = setup_actions().interpreter(&set_up.action);
        let version = action.and_then(|a| a.version_input.as_deref());
        for (name, value) in &step.with {
            let named = |input: Option<&str>| input.is_some_and(|i| name.eq_ignore_ascii_case(i));
            // Both are in the folder of the interpreter.
            let told = named(version) || named(Some("architecture"));
            if !(name.contains("python") || name.contains("environment") || told) {
                continue;
            }
            if last && told && event.step_ref == event.outer && is_one(&value.text) {
                self.text(&value.text, |reach| reach.version = true);
            }
            self.followed(event, event.step_ref, &value.text, MAX_DEPTH);
        }
        self.conditions(event);
    }

    fn call(&mut self, event: &Event, call: &Invocation) {
        let step = self.step(event.step_ref);
        let variables: Vec<&str> = self
            .variables(event)
            .filter(|(name, _)| reaches(self.context, event, call, name))
            .map(|(_, value)| value)
            .collect();
        variables.into_iter().for_each(|v| self.followed(event, event.outer, v, MAX_DEPTH));
        let context = self.context;
        self.written(event, |word| reaches(context, event, call, word), MAX_DEPTH);
        self.conditions(event);
        let Some(step) = step else { return };
        let inputs = step.with.iter().map(|(_, v)| v).filter(|_| step.uses.is_some());
        for scalar in inputs.chain(&step.working_directory) {
            self.followed(event, event.step_ref, &scalar.text, MAX_DEPTH);
        }
        let Some(script) = &step.run else { return };
        let document = &self.context.repository.documents[event.step_ref.document];
        let command = document.text.as_str().get(event.span.range()).unwrap_or_default();
        let command = before_posargs(command);
        // A shell variable or a branch may come from anywhere in the script.
        let plain = !call.conditional && !command.replace("${{", "").contains(['$', '%', '@', '`']);
        // The lines are the same for every call in the step, and there may be thousands.
        let is_new = self.read.insert((event.step_ref, event.outer, plain));
        for line in script.text.lines().take_while(|_| is_new) {
            let around = AROUND.iter().any(|word| line.trim_start().starts_with(word));
            if !plain || around {
                self.followed(event, event.step_ref, before_posargs(line), MAX_DEPTH);
            }
        }
        self.followed(event, event.step_ref, command, MAX_DEPTH);
    }

    fn conditions(&mut self, event: &Event) {
        for step_ref in [event.step_ref, event.outer] {
            if let Some(condition) = self.step(step_ref).and_then(|s| s.condition.as_ref()) {
                self.followed(event, step_ref, &condition.text, MAX_DEPTH);
            }
        }
    }

    fn step(&self, step_ref: StepRef) -> Option<&'a Step> {
        self.context.repository.documents[step_ref.document]
            .steps(step_ref.job)?
            .steps
            .get(step_ref.step)
    }

    fn steps_before(&self, step_ref: StepRef) -> impl Iterator<Item = &'a Step> + use<'a> {
        let list = self.context.repository.documents[step_ref.document].steps(step_ref.job);
        let steps = list.map_or(&[][..], |l| l.steps.get(..step_ref.step).unwrap_or_default());
        steps.iter()
    }

    fn variables(&self, event: &Event) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        variables(self.context, event)
    }
}

/// The variables that workflow, job and step set around a call, outermost first.
pub fn variables<'a>(
    context: &'a JobContext<'_>,
    event: &Event,
) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
    let job = context.document().workflow().zip(context.job_ref.job);
    let around = job.into_iter().flat_map(|(w, j)| [&w.env, &w.jobs[j].env]);
    let step = |step_ref: StepRef| {
        let list = context.repository.documents[step_ref.document].steps(step_ref.job);
        list.and_then(|l| l.steps.get(step_ref.step)).map(|s| &s.env)
    };
    let inner = (event.step_ref != event.outer).then(|| step(event.step_ref)).flatten();
    let envs = around.chain(step(event.outer)).chain(inner);
    envs.flat_map(|env| &env.entries).map(|(name, v)| (name.as_str(), v.text.as_str()))
}

/// Whether a variable can decide what a call builds: nox, the installers, the command line or a
/// file of the project read it. Others are for the programs that a session runs.
pub fn reaches(context: &JobContext<'_>, event: &Event, call: &Invocation, name: &str) -> bool {
    if name.len() < 2 {
        return false;
    }
    let files = event.via.iter().map(|via_place| &via_place.path);
    let files = files.chain(&call.run.definition_files).chain(&call.run.install_files);
    context.repository.answers.tool().reads_variable(name)
        || has_word(before_posargs(&call.command), name)
        || !call.own
        || files.into_iter().any(|file| {
            // A file that can't be read may read it; the workflow's own text isn't a reader.
            !file.ends_with(".yml")
                && !file.ends_with(".yaml")
                && context.repository.files().read(file).is_none_or(|text| has_word(&text, name))
        })
}

fn has_word(text: &str, name: &str) -> bool {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).any(|word| word == name)
}

/// One expression and nothing else.
fn is_one(text: &str) -> bool {
    let text = text.trim();
    text.starts_with("${{") && text.ends_with("}}") && text.matches("${{").count() == 1
}

fn texts_of(step: &Step) -> impl Iterator<Item = &str> {
    let values = step.with.iter().chain(&step.env.entries).map(|(_, v)| v);
    step.run.iter().chain(values).map(|s| s.text.as_str())
}

/// What comes after ` -- ` goes to the session, not to nox.
pub fn before_posargs(line: &str) -> &str {
    line.split(" -- ").next().unwrap_or_default()
}

/// The context paths of a text.
fn paths(text: &str) -> Vec<Vec<String>> {
    parse_condition_or_template(text).map(|t| t.paths()).unwrap_or_default()
}

/// An `if:` may leave out the braces.
fn parse_condition_or_template(text: &str) -> Option<Rc<Template>> {
    let template = parse_template(text).ok()?;
    let bare = ["matrix.", "inputs.", "steps.", "env."].iter().any(|root| text.contains(root));
    if template.literal().is_some() && bare { parse_condition(text).ok() } else { Some(template) }
}

/// Whether some text of the job names this path where a session or a runner is chosen.
pub fn on_command_line(context: &JobContext<'_>, timelines: &[&Timeline], path: &str) -> bool {
    let mentions = |text: &str| paths(text).iter().any(|p| p.join(".") == path);
    timelines.iter().flat_map(|t| cacheable(t)).any(|(event, call)| {
        let line = before_posargs(&call.command);
        let list = context.repository.documents[event.outer.document].steps(event.outer.job);
        let step = list.and_then(|list| list.steps.get(event.outer.step));
        mentions(line)
            || step.is_some_and(|step| {
                step.env.entries.iter().any(|(name, v)| line.contains(name) && mentions(&v.text))
                    || step.with.iter().any(|(name, v)| {
                        line.contains(&format!("inputs.{name}")) && mentions(&v.text)
                    })
            })
    })
}
