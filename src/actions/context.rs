//! The static facts that expressions of one instance can be evaluated with: env, matrix leg,
//! inputs, runner.

use super::job::Job;
use super::matrix::Leg;
use super::reader::Env;
use crate::actions::expr::{
    Context, Eval, Value, eval_condition, eval_template, parse_condition, parse_template,
};
use crate::rules::forges::forges;

/// The variable that names the file in which a step leaves variables for those after it.
pub const ENV_FILE: &str = "GITHUB_ENV";
/// The variable that names the file in which a step leaves its outputs.
pub const OUTPUT_FILE: &str = "GITHUB_OUTPUT";
/// What `${{ github.workspace }}` evaluates to here: a root that no real path starts with.
pub const WORKSPACE: &str = "/github/workspace";
/// Stand for the folder of temporary files and the home folder in the same way.
pub const TEMPORARY: &str = "/github/temporary";
pub const HOME: &str = "/github/home";

/// Values of `inputs.*`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inputs {
    pub values: Vec<(String, Eval)>,
}

impl Inputs {
    pub fn lookup(&self, name: &str) -> Eval {
        self.values
            .iter()
            .find(|(k, _)| k.eq_ignore_ascii_case(name))
            .map_or(Eval::Unknown, |(_, v)| v.clone())
    }
}

/// A variable that an earlier step wrote to `$GITHUB_ENV`; `None` when its value is not known.
pub type Exported = (String, Option<String>);

/// The context of one instance at one place.
#[derive(Clone)]
pub struct Scope<'a> {
    leg: &'a Leg,
    inputs: &'a Inputs,
    job_id: &'a str,
    /// Outermost first: a later one wins.
    env: Vec<&'a Env>,
    exported: &'a [Exported],
    runner_os: Option<&'a str>,
    events: Option<&'a [String]>,
    /// The full name of the branch or tag that the run is for.
    reference: Option<&'a str>,
    /// An output of a step that is taken as known: id, name, value.
    output: Option<(&'a str, &'a str, &'a str)>,
    /// Variables that are empty unless the workflow sets them.
    hidden: &'a [String],
}

impl<'a> Scope<'a> {
    pub fn new(leg: &'a Leg, inputs: &'a Inputs, job_id: &'a str) -> Self {
        Self {
            leg,
            inputs,
            job_id,
            env: Vec::new(),
            exported: &[],
            runner_os: None,
            events: None,
            reference: None,
            output: None,
            hidden: &[],
        }
    }

    /// Variables of the runner's process that expressions do not see.
    pub fn with_hidden(mut self, names: &'a [String]) -> Self {
        self.hidden = names;
        self
    }

    /// Adds an environment inside those already there.
    pub fn with_env(mut self, env: &'a Env) -> Self {
        self.env.push(env);
        self
    }

    pub fn with_exported(mut self, exported: &'a [Exported]) -> Self {
        self.exported = exported;
        self
    }

    pub fn with_runner(mut self, os: Option<&'a str>) -> Self {
        self.runner_os = os;
        self
    }

    /// The events that can start the run, when they are all known.
    pub fn with_events(mut self, events: Option<&'a [String]>) -> Self {
        self.events = events;
        self
    }

    /// Takes the run as one for this branch or tag (`refs/tags/v1`).
    pub fn with_reference(mut self, reference: &'a str) -> Self {
        self.reference = Some(reference);
        self
    }

    /// Takes the output `name` of the step `id` as known.
    pub fn with_output(mut self, id: &'a str, name: &'a str, value: &'a str) -> Self {
        self.output = Some((id, name, value));
        self
    }

    /// An environment variable as the workflow sets it; `None` where nothing of the workflow does.
    pub fn variable(&self, name: &str) -> Option<Eval> {
        for (position, env) in self.env.iter().enumerate().rev() {
            if let Some((_, scalar)) = env.entries.iter().rev().find(|(k, _)| k == name) {
                // An env value sees only the environments around its own; that also keeps this from
                // going in circles.
                let outer = Scope { env: self.env[..position].to_vec(), ..self.clone() };
                return Some(outer.evaluate(&scalar.text));
            }
            if env.incomplete {
                return Some(Eval::Unknown);
            }
        }
        let (_, value) = self.exported.iter().rev().find(|(k, _)| k == name)?;
        Some(value.as_ref().map_or(Eval::Unknown, |v| Eval::Known(Value::String(v.clone()))))
    }

    /// The value of a variable as it is written in the workflow, innermost first; `None` where
    /// nothing of it does.
    pub fn written(&self, name: &str) -> Option<&'a str> {
        let entries = self.env.iter().rev().flat_map(|env| env.entries.iter().rev());
        entries.filter(|(k, _)| k == name).map(|(_, scalar)| scalar.text.as_str()).next()
    }

    /// A text with its `${{ }}` evaluated.
    pub fn evaluate(&self, text: &str) -> Eval {
        if !text.contains("${{") {
            return Eval::Known(Value::String(text.to_owned()));
        }
        parse_template(text).map_or(Eval::Unknown, |t| eval_template(&t, self))
    }

    /// [`Scope::evaluate`] as text, where it is known.
    pub fn text(&self, text: &str) -> Option<String> {
        self.evaluate(text).known().map(Value::to_text)
    }

    /// An `if:`; `None` when it cannot be decided.
    pub fn condition(&self, text: &str) -> Option<bool> {
        eval_condition(parse_condition(text).ok()?.as_ref(), self).truth()
    }

    fn github(&self, key: &str) -> Eval {
        match key {
            "workspace" => Eval::Known(Value::String(WORKSPACE.to_owned())),
            "job" => Eval::Known(Value::String(self.job_id.to_owned())),
            "event_name" => self.events.map_or(Eval::Unknown, |events| {
                Eval::one_of(events.iter().map(|e| Value::String(e.clone())))
            }),
            "ref" => self.reference.map_or(Eval::Unknown, |name| Eval::Known(Value::from(name))),
            "ref_type" => self.reference.map_or(Eval::Unknown, |name| {
                let kind = if name.starts_with("refs/tags/") { "tag" } else { "branch" };
                Eval::Known(Value::from(kind))
            }),
            _ => Eval::Unknown,
        }
    }
}

