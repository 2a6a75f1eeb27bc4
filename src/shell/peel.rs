//! What a command really runs: launchers and wrappers are peeled off, guided by `rules/launchers.yaml`.

use super::word::{Part, Source, Word};
use super::{Command, Directory, Host, Shell};
use crate::rules::launchers::{Effect, LAUNCHERS, Launcher, Operand, Options};
use crate::text::Span;

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
pub struct Peeled {
    /// Launchers that were peeled off, outermost first: `sudo`, `uv run`.
    pub launchers: Vec<String>,
    pub kind: CallKind,
    pub program: Word,
    /// The program's name without folder, ending and version; `None` when it is not known.
    pub name: Option<String>,
    pub args: Vec<Word>,
    /// Variables that the script sets for it, by name, later ones win; `None` is a value that is not known.
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
    /// Offset in the original script, right behind the program word, where a word may be inserted. `None` where the
    /// program does not stand in the script but in a variable or an expression.
    pub insert_at: Option<usize>,
    /// As in [`Peeled::env`].
    pub env: Vec<(String, Option<String>)>,
    pub directory: Directory,
    pub conditional: bool,
    pub host: Host,
    pub python: Option<Word>,
    /// Whether the call stands inside a quoted script (`bash -c "…"`).
    pub nested: bool,
}

/// The calls of `tool` that `command` makes. Scripts inside a command are commands of their own in [`super::commands`].
pub fn calls(command: &Command, tool: &str) -> Vec<Call> {
    let Some(Outcome::Program(peeled)) = peel(command) else { return Vec::new() };
    let is_script = peeled.name.as_deref().is_some_and(|n| LAUNCHERS.scripts.get(tool).is_some_and(|s| s == n));
    let kind = match peeled.kind {
        CallKind::Script(path) if is_script => CallKind::Script(path),
        CallKind::Program if is_script => CallKind::Script(path_of(&peeled.program)),
        CallKind::Program | CallKind::Module if peeled.name.as_deref() == Some(tool) => peeled.kind,
        _ => return Vec::new(),
    };
    let program_span = peeled.program.span;
    vec![Call {
        kind,
        launcher: peeled.launchers.last().cloned(),
        insert_at: peeled.program.ends_in_script().then_some(program_span.end),
        program: peeled.program,
        program_span,
        args: peeled.args,
        env: peeled.env,
        directory: peeled.directory,
        conditional: command.conditional,
        host: peeled.host,
        python: peeled.python,
        nested: command.nested,
    }]
}

/// What `command` runs behind its launchers; `None` where that is not a program or cannot be decided.
pub fn program(command: &Command) -> Option<Peeled> {
    match peel(command)? {
        Outcome::Program(peeled) => Some(peeled),
        Outcome::Inline(_) => None,
    }
}

/// A shell script given on a command line.
pub(super) struct Inline {
    pub shell: Shell,
    pub parts: Vec<Part>,
    /// The launchers around it, with their effects.
    pub peeled: Peeled,
}

/// The script that `command` carries on its command line (`bash -c "…"`).
pub(super) fn inline(command: &Command) -> Option<Inline> {
    match peel(command)? {
        Outcome::Inline(inline) => Some(inline),
        Outcome::Program(_) => None,
    }
}

enum Outcome {
    Program(Peeled),
    Inline(Inline),
}

fn path_of(word: &Word) -> String {
    word.value.clone().unwrap_or_else(|| word.raw.clone())
}

fn peel(command: &Command) -> Option<Outcome> {
    let first = command.words.first()?;
    let assignments = command.assignments.iter().map(|(name, word)| (name.clone(), word.value.clone()));
    let mut run = Run {
        words: &command.words,
        at: 0,
        script: None,
        peeled: Peeled {
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
        match run.step()? {
            Step::Launched => {}
            Step::Done => break,
            Step::Script(shell, parts) => {
                return Some(Outcome::Inline(Inline { shell, parts, peeled: run.peeled }));
            }
        }
    }
    run.peeled.args = run.words.get(run.at + 1..).unwrap_or_default().to_vec();
    Some(Outcome::Program(run.peeled))
}

enum Step {
    /// A launcher was peeled off; the next program is in place.
    Launched,
    /// The program is no launcher.
    Done,
    Script(Shell, Vec<Part>),
}

/// What an option list led to.
enum Parsed {
    /// Operands start here.
    Operands,
    /// The word here is the program, whatever it looks like.
    Program(CallKind),
    /// From here on all is a script.
    Joined,
}

struct Run<'a> {
    words: &'a [Word],
    /// The word that is the program so far.
    at: usize,
    /// A script that an option gave.
    script: Option<&'a Word>,
    peeled: Peeled,
}

