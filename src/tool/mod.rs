//! The words for a tool that keeps environments in a folder CI could cache, and the trait such a
//! tool implements.

pub mod log;
pub mod memo;
pub mod nox;
pub mod settings;

use std::collections::{BTreeSet, HashSet};
use std::fmt::Debug;
use std::sync::Arc;

use crate::rules::nox::rules;

/// The repository's files, as a fresh checkout has them. Paths are relative to the repository root,
/// with `/`.
pub trait Files {
    /// The text of a tracked file; `None` when it is not tracked, not UTF-8 or too large.
    fn read(&self, path: &str) -> Option<Arc<str>>;
    fn is_tracked(&self, path: &str) -> bool;
    /// Every tracked file below `folder` (the root is ""), sorted.
    fn tracked_under(&self, folder: &str) -> Vec<String>;
}

/// One word of a command line, as far as its text is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Argument {
    /// The whole word, when it is known.
    pub value: Option<String>,
    /// The known beginning of a word whose whole is not.
    pub prefix: String,
    /// An unquoted expansion: may become no word, or several.
    pub may_split: bool,
}

impl Argument {
    pub fn known(value: impl Into<String>) -> Self {
        Self { value: Some(value.into()), ..Self::default() }
    }

    pub fn unknown(prefix: impl Into<String>, may_split: bool) -> Self {
        Self { value: None, prefix: prefix.into(), may_split }
    }
}

/// What is known of an environment variable where the call runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Variable {
    Set(String),
    /// Nothing in the workflow sets it.
    Unset,
    /// Set to something that cannot be known, or perhaps set.
    Unknown,
}

/// One call of the tool.
pub struct Request<'a> {
    /// The words after the program word.
    pub args: &'a [Argument],
    pub env: &'a dyn Fn(&str) -> Variable,
    /// The folder the call runs in, relative to the repository root; "" is the root.
    pub folder: &'a str,
    /// The definition file that was itself run as a program (`./noxfile.py`, `uv run noxfile.py`),
    /// relative to `folder`.
    pub script: Option<&'a str>,
    pub files: &'a dyn Files,
}

/// What an answer may take, as steps of a program.
#[derive(Debug, Clone, Copy)]
pub struct Most {
    /// For the call itself.
    pub work: usize,
    /// For reading the definitions of sessions. It is the same for all calls of a job, so that what
    /// one of them has paid for is not refused to the next.
    pub loading: usize,
}

/// An answer would take more work than it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMuchWork;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Yes,
    No,
    Unknown,
}

impl Answer {
    /// The answer for "any of these": one yes decides, else one doubt does.
    pub fn any(answers: impl IntoIterator<Item = Answer>) -> Answer {
        answers.into_iter().fold(Answer::No, |so_far, next| match (so_far, next) {
            (Answer::Yes, _) | (_, Answer::Yes) => Answer::Yes,
            (Answer::Unknown, _) | (_, Answer::Unknown) => Answer::Unknown,
            _ => Answer::No,
        })
    }

    /// The answer when it is not known which of these is meant: only agreement decides.
    pub fn one_of(answers: impl IntoIterator<Item = Answer>) -> Answer {
        let mut answers = answers.into_iter();
        let Some(first) = answers.next() else { return Answer::Unknown };
        if answers.all(|next| next == first) { first } else { Answer::Unknown }
    }
}

/// Whether environments that are already there are used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    On,
    Off,
    /// Some sessions of the call reuse, others do not.
    Mixed,
    Unknown,
}

/// What builds the environments of a session, in order of preference (`uv|virtualenv` has two);
/// empty when unknown.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Backend {
    pub names: Vec<String>,
}

impl Backend {
    /// The backend, when there is exactly one possibility.
    pub fn only(&self) -> Option<&str> {
        match self.names.as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }
}

/// Which interpreter a session asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Interpreter {
    /// The one that runs the tool.
    Own,
    /// As written: `3.12`, `pypy3.10`, a path.
    Named(String),
    Unknown,
}

