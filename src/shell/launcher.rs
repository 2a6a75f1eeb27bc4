//! What a command really runs: launchers and wrappers are removed, guided by
//! `rules/launchers.yaml`.

mod inputs;

use self::inputs::{given, is_script};
use super::word::{Word, WordPart};
use super::{Command, Directory, Host, Shell};
use crate::base::text::Span;
use crate::rules::launchers::{Effect, LAUNCHERS, Launcher, Operand, Options};

/// How the program of a call is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallKind {
    Program,
    /// `python -m name`.
    Module,
    /// A script file, by its path as written.
    Script(String),
}

/// A command without its launchers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnwrappedCommand {
    /// Launchers that were removed, outermost first: `sudo`, `uv run`.
    pub launchers: Vec<String>,
    pub kind: CallKind,
    pub program: Word,
    /// The program's name without folder, ending and version; `None` when it is not known.
    pub name: Option<String>,
    pub args: Vec<Word>,
    /// Variables that the script sets for it, by name, later ones win; `None` is a value that is
    /// not known.
    pub env: Vec<(String, Option<String>)>,
    pub directory: Directory,
    /// The interpreter that a launcher was asked for (`uvx --python 3.12`).
    pub python: Option<Word>,
    pub host: Host,
}

/// A place where a tool is really run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub kind: CallKind,
    /// The innermost launcher, for display.
    pub launcher: Option<String>,
    pub program: Word,
    pub program_span: Span,
    pub args: Vec<Word>,
    /// Offset in the original script, directly after the program word, where a word may be
    /// inserted. `None` where the program isn't in the script but in a variable or an
    /// expression.
    pub insert_at: Option<usize>,
    /// As in [`UnwrappedCommand::env`].
    pub env: Vec<(String, Option<String>)>,
    pub directory: Directory,
    pub conditional: bool,
    pub host: Host,
    pub python: Option<Word>,
    /// Whether the call is inside a quoted script (`bash -c "…"`).
    pub nested: bool,
}

/// The calls of `tool` that `command` makes. Scripts inside a command are commands of their own in
/// [`super::commands`].
pub fn calls(command: &Command, tool: &str) -> Vec<Call> {
    program(command).and_then(|unwrapped| unwrapped.call(command, tool)).into_iter().collect()
}

impl UnwrappedCommand {
    /// The call of `tool` that this is, with `command` around it.
    pub fn call(&self, command: &Command, tool: &str) -> Option<Call> {
        let is_script = self
            .name
            .as_deref()
            .is_some_and(|n| LAUNCHERS.scripts.get(tool).is_some_and(|s| s == n));
        let kind = match &self.kind {
            CallKind::Script(path) if is_script => CallKind::Script(path.clone()),
            CallKind::Program if is_script => CallKind::Script(path_of(&self.program)),
            kind @ (CallKind::Program | CallKind::Module) if self.name.as_deref() == Some(tool) => {
                kind.clone()
            }
            _ => return None,
        };
        let Self { launchers, program, args, env, directory, python, host, .. } = self.clone();
        Some(Call {
            kind,
            launcher: launchers.last().cloned(),
            insert_at: program.ends_in_script().then_some(program.span.end),
            program_span: program.span,
            program,
            args,
            env,
            directory,
            conditional: command.conditional,
            host,
            python,
            nested: command.nested,
        })
    }
}

/// What `command` runs without its launchers; `None` where that is not a program or cannot be
/// decided.
pub fn program(command: &Command) -> Option<UnwrappedCommand> {
    match unwrapped(command)? {
        Unwrapped::Program(unwrapped) => Some(unwrapped),
        Unwrapped::Inline(_) => None,
    }
}

/// A shell script given on a command line.
pub(super) struct Inline {
    pub shell: Shell,
    pub parts: Vec<WordPart>,
    /// The launchers around it, with their effects.
    pub unwrapped: UnwrappedCommand,
}

/// What is left of a command without its launchers.
pub(super) enum Unwrapped {
    Program(UnwrappedCommand),
    Inline(Inline),
}

/// More launchers around a program than this are not removed; each takes as long as all before
/// it.
const MAX_LAUNCHERS: usize = 32;

fn path_of(word: &Word) -> String {
    word.value.clone().unwrap_or_else(|| word.raw.clone())
}