impl<'a> Run<'a> {
    fn step(&mut self) -> Option<Step> {
        if let CallKind::Script(_) = self.peeled.kind {
            return Some(Step::Done);
        }
        let Some(name) = self.peeled.name.clone() else { return Some(Step::Done) };
        let mut candidates = LAUNCHERS.launchers.iter().filter(|l| l.is_program(&name));
        let Some((launcher, at)) = candidates.find_map(|l| Some((l, self.subcommands(l)?))) else {
            return Some(Step::Done);
        };
        self.at = at;
        if launcher.operand == Operand::Dashes {
            self.at += 1 + self.words.get(at..)?.iter().position(|w| w.value.as_deref() == Some("--"))?;
            self.peeled.launchers.push(launcher.label());
            return self.enter(CallKind::Program, launcher);
        }
        if launcher.container {
            self.peeled.host = Host::Container { mounts: Vec::new(), platform: None, workdir: None };
        }
        let parsed = self.options(&launcher.options, launcher)?;
        self.peeled.launchers.push(launcher.label());
        let shell = || launcher.shell.as_deref().map(Shell::from_spec);
        if let Some(script) = self.script {
            return Some(Step::Script(shell()?, script.parts.clone()));
        }
        match parsed {
            Parsed::Joined => return Some(Step::Script(shell()?, self.joined())),
            Parsed::Program(kind) => return self.enter(kind, launcher),
            Parsed::Operands => {}
        }
        match launcher.operand {
            Operand::Joined => Some(Step::Script(shell()?, self.joined())),
            Operand::Script => {
                self.at += launcher.skip;
                let path = path_of(self.words.get(self.at)?);
                self.enter(CallKind::Script(path), launcher)
            }
            Operand::Program | Operand::Dashes => {
                self.at += launcher.skip;
                self.enter(CallKind::Program, launcher)
            }
        }
    }

    /// Makes the word at the current place the program.
    fn enter(&mut self, kind: CallKind, launcher: &Launcher) -> Option<Step> {
        let word = self.words.get(self.at)?;
        let mut name = match kind {
            CallKind::Module => word.value.clone(),
            CallKind::Program | CallKind::Script(_) => word.program_name(),
        };
        if launcher.requirement {
            name = word.value.as_deref().or(name.as_deref()).map(|v| requirement_name(v).to_owned());
            name = name.or_else(|| requirement_with_unknown_version(word));
        }
        if launcher.environment_prefix {
            name = name.map(|n| n.rsplit(':').next().unwrap_or_default().to_owned());
        }
        self.peeled.program = word.clone();
        self.peeled.name = name;
        self.peeled.kind = kind;
        Some(Step::Launched)
    }

