//! Who supplies the Python of one call of nox and of each of its sessions.

mod around;
mod scripts;

use std::rc::Rc;

pub(super) use self::scripts::EarlierScripts;
use self::scripts::Installed;
use super::words::{ask, fixes_minor, is_active, is_same};
use crate::actions::context::{Scope, runner_os};
use crate::actions::{Job, Step, StepList};
use crate::job::context::JobContext;
use crate::job::event::SetUp;
use crate::job::state::in_workspace;
use crate::job::{Event, Invocation, Timeline};
use crate::repo::index::local;
use crate::rules::setup_actions::{Image, Manager, setup_actions};
use crate::tool::{Files, Interpreter, Session, python_downloads};

/// conda and the programs that take its commands.
const CONDA: [&str; 4] = ["conda", "mamba", "micromamba", "rattler"];

/// Who supplies a Python, and how a key can follow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Supplier {
    /// setup-python: `env.pythonLocation` names it; with the command that prints its version.
    Location(String),
    /// Files that are in the key anyway fix its minor version: the workflow with a container's
    /// tag, the noxfile with what conda installs.
    Fixed,
    /// These files name it, relative to the workspace.
    Files(Vec<String>),
    /// uv; `project`: by the files of the project.
    Uv {
        version: Option<String>,
        project: bool,
    },
    /// The tool downloads it.
    Tool {
        version: Option<String>,
    },
    /// This command prints its version.
    Asked(String),
    Unknown(String),
}

/// One call of nox with what ran before it.
pub(super) struct Calls<'a> {
    context: &'a JobContext<'a>,
    invocation: &'a Invocation,
    event: &'a Event,
    job: Option<&'a Job>,
    pub set_ups: Vec<&'a SetUp>,
    /// Of the job's container, or of the one that the command starts.
    pub image: Option<Image>,
    pub os: Option<&'static str>,
    /// Of the runner, as far as they are known.
    labels: Vec<String>,
    /// Those of the steps up to the call.
    pub scripts: Rc<EarlierScripts<'a>>,
}

impl<'a> Calls<'a> {
    /// `known` are the scripts of an earlier call of the same step, as that one has them.
    pub fn new(
        context: &'a JobContext<'a>,
        timeline: &'a Timeline,
        event: &'a Event,
        invocation: &'a Invocation,
        known: Option<&Rc<EarlierScripts<'a>>>,
    ) -> Self {
        let workflow = context.document().workflow();
        let job = workflow.zip(context.job_ref.job).map(|(w, j)| &w.jobs[j]);
        let (leg, inputs) = (&timeline.instance.leg, &timeline.instance.inputs);
        let scope = job.zip(workflow).map(|(job, workflow)| {
            Scope::new(leg, inputs, &job.id).with_env(&workflow.env).with_env(&job.env)
        });
        let images = &setup_actions().images;
        let container = job.and_then(|j| j.container.as_ref()).zip(scope.as_ref());
        let container = container.map(|(image, scope)| match scope.text(&image.text) {
            Some(image) => images.read(&image),
            None if fixes_minor(&image.text) => Image::Fixed(None),
            None => Image::Floating,
        });
        let started = invocation.in_container.then(|| {
            let mut words = invocation.command.split_whitespace().map(|word| images.read(word));
            words.find(|image| *image != Image::Floating).unwrap_or(Image::Floating)
        });
        let before = timeline
            .events
            .iter()
            .take_while(|e| e.step_ref != event.step_ref || e.span != event.span);
        Self {
            set_ups: before.filter_map(Event::set_up).collect(),
            image: started.or(container),
            os: job.zip(scope.as_ref()).and_then(|(job, scope)| runner_os(job, scope)),
            scripts: known.map_or_else(|| Rc::new(scripts(context, event, invocation)), Rc::clone),
            labels: job.zip(scope.as_ref()).map_or_else(Vec::new, |(job, scope)| {
                job.runs_on.iter().filter_map(|label| scope.text(&label.text)).collect()
            }),
            context,
            invocation,
            event,
            job,
        }
    }

