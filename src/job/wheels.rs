//! cibuildwheel: commands that it runs in a container of its own, or on the runner once for each
//! Python.

use std::cell::OnceCell;
use std::sync::Arc;

use super::commands::shown;
use super::event::{EventKind, Invocation};
use super::followed::{CommandOrigin, FOLLOWED_AS_SCRIPT};
use super::timeline::{Here, TimelineBuilder};
use crate::actions::Scalar;
use crate::base::text::Span;
use crate::rules::setup_actions::setup_actions;
use crate::shell::{Expanded, Shell, calls, commands};
use crate::tool::Answer;

/// The longest settings that are read.
const MAX_COMMANDS: usize = 50;

impl TimelineBuilder<'_> {
    /// Calls of nox in the settings of cibuildwheel, which a step starts.
    pub(super) fn wheels(&mut self, here: Here<'_>, script: &Scalar, span: Span) {
        let map = OnceCell::new();
        let origin = CommandOrigin::step(here, script, &map, Some(String::new()));
        // Thousands of steps can have one large project.
        let size = self.project_of_wheels().map_or(0, |text| text.len() / FOLLOWED_AS_SCRIPT);
        if !self.spend(here, size) {
            return;
        }
        for text in self.wheel_commands(here).into_iter().take(MAX_COMMANDS) {
            let read = commands(&Shell::Bash, &Expanded::new(&text, &[]), &|name| {
                self.variable(&origin, &[], name)
            });
            for command in &read {
                for call in &calls(command, self.repository.answers.tool().name()) {
                    let place = self.state.place("");
                    let answer = self.ask_about(&origin, call, &place);
                    let Some(mut answer) = self.spend_answer(here, answer) else { return };
                    let run = Arc::make_mut(&mut answer);
                    run.env_dirs.clear();
                    (run.creates_by_default, run.off_by_default) = (false, false);
                    if run.creates_env != Answer::No {
                        (run.creates_env, run.why) = match self.runner_os {
                            Some("Linux") => (
                                Answer::No,
                                "cibuildwheel runs it in a container, and what it builds there is thrown away".into(),
                            ),
                            _ => (
                                Answer::Unknown,
                                "cibuildwheel runs it for every Python that it builds for, perhaps in a container"
                                    .into(),
                            ),
                        };
                    }
                    let invocation = Invocation {
                        command: shown(&text, command.span),
                        launcher: Some("cibuildwheel".to_owned()),
                        python: None,
                        run: answer,
                        folders: Vec::new(),
                        checkout: place.checkout.clone(),
                        own: place.own,
                        insert_at: None,
                        no_insert_reason: Some("cibuildwheel decides how nox is called".into()),
                        action: None,
                        conditional: true,
                        in_container: false,
                    };
                    self.push(here, span, EventKind::Run(Box::new(invocation)));
                }
            }
        }
    }

    /// The project file, where it may hold settings of cibuildwheel.
    fn project_of_wheels(&self) -> Option<Arc<str>> {
        let text = self.files(&self.state.place("")).read("pyproject.toml")?;
        text.contains("cibuildwheel").then_some(text)
    }

    /// The commands that cibuildwheel is set to run, from its variables or the project file.
    fn wheel_commands(&self, here: Here<'_>) -> Vec<String> {
        let rules = &setup_actions().builds_wheels;
        let platform = self.runner_os.unwrap_or_default();
        let scope = self.scope_at(here);
        let variable =
            |name: &str| scope.variable(name).and_then(|value| value.known().map(|v| v.to_text()));
        let project = self.project_of_wheels().and_then(|t| t.parse::<toml::Table>().ok());
        let table = project.as_ref().and_then(|p| p.get("tool")?.get("cibuildwheel"));
        let setting = |name: &str| {
            let variable_name =
                format!("{}{}", rules.prefix, name.replace('-', "_").to_uppercase());
            let own = format!("{variable_name}_{}", platform.to_uppercase());
            let written = || {
                table?
                    .get(platform.to_lowercase())
                    .and_then(|t| t.get(name))
                    .or_else(|| table?.get(name))
            };
            variable(&own).or_else(|| variable(&variable_name)).or_else(|| match written()? {
                toml::Value::String(text) => Some(text.clone()),
                toml::Value::Array(list) => {
                    Some(list.iter().filter_map(toml::Value::as_str).collect::<Vec<_>>().join("\n"))
                }
                _ => None,
            })
        };
        rules.settings.iter().filter_map(|name| setting(name)).collect()
    }
}
