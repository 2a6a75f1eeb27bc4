//! Where a value comes from that nobody knows before the run: the scripts, inputs and settings that
//! decide it.

use std::cell::Cell;

use super::event::EventKind;
use super::outputs;
use super::timeline::{Here, TimelineBuilder};
use crate::actions::Step;
use crate::actions::context::{ENV_FILE, OUTPUT_FILE};
use crate::actions::expr::{TemplatePart, eval, parse_template};
use crate::job::key_template::{ResolveOrigin, ValueOrigin};

/// Values are followed through this many others.
const MAX_DEPTH: usize = 4;
/// What setup-uv exports: the folder in which uv keeps its interpreters.
const UV_FOLDER: &str = "UV_PYTHON_INSTALL_DIR";
/// Values that are followed for one cache step; hostile files stop here.
const MAX_VALUES: usize = 500;

/// Looks from one step back at what ran before.
pub(super) struct OriginResolver<'w, 'a> {
    builder: &'w TimelineBuilder<'a>,
    here: Here<'w>,
    left: Cell<usize>,
}

impl ResolveOrigin for OriginResolver<'_, '_> {
    fn origin(&self, path: &[String]) -> ValueOrigin {
        self.at(self.here, path, MAX_DEPTH)
    }
}

impl<'w, 'a> OriginResolver<'w, 'a> {
    pub fn new(builder: &'w TimelineBuilder<'a>, here: Here<'w>) -> Self {
        Self { builder, here, left: Cell::new(MAX_VALUES) }
    }

    /// What decides which interpreter a step sets up.
    pub fn interpreter(&self, step: &Step) -> Option<String> {
        let uses = step.uses.as_ref().map_or("", |u| u.text.as_str());
        let inputs =
            step.with.iter().filter(|(name, _)| name.contains("python") || name == "architecture");
        let inputs: Option<Vec<String>> = inputs
            .map(|(name, v)| {
                Some(format!("{name}={}", self.expand(self.here, &v.text, MAX_DEPTH)?))
            })
            .collect();
        Some(format!("{uses} {}", inputs?.join(" ")))
    }

    fn at(&self, here: Here<'_>, path: &[String], depth: usize) -> ValueOrigin {
        if depth == 0 || self.left.get() == 0 {
            return ValueOrigin::default();
        }
        self.left.set(self.left.get() - 1);
        let root = path[0].to_ascii_lowercase();
        let name = path.get(1).map_or("", String::as_str);
        let document = || here.document.path.clone();
        match root.as_str() {
            "github"
                if matches!(
                    name,
                    "sha"
                        | "ref"
                        | "ref_name"
                        | "ref_type"
                        | "repository"
                        | "head_ref"
                        | "base_ref"
                ) =>
            {
                derived(String::new())
            }
            "secrets" | "vars" => derived(String::new()),
            // The same for all jobs of one run, and nothing to another workflow's runs.
            "github" | "needs" => derived(document()),
            "inputs" if here.step_ref.document == self.builder.instance.job_ref.document => {
                derived(document())
            }
            "inputs" => self.action_input(name, depth),
            "runner" => {
                ValueOrigin { derived_from: self.runner(here, depth), ..ValueOrigin::default() }
            }
            "env" if name.eq_ignore_ascii_case("pythonLocation") => {
                // The folder tells the system, too.
                let system = match self.builder.runner_os {
                    Some(os) => Some(os.to_owned()),
                    None => self.runner(here, depth),
                };
                let derived_from =
                    self.interpreters().zip(system).map(|(all, os)| format!("{os}\n{all}"));
                ValueOrigin { derived_from, ..ValueOrigin::default() }
            }
            "env"
                if name.eq_ignore_ascii_case(UV_FOLDER)
                    && self.builder.scope_at(here).written(name).is_none() =>
            {
                let derived_from = self.runner(here, depth).zip(self.interpreters());
                ValueOrigin {
                    derived_from: derived_from
                        .map(|(runner, set_up)| format!("{runner}\n{set_up}")),
                    ..ValueOrigin::default()
                }
            }
            "env" => self.variable(here, name, depth),
            "steps" => {
                let output = path.get(3).map_or("", String::as_str);
                self.output(here, name, output, depth)
            }
            _ => ValueOrigin::default(),
        }
    }

    /// Labels and image.
    fn runner(&self, here: Here<'_>, depth: usize) -> Option<String> {
        let labels = self.builder.job.map(|job| job.runs_on.iter().chain(&job.container));
        let labels: Option<Vec<String>> =
            labels.into_iter().flatten().map(|l| self.expand(here, &l.text, depth - 1)).collect();
        labels.map(|l| l.join(" "))
    }

    fn variable(&self, here: Here<'_>, name: &str, depth: usize) -> ValueOrigin {
        let scope = self.builder.scope_at(here);
        if let Some(text) = scope.written(name) {
            return self.text(here, text, depth);
        }
        let Some(list) = self.builder.repository.documents[self.outer(here).step_ref.document]
            .steps(self.outer(here).step_ref.job)
        else {
            return ValueOrigin::default();
        };
        let before = list.steps.iter().take(self.outer(here).step_ref.step);
        let writes = |s: &&Step| {
            s.run.as_ref().is_some_and(|r| r.text.contains(ENV_FILE) && r.text.contains(name))
        };
        self.told_by(self.outer(here), before.filter(writes).collect(), (ENV_FILE, name), depth)
    }