    /// The Python that a session's environment is made of.
    pub fn of_session(&self, session: &Session) -> Supplier {
        let backends = &session.backend.names;
        if !backends.is_empty() && backends.iter().all(|b| CONDA.contains(&b.as_str())) {
            return Supplier::Fixed;
        }
        let uv = session.backend.only() == Some("uv")
            || (backends.iter().any(|b| b == "uv") && self.has_uv());
        match &session.python {
            Interpreter::Named(name) => self.named(name, uv),
            Interpreter::Own => self.of_tool(),
            Interpreter::Unknown => match self.asked_versions().as_slice() {
                [] | [_] => match self.of_tool() {
                    // uv takes whichever Python the session names.
                    Supplier::Asked(_) | Supplier::Uv { version: Some(_), .. } if uv => {
                        Supplier::Uv { version: None, project: false }
                    }
                    tool => tool,
                },
                [first, ..] => Supplier::Asked(ask(first, self.os)),
            },
        }
    }

    /// The Python that runs nox.
    pub fn of_tool(&self) -> Supplier {
        if self.invocation.in_container {
            return match self.image {
                Some(Image::Fixed(_)) => Supplier::Fixed,
                _ => Supplier::Unknown(
                    "the command runs in a container whose image can get a different Python"
                        .to_owned(),
                ),
            };
        }
        let python = self.invocation.python.as_deref();
        match self.invocation.launcher.as_deref() {
            Some("pipx run") => self.pipx(python),
            Some(launcher) if launcher.starts_with("uv") => self.uv(python, launcher == "uv run"),
            Some("pixi run") => self.pixi(),
            _ if self.is_output() => self.of_output(),
            _ if self.conda_run().is_some() => self.inside_conda(),
            _ => match self.scripts.installed() {
                Some(Installed::Pipx(python)) => self.pipx(python.as_deref()),
                Some(Installed::UvTool(python)) => self.uv(python.as_deref(), false),
                None => self.active(),
            },
        }
    }

    /// A Python of this name, as a session asks for it.
    fn named(&self, name: &str, uv: bool) -> Supplier {
        let name = name.trim();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
        if name.is_empty() || !name.chars().all(plain) {
            return Supplier::Unknown(format!("cachelint doesn't know which Python `{name}` is"));
        }
        if let Some(set_up) = self.location() {
            let several = setup_actions().interpreter(&set_up.action).is_some_and(|a| a.several);
            let last = set_up.versions.as_ref().map(|v| v.last());
            match last {
                None if !several => return Supplier::Location(ask(name, self.os)),
                Some(None) if !several => {
                    // Which version its file names is in sight, too.
                    let texts = set_up.files.iter().filter_map(|f| self.read(f));
                    if texts.into_iter().any(|t| t.split_whitespace().any(|v| is_same(v, name))) {
                        return Supplier::Location(ask(name, self.os));
                    }
                }
                Some(Some(last)) if !several && is_same(last, name) => {
                    return Supplier::Location(ask(name, self.os));
                }
                _ => {}
            }
            if self.asked_versions().iter().any(|v| is_same(v, name)) {
                return Supplier::Asked(ask(name, self.os));
            }
        }
        if uv {
            return Supplier::Uv { version: Some(name.to_owned()), project: false };
        }
        if self.downloads() {
            return Supplier::Tool { version: Some(name.to_owned()) };
        }
        match self.image {
            Some(Image::Fixed(_)) => Supplier::Fixed,
            _ => Supplier::Asked(ask(name, self.os)),
        }
    }

