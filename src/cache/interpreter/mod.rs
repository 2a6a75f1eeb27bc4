//! Who supplies the Python of the environments, and what a key and a path need to follow it: an
//! expression that names it, files and folders, or a step that asks.

mod probe;
mod supplier;
mod words;

use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

pub use probe::{Probe, Week};

use self::supplier::{Calls, EarlierScripts, Supplier};
use super::push;
use crate::job::context::{JobContext, cacheable, touches_folder};
use crate::job::state::prefixed;
use crate::job::{Event, EventKind, Invocation, Timeline};
use crate::rules::setup_actions::{Image, setup_actions};
use crate::tool::{Interpreter, known_name};

/// The variable that names uv's folder of interpreters.
const UV_FOLDER: &str = "UV_PYTHON_INSTALL_DIR";
const UV: &str = "uv";
/// Asks uv for the path of a Python that is there.
const UV_FIND: &str = "uv python find";

/// What the Pythons of all environments of a job ask of its cache.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interpreters {
    /// `env.pythonLocation` names the Python of some sessions.
    pub location: bool,
    /// Files that decide which Python it is, relative to the workspace.
    pub files: Vec<String>,
    /// Folders of interpreters that environments link into, as lines of `path`.
    pub folders: Vec<String>,
    /// Commands that print the versions of Pythons that nothing else gives.
    commands: Vec<String>,
    /// Commands that print the versions of those that `env.pythonLocation` tells.
    located: Vec<String>,
    /// Nothing of this tells the processor: a container, files.
    fixed: bool,
    /// Some call does not run in the job's container.
    outside: bool,
    /// Some call runs without `env.pythonLocation`.
    unlocated: bool,
    /// Why the Python cannot be followed.
    pub doubt: Option<String>,
}

impl Interpreters {
    /// Adds the Pythons of all environments of a job.
    pub fn add(&mut self, context: &JobContext<'_>) {
        for timeline in &context.timelines {
            // The same command of the same step gets the same Pythons.
            let mut seen = HashSet::new();
            let mut before: Option<(_, Rc<EarlierScripts<'_>>)> = None;
            for (event, invocation) in timeline.invocations().filter(|(_, i)| touches_folder(i)) {
                let run = Arc::as_ptr(&invocation.run);
                let is_new = seen.insert((
                    event.step_ref,
                    event.outer,
                    &invocation.command,
                    &invocation.launcher,
                    invocation.in_container,
                    run,
                ));
                // What is shown of a long command is not all of it.
                if !is_new && !invocation.command.ends_with('…') {
                    continue;
                }
                let place = (event.step_ref, event.outer, &invocation.checkout);
                let known = before.as_ref().filter(|(of, _)| *of == place).map(|(_, known)| known);
                let calls = Calls::new(context, timeline, event, invocation, known);
                self.add_call(&calls, invocation);
                before = Some((place, calls.scripts));
            }
        }
    }

    fn add_call(&mut self, calls: &Calls<'_>, invocation: &Invocation) {
        self.outside |= calls.image.is_none();
        self.unlocated |= calls.location().is_none();
        let sessions = invocation.run.interpreters();
        let mut suppliers: Vec<Supplier> = sessions.iter().map(|s| calls.of_session(s)).collect();
        if sessions.is_empty() {
            suppliers.push(calls.of_tool());
        }
        // A session that takes a Python nobody knows here may take the one that is set up.
        let unknown = sessions.iter().any(|s| s.python == Interpreter::Unknown);
        if unknown && calls.location().is_some() {
            suppliers.push(calls.located());
        }
        for supplier in suppliers {
            self.add_supplier(calls, supplier);
        }
    }

    fn add_supplier(&mut self, calls: &Calls<'_>, supplier: Supplier) {
        match supplier {
            Supplier::Location(command) => {
                self.location = true;
                push(&mut self.located, command);
            }
            Supplier::Fixed => self.fixed = true,
            Supplier::Files(files) => {
                self.fixed = true;
                files.into_iter().for_each(|f| push(&mut self.files, f));
            }
            Supplier::Asked(command) => push(&mut self.commands, command),
            Supplier::Uv { version, project } => self.add_uv(calls, version.as_deref(), project),
            Supplier::Tool { version } => {
                self.fixed = true;
                self.add_folders(calls, known_name());
                if version.is_none() {
                    self.doubt("nox downloads whichever Python is the newest".to_owned());
                }
            }
            Supplier::Unknown(reason) => {
                self.fixed = true;
                self.doubt(reason);
            }
        }
    }

    /// uv takes a Python that is there, or downloads one into its own folder.
    fn add_uv(&mut self, calls: &Calls<'_>, version: Option<&str>, project: bool) {
        if project {
            calls.project_files().into_iter().for_each(|f| push(&mut self.files, f));
        }
        if let Some(Image::Fixed(minor)) = &calls.image {
            self.fixed = true;
            if version.is_none() || version == minor.as_deref() {
                return;
            }
        } else if calls.takes_system_pythons() {
            let asked = version.map_or_else(|| calls.uv_scope(project), |v| format!(" {v}"));
            push(&mut self.commands, format!("\"$({UV_FIND} --system{asked})\" -VV"));
        } else {
            self.fixed = true;
        }
        let exported = calls.set_ups.iter().rev().find(|s| s.uv).and_then(|s| {
            let since =
                setup_actions().interpreter(&s.action)?.exports_uv_folder_since.as_deref()?;
            Some(s.has_since(since))
        });
        let variable = || format!("${{{{ env.{UV_FOLDER} }}}}");
        match exported {
            Some(Some(true)) => push(&mut self.folders, variable()),
            _ if calls.sets(UV_FOLDER) => push(&mut self.folders, variable()),
            // A commit does not say which release it is.
            Some(None) => {
                push(&mut self.folders, variable());
                self.add_folders(calls, "uv");
            }
            Some(Some(false)) | None => self.add_folders(calls, "uv"),
        }
    }

    /// The folders in which `program` keeps interpreters on the systems that the call may run on.
    fn add_folders(&mut self, calls: &Calls<'_>, program: &str) {
        let folders =
            || setup_actions().interpreter_folders.iter().filter(|f| f.program == program);
        for folder in folders() {
            let own = match (&folder.os, calls.os) {
                (_, None) => true,
                (Some(os), Some(runs)) => os == runs,
                (None, Some(runs)) => folders().all(|f| f.os.as_deref() != Some(runs)),
            };
            if own {
                push(&mut self.folders, folder.path.clone());
            }
        }
    }

    fn doubt(&mut self, reason: String) {
        self.doubt.get_or_insert(reason);
    }

    /// A step that finds out what no expression gives.
    pub fn probe(&self, id: &'static str, needs_bash: bool, week: Week) -> Option<Probe> {
        let mut commands = self.commands.clone();
        if !commands.is_empty() && self.location {
            // What setup-python was asked for is in no other part of the key.
            commands.insert(0, "python -VV".to_owned());
            self.located.iter().for_each(|command| push(&mut commands, command.clone()));
        }
        Probe::new(id, &commands, week, needs_bash)
    }

    /// What the probe runs.
    pub fn commands(&self) -> impl Iterator<Item = &str> {
        self.commands.iter().map(String::as_str)
    }

    /// Whether the probe tells the interpreters.
    pub fn is_asked(&self) -> bool {
        !self.commands.is_empty()
    }

    /// Whether the probe tells all interpreters, also before a first run. uv knows none that it has
    /// not downloaded.
    pub fn answers_always(&self) -> bool {
        self.is_asked()
            && !self.fixed
            && !self.commands.iter().any(|command| command.contains(UV_FIND))
    }

    /// The context paths that tell system and processor where no other part of the key does.
    pub fn runner(&self) -> &'static [&'static str] {
        let located = self.location && !self.unlocated;
        if self.is_asked() || !self.fixed || located {
            &[]
        } else if self.outside {
            &["runner.os", "runner.arch"]
        } else {
            &["runner.arch"]
        }
    }
}