/// `command` without its launchers; `None` where that cannot be decided.
pub(super) fn unwrapped(command: &Command) -> Option<Unwrapped> {
    let first = command.words.first()?;
    let assignments =
        command.assignments.iter().map(|(name, word)| (name.clone(), word.value.clone()));
    let mut run = Unwrapping {
        words: &command.words,
        here_document: command.here_document.as_ref(),
        appends: false,
        inputs: None,
        at: 1,
        script: None,
        unwrapped: UnwrappedCommand {
            launchers: Vec::new(),
            kind: CallKind::Program,
            program: first.clone(),
            name: first.program_name(),
            args: Vec::new(),
            env: command.exports.iter().cloned().chain(assignments).collect(),
            directory: command.directory.clone(),
            python: None,
            host: command.host.clone(),
        },
    };
    // Each round consumes a word, so this ends.
    loop {
        if run.unwrapped.launchers.len() > MAX_LAUNCHERS {
            return None;
        }
        match run.step()? {
            UnwrapStep::Launched => {}
            UnwrapStep::Done => break,
            UnwrapStep::Script(shell, parts) => {
                return Some(Unwrapped::Inline(Inline { shell, parts, unwrapped: run.unwrapped }));
            }
        }
    }
    let args = run.words.get(run.at..).unwrap_or_default();
    run.unwrapped.args = given(args, run.appends, run.inputs.as_deref());
    if run.inputs.is_some() && is_script(&run.unwrapped.program) {
        return None;
    }
    Some(Unwrapped::Program(run.unwrapped))
}

enum UnwrapStep {
    /// A launcher was removed; the next program is in place.
    Launched,
    /// The program isn't a launcher.
    Done,
    Script(Shell, Vec<WordPart>),
}

/// What an option list led to.
enum OptionsEnd {
    /// Operands start here.
    Operands,
    /// The next word is the program, whatever it looks like.
    Program,
    /// An option named the program.
    Named(CallKind, Word),
    /// From here on all is a script.
    Joined,
}

/// An option that matters, with its value.
struct OptionValue {
    effect: Effect,
    value: Option<Word>,
}

struct Unwrapping<'a> {
    words: &'a [Word],
    here_document: Option<&'a Vec<WordPart>>,
    /// A launcher adds words that nobody knows before the run.
    appends: bool,
    /// The word after which it may be given these.
    inputs: Option<String>,
    /// The word after the program so far.
    at: usize,
    /// A script that an option gave.
    script: Option<Word>,
    unwrapped: UnwrappedCommand,
}