    /// What `python` is where nox runs.
    fn active(&self) -> Supplier {
        let manager = |s: &&&SetUp| {
            s.location
                || setup_actions().interpreter(&s.action).is_some_and(|a| a.manager.is_some())
        };
        if let Some(set_up) = self.set_ups.iter().rev().find(manager) {
            let manager = setup_actions().interpreter(&set_up.action).and_then(|a| a.manager);
            match manager {
                None => return self.located(),
                Some(Manager::Conda) => return self.conda(set_up),
                Some(Manager::Mise) => {
                    if let Some(supplier) = self.mise(set_up) {
                        return supplier;
                    }
                }
                Some(Manager::Pixi) => {}
            }
        }
        if self.scripts.make_venv() {
            return Supplier::Uv { version: None, project: true };
        }
        if let Some(chooser) = self.scripts.chooser() {
            return Supplier::Unknown(format!(
                "cachelint doesn't know which Python `{chooser}` takes"
            ));
        }
        match self.image {
            Some(Image::Fixed(_)) => Supplier::Fixed,
            _ => Supplier::Asked(match self.beside_program() {
                Some(python) => format!("{python} -VV"),
                None => format!("{} -VV", self.plain_python()),
            }),
        }
    }

    pub fn located(&self) -> Supplier {
        Supplier::Location("python -VV".to_owned())
    }

    /// The command is the Python whose path is an output of an earlier step.
    fn is_output(&self) -> bool {
        let command = self.invocation.command.trim_start_matches(['"', '\'', '&', ' ']);
        let program = command.starts_with("${{").then(|| command.split("}}").next()).flatten();
        program.is_some_and(|program| program.contains(".outputs.python-path"))
    }

    fn of_output(&self) -> Supplier {
        let mut set_ups = self.set_ups.iter().filter(|s| !s.uv);
        match (set_ups.next(), set_ups.next()) {
            (Some(only), None) if only.location => self.located(),
            _ => Supplier::Unknown(
                "`env.pythonLocation` isn't the Python that the command calls by its path"
                    .to_owned(),
            ),
        }
    }

    /// The Python of the environment whose program is called by an absolute path.
    fn beside_program(&self) -> Option<String> {
        let program = self.invocation.command.split_whitespace().next()?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
        let (folder, name) = program.rsplit_once('/')?;
        let is_tool = name == self.context.repository.answers.tool().name();
        (is_tool && folder.starts_with('/') && folder.chars().all(plain))
            .then(|| format!("{folder}/python"))
    }