    fn output(&self, here: Here<'_>, id: &str, output: &str, depth: usize) -> ValueOrigin {
        let Some(list) = here.document.steps(here.step_ref.job) else {
            return ValueOrigin::default();
        };
        let named = |s: &&Step| s.id.as_ref().is_some_and(|i| i.text == id);
        let steps: Vec<&Step> = list.steps.iter().take(here.step_ref.step).filter(named).collect();
        self.told_by(here, steps, (OUTPUT_FILE, output), depth)
    }

    /// What these steps write to a file of the runner under a name.
    fn told_by(
        &self,
        here: Here<'_>,
        steps: Vec<&Step>,
        (file, name): (&str, &str),
        depth: usize,
    ) -> ValueOrigin {
        let script = match steps.as_slice() {
            [step] => step.run.as_ref().map(|run| run.text.as_str()),
            _ => None,
        };
        if let Some(line) = script.and_then(|script| outputs::date_line(script, file, name)) {
            return ValueOrigin { scripts: vec![line.to_owned()], ..derived(line.to_owned()) };
        }
        let tells_only_the_machine =
            script.is_some_and(|script| outputs::tells_only_the_machine(script, file, name));
        ValueOrigin { tells_only_the_machine, ..self.written_by(here, steps, depth) }
    }

    /// A value that these steps write.
    fn written_by(&self, here: Here<'_>, steps: Vec<&Step>, depth: usize) -> ValueOrigin {
        if steps.is_empty() {
            return ValueOrigin::default();
        }
        let scripts: Vec<String> = steps
            .iter()
            .map(|s| {
                s.run.as_ref().or(s.uses.as_ref()).map_or_else(String::new, |t| t.text.clone())
            })
            .collect();
        let texts = steps.iter().flat_map(|s| {
            let inputs = s.with.iter().chain(&s.env.entries).map(|(_, v)| v);
            s.run.iter().chain(&s.uses).chain(inputs).map(|scalar| scalar.text.as_str())
        });
        let around = self
            .builder
            .envs
            .iter()
            .flat_map(|env| env.entries.iter().map(|(_, v)| v.text.as_str()));
        let mut derived_from: Option<Vec<String>> =
            texts.chain(around).map(|text| self.expand(here, text, depth - 1)).collect();
        // What a script finds out may be about its machine.
        let asks = |script: &String| {
            ["uname", "python", "RUNNER_", "os-release"].iter().any(|word| script.contains(word))
        };
        let machine =
            if scripts.iter().any(asks) { self.runner(here, depth) } else { Some(String::new()) };
        match (&mut derived_from, self.interpreters(), machine) {
            (Some(all), Some(interpreters), Some(machine)) => all.extend([interpreters, machine]),
            _ => derived_from = None,
        }
        ValueOrigin {
            derived_from: derived_from.map(|f| f.join("\n")),
            scripts,
            ..ValueOrigin::default()
        }
    }

    fn action_input(&self, name: &str, depth: usize) -> ValueOrigin {
        // Inside an action that another action uses, the way back is not followed.
        if self.builder.depth != 1 {
            return ValueOrigin::default();
        }
        let outer = self.outer(self.here);
        match outer.step.input(name) {
            Some(passed) => self.text(outer, &passed.text, depth),
            None => ValueOrigin::default(),
        }
    }

    /// The job's own step that leads to `here`.
    fn outer<'s>(&self, here: Here<'s>) -> Here<'s>
    where
        'a: 's,
        'w: 's,
    {
        let Some(step_ref) = self.builder.outer else { return here };
        let document = &self.builder.repository.documents[step_ref.document];
        match document.steps(step_ref.job).and_then(|l| l.steps.get(step_ref.step)) {
            Some(step) => Here { document, step_ref, step, inputs: &self.builder.instance.inputs },
            None => here,
        }
    }

    /// A value that is in the workflow as this text.
    fn text(&self, here: Here<'_>, text: &str, depth: usize) -> ValueOrigin {
        let mut origin = ValueOrigin {
            derived_from: self.expand(here, text, depth - 1),
            ..ValueOrigin::default()
        };
        for path in parse_template(text).iter().flat_map(|t| t.paths()) {
            let inner = self.at(here, &path, depth - 1);
            origin.paths.push(path.join(".").to_ascii_lowercase());
            origin.paths.extend(inner.paths);
            origin.scripts.extend(inner.scripts);
        }
        origin
    }

    fn interpreters(&self) -> Option<String> {
        let derived_from = self.builder.events.iter().filter_map(|e| match &e.kind {
            EventKind::Interpreter(set_up) => Some(set_up.derived_from.as_deref()),
            _ => None,
        });
        derived_from.collect::<Option<Vec<&str>>>().map(|f| f.join("\n"))
    }

    /// A text with what is known put in, and what is not known named together with where it comes
    /// from.
    fn expand(&self, here: Here<'_>, text: &str, depth: usize) -> Option<String> {
        if !text.contains("${{") {
            return Some(text.to_owned());
        }
        let template = parse_template(text).ok()?;
        let scope = self.builder.scope_at(here);
        let mut out = String::new();
        for part in &template.parts {
            let (expr, span) = match part {
                TemplatePart::Literal { text, .. } => {
                    out.push_str(text);
                    continue;
                }
                TemplatePart::Expr { expr, span } => (expr, span),
            };
            match eval(expr, &scope).known() {
                Some(value) => out.push_str(&value.to_text()),
                None => {
                    out.push_str(text.get(span.range())?);
                    for path in expr.paths() {
                        out.push_str(&self.at(here, &path, depth).derived_from?);
                    }
                }
            }
        }
        Some(out)
    }
}

fn derived(derived_from: String) -> ValueOrigin {
    ValueOrigin { derived_from: Some(derived_from), ..ValueOrigin::default() }
}
