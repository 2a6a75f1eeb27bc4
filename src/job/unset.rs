//! What a key reads that nothing has set: variables and outputs that are always empty. And outputs
//! that only repeat an input.

use super::exported::exports;
use super::timeline::{Here, TimelineBuilder};
use crate::actions::context::{ENV_FILE, Scope};
use crate::actions::expr::{Context, Eval, Value};
use crate::actions::{Step, Uses};
use crate::repo::index::local;
use crate::rules::setup_actions::setup_actions;

/// The context in which keys are read: it also knows what is certainly empty.
pub(super) struct KeyContext<'k, 'a> {
    builder: &'k TimelineBuilder<'a>,
    here: Here<'k>,
    scope: Scope<'k>,
}

impl<'k, 'a> KeyContext<'k, 'a> {
    pub fn new(builder: &'k TimelineBuilder<'a>, here: Here<'k>) -> Self {
        Self { builder, here, scope: builder.scope_at(here) }
    }

    /// No step before this one can have set the variable, and no `env` does.
    fn is_unset(&self, name: &str) -> bool {
        let forge = self.builder.repository.forge_of(self.builder.instance.job_ref.document);
        let is_name = |known: &str| known.eq_ignore_ascii_case(name);
        let envs = self.builder.envs.iter().copied().chain([&self.here.step.env]);
        // Other forges put variables of the runner into the context.
        forge.name == "GitHub"
            && self.scope.variable(name).is_none()
            && !envs.flat_map(|env| &env.entries).any(|(known, _)| is_name(known))
            && !self.builder.state.exported.iter().any(|(known, _)| is_name(known))
            && !self.steps_before().any(|step| self.may_set(step, name))
    }

    /// The steps of the job before this one, and those of the action that it is in.
    fn steps_before(&self) -> impl Iterator<Item = &'k Step> + use<'k, 'a> {
        let documents = &self.builder.repository.documents;
        let places = self.builder.outer.into_iter().chain([self.here.step_ref]);
        places.flat_map(|place| {
            let list = documents[place.document].steps(place.job);
            list.map_or(&[][..], |list| list.before(place.step))
        })
    }

    fn may_set(&self, step: &Step, name: &str) -> bool {
        if let Some(script) = &step.run {
            return self.script_may_set(&script.text, name);
        }
        let Some(written) = &step.uses else { return false };
        if local(&written.text).is_some() {
            return true;
        }
        let exports =
            Uses::parse(&written.text).and_then(|uses| setup_actions().exports(uses.name));
        exports.is_none_or(|names| names.iter().any(|known| known.eq_ignore_ascii_case(name)))
    }

    fn script_may_set(&self, script: &str, name: &str) -> bool {
        // A line that writes one variable by its name writes no other.
        let plain = |line: &str| {
            let written = exports(line);
            !written.is_empty() && written.iter().all(|(own, _)| !own.eq_ignore_ascii_case(name))
        };
        if script.lines().any(|line| line.contains(ENV_FILE) && !plain(line)) {
            return true;
        }
        let unknown = &setup_actions().runs_anything;
        let files = self.builder.repository.files().tracked();
        let commands = script.split(['\n', ';', '|', '&', '(', '`']);
        let mut programs = commands.filter_map(|command| {
            command.split_whitespace().find(|word| !word.contains('=') && *word != "sudo")
        });
        if programs.any(|program| unknown.programs.iter().any(|known| known == program)) {
            return true;
        }
        let words = script.split(|c: char| c.is_whitespace() || "\"'`;|&()<>".contains(c));
        words.filter(|word| !word.is_empty()).any(|word| {
            let path = word.trim_start_matches("./");
            unknown.endings.iter().any(|end| word.ends_with(end.as_str()))
                || word.starts_with("./")
                || word.starts_with("../")
                || (path.contains('/') && files.contains(path))
        })
    }

    /// The value of an output that is what the step was given.
    fn repeated(&self, id: &str, output: &str) -> Option<Eval> {
        let step = self.here.earlier(id)?;
        let uses = Uses::parse(&step.uses.as_ref()?.text)?;
        let action = setup_actions().interpreter(uses.name)?;
        let input = step.input(action.repeats_input.as_deref().filter(|name| *name == output)?)?;
        Some(self.scope.evaluate(&input.text)).filter(|value| {
            value.clone().known().is_some_and(|value| !value.to_text().trim().is_empty())
        })
    }
}

impl Context for KeyContext<'_, '_> {
    fn lookup(&self, path: &[String]) -> Eval {
        let empty = || Eval::Known(Value::String(String::new()));
        match path {
            [root, name] if root.eq_ignore_ascii_case("env") && self.is_unset(name) => empty(),
            [root, id, ..]
                if root.eq_ignore_ascii_case("steps") && self.here.earlier(id).is_none() =>
            {
                empty()
            }
            [root, id, outputs, output]
                if root.eq_ignore_ascii_case("steps")
                    && outputs.eq_ignore_ascii_case("outputs") =>
            {
                self.repeated(id, output).unwrap_or_else(|| self.scope.lookup(path))
            }
            _ => self.scope.lookup(path),
        }
    }

    fn status(&self, name: &str) -> Eval {
        self.scope.status(name)
    }
}