impl Unwrapping<'_> {
    fn step(&mut self) -> Option<UnwrapStep> {
        if let CallKind::Script(_) = self.unwrapped.kind {
            return Some(UnwrapStep::Done);
        }
        let Some(name) = self.unwrapped.name.clone() else { return Some(UnwrapStep::Done) };
        let mut candidates = LAUNCHERS.launchers.iter().filter(|l| l.is_program(&name));
        let Some((launcher, at)) = candidates.find_map(|l| Some((l, self.subcommands(l)?))) else {
            return Some(UnwrapStep::Done);
        };
        self.at = at;
        if launcher.operand == Operand::Dashes {
            self.at +=
                1 + self.words.get(at..)?.iter().position(|w| w.value.as_deref() == Some("--"))?;
            self.unwrapped.launchers.push(launcher.label());
            return self.enter_next(CallKind::Program, launcher);
        }
        if launcher.container {
            self.unwrapped.host = Host::Container {
                mounts: Vec::new(),
                platform: None,
                workdir: None,
                defined_elsewhere: launcher.defined_elsewhere,
            };
        }
        let parsed = self.options(&launcher.options, launcher)?;
        self.unwrapped.launchers.push(launcher.label());
        self.appends |= launcher.appends;
        if launcher.inputs.is_some() {
            self.inputs.clone_from(&launcher.inputs);
        }
        let shell = || launcher.shell.as_deref().map(Shell::from_spec);
        if let Some(script) = self.script.take() {
            return Some(UnwrapStep::Script(shell()?, script.parts));
        }
        match parsed {
            OptionsEnd::Joined => return Some(UnwrapStep::Script(shell()?, self.joined())),
            OptionsEnd::Program => return self.enter_next(CallKind::Program, launcher),
            OptionsEnd::Named(kind, word) => return Some(self.enter(kind, word, launcher)),
            OptionsEnd::Operands => {}
        }
        self.at += launcher.skip;
        if launcher.skip > 0 && launcher.operand != Operand::Program {
            // `su user -c script`: programs that take a script have options after an operand too.
            self.options(&launcher.options, launcher)?;
            if let Some(script) = self.script.take() {
                return Some(UnwrapStep::Script(shell()?, script.parts));
            }
        }
        match launcher.operand {
            Operand::Joined => Some(UnwrapStep::Script(shell()?, self.joined())),
            // Without a file, or with `-`, the script is what the program reads.
            Operand::Script if self.reads_input() => {
                Some(UnwrapStep::Script(shell()?, self.here_document?.clone()))
            }
            Operand::Script => {
                self.enter_next(CallKind::Script(path_of(self.words.get(self.at)?)), launcher)
            }
            Operand::Program | Operand::Dashes => self.enter_next(CallKind::Program, launcher),
        }
    }

    /// Whether no file is named, so that a script is read from a here-document.
    fn reads_input(&self) -> bool {
        self.here_document.is_some()
            && self.words.get(self.at).is_none_or(|word| word.value.as_deref() == Some("-"))
    }

    /// Makes the next word the program.
    fn enter_next(&mut self, kind: CallKind, launcher: &Launcher) -> Option<UnwrapStep> {
        let word = self.words.get(self.at)?.clone();
        self.at += 1;
        Some(self.enter(kind, word, launcher))
    }

    fn enter(&mut self, kind: CallKind, word: Word, launcher: &Launcher) -> UnwrapStep {
        let mut name = match kind {
            CallKind::Module => word.value.clone(),
            CallKind::Program | CallKind::Script(_) => word.program_name(),
        };
        if launcher.requirement {
            name =
                word.value.as_deref().or(name.as_deref()).map(|v| requirement_name(v).to_owned());
            name = name.or_else(|| requirement_with_unknown_version(&word));
        }
        if launcher.environment_prefix {
            name = name.map(|n| n.rsplit(':').next().unwrap_or_default().to_owned());
        }
        self.unwrapped.program = word;
        self.unwrapped.name = name;
        self.unwrapped.kind = kind;
        UnwrapStep::Launched
    }

    /// Everything from the current place on as one script.
    fn joined(&self) -> Vec<WordPart> {
        let mut parts: Vec<WordPart> = Vec::new();
        for word in &self.words[self.at.min(self.words.len())..] {
            if let Some(last) = parts.last() {
                let gap = Span::new(last.span.end, word.span.start.max(last.span.end));
                parts.push(WordPart::computed(Some(" ".to_owned()), gap, false));
            }
            parts.extend(word.parts.iter().cloned());
        }
        parts
    }

    /// The place after the launcher's subcommands, if the words have them.
    fn subcommands(&mut self, launcher: &Launcher) -> Option<usize> {
        let before = (self.at, self.unwrapped.clone());
        let found = launcher.words[1..].iter().all(|expected| {
            let operands = self
                .options(&launcher.global, launcher)
                .is_some_and(|p| matches!(p, OptionsEnd::Operands));
            let fits = operands
                && self.words.get(self.at).and_then(|w| w.value.as_deref()) == Some(expected);
            self.at += usize::from(fits);
            fits
        });
        let at = self.at;
        self.at = before.0;
        if !found {
            self.unwrapped = before.1;
        }
        found.then_some(at)
    }

    /// Reads options at the current place; `None` where no program is run or that cannot be
    /// decided.
    fn options(&mut self, options: &Options, launcher: &Launcher) -> Option<OptionsEnd> {
        while let Some(word) = self.words.get(self.at) {
            let text = word.static_prefix();
            if launcher.assignments
                && let Some((name, _)) = assignment(&text)
            {
                let value =
                    word.value.as_deref().and_then(|v| Some(v.split_once('=')?.1.to_owned()));
                self.unwrapped.env.push((name.to_owned(), value));
                self.at += 1;
                continue;
            }
            let is_option = text.starts_with('-')
                || (launcher.windows && text.starts_with('/'))
                || (text.starts_with('+') && options.value.contains("+o"));
            if !is_option {
                break;
            }
            self.at += 1;
            if word.value.as_deref() == Some("--") {
                return Some(OptionsEnd::Operands);
            }
            let Some(OptionValue { effect, value }) =
                self.option(word, &text, options, launcher)?
            else {
                continue;
            };
            match effect {
                Effect::Stop => return None,
                Effect::Program => return Some(OptionsEnd::Program),
                Effect::Joined => return Some(OptionsEnd::Joined),
                Effect::Module => return Some(OptionsEnd::Named(CallKind::Module, value?)),
                Effect::File => {
                    return value
                        .map(|word| OptionsEnd::Named(CallKind::Script(path_of(&word)), word));
                }
                Effect::Script => self.script = value,
                _ => self.apply(effect, value?),
            }
        }
        Some(OptionsEnd::Operands)
    }

    /// Reads the option `word`, known to begin with `text`, and its value. `None`: not decided;
    /// `Some(None)`: it does not matter.
    fn option(
        &mut self,
        word: &Word,
        text: &str,
        options: &Options,
        launcher: &Launcher,
    ) -> Option<Option<OptionValue>> {
        let text = if launcher.windows { text.to_ascii_lowercase() } else { text.to_owned() };
        let takes = |name: &str| match options.effect.get(name).copied() {
            Some(effect) => Some((Some(effect), effect.takes_value())),
            None if options.value.contains(name) => Some((None, true)),
            None if options.flag.contains(name) => Some((None, false)),
            None => None,
        };
        let attached = |effect: Option<Effect>, length: usize| {
            Some(
                effect
                    .map(|effect| OptionValue { effect, value: Some(word.without_prefix(length)) }),
            )
        };
        if let Some((name, _)) = text.split_once('=') {
            return attached(takes(name).and_then(|(effect, _)| effect), name.len() + 1);
        }
        if let Some((effect, value)) = takes(&text).filter(|_| word.value.is_some()) {
            return self.detached(effect, value);
        }
        if launcher.numeric && text[1..].starts_with(|c: char| c.is_ascii_digit()) {
            let version = text[1..].trim_end_matches("-32").trim_end_matches("-64");
            return version.chars().all(|c| c.is_ascii_digit() || c == '.').then_some(None);
        }
        if text.starts_with("--") || launcher.windows {
            return None;
        }
        let sign = text.chars().next()?;
        let mut letters = text.char_indices().skip(1).peekable();
        while let Some((at, letter)) = letters.next() {
            let (effect, value) = takes(&format!("{sign}{letter}"))?;
            if value && (letters.peek().is_some() || word.value.is_none()) {
                return attached(effect, at + letter.len_utf8());
            }
            if value || effect.is_some() {
                return self.detached(effect, value);
            }
        }
        word.value.is_some().then_some(None)
    }

    /// An option whose value, if it takes one, is the next word.
    fn detached(
        &mut self,
        effect: Option<Effect>,
        takes_value: bool,
    ) -> Option<Option<OptionValue>> {
        let value = if takes_value { Some(self.words.get(self.at)?.clone()) } else { None };
        self.at += usize::from(takes_value);
        Some(effect.map(|effect| OptionValue { effect, value }))
    }

    fn apply(&mut self, effect: Effect, word: Word) {
        if effect == Effect::Directory {
            self.unwrapped.directory = self.unwrapped.directory.enter(word.value.as_deref());
        } else if effect == Effect::Python {
            self.unwrapped.python = Some(word);
        } else if effect == Effect::Environment {
            let value =
                word.value.as_deref().and_then(|v| v.split_once('=')).map(|(_, v)| v.to_owned());
            if let Some((name, _)) = assignment(&word.static_prefix()) {
                self.unwrapped.env.push((name.to_owned(), value));
            }
        } else if let Host::Container { mounts, platform, workdir, .. } = &mut self.unwrapped.host {
            match effect {
                Effect::Mount => mounts.push(word),
                Effect::Platform => *platform = Some(word),
                Effect::Workdir => *workdir = Some(Box::new(word)),
                _ => {}
            }
        }
    }
}

/// `A=b`, split.
fn assignment(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.split_once('=')?;
    let first = name.chars().next()?;
    let fits =
        !first.is_ascii_digit() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    fits.then_some((name, value))
}

/// The name in a requirement: `nox` in `nox[uv]==2026.7` and `nox@2026.7`.
fn requirement_name(text: &str) -> &str {
    let end = text.find(['[', '@', '=', '<', '>', '~', '!', ';', ' ']).unwrap_or(text.len());
    &text[..end]
}

/// The name in `nox@$VERSION`.
fn requirement_with_unknown_version(word: &Word) -> Option<String> {
    let prefix = word.static_prefix();
    let name = requirement_name(&prefix);
    (name.len() < prefix.len()).then(|| name.to_owned())
}
