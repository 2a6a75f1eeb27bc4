//! Scripts of `run:` steps as commands with spans; wrappers around a program are removed. Nothing is
//! executed.

pub mod bash;
pub mod cmd;
pub mod expand;
pub mod launcher;
pub mod memo;
pub mod powershell;
pub mod python;
mod state;
pub mod word;

pub use expand::Expanded;
use launcher::Unwrapped;
pub use launcher::{Call, CallKind, UnwrappedCommand, calls, program};
pub use memo::Scripts;
pub use word::{PartSource, Word, WordPart};

use crate::base::text::Span;
use crate::rules::launchers::{LAUNCHERS, Language};

/// The command that prints the root of a checkout; its value is asked for like a variable's.
pub const TOP_FOLDER: &str = "git rev-parse --show-toplevel";

/// The interpreter of a script.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Shell {
    Bash,
    Sh,
    PowerShell,
    Cmd,
    Python,
    /// Anything else, by its program name; its scripts are not read.
    Other(String),
}

impl Shell {
    /// The shell that a `shell:` value names: `bash`, `pwsh`, or a template such as `/bin/bash -el
    /// {0}` or `nix develop -c bash {0}`.
    pub fn from_spec(spec: &str) -> Self {
        let name = |word: &str| word::program_name(word).to_ascii_lowercase();
        let language = |word: &str| {
            let name = name(word);
            let base = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
            LAUNCHERS.shells.get(&name).or_else(|| LAUNCHERS.shells.get(base)).copied()
        };
        match spec.split_whitespace().find_map(language) {
            Some(Language::Bash) => Shell::Bash,
            Some(Language::Sh) => Shell::Sh,
            Some(Language::PowerShell) => Shell::PowerShell,
            Some(Language::Cmd) => Shell::Cmd,
            Some(Language::Python) => Shell::Python,
            None => Shell::Other(name(spec.split_whitespace().next().unwrap_or_default())),
        }
    }
}

/// Where a command runs, relative to where its script started.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Directory {
    #[default]
    Unchanged,
    /// A relative path without `.` parts (it may start with `..`), or an absolute one.
    Into(String),
    Unknown,
}

impl Directory {
    /// The directory reached by `cd path` from here; `None` is a path that is not known.
    pub fn enter(&self, path: Option<&str>) -> Self {
        let Some(path) = path.filter(|p| !p.is_empty() && !p.starts_with(['~', '-'])) else {
            return Directory::Unknown;
        };
        let path = path.replace('\\', "/");
        let absolute = path.starts_with('/') || path.as_bytes().get(1) == Some(&b':');
        let base = match self {
            _ if absolute => "",
            Directory::Unknown => return Directory::Unknown,
            Directory::Unchanged => "",
            Directory::Into(base) => base,
        };
        let mut parts: Vec<&str> = Vec::new();
        for part in base.split('/').chain(path.split('/')).filter(|p| !p.is_empty() && *p != ".") {
            match parts.last() {
                Some(last) if part == ".." && *last != ".." => _ = parts.pop(),
                _ => parts.push(part),
            }
        }
        let root =
            if path.starts_with('/') || (!absolute && base.starts_with('/')) { "/" } else { "" };
        match format!("{root}{}", parts.join("/")) {
            joined if joined.is_empty() => Directory::Unchanged,
            joined => Directory::Into(joined),
        }
    }
}

/// The machine a command runs on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Host {
    #[default]
    Runner,
    /// A container that the command itself starts or enters (`docker run …`).
    Container {
        /// Values of `-v` and `--mount`, as written.
        mounts: Vec<Word>,
        /// Value of `--platform`.
        platform: Option<Word>,
        /// Value of `-w`, a path inside the container.
        workdir: Option<Box<Word>>,
        /// Another file or an earlier command says what it has mounted.
        defined_elsewhere: bool,
    },
}

