//! Steps with `run:`: calls of the tool, publishing commands, variables written for later steps.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::sync::Arc;

use super::actions::program_output;
use super::arguments::{argument, each_choice};
use super::event::{EventKind, Invocation};
use super::exported::exports;
use super::first_line::by_first_line;
use super::folder::Removal;
use super::followed::CommandOrigin;
use super::granted::granted_by;
use super::state::{CheckoutPlace, in_workspace, prefixed};
use super::timeline::{Here, TimelineBuilder};
use crate::actions::Scalar;
use crate::actions::context::{HOME, TEMPORARY, WORKSPACE};
use crate::actions::expr::{Eval, TemplatePart, Value, eval_template, parse_template};
use crate::base::text::Span;
use crate::repo::words::{Goal, is_composed};
use crate::rules::folders::folders;
use crate::rules::publishers::publishers;
use crate::rules::setup_actions::setup_actions;
use crate::shell::{
    Call, CallKind, Command, Directory, Expanded, Given, Host, Shell, TOP_FOLDER, UnwrappedCommand,
    Word,
};
use crate::tool::{Answer, Argument, Files, Request, Run, TooMuchWork, Variable};

/// The longest text of a command shown to people.
const MAX_SHOWN: usize = 80;
/// Variables that every run has (docs.github.com, default environment variables; Forgejo and Gitea
/// set them too).
const ALWAYS_SET: [(&str, &str); 5] = [
    ("CI", "true"),
    ("GITHUB_ACTIONS", "true"),
    ("GITHUB_WORKSPACE", WORKSPACE),
    ("HOME", HOME),
    (RUNNER_TEMP, TEMPORARY),
];
/// In a container it is another folder than `runner.temp` says.
const RUNNER_TEMP: &str = "RUNNER_TEMP";

/// The operating system of the runner, in every run.
const RUNNER_OS: &str = "RUNNER_OS";

