//! What could not be decided about a job: where, why, and whether a call of the tool may hide
//! there.

use std::borrow::Cow;
use std::collections::HashMap;

use super::event::Invocation;
use super::followed::CommandOrigin;
use super::summary::creates;
use super::timeline::{Here, Timeline, TimelineBuilder};
use crate::actions::Job;
use crate::base::finding::Location;
use crate::base::path::{join, parent};
use crate::base::text::Span;
use crate::repo::Repository;
use crate::repo::words::{Goal, names_tool};
use crate::rules::command_actions::{ActionFile, command_inputs};
use crate::shell::{CallKind, Command, UnwrappedCommand};
use crate::tool::{Answer, Files};

/// Where a job could not be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecided {
    /// The label says why.
    pub place: Location,
    /// A call of the tool may hide there.
    pub hides_call: bool,
    /// It only matters where no call of the tool is seen.
    only_without_calls: bool,
}

/// Words of programs that only install, show or look for what they name.
const NO_CALL: [&str; 33] = [
    "install",
    "add",
    "inject",
    "upgrade",
    "uninstall",
    "remove",
    "create",
    "download",
    "freeze",
    "show",
    "list",
    "echo",
    "printf",
    "which",
    "command",
    "type",
    "cd",
    "grep",
    "git",
    "cat",
    "ls",
    "mkdir",
    "rm",
    "find",
    "where",
    "test",
    "gh",
    "glab",
    "curl",
    "sed",
    "awk",
    "tee",
    "jq",
];

/// Programs that run none of the scripts they are given.
const LEAVES_SCRIPTS: [&str; 6] = ["chmod", "cp", "mv", "shellcheck", "shfmt", "dos2unix"];

/// What separates the words of a command that is one word of another.
const SEPARATORS: [char; 7] = [' ', '\t', '\n', '\'', '"', ';', '('];
/// Endings of scripts of a shell.
const SCRIPT_ENDINGS: [&str; 5] = [".sh", ".bash", ".ps1", ".bat", ".cmd"];
/// Files of one action that are looked at.
const MAX_ACTION_FILES: usize = 50;

/// Places that are noted for one job: nobody reads more, and each is compared with all others.
const MAX_UNDECIDED: usize = 200;

/// Everything that a job's instances leave open, each place once.
pub fn all(repository: &Repository, timelines: &[Timeline]) -> Vec<Undecided> {
    let mut all: Vec<Undecided> = Vec::new();
    let mut add = |new: Undecided| {
        if all.len() < MAX_UNDECIDED && !all.contains(&new) {
            all.push(new);
        }
    };
    for timeline in timelines {
        timeline.undecided.iter().cloned().for_each(&mut add);
        for (event, call) in timeline.invocations() {
            let hides_call = is_open(call);
            for why in &call.run.undecided {
                let label = format!("`{}`: {why}", call.command);
                let own = &repository.documents[event.step_ref.document].path;
                let (path, span) = match event.via.last() {
                    Some(via_place) if event.step_ref == event.outer || &via_place.path != own => {
                        (via_place.path.clone(), via_place.span)
                    }
                    _ => (own.clone(), event.span),
                };
                let place = Location { path, span, label };
                add(Undecided { place, hides_call, only_without_calls: false });
            }
        }
    }
    all
}

/// Whether it is open if a job builds environments at all: some call may hide, or what a call does
/// is not known, and no other call builds any.
pub fn is_undecided(timelines: &[Timeline]) -> bool {
    let hidden = timelines.iter().flat_map(|t| &t.undecided).any(|u| u.hides_call);
    let (mut open, mut builds) = (false, false);
    for (_, call) in timelines.iter().flat_map(Timeline::invocations) {
        open |= is_open(call);
        builds |= creates(call) == Answer::Yes;
    }
    !builds && (open || hidden)
}

/// Whether a call builds environments is not known.
fn is_open(call: &Invocation) -> bool {
    creates(call) == Answer::Unknown
}

/// The words of a command inside a text.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split(SEPARATORS).filter(|piece| !piece.is_empty())
}

/// The parts of a text that may be names of files.
fn name_parts(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    text.split(move |c| !is_part(c)).filter(|part| !part.is_empty())
}