/// One session that a call runs (or may run, where the call's sessions are not known).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// As `-s` takes it: `tests`, `tests-3.12`, `tests(django='4.2')`.
    pub name: String,
    /// Its folder inside the environment folder, when known.
    pub folder: Option<String>,
    pub creates_env: Answer,
    pub backend: Backend,
    pub python: Interpreter,
    pub reuse: Reuse,
    /// `No`: everything the session does is known, and nothing of it puts anything into the
    /// environment.
    pub installs_anything: Answer,
}

/// What one call means for caching.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub creates_env: Answer,
    /// Where `creates_env` is unknown only because the sessions are out of sight (no such file, no
    /// such session): whether the tool's defaults would create an environment.
    pub creates_by_default: bool,
    /// Why, as one clause for people: "only lists sessions".
    pub why: String,
    /// Environment folders relative to the repository root, sorted; absolute ones and those below `~`
    /// as they are; empty when none is created or
    /// the place is unknown.
    pub env_dirs: Vec<String>,
    pub reuse: Reuse,
    /// Where `reuse` is unknown only because the sessions are out of sight: the tool's defaults
    /// would not reuse.
    pub off_by_default: bool,
    /// Where reuse was switched, as one clause: "nox reuses nothing unless told to".
    pub reuse_why: String,
    /// The words that ask not to reuse (`-N`, `reuse_venv=False`); to be respected and named.
    pub reuse_refused: Option<String>,
    /// Whether the reuse flag directly after the program word would make every session reuse.
    pub can_insert_reuse_flag: bool,
    pub sessions: Vec<Session>,
    /// Whether exactly `sessions` run; else they are those that may run, and others are possible.
    pub sessions_known: bool,
    /// Over all sessions that run.
    pub installs_anything: Answer,
    /// Installs are skipped where an environment is reused (`-R`, `--no-install`).
    pub installs_skipped: bool,
    pub install_only: bool,
    /// A copy of the project's source is installed, not a link to it (`-e`): code that is tested
    /// without another install is that of the environment.
    pub copies_source: bool,
    /// Every backend that a session of the call may use, without repetition.
    pub backend: Backend,
    /// Tracked files that define the sessions, relative to the repository root: the noxfile and
    /// local modules it imports.
    pub definition_files: Vec<String>,
    /// Tracked files whose content decides what is installed, relative to the repository root.
    pub install_files: Vec<String>,
    /// Packages are installed by name without an exact version.
    pub unpinned: bool,
    /// Not everything that is installed is fixed by a lock or a list of exact versions.
    pub unlocked: bool,
    /// Why what is installed can change while all tracked files stay as they are: a clause.
    pub unfollowed: Option<String>,
    /// The word or name by which sessions ask for the newest versions there are: `--pre`.
    pub newest: Option<String>,
    /// A folder that is not in this repository, from which the sessions take code.
    pub foreign_code: Option<String>,
    /// Every install of the sessions that run is exact: it also removes what is no longer wanted
    /// (`uv sync`).
    pub exact_installer: bool,
    /// A clause, if a session that surely runs publishes: "uploads to a package index".
    pub publishes: Option<String>,
    /// Folders that its sessions delete, relative to the repository root.
    pub removes: Vec<String>,
    /// Files below the environment folder that are no environments, and that the next run would
    /// find: patterns.
    pub leftovers: BTreeSet<String>,
    /// A session leaves the folder of its definition for another one.
    pub changes_folder: bool,
    /// Folders outside the environments that sessions fill on every run, to be cached with them.
    pub outside: Vec<OutsideFolder>,
    /// Where its sessions call the tool again, so that a flag of this call does not reach that one:
    /// "`noxfile.py`, line 5".
    pub calls_again: Vec<String>,
    /// What could not be decided, and why.
    pub undecided: Vec<String>,
    /// How much was looked at for this call alone: as steps of a program.
    pub work: usize,
    /// What had to be read first; it is the same for most calls.
    pub loading: Loading,
}

/// Reading the definitions of sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Loading {
    /// Tells apart what was read with what in the environment.
    pub id: u64,
    /// What it costs each job, as steps of a program: all of it where the environment decides, else
    /// one reading is for all jobs, and only very large definitions cost something.
    pub work: usize,
    /// What it costs on top where a job calls for very many different definitions.
    pub shared_work: usize,
}