impl TimelineBuilder<'_> {
    pub(super) fn run(&mut self, here: Here<'_>) {
        let Some(script) = &here.step.run else { return };
        let (folder, shell) = (self.working_directory(here), self.shell(here));
        let before = self.events.len();
        self.script(here, script, shell, folder, false);
        self.granted(here, script.span, before);
    }

    /// Reads a script that starts in `folder`.
    pub(super) fn script(
        &mut self,
        here: Here<'_>,
        script: &Scalar,
        shell: Shell,
        folder: Option<String>,
        in_container: bool,
    ) {
        self.read_by_hit(here, &script.text, |builder| {
            builder.expand(here, script, shell.clone(), folder.clone(), in_container);
        });
    }

    /// Puts known values into a script and reads it.
    fn expand(
        &mut self,
        here: Here<'_>,
        script: &Scalar,
        shell: Shell,
        folder: Option<String>,
        in_container: bool,
    ) {
        let scope = self.scope_at(here);
        let Ok(template) = parse_template(&script.text) else {
            let why = "the script contains an expression that cachelint can't read";
            return self.undecide(here, script.span, why);
        };
        let holes: Vec<(Span, Option<String>)> = template
            .parts
            .iter()
            .filter_map(|part| match part {
                TemplatePart::Literal { .. } => None,
                TemplatePart::Expr { expr, span } => {
                    let one = crate::actions::expr::Template { parts: vec![part.clone()] };
                    let value = eval_template(&one, &scope).known().map(Value::to_text);
                    Some((*span, value.or_else(|| program_output(here, expr))))
                }
            })
            .collect();
        let expanded = Expanded::new(&script.text, &holes);
        self.state.exporting.extend(exports(expanded.text()));
        if self.may_tell(&script.text, expanded.text()) {
            self.read(here, script, expanded, shell, folder, in_container);
        }
        // What a step exports reaches the steps after it.
        let exporting = std::mem::take(&mut self.state.exporting);
        self.state.exported.extend(exporting);
    }

    /// Whether a script may run the tool or publish, itself or through files: no other needs to be
    /// read.
    fn may_tell(&self, script: &str, expanded: &str) -> bool {
        is_composed(script)
            || folders().may_matter(expanded)
            || self.repository.words.lead(&[script, expanded], self.repository.files(), Goal::Event)
    }

    fn read(
        &mut self,
        here: Here<'_>,
        script: &Scalar,
        expanded: Expanded,
        shell: Shell,
        folder: Option<String>,
        in_container: bool,
    ) {
        let foreign =
            matches!(shell, Shell::Python | Shell::Other(_)) && self.mentions_tool(expanded.text());
        let before = self.events.len();
        let map = OnceCell::new();
        let origin =
            CommandOrigin { in_container, ..CommandOrigin::step(here, script, &map, folder) };
        let files = |path: &str| self.text_of(origin.folder.as_deref()?, path);
        let given = Given { vars: &|name| self.variable(&origin, &[], name), files: &files };
        let all = self.repository.scripts.read(shell, expanded, &given);
        for read in &all.commands {
            self.command(&origin, &read.command, read.program.as_ref());
        }
        if foreign && self.events[before..].iter().all(|e| e.invocation().is_none()) {
            let why = "the script mentions nox, but cachelint reads only plain commands in its \
                       language; a bash step that calls nox would help";
            self.undecide(here, script.span, why);
        }
        if let Some(why) = &all.cut {
            self.undecide(here, script.span, why);
        }
    }

    /// The text of a file that a script in a folder of the workspace names.
    pub(super) fn text_of(&self, folder: &str, path: &str) -> Option<String> {
        let place = self.state.place(&in_workspace(folder, path)?);
        self.files(&place).read(&place.inside).map(|text| text.to_string())
    }

    /// The known value of an environment variable at the start of a script.
    pub(super) fn variable(
        &self,
        origin: &CommandOrigin<'_>,
        own: &[(String, Option<String>)],
        name: &str,
    ) -> Option<String> {
        match self.lookup(origin, own, name) {
            Variable::Set(value) => Some(value),
            Variable::Unset | Variable::Unknown => None,
        }
    }

    /// An environment variable of a command; `own` is what its script sets for it.
    pub(super) fn lookup(
        &self,
        origin: &CommandOrigin<'_>,
        own: &[(String, Option<String>)],
        name: &str,
    ) -> Variable {
        if let Some((_, value)) = origin.env.iter().chain(own).rev().find(|(n, _)| n == name) {
            return value.clone().map_or(Variable::Unknown, Variable::Set);
        }
        if name == TOP_FOLDER {
            let Some(folder) = &origin.folder else { return Variable::Unknown };
            let place = self.state.place(folder);
            return Variable::Set(prefixed(WORKSPACE, &place.checkout));
        }
        match self.scope_at(origin.here).variable(name) {
            Some(Eval::Known(value)) => Variable::Set(value.to_text()),
            Some(_) => Variable::Unknown,
            None if name == RUNNER_OS => {
                self.runner_os.map_or(Variable::Unknown, |os| Variable::Set(os.to_owned()))
            }
            None if name == RUNNER_TEMP && self.job.is_some_and(|job| job.container.is_some()) => {
                Variable::Unknown
            }
            None => ALWAYS_SET
                .iter()
                .find(|(n, _)| *n == name)
                .map_or(Variable::Unset, |(_, v)| Variable::Set((*v).to_owned())),
        }
    }

    /// Looks at what a command runs; `program` is that without launchers.
    pub(super) fn command(
        &mut self,
        origin: &CommandOrigin<'_>,
        command: &Command,
        program: Option<&UnwrappedCommand>,
    ) {
        let Some(unwrapped) = program else { return self.not_unwrapped(origin, command) };
        if let Some(call) = unwrapped.call(command, self.repository.answers.tool().name()) {
            for call in each_choice(call) {
                self.call(origin, command, &call);
            }
            return;
        }
        if unwrapped.call(command, &setup_actions().builds_wheels.program).is_some() {
            let span = self.span_in_step(origin, command.span);
            return self.wheels(origin.here, origin.script, span);
        }
        if let Some(name) = unwrapped.program.program_name() {
            let arguments: Vec<&str> =
                unwrapped.args.iter().filter_map(|a| a.value.as_deref()).collect();
            if let Some(what) = publishers().command(&name, &arguments) {
                let span = self.span_in_step(origin, command.span);
                self.push(origin.here, span, EventKind::Publish { what: what.to_owned() });
            }
        }
        if !self.folder_command(origin, command, unwrapped)
            && !self.follow_command(origin, command, unwrapped)
        {
            self.not_followed(origin, command, unwrapped);
        }
    }

    /// The folder of the workspace that a command runs in, and whether that is inside a container
    /// of its own. `None`: not known. `Some(None)`: nothing it writes stays.
    pub(super) fn folder_of(
        &self,
        origin: &CommandOrigin<'_>,
        directory: &Directory,
        host: &Host,
    ) -> Option<Option<(String, bool)>> {
        if let Host::Container { mounts, workdir, .. } = host {
            let Some(mount) = mounts.iter().find(|m| is_workspace_mount(m)) else {
                return Some(None);
            };
            return Some(Some((inside_mount(mount, workdir.as_deref()), true)));
        }
        let folder = match directory {
            Directory::Unchanged => origin.folder.clone(),
            Directory::Into(path) => {
                origin.folder.as_deref().and_then(|folder| in_workspace(folder, path))
            }
            Directory::Unknown => None,
        };
        folder.map(|folder| Some((folder, origin.in_container)))
    }

    fn call(&mut self, origin: &CommandOrigin<'_>, command: &Command, call: &Call) {
        if !self.spend_call(origin.here) {
            return;
        }
        let text = shown(origin.text, command.span);
        let (at, in_container, stays) = match self.folder_of(origin, &call.directory, &call.host) {
            Some(Some((at, in_container))) => (at, in_container, true),
            Some(None) if is_defined_elsewhere(&call.host) => {
                let why = format!(
                    "`{text}` runs in a container that is defined elsewhere, so cachelint doesn't \
                     know where its environments are kept"
                );
                return self.undecide_command(origin, command, why);
            }
            Some(None) => (String::new(), false, false),
            None => {
                let why = format!("`{text}` runs in an unknown folder");
                return self.undecide_command(origin, command, why);
            }
        };
        let place = self.state.place(&at);
        let launched = self.launched(call, &place);
        let (launcher, python) = launched
            .as_ref()
            .map_or((&call.launcher, &call.python), |inner| (&inner.launcher, &inner.python));
        let answer = self.ask_about(origin, call, &place);
        let Some(mut run) = self.spend_answer(origin.here, answer) else { return };
        if place.own && !self.external_callers && run.definition_files.is_empty() {
            // Without a noxfile nox fails; only a workflow that other repositories call may count
            // on theirs.
            let run = Arc::make_mut(&mut run);
            (run.creates_by_default, run.off_by_default) = (false, false);
        }
        self.add_listed_sessions(origin.here, &mut run, &place);
        if !stays {
            let why =
                format!("`{text}` builds in a container of its own, so what it builds is lost");
            self.mention(origin.here, why);
            let run = Arc::make_mut(&mut run);
            run.env_dirs.clear();
            run.creates_env = Answer::No;
            run.why = "its container is thrown away, along with what nox builds in it".to_owned();
        }
        let folders = run.env_dirs.iter().map(|dir| prefixed(&place.checkout, dir)).collect();
        let (insert_at, no_insert_reason) = self.insertion(origin, command, call);
        let span = self.span_in_step(origin, command.span);
        let invocation = Invocation {
            command: text,
            launcher: launcher.clone(),
            python: python.as_ref().map(|w| w.value.clone().unwrap_or_else(|| w.raw.clone())),
            run,
            folders,
            checkout: place.checkout,
            own: place.own,
            insert_at,
            no_insert_reason,
            action: None,
            conditional: call.conditional || origin.conditional,
            in_container,
        };
        let outer = self.via.len();
        self.via.extend(origin.via.iter().cloned());
        if origin.file_script.is_some() {
            self.via.push(self.place_of(origin, command.span));
        }
        let made = effects(&invocation, self.credential(origin, call));
        self.push(origin.here, span, EventKind::Run(Box::new(invocation)));
        made.into_iter().for_each(|kind| self.push(origin.here, span, kind));
        self.via.truncate(outer);
    }

    /// A call of a script as its first line makes it, where that names a launcher.
    fn launched(&self, call: &Call, place: &CheckoutPlace) -> Option<Call> {
        let CallKind::Script(path) = &call.kind else { return None };
        let text = self.files(place).read(&in_workspace(&place.inside, path)?)?;
        by_first_line(call, &text, self.repository.answers.tool().name())
    }

    /// What the tool says about a call of a script.
    pub(super) fn ask_about(
        &self,
        origin: &CommandOrigin<'_>,
        call: &Call,
        place: &CheckoutPlace,
    ) -> Result<Arc<Run>, TooMuchWork> {
        let env = |name: &str| self.lookup(origin, &call.env, name);
        let args: Vec<Argument> = call.args.iter().map(argument).collect();
        let script = match &call.kind {
            CallKind::Script(path) => Some(path.as_str()),
            _ => None,
        };
        let request = Request {
            args: &args,
            env: &env,
            folder: &place.inside,
            script,
            files: self.files(place),
        };
        self.ask(&request, place)
    }

    /// Where the reuse flag may be inserted in the file, or why nowhere.
    fn insertion(
        &self,
        origin: &CommandOrigin<'_>,
        command: &Command,
        call: &Call,
    ) -> (Option<usize>, Option<Cow<'static, str>>) {
        if origin.file_script.is_some() {
            let place = self.place_of(origin, command.span);
            let text = self.repository.files().read(&place.path);
            let before = text.as_deref().and_then(|text| text.get(..place.span.start));
            let line = before.map_or(String::new(), |before| {
                format!(", line {}", before.matches('\n').count() + 1)
            });
            let flag = self.repository.answers.tool().reuse_flag().to_owned();
            let why = format!(
                "the nox command is in `{}`{line}, which cachelint doesn't edit; add `{flag}` there",
                place.path
            );
            return (None, Some(why.into()));
        }
        let step = origin.here.step;
        let mut written = step.run.iter().chain(step.with.iter().map(|(_, input)| input));
        if written.all(|script| script.node != origin.script.node) {
            let flag = self.repository.answers.tool().reuse_flag();
            let why = format!("an action runs nox from its input; add `{flag}` there yourself");
            return (None, Some(why.into()));
        }
        let Some(offset) = call.insert_at else {
            let tool = self.repository.answers.tool();
            let why = if origin.script.text.contains(tool.name()) {
                let flag = tool.reuse_flag();
                format!("nox isn't called by a plain shell command; add `{flag}` to it yourself")
            } else {
                "the word `nox` isn't in this step".to_owned()
            };
            return (None, Some(why.into()));
        };
        match origin.map() {
            Some(map) => (Some(map.insertion_offset(offset)), None),
            None => (None, Some("cachelint can't edit this script safely".into())),
        }
    }

    /// The place in the step's own document of a stretch of a script: that of the command that
    /// leads to it.
    pub(super) fn span_in_step(&self, origin: &CommandOrigin<'_>, span: Span) -> Span {
        origin.span.unwrap_or_else(|| origin.map().map_or(origin.script.span, |map| map.span(span)))
    }

    /// The folder a script starts in, relative to the workspace; `None` when not known or outside
    /// of it.
    fn working_directory(&self, here: Here<'_>) -> Option<String> {
        let written = here.step.working_directory.as_ref().or_else(|| {
            // Defaults of a job do not reach into the composite actions it uses.
            here.step_ref.job?;
            let job = self.job.and_then(|j| j.defaults.working_directory.as_ref());
            job.or_else(|| self.defaults.and_then(|d| d.working_directory.as_ref()))
        });
        match written {
            None => Some(String::new()),
            Some(scalar) => in_workspace("", &self.scope_at(here).text(&scalar.text)?),
        }
    }

    fn shell(&self, here: Here<'_>) -> Shell {
        let written = here.step.shell.as_ref().or_else(|| {
            here.step_ref.job?;
            let job = self.job.and_then(|j| j.defaults.shell.as_ref());
            job.or_else(|| self.defaults.and_then(|d| d.shell.as_ref()))
        });
        match written {
            Some(scalar) => match self.scope_at(here).text(&scalar.text) {
                Some(spec) => Shell::from_spec(&spec),
                None => Shell::Bash,
            },
            None if self.runner_os == Some("Windows") => Shell::PowerShell,
            None => Shell::Bash,
        }
    }
}