    /// How `python` is called where nothing has set it up.
    fn plain_python(&self) -> &'static str {
        let module = self.invocation.launcher.as_deref() == Some("python -m");
        let image = self.job.and_then(|j| j.container.as_ref());
        let python = image.is_some_and(|i| i.text.contains("python"));
        let named = module && self.invocation.command.starts_with("python ");
        let windows = self.os == Some("Windows");
        if python || named || windows { "python" } else { "python3" }
    }

    fn pipx(&self, python: Option<&str>) -> Supplier {
        match python {
            Some(python) if self.location().is_some() && is_active(python) => self.located(),
            Some(python) if !python.contains(['$', '{', '`']) => self.named(python, false),
            Some(_) => {
                Supplier::Unknown("cachelint doesn't know which Python `pipx` uses".to_owned())
            }
            None if self.scripts.install_pipx_by_pip() => self.active(),
            None if matches!(self.image, Some(Image::Fixed(_))) => Supplier::Fixed,
            None => Supplier::Asked(
                "\"$(pipx environment --value PIPX_DEFAULT_PYTHON)\" -VV".to_owned(),
            ),
        }
    }

    fn uv(&self, python: Option<&str>, project: bool) -> Supplier {
        let pinned = project && self.project_files().iter().any(|f| f.ends_with(".python-version"));
        let variable = self.entries().filter(|(name, _)| *name == "UV_PYTHON").last();
        let computed = |python: &str| python.contains(['$', '{', '`']);
        match python.or(variable.map(|(_, text)| text)) {
            Some(python)
                if (is_active(python) || computed(python)) && self.location().is_some() =>
            {
                self.located()
            }
            // A value of the matrix is in the key.
            Some(python) if computed(python) => Supplier::Uv { version: None, project },
            Some(python) => self.named(python, true),
            None if self.location().is_some() && !pinned => self.located(),
            None => Supplier::Uv { version: None, project },
        }
    }

    fn pixi(&self) -> Supplier {
        let lock = self.project_file("pixi.lock");
        lock.map_or_else(
            || Supplier::Asked("pixi run python -VV".to_owned()),
            |lock| Supplier::Files(vec![lock]),
        )
    }

    /// `conda run -n test`, in front of nox.
    fn conda_run(&self) -> Option<&str> {
        let command = self.invocation.command.as_str();
        let mut words = command.split(' ');
        if !words.next().is_some_and(|w| CONDA.contains(&w)) || words.next() != Some("run") {
            return None;
        }
        let tool = self.context.repository.answers.tool().name();
        let (run, _) = command.split_once(&format!(" {tool}"))?;
        Some(run.strip_suffix(" python -m").unwrap_or(run))
    }

    /// The Python of the environment that `conda run` names.
    fn inside_conda(&self) -> Supplier {
        let manager = |s: &&SetUp| {
            setup_actions().interpreter(&s.action).and_then(|a| a.manager) == Some(Manager::Conda)
        };
        let set_up = self.set_ups.iter().rev().copied().find(manager);
        if let Some(known @ (Supplier::Files(_) | Supplier::Fixed)) = set_up.map(|s| self.conda(s))
        {
            return known;
        }
        match self.conda_run() {
            Some(run) if !run.contains(['$', '`']) => Supplier::Asked(format!("{run} python -VV")),
            _ => Supplier::Unknown(
                "cachelint doesn't know which environment `conda run` uses".to_owned(),
            ),
        }
    }

    /// An environment file that names the minor version: `python=3.13`.
    fn pins_python(&self, path: &str) -> bool {
        self.read(path).is_some_and(|text| {
            let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
            let mut words =
                lines.flat_map(|l| l.split(|c: char| c.is_whitespace() || "[],\"'".contains(c)));
            words.any(|word| {
                let version = word.strip_prefix("python=").map(|v| v.trim_start_matches('='));
                let minor = version.and_then(|v| v.split('.').nth(1));
                minor.is_some_and(|minor| minor.starts_with(|c: char| c.is_ascii_digit()))
            })
        })
    }

    fn conda(&self, set_up: &SetUp) -> Supplier {
        if set_up.files.iter().any(|file| self.pins_python(file)) {
            return Supplier::Files(set_up.files.clone());
        }
        if set_up.versions.as_ref().is_none_or(|v| !v.is_empty()) {
            return Supplier::Fixed;
        }
        let login = self.default_shell().is_some_and(|shell| {
            shell.contains("-l") || shell.contains("el") || shell.contains("micromamba")
        });
        if login {
            return Supplier::Asked("python -VV".to_owned());
        }
        // Only the steps that run nox have a login shell, which activates the environment.
        let own = self.step().and_then(|step| step.shell.as_ref());
        if own.is_some_and(|shell| is_login_bash(&shell.text)) {
            return Supplier::Asked("bash -lc 'python -VV'".to_owned());
        }
        Supplier::Unknown(format!("no file says which Python `{}` installs", set_up.action))
    }

    /// `None` where its files say nothing of Python.
    fn mise(&self, set_up: &SetUp) -> Option<Supplier> {
        let entry = |text: String| {
            text.lines().find_map(|line| {
                let rest = line.trim().strip_prefix("python")?;
                rest.starts_with([' ', '=', '\t'])
                    .then(|| rest.trim_matches([' ', '=', '\t', '"', '\'', '[', ']']).to_owned())
            })
        };
        let named = set_up.files.iter().find_map(|path| entry(self.read(path)?))?;
        let locked = set_up.files.iter().any(|f| f.ends_with(".lock"));
        let exact = named.matches('.').count() == 2
            && named.chars().all(|c| c.is_ascii_digit() || c == '.');
        Some(if exact || locked {
            Supplier::Files(set_up.files.clone())
        } else {
            Supplier::Asked("python -VV".to_owned())
        })
    }

    /// The last step that exports where its Python is.
    pub fn location(&self) -> Option<&'a SetUp> {
        self.set_ups.iter().rev().find(|s| s.location).copied()
    }

    /// The versions that steps set up for sessions, as far as they are known.
    fn asked_versions(&self) -> Vec<&'a str> {
        let versions = self.set_ups.iter().filter(|s| !s.uv).flat_map(|s| &s.versions);
        versions.flatten().map(String::as_str).collect()
    }

    /// uv is there to choose interpreters.
    pub fn has_uv(&self) -> bool {
        let launched = self.invocation.launcher.as_deref().is_some_and(|l| l.starts_with("uv"));
        launched || self.set_ups.iter().any(|s| s.uv) || self.scripts.name_uv()
    }

    /// uv may take a Python of the runner.
    pub fn takes_system_pythons(&self) -> bool {
        !self.is_set_to("UV_PYTHON_PREFERENCE", "only-managed")
            && !self.is_set_to("UV_MANAGED_PYTHON", "1")
    }

    /// The runner's image changes while its label stays.
    pub fn label_floats(&self) -> bool {
        self.labels.iter().any(|label| label.ends_with("-latest"))
    }

    fn downloads(&self) -> bool {
        let says = |text: &str| python_downloads().iter().any(|word| text.contains(word));
        let file_says = |path: &String| {
            self.context.repository.files().read(path).is_some_and(|text| says(&text))
        };
        says(&self.invocation.command)
            || self.entries().any(|(name, _)| says(name))
            || self.scripts.name_downloads()
            || self.invocation.run.definition_files.iter().any(file_says)
    }
}