    /// Everything from the current place on as one script.
    fn joined(&self) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        for word in &self.words[self.at.min(self.words.len())..] {
            if let Some(last) = parts.last() {
                let gap = Span::new(last.span.end, word.span.start.max(last.span.end));
                let text = Some(" ".to_owned());
                parts.push(Part { text, choices: Vec::new(), span: gap, source: Source::Variable, quoted: false });
            }
            parts.extend(word.parts.iter().cloned());
        }
        parts
    }

    /// The place behind the launcher's subcommands, if the words have them.
    fn subcommands(&mut self, launcher: &Launcher) -> Option<usize> {
        let before = (self.at, self.peeled.clone());
        self.at += 1;
        let found = launcher.words[1..].iter().all(|expected| {
            let operands = self.options(&launcher.global, launcher).is_some_and(|p| matches!(p, Parsed::Operands));
            let fits = operands && self.words.get(self.at).and_then(|w| w.value.as_deref()) == Some(expected);
            self.at += usize::from(fits);
            fits
        });
        let at = self.at;
        self.at = before.0;
        if !found {
            self.peeled = before.1;
        }
        found.then_some(at)
    }

    /// Reads options at the current place; `None` where no program is run or that cannot be decided.
    fn options(&mut self, options: &Options, launcher: &Launcher) -> Option<Parsed> {
        while let Some(word) = self.words.get(self.at) {
            let text = word.static_prefix();
            if launcher.assignments
                && let Some((name, _)) = assignment(&text)
            {
                let value = word.value.as_deref().and_then(|v| Some(v.split_once('=')?.1.to_owned()));
                self.peeled.env.push((name.to_owned(), value));
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
                return Some(Parsed::Operands);
            }
            let Some((effect, value)) = self.option(word, &text, options, launcher)? else { continue };
            match effect {
                Effect::Stop => return None,
                Effect::Program => return Some(Parsed::Program(CallKind::Program)),
                Effect::Joined => return Some(Parsed::Joined),
                Effect::Module | Effect::File => {
                    // `-mnox`: the value is no word of its own.
                    self.at = value?.1?;
                    let path = path_of(self.words.get(self.at)?);
                    return Some(Parsed::Program(match effect {
                        Effect::Module => CallKind::Module,
                        _ => CallKind::Script(path),
                    }));
                }
                _ => self.apply(effect, value?.0),
            }
        }
        Some(Parsed::Operands)
    }

    /// Reads the option `word`, whose beginning `text` is known, and its value: the effect it has, with the value and
    /// the place of the word that holds it. The outer `None`: not decided.
    #[allow(clippy::type_complexity)]
    fn option(
        &mut self,
        word: &'a Word,
        text: &str,
        options: &Options,
        launcher: &Launcher,
    ) -> Option<Option<(Effect, Option<(&'a Word, Option<usize>)>)>> {
        let text = if launcher.windows { text.to_ascii_lowercase() } else { text.to_owned() };
        let takes = |name: &str| {
            let effect = options.effect.get(name).copied();
            match effect {
                Some(effect) => Some((Some(effect), effect.takes_value())),
                None if options.value.contains(name) => Some((None, true)),
                None if options.flag.contains(name) => Some((None, false)),
                None => None,
            }
        };
        if let Some((name, _)) = text.split_once('=') {
            let effect = takes(name).and_then(|(effect, _)| effect);
            return Some(effect.map(|effect| (effect, Some((word, None)))));
        }
        if let Some((effect, value)) = takes(&text).filter(|_| word.value.is_some()) {
            return self.finish(effect, value);
        }
        let digits = |t: &str| t.chars().all(|c| c.is_ascii_digit() || c == '.' || c == '-');
        if launcher.numeric && text.len() > 1 && text[1..].starts_with(|c: char| c.is_ascii_digit()) {
            return digits(text[1..].trim_end_matches("-32").trim_end_matches("-64")).then_some(None);
        }
        if text.starts_with("--") || launcher.windows {
            return None;
        }
        let sign = text.chars().next()?;
        let letters: Vec<char> = text.chars().skip(1).collect();
        for (i, letter) in letters.iter().enumerate() {
            let (effect, value) = takes(&format!("{sign}{letter}"))?;
            if value && (i + 1 < letters.len() || word.value.is_none()) {
                return Some(effect.map(|effect| (effect, Some((word, None)))));
            }
            if value || effect.is_some() {
                return self.finish(effect, value);
            }
        }
        word.value.is_some().then_some(None)
    }

    /// The value of an option stands in the next word.
    #[allow(clippy::type_complexity)]
    fn finish(
        &mut self,
        effect: Option<Effect>,
        value: bool,
    ) -> Option<Option<(Effect, Option<(&'a Word, Option<usize>)>)>> {
        if !value {
            return Some(effect.map(|e| (e, None)));
        }
        let at = self.at;
        let word = self.words.get(at)?;
        self.at += 1;
        Some(effect.map(|e| (e, Some((word, Some(at))))))
    }

    fn apply(&mut self, effect: Effect, word: &'a Word) {
        let own = |word: &Word| match word.value.as_deref() {
            Some(value) if value.starts_with('-') => value.split_once('=').map(|(_, v)| v.to_owned()),
            Some(value) => Some(value.to_owned()),
            None => None,
        };
        match effect {
            Effect::Directory => self.peeled.directory = self.peeled.directory.enter(own(word).as_deref()),
            Effect::Python => self.peeled.python = Some(word.clone()),
            Effect::Script => self.script = Some(word),
            Effect::Environment => {
                if let Some((name, value)) = own(word).as_deref().and_then(|v| v.split_once('=')) {
                    self.peeled.env.push((name.to_owned(), Some(value.to_owned())));
                }
            }
            Effect::Mount | Effect::Platform | Effect::Workdir => {
                if let Host::Container { mounts, platform, workdir } = &mut self.peeled.host {
                    match effect {
                        Effect::Mount => mounts.push(word.clone()),
                        Effect::Platform => *platform = Some(word.clone()),
                        _ => *workdir = Some(word.clone()),
                    }
                }
            }
            Effect::Module | Effect::File | Effect::Joined | Effect::Program | Effect::Stop => {}
        }
    }
}

/// `A=b`, split.
fn assignment(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.split_once('=')?;
    let first = name.chars().next()?;
    let fits = !first.is_ascii_digit() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
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