/// Whether uv builds the environments of a call: alone, or as the first choice and at hand.
pub fn is_built_by_uv(
    context: &JobContext<'_>,
    timeline: &Timeline,
    event: &Event,
    invocation: &Invocation,
) -> bool {
    let backends = &invocation.run.backend.names;
    let is_uv_cache =
        |e: &Event| matches!(&e.kind, EventKind::PackageCache { installer } if installer == UV);
    let at_hand = || {
        timeline.events.iter().any(is_uv_cache)
            || Calls::new(context, timeline, event, invocation, None).has_uv()
    };
    backends.first().is_some_and(|first| first == UV) && (backends.len() == 1 || at_hand())
}

/// Whether environments of this instance are made of a Python that the runner or a container has,
/// under a name that gets another one in time: `ubuntu-latest`, `python:3`.
pub fn floats(context: &JobContext<'_>, timeline: &Timeline) -> bool {
    cacheable(timeline).any(|(event, invocation)| {
        let calls = Calls::new(context, timeline, event, invocation, None);
        let asked = |s: Supplier| matches!(s, Supplier::Asked(_));
        let sessions = invocation.run.interpreters();
        calls.set_ups.is_empty()
            && (calls.image == Some(Image::Floating)
                || calls.image.is_none() && calls.label_floats())
            && sessions.iter().map(|s| calls.of_session(s)).any(asked)
    })
}

/// Whether uv chooses the Python of some environments of this instance, and nothing fixes more than
/// its minor version: neither what uv downloads nor the image under a label such as `ubuntu-latest`
/// stays.
pub fn is_chosen_by_uv(context: &JobContext<'_>, timeline: &Timeline) -> bool {
    let is_exact = |version: &str| version.matches('.').count() >= 2;
    cacheable(timeline).any(|(event, invocation)| {
        let calls = Calls::new(context, timeline, event, invocation, None);
        let set_ups: Vec<_> = calls.set_ups.iter().filter(|s| s.uv).collect();
        // What the input of setup-uv asks for goes before files of the project.
        let fixed = set_ups.iter().any(|set_up| match &set_up.versions {
            None => true,
            Some(versions) => versions.iter().any(|version| is_exact(version)),
        });
        if set_ups.is_empty() || fixed || calls.image.is_some() || !calls.label_floats() {
            return false;
        }
        let pinned = || {
            let files = calls.project_files();
            let mut texts = files.iter().filter_map(|file| calls.read(file));
            texts.any(|text| is_exact(text.trim()) && !text.trim().contains(char::is_whitespace))
        };
        invocation.run.interpreters().iter().any(|session| match calls.of_session(session) {
            Supplier::Uv { version: Some(version), .. } => !is_exact(&version),
            Supplier::Uv { version: None, .. } => !pinned(),
            _ => false,
        })
    })
}

/// Whether a line of `path` brings uv's folder of interpreters along.
pub fn brings_pythons_of_uv(path: &str) -> bool {
    let mut folders =
        setup_actions().interpreter_folders.iter().filter(|folder| folder.program == UV);
    let written = path.trim_end_matches(['/', '\\', '*']);
    path.contains(UV_FOLDER)
        || (written.starts_with('~') && folders.any(|folder| folder.path.starts_with(written)))
}

/// A path of the repository as one of the workspace.
fn placed(invocation: &Invocation, path: &str) -> String {
    prefixed(&invocation.checkout, path)
}