/// One simple command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The program and its arguments, redirections left out. Never empty.
    pub words: Vec<Word>,
    /// `A=b` before the program.
    pub assignments: Vec<(String, Word)>,
    /// Variables that the script exported before, by name; `None` is a value that is not known.
    pub exports: Vec<(String, Option<String>)>,
    /// In the original script.
    pub span: Span,
    pub directory: Directory,
    /// Whether a green run of the script may leave this command out (a branch, a loop that may be
    /// empty, `||`).
    pub conditional: bool,
    pub host: Host,
    /// Whether the command is inside a quoted script, such as that of `bash -c "…"`.
    pub nested: bool,
    /// The text of its here-document.
    pub here_document: Option<Vec<WordPart>>,
}

/// A command, and what it runs without its launchers.
#[derive(Debug)]
pub struct Read {
    pub command: Command,
    pub program: Option<UnwrappedCommand>,
}

/// How deep scripts inside scripts (`bash -c "bash -c …"`) are read.
const MAX_NESTING: usize = 4;
/// Bytes read per script of those inside it and those it reads with `source`: keeps hostile input
/// linear.
const MAX_INNER_BYTES: usize = 1 << 20;
/// Scripts read with `source` per script.
const MAX_SOURCED: usize = 64;
/// Statements of bash read per script: functions that call each other twice would otherwise double
/// at every step.
const MAX_STATEMENTS: usize = 20_000;

/// Pipes in one script. The grammar can read a pipeline in several ways, and the parser keeps them
/// all: thousands of commands take gigabytes.
const MAX_PIPES: usize = 1_000;
/// A pipe costs as much as so many bytes without one.
const BYTES_PER_PIPE: usize = 128;
/// A longer script is not read: the longest in public workflows has a tenth of this.
const MAX_SCRIPT_BYTES: usize = 256 * 1024;

/// The commands that `script` runs, in order, including those of scripts inside it (`bash -c`,
/// `eval`). `vars` gives the environment of the step by variable name, `None` for what is not
/// known; for a script with arguments also `#`, `1`, `2` and so on.
pub fn commands(
    shell: &Shell,
    script: &Expanded,
    vars: &dyn Fn(&str) -> Option<String>,
) -> Vec<Command> {
    commands_given(shell, script, &Given { vars, files: &|_| None })
}

/// What a script finds around it.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    /// The environment, as for [`commands`].
    pub vars: &'a dyn Fn(&str) -> Option<String>,
    /// Texts of files, by their path from the folder in which the script starts.
    pub files: &'a dyn Fn(&str) -> Option<String>,
}

/// The same as [`commands`], and what the script reads from files with `source` counts too.
pub fn commands_given(shell: &Shell, script: &Expanded, given: &Given<'_>) -> Vec<Command> {
    commands_and_cut(shell, script, given).0
}

/// The same as [`commands_given`], and why these are not all, where a limit was reached.
pub fn commands_and_cut(
    shell: &Shell,
    script: &Expanded,
    given: &Given<'_>,
) -> (Vec<Command>, Option<String>) {
    let (read, cut) = read_script(shell, script, given);
    (read.into_iter().map(|read| read.command).collect(), cut)
}

/// What it costs to read a script, in bytes of one without pipes.
pub fn reading_cost(script: &str) -> usize {
    script.len() + pipes(script) * BYTES_PER_PIPE
}

/// The pipes in a script, with other single `|` that look like them.
fn pipes(script: &str) -> usize {
    script.matches('|').count() - 2 * script.matches("||").count()
}

/// The same as [`commands_and_cut`], with what the commands run.
fn read_script(shell: &Shell, script: &Expanded, given: &Given<'_>) -> (Vec<Read>, Option<String>) {
    let mut out = Vec::new();
    if script.text().len() > MAX_SCRIPT_BYTES {
        return (out, Some(format!("a script has more than {} KiB", MAX_SCRIPT_BYTES / 1024)));
    }
    let mut left = Left::all();
    read(shell, script, given, MAX_NESTING, &mut left, &mut out);
    (out, left.cut)
}