impl TimelineBuilder<'_> {
    /// A call of the tool may hide in a step.
    pub fn undecide<'w>(&mut self, here: Here<'_>, span: Span, why: impl Into<Cow<'w, str>>) {
        let place = self.location(here, span, &why.into());
        self.add(Undecided { place, hides_call: true, only_without_calls: false });
    }

    /// Not all instances of the job are looked at.
    pub fn undecide_instances(&mut self, why: &str) {
        let path = self.repository.documents[self.instance.job_ref.document].path.clone();
        let span = self.job.map_or_else(Span::default, |job| job.id_span);
        let place = Location { path, span, label: why.to_owned() };
        self.add(Undecided { place, hides_call: true, only_without_calls: false });
    }

    /// A call of the tool may hide in a command.
    pub fn undecide_command(&mut self, origin: &CommandOrigin<'_>, command: &Command, why: String) {
        let place = Location { label: why, ..self.place_of(origin, command.span) };
        self.add(Undecided { place, hides_call: true, only_without_calls: false });
    }

    /// Something of a step is not known that hides no call by itself.
    pub fn mention<'w>(&mut self, here: Here<'_>, why: impl Into<Cow<'w, str>>) {
        let place = self.location(here, here.step.span, &why.into());
        self.add(Undecided { place, hides_call: false, only_without_calls: false });
    }

    fn add(&mut self, new: Undecided) {
        if self.undecided.len() < MAX_UNDECIDED && !self.undecided.contains(&new) {
            self.undecided.push(new);
        }
    }

    /// A command that was not followed: says so where the tool may be at its end.
    pub fn not_followed(
        &mut self,
        origin: &CommandOrigin<'_>,
        command: &Command,
        unwrapped: &UnwrappedCommand,
    ) {
        let text = || super::commands::shown(origin.text, command.span);
        if unwrapped.name.is_none() && unwrapped.program.value.is_none() {
            let place = Location {
                label: format!(
                    "cachelint doesn't know which program `{}` runs; name it in the step, or list \
                     the nox commands there",
                    text()
                ),
                ..self.place_of(origin, command.span)
            };
            self.add(Undecided { place, hides_call: true, only_without_calls: true });
            return;
        }
        let words: Vec<&str> = unwrapped.args.iter().filter_map(|w| w.value.as_deref()).collect();
        let name = unwrapped.name.as_deref().unwrap_or_default();
        let installs = words.iter().chain([&name]).any(|word| NO_CALL.contains(word));
        if let Some(path) = self.written_script(origin, unwrapped) {
            let why = format!(
                "cachelint can't follow `{path}`, which this step writes; a step that calls nox \
                 itself would help"
            );
            return self.undecide_command(origin, command, why);
        }
        if let Some(path) = script_path(unwrapped)
            && path.rsplit('/').next().is_some_and(|name| self.is_named_for_tool(name))
        {
            let why = format!(
                "judging by its name, `{path}` may run nox, but cachelint can't follow it; a step \
                 that calls nox itself would help"
            );
            return self.undecide_command(origin, command, why);
        }
        // A command in one word, for another machine: `ssh host 'cd app && nox -s tests'`.
        let pieces: Vec<&str> = words.iter().flat_map(|word| pieces(word)).collect();
        if self.call_stands_in(&pieces) && !installs {
            let why = format!(
                "`{}` may run nox, but cachelint doesn't know what `{name}` does with its \
                 arguments; a step that calls nox itself would help",
                text()
            );
            self.undecide_command(origin, command, why);
        } else if let Some(path) = words.iter().find(|word| self.is_calling_script(word))
            && !installs
            && !LEAVES_SCRIPTS.contains(&name)
        {
            let why = format!(
                "`{}` names `{path}`, which mentions nox, but cachelint doesn't know what \
                 `{name}` does with it",
                text()
            );
            let place = Location { label: why, ..self.place_of(origin, command.span) };
            self.add(Undecided { place, hides_call: false, only_without_calls: false });
        }
    }

    /// The script that a command runs, where the same step writes it and contains a call of the tool.
    fn written_script<'u>(
        &self,
        origin: &CommandOrigin<'_>,
        unwrapped: &'u UnwrappedCommand,
    ) -> Option<&'u str> {
        let path = script_path(unwrapped)?;
        let name = path.rsplit('/').next().filter(|name| !name.is_empty())?;
        let counts = origin.names.get_or_init(|| self.names_beside_call(origin.text)).as_ref()?;
        let is_twice = |part: &str| counts.get(part).is_some_and(|count| *count > 1);
        name_parts(name).all(is_twice).then_some(path)
    }

    /// How often each name is in a script; `None` where the script contains no call of the tool.
    fn names_beside_call<'t>(&self, text: &'t str) -> Option<HashMap<&'t str, usize>> {
        let words: Vec<&str> = pieces(text).collect();
        if !self.call_stands_in(&words) {
            return None;
        }
        let mut counts = HashMap::new();
        for name in name_parts(text) {
            *counts.entry(name).or_default() += 1;
        }
        Some(counts)
    }

    /// A command whose launchers have options that are not known: says so where it names the tool.
    pub fn not_unwrapped(&mut self, origin: &CommandOrigin<'_>, command: &Command) {
        let words: Vec<&str> = command.words.iter().filter_map(|w| w.value.as_deref()).collect();
        let here_document = command.here_document.iter().flatten();
        let texts = words.iter().copied().chain(here_document.filter_map(|p| p.text.as_deref()));
        let installs = words.iter().any(|word| NO_CALL.contains(word));
        if installs || !texts.into_iter().any(names_tool) {
            return;
        }
        let text = super::commands::shown(origin.text, command.span);
        let place = Location {
            label: format!(
                "`{text}` mentions nox, but cachelint can't read it; a step that calls nox \
                 itself would help"
            ),
            ..self.place_of(origin, command.span)
        };
        self.add(Undecided { place, hides_call: true, only_without_calls: true });
    }

    /// A command in a folder that is not known, which names a script.
    pub fn folder_unknown(
        &mut self,
        origin: &CommandOrigin<'_>,
        command: &Command,
        unwrapped: &UnwrappedCommand,
    ) {
        let named = unwrapped.program.raw.contains(['/', '\\'])
            || matches!(unwrapped.kind, CallKind::Script(_));
        if !named {
            return;
        }
        let words = &self.repository.words;
        if words.lead(&[&unwrapped.program.raw], self.repository.files(), Goal::Tool) {
            let text = super::commands::shown(origin.text, command.span);
            let why = format!(
                "`{text}` runs a script in an unknown folder; a literal `working-directory` \
                 would help"
            );
            self.undecide_command(origin, command, why);
        }
    }

    /// An image that a step runs with a command of its inputs.
    pub fn image(&mut self, here: Here<'_>) {
        let inputs = ["entrypoint", "args"].iter().filter_map(|name| here.step.input(name));
        let texts: Vec<&str> = inputs.map(|input| input.text.as_str()).collect();
        let command = texts.join(" ");
        let words: Vec<&str> = pieces(&command).collect();
        if self.call_stands_in(&words) {
            let why = "the step may run nox in a container, but cachelint doesn't read what it \
                       runs there; a `run:` step that calls nox would help";
            self.undecide(here, here.step.span, why);
        }
    }

    /// An action that runs the commands in a file of the repository, where that mentions the tool.
    pub fn file_of_action(&mut self, here: Here<'_>, action: &ActionFile) {
        if self.repository.file_names_tool(&action.file) {
            let why = format!(
                "`{}` runs the commands in `{}`, which mentions nox; a `run:` step that calls nox \
                 would help",
                action.action, action.file
            );
            self.undecide(here, here.step.span, why);
        }
    }

    /// An action of the repository that is not made of steps: whether its files mention the tool.
    pub fn foreign_language(&mut self, here: Here<'_>, file: &str, name: &str) {
        let files = self.repository.files();
        let folder = parent(file);
        let mut inside = files.tracked_under(folder);
        if !self.spend(here, inside.len()) {
            return;
        }
        if folder.is_empty() || inside.len() > MAX_ACTION_FILES {
            inside = vec![file.to_owned()];
        }
        if inside.iter().any(|path| self.repository.file_names_tool(path)) {
            let why = format!(
                "`./{name}` mentions nox, but cachelint only reads actions that are made of steps; \
                 a `run:` step that calls nox would help"
            );
            self.undecide(here, here.step.span, why);
        }
    }

    /// An action that is not known and has a call of the tool among its inputs.
    pub fn command_inputs(&mut self, here: Here<'_>, action: &str) {
        if let Some((input, _)) =
            here.step.with.iter().find(|(name, value)| self.may_call(name, &value.text))
        {
            let why = format!(
                "`{action}` may run the command in its input `{input}`; a `run:` step that calls \
                 nox would help"
            );
            self.undecide(here, here.step.span, why);
        } else if self.is_named_for_tool(action) {
            let why = format!(
                "`{action}` may run nox, but cachelint doesn't read actions of other repositories; \
                 a `run:` step that calls nox would help"
            );
            self.undecide(here, here.step.span, why);
        } else if let Some(path) =
            here.step.with.iter().find_map(|(_, value)| self.script_in(&value.text))
        {
            let why = format!(
                "`{action}` is given `{path}`, which mentions nox, but cachelint doesn't know what \
                 it does with it"
            );
            self.mention(here, why);
        }
    }

    /// A tracked shell script that a text names and that mentions the tool.
    fn script_in<'t>(&self, text: &'t str) -> Option<&'t str> {
        pieces(text).find(|word| self.is_calling_script(word))
    }

    /// A job that runs a workflow of another repository, which may call the tool.
    pub fn called_elsewhere(&mut self, job: &Job) {
        let Some(calls) = &job.calls else { return };
        if self.repository.called_workflow(&calls.text).is_some() {
            return;
        }
        let name = calls.text.split('@').next().unwrap_or_default();
        let input = job.with.iter().any(|(name, value)| self.may_call(name, &value.text));
        if input || self.is_named_for_tool(name) {
            let path = self.repository.documents[self.instance.job_ref.document].path.clone();
            let label = format!(
                "`{name}` may run nox, but cachelint doesn't read workflows of other repositories"
            );
            let place = Location { path, span: calls.span, label };
            self.add(Undecided { place, hides_call: true, only_without_calls: false });
        }
    }

    /// Whether an input that an action or a workflow is given may be a command that calls the tool.
    fn may_call(&self, input: &str, text: &str) -> bool {
        let tool = self.repository.answers.tool().name();
        let is_command =
            command_inputs().iter().any(|word| input.to_ascii_lowercase().contains(word.as_str()));
        text.lines().any(|line| {
            let words: Vec<&str> = pieces(line).collect();
            let installs = words.iter().any(|word| NO_CALL.contains(word));
            self.call_stands_in(&words)
                || (is_command && words.contains(&tool) && !installs)
                || (is_command && words.iter().any(|word| self.is_calling_script(word)))
        })
    }

    /// Whether a word is the path of a tracked shell script that mentions the tool.
    fn is_calling_script(&self, word: &str) -> bool {
        if !word.contains('.') {
            return false;
        }
        let files = self.repository.files();
        let path = join("", word).filter(|path| {
            SCRIPT_ENDINGS.iter().any(|ending| path.ends_with(ending)) && files.is_tracked(path)
        });
        path.is_some_and(|path| self.repository.file_names_tool(&path))
    }

    /// Whether a script in a language that is not read may call the tool: its folder alone does not
    /// say so.
    pub fn mentions_tool(&self, text: &str) -> bool {
        let folder = format!(".{}", self.repository.answers.tool().name());
        self.repository.words.spells(&text.replace(&folder, ""), Goal::Tool)
    }

    /// Whether the tool's name is a word in that of an action, a workflow or a script, and not as
    /// what it installs.
    fn is_named_for_tool(&self, name: &str) -> bool {
        let tool = self.repository.answers.tool().name();
        let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
        let installs = name.contains("setup") || name.contains("install");
        words.any(|word| word == tool) && !installs
    }

    /// Whether the tool's name is among the words with an option after it.
    fn call_stands_in(&self, words: &[&str]) -> bool {
        let tool = self.repository.answers.tool().name();
        words.windows(2).any(|pair| pair[0] == tool && pair[1].starts_with('-'))
    }

    /// What is left to say after the last step.
    pub fn settled(&mut self) -> Vec<Undecided> {
        let seen = self.events.iter().any(|e| e.invocation().is_some());
        let mut all = std::mem::take(&mut self.undecided);
        all.retain(|undecided| !(undecided.only_without_calls && seen));
        all
    }
}

/// The file that a command runs, where it names one by its path.
fn script_path(unwrapped: &UnwrappedCommand) -> Option<&str> {
    match &unwrapped.kind {
        CallKind::Script(path) => Some(path),
        _ => unwrapped.program.value.as_deref().filter(|path| path.contains('/')),
    }
}

#[cfg(test)]
mod tests;