impl Most {
    pub const ANY: Self = Self { work: usize::MAX, loading: usize::MAX };
}

impl Run {
    /// Sessions that stand for all: one for each Python that some backend is to take.
    pub fn interpreters(&self) -> Vec<&Session> {
        let mut seen = HashSet::new();
        let mut kept = Vec::new();
        for session in &self.sessions {
            if seen.insert((&session.backend, &session.python)) {
                kept.push(session);
            }
        }
        kept
    }
}

/// A folder outside the environments that a session fills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideFolder {
    /// As a line of a cache step's `path`.
    pub path: String,
    /// The variable that moves it.
    pub variable: &'static str,
    /// The tracked file that decides what is in it, relative to the repository root.
    pub follows: Option<String>,
}

/// What a call lists that runs nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The words that choose sessions; a call with them runs what this one lists.
    pub args: Vec<Argument>,
    /// Only some sessions are listed.
    pub chooses: bool,
}

/// The tool that cachelint knows. One more is a folder here and data in `rules`.
pub fn known() -> memo::Answers {
    memo::Answers::of(nox::Nox::default())
}

/// Whether the text spells the name of the tool that cachelint knows.
pub fn is_spelled_in(text: &str) -> bool {
    nox::mention::is_spelled_in(text)
}

/// The name of the tool that cachelint knows.
pub fn known_name() -> &'static str {
    nox::NAME
}

/// The folder where it keeps environments if nothing says otherwise.
pub fn known_folder() -> &'static str {
    &rules().default_envdir
}

/// Whether a file has the name of those that define sessions.
pub fn is_definition(path: &str) -> bool {
    path.rsplit('/').next() == Some(rules().default_noxfile.as_str())
}

/// What it says in a run log.
pub const KNOWN_LOG_WORDS: &dyn log::LogWords = &nox::log::NoxWords;

/// Words of commands, variables and definitions that let it download the Python of a session.
pub fn python_downloads() -> &'static [String] {
    &rules().python_downloads
}

/// A tool that keeps environments in a folder.
pub trait Tool: Debug + Send + Sync {
    /// As people call it: `nox`.
    fn name(&self) -> &'static str;
    /// The word that turns reuse on when it stands directly after the program word.
    fn reuse_flag(&self) -> &str;
    /// Files that define a project, and locks of its packages, by name.
    fn install_files(&self) -> Vec<&str>;
    /// Whether the tool or the installers that it starts read an environment variable.
    fn reads_variable(&self, name: &str) -> bool;
    /// Whether the words of an environment variable name files that say what is installed.
    fn reads_files_of(&self, name: &str) -> bool;
    /// Whether the name of a session or a job says that it tries the newest versions.
    fn tries_newest(&self, name: &str) -> bool;
    /// For a call that only lists sessions for programs to read: what it lists. `None` for any other
    /// call.
    fn listing(&self, args: &[Argument]) -> Option<Listing>;
    /// The tool for files of which nothing has been read yet.
    fn afresh(&self) -> Box<dyn Tool>;
    /// Reads what most calls in a repository need, so that it is there when they are asked about;
    /// `files` are theirs.
    fn read_ahead(&self, files: &dyn Files);
    /// What a call means, if finding that out takes no more than `most`.
    fn run(&self, request: &Request<'_>, most: Most) -> Result<Run, TooMuchWork>;
}

#[cfg(test)]
mod tests {
    use super::Answer::{self, No, Unknown, Yes};

    #[test]
    fn any_and_one_of_differ_in_what_decides() {
        for (answers, any, one_of) in [
            (vec![], No, Unknown),
            (vec![Yes], Yes, Yes),
            (vec![No, No], No, No),
            (vec![No, Yes], Yes, Unknown),
            (vec![Unknown, Yes], Yes, Unknown),
            (vec![No, Unknown], Unknown, Unknown),
        ] {
            assert_eq!(Answer::any(answers.clone()), any, "{answers:?}");
            assert_eq!(Answer::one_of(answers.clone()), one_of, "{answers:?}");
        }
    }
}