/// What is still read for one script and all that it holds or leads to.
struct Left {
    bytes: usize,
    sourced: usize,
    statements: usize,
    /// The first limit that was reached.
    cut: Option<String>,
}

impl Left {
    /// Nothing has been read yet.
    fn all() -> Self {
        Self { bytes: MAX_INNER_BYTES, sourced: MAX_SOURCED, statements: MAX_STATEMENTS, cut: None }
    }

    /// Counts work in statements; false where the bound is reached.
    fn work(&mut self, statements: usize) -> bool {
        if self.statements < statements {
            self.statements = 0;
            self.cut(format!("reading a script takes more than {MAX_STATEMENTS} statements"));
            return false;
        }
        self.statements -= statements;
        true
    }

    /// Counts the bytes of a script inside the script; false where it may not be read.
    fn inner(&mut self, bytes: usize) -> bool {
        if bytes > self.bytes.min(MAX_SCRIPT_BYTES) {
            self.cut(format!(
                "a script, with those that it sources, has more than {} KiB",
                MAX_INNER_BYTES / 1024
            ));
            return false;
        }
        self.bytes -= bytes;
        true
    }

    fn cut(&mut self, why: String) {
        self.cut.get_or_insert(why);
    }
}

fn read(
    shell: &Shell,
    script: &Expanded,
    given: &Given<'_>,
    depth: usize,
    left: &mut Left,
    out: &mut Vec<Read>,
) {
    let found = match shell {
        Shell::Bash | Shell::Sh => bash::commands(shell, script, given, left),
        Shell::PowerShell => powershell::commands(script, given.vars, left),
        Shell::Cmd => cmd::commands(script, given.vars),
        Shell::Python => python::commands(script, given, left),
        Shell::Other(_) => Vec::new(),
    };
    for command in found {
        let inline = match launcher::unwrapped(&command) {
            Some(Unwrapped::Program(program)) => {
                out.push(Read { command, program: Some(program) });
                continue;
            }
            Some(Unwrapped::Inline(inline)) if depth > 0 => inline,
            _ => {
                out.push(Read { command, program: None });
                continue;
            }
        };
        let nested = script.nested(&inline.parts);
        let (conditional, outer) = (command.conditional, inline.unwrapped);
        out.push(Read { command, program: None });
        if !left.inner(nested.text().len()) {
            continue;
        }
        let lookup = |name: &str| match outer.env.iter().rev().find(|(n, _)| n == name) {
            Some((_, value)) => value.clone(),
            None => (given.vars)(name),
        };
        let inside = |path: &str| (given.files)(&inside(&outer.directory, path)?);
        let first = out.len();
        read(
            &inline.shell,
            &nested,
            &Given { vars: &lookup, files: &inside },
            depth - 1,
            left,
            out,
        );
        for read in &mut out[first..] {
            let inner = &mut read.command;
            inner.conditional |= conditional;
            inner.nested = true;
            inner.directory = match &inner.directory {
                Directory::Unchanged => outer.directory.clone(),
                Directory::Unknown => Directory::Unknown,
                Directory::Into(path) => outer.directory.enter(Some(path)),
            };
            if inner.host == Host::Runner {
                inner.host = outer.host.clone();
            }
            let own = std::mem::take(&mut inner.exports);
            inner.exports = outer.env.iter().cloned().chain(own).collect();
            read.program = program(inner);
        }
    }
}

/// A path of a script that starts in `directory`, from where that one is relative to.
fn inside(directory: &Directory, path: &str) -> Option<String> {
    match directory.enter(Some(path)) {
        Directory::Into(path) => Some(path),
        Directory::Unchanged | Directory::Unknown => None,
    }
}

#[cfg(test)]
mod tests;