impl Context for Scope<'_> {
    fn lookup(&self, path: &[String]) -> Eval {
        let Some((root, rest)) = path.split_first() else { return Eval::Unknown };
        match (root.to_ascii_lowercase().as_str(), rest) {
            ("matrix", [_, ..]) => self.leg.lookup(rest),
            ("strategy", [key]) if key == "job-index" => self.leg.job_index(),
            ("env", [name]) => self.variable(name).unwrap_or_else(|| {
                if self.hidden.contains(name) {
                    return Eval::Known(Value::String(String::new()));
                }
                Eval::Unknown
            }),
            ("inputs", [name]) => self.inputs.lookup(name),
            ("github", [key]) => self.github(key),
            ("github", [event, inputs, name]) if event == "event" && inputs == "inputs" => {
                self.inputs.lookup(name)
            }
            ("steps", [id, outputs, name]) if outputs.eq_ignore_ascii_case("outputs") => {
                match self.output {
                    Some((step, output, value))
                        if step.eq_ignore_ascii_case(id) && output.eq_ignore_ascii_case(name) =>
                    {
                        Eval::Known(Value::String(value.to_owned()))
                    }
                    _ => Eval::Unknown,
                }
            }
            ("runner", [key]) if key == "temp" => Eval::Known(Value::String(TEMPORARY.to_owned())),
            ("runner", [key]) if key == "os" => {
                self.runner_os.map_or(Eval::Unknown, |os| Eval::Known(Value::String(os.to_owned())))
            }
            _ => Eval::Unknown,
        }
    }

    /// Caches matter for runs in which the steps before went well.
    fn status(&self, name: &str) -> Eval {
        Eval::Known(Value::Bool(matches!(name.to_ascii_lowercase().as_str(), "success" | "always")))
    }
}

/// `runner.os` of a job, if its labels decide it.
pub fn runner_os(job: &Job, scope: &Scope<'_>) -> Option<&'static str> {
    if job.container.is_some() {
        return Some("Linux");
    }
    job.runs_on.iter().find_map(|label| forges().os_of(&scope.text(&label.text)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::Workflow;
    use crate::base::text::Text;

    const WORKFLOW: &str = "on: push
env: {A: outer, B: \"${{ env.A }}-b\"}
jobs:
  x:
    runs-on: ${{ matrix.os }}
    env: {A: inner, C: \"${{ env.C }}\", D: \"${{ matrix.os }}\"}
";

    #[test]
    fn inner_environments_win_and_never_see_themselves() {
        let text = Text::new("t", WORKFLOW.as_bytes().to_vec()).unwrap();
        let workflow = Workflow::read(&crate::yaml::parse(&text).unwrap());
        let job = &workflow.jobs[0];
        let leg = Leg {
            values: vec![("os".into(), Eval::Known(Value::from("windows-2025")))],
            ..Leg::default()
        };
        let inputs = Inputs::default();
        let exported = [("E".to_owned(), Some("e".to_owned())), ("F".to_owned(), None)];
        let scope = Scope::new(&leg, &inputs, "x")
            .with_env(&workflow.env)
            .with_env(&job.env)
            .with_exported(&exported);
        for (written, value) in [
            ("${{ env.A }}", Some("inner")),
            ("${{ env.B }}", None),
            ("${{ env.C }}", None),
            ("${{ env.D }}", Some("windows-2025")),
            ("${{ env.E }}", Some("e")),
            ("${{ env.F }}", None),
            ("${{ env.G }}", None),
            ("${{ github.workspace }}/.nox", Some("/github/workspace/.nox")),
            ("${{ github.job }}", Some("x")),
            ("${{ github.sha }}", None),
        ] {
            assert_eq!(scope.text(written).as_deref(), value, "{written}");
        }
        assert_eq!(runner_os(job, &scope), Some("Windows"));
    }

    #[test]
    fn conditions_of_a_green_run() {
        let leg = Leg {
            values: vec![("os".into(), Eval::Known(Value::from("linux")))],
            ..Leg::default()
        };
        let inputs = Inputs::default();
        let events = ["push".to_owned()];
        let scope = Scope::new(&leg, &inputs, "x").with_events(Some(&events));
        for (condition, truth) in [
            ("always()", Some(true)),
            ("failure()", Some(false)),
            ("matrix.os == 'linux'", Some(true)),
            ("${{ matrix.os != 'linux' }}", Some(false)),
            ("github.event_name == 'pull_request'", Some(false)),
            ("steps.x.outputs.y == 'z'", None),
            ("failure() && steps.x.outputs.y", Some(false)),
        ] {
            assert_eq!(scope.condition(condition), truth, "{condition}");
        }
    }
}