/// What the sessions of a call do besides building environments.
fn effects(call: &Invocation, credential: Option<String>) -> Vec<EventKind> {
    let mut made: Vec<EventKind> = Vec::new();
    let published = call.run.publishes.as_ref().map(|what| format!("{what} in a session"));
    let granted = credential.map(|name| granted_by(&name));
    made.extend(published.or(granted).map(|what| EventKind::Publish { what }));
    // A call that may be left out removes nothing for certain.
    let removes = call.run.removes.iter().filter(|_| !call.conditional);
    made.extend(removes.map(|folder| {
        let folder = prefixed(&call.checkout, folder);
        EventKind::Removal(Removal::of_folder(call.command.clone(), folder))
    }));
    made
}

/// The folder of the workspace in which a container starts that has it mounted.
fn inside_mount(mount: &Word, workdir: Option<&Word>) -> String {
    let target = mount.raw.trim_matches(['"', '\'']).split(':').nth(1).unwrap_or_default();
    let folder = workdir
        .and_then(|w| w.value.as_deref()?.strip_prefix(target))
        .filter(|_| !target.is_empty());
    folder.and_then(|f| in_workspace("", f.trim_start_matches('/'))).unwrap_or_default()
}

/// Whether nobody sees here what a container has mounted.
fn is_defined_elsewhere(host: &Host) -> bool {
    matches!(host, Host::Container { defined_elsewhere: true, mounts, .. } if mounts.is_empty())
}

/// `$PWD:/io`, `${{ github.workspace }}:/src`, `.:/x`.
fn is_workspace_mount(mount: &Word) -> bool {
    let raw = mount.raw.trim_matches(['"', '\'']);
    [
        "$PWD",
        "${PWD}",
        "$(pwd)",
        "`pwd`",
        "${{ github.workspace }}",
        "${{github.workspace}}",
        "$GITHUB_WORKSPACE",
        "${GITHUB_WORKSPACE}",
        ".:",
        "./:",
    ]
    .iter()
    .any(|own| {
        raw.strip_prefix(own)
            .is_some_and(|rest| own.ends_with(':') || rest.trim_start_matches('"').starts_with(':'))
    })
}

/// A command on one line, for people.
pub(super) fn shown(script: &str, span: Span) -> String {
    let text = script.get(span.range()).unwrap_or_default().replace("\\\n", " ");
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_SHOWN) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line,
    }
}