/// `bash -el {0}`: bash reads the profile in which conda's environment is activated.
fn is_login_bash(shell: &str) -> bool {
    let mut words = shell.split_whitespace();
    let is_bash = words.next().is_some_and(|program| program.rsplit('/').next() == Some("bash"));
    let is_login = |option: &str| {
        let letters = option.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
        option == "--login" || letters.is_some_and(|letters| letters.contains('l'))
    };
    is_bash && words.any(is_login)
}

/// The scripts of the steps up to a call.
fn scripts<'a>(
    context: &'a JobContext<'a>,
    event: &'a Event,
    invocation: &Invocation,
) -> EarlierScripts<'a> {
    let inner = (event.step_ref != event.outer).then_some(event.step_ref);
    let scripts = std::iter::once(event.outer).chain(inner).flat_map(|step_ref| {
        let list = context.repository.documents[step_ref.document].steps(step_ref.job);
        let steps = list.map_or(&[][..], |l| l.steps.get(..=step_ref.step).unwrap_or_default());
        let last = steps.len().saturating_sub(1);
        steps.iter().enumerate().flat_map(move |(at, step)| {
            // What an earlier action of the repository runs has been run, too.
            let action = (at < last).then(|| action_steps(context, invocation, step));
            let inside = action.flatten().map_or(&[][..], |list| list.steps.as_slice());
            inside.iter().chain([step]).filter_map(|step| step.run.as_ref())
        })
    });
    EarlierScripts::new(scripts.map(|script| script.text.as_str()).collect())
}

/// The steps of the repository's own action that a step uses.
fn action_steps<'a>(
    context: &JobContext<'a>,
    invocation: &Invocation,
    step: &Step,
) -> Option<&'a StepList> {
    let path = in_workspace("", local(&step.uses.as_ref()?.text)?)?;
    let inside = path.strip_prefix(invocation.checkout.as_str()).unwrap_or(&path);
    let action = context.repository.action_in(inside.trim_start_matches('/'))?;
    context.repository.documents[action].steps(None)
}
