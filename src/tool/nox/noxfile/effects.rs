//! What reading the body of a session finds.

use std::collections::BTreeSet;

use super::value::PythonValue;
use crate::tool::Argument;

/// What a session's body does, as far as it matters for caching.
#[derive(Debug, Default, Clone)]
pub struct Effects {
    pub installs: Vec<Install>,
    /// Sessions it asks nox to run as well.
    pub notifies: Vec<PythonValue>,
    /// Files it reads by name, relative to the noxfile's folder.
    pub reads: Vec<String>,
    /// It hands the session to code that is not understood.
    pub opaque: bool,
    /// It runs a program that must have come into the environment somehow.
    pub runs: bool,
    /// Files that it may keep below the environment folder besides its environment: patterns.
    pub leftovers: BTreeSet<String>,
    /// It goes to another folder.
    pub changes_folder: bool,
    /// It makes a package of the project.
    pub builds: bool,
    /// Files that decide what is in requirement files that it writes.
    pub exports: Vec<String>,
    /// It looks for files that hold packages.
    pub seeks_archives: bool,
    /// It uses a variable that other sessions set.
    pub shares: bool,
    /// Beginnings of the commands it runs that keep something outside the environment.
    pub keepers: BTreeSet<String>,
    /// Calls of nox.
    pub nested: Vec<NestedCall>,
    /// A clause: what a command of it publishes.
    pub publishes: Option<String>,
    /// Commands that end in words of the call, and publish with some of them.
    pub open_commands: Vec<Vec<String>>,
    /// Folders that it deletes, relative to the repository root.
    pub removes: Vec<String>,
}

impl Effects {
    /// The same body read again, for another Python: either may be what runs.
    fn or(mut self, other: Self) -> Self {
        let installs = |effects: &Self| effects.installs.iter().any(|i| i.certain);
        let certain = installs(&self) && installs(&other);
        self.installs.extend(other.installs);
        self.installs.iter_mut().for_each(|install| install.certain &= certain);
        self.notifies.extend(other.notifies);
        self.notifies.dedup();
        self.reads.extend(other.reads);
        self.nested.extend(other.nested);
        self.nested.dedup();
        self.keepers.extend(other.keepers);
        self.publishes = self.publishes.or(other.publishes);
        self.open_commands.extend(other.open_commands);
        self.removes.extend(other.removes);
        self.leftovers.extend(other.leftovers);
        self.changes_folder |= other.changes_folder;
        self.builds |= other.builds;
        self.exports.extend(other.exports);
        self.seeks_archives |= other.seeks_archives;
        self.shares |= other.shares;
        self.opaque |= other.opaque;
        self.runs |= other.runs;
        self
    }

    /// All ways together.
    pub(super) fn any(ways: Vec<Self>) -> Self {
        ways.into_iter().reduce(Self::or).unwrap_or_default()
    }
}

/// A call of nox that a session makes.
#[derive(Debug, Clone, PartialEq)]
pub struct NestedCall {
    /// The words after the program word.
    pub args: Vec<Argument>,
    /// Where it runs, relative to the repository root; `None` when not known.
    pub folder: Option<String>,
    /// Whether it runs whatever the conditions around it.
    pub certain: bool,
    /// Where it is, for people: "`noxfile.py`, line 5".
    pub place: String,
}

/// One installing command.
#[derive(Debug, Clone)]
pub struct Install {
    /// As `pip install` gets them; unknown ones are `PythonValue::Unknown`.
    pub args: Vec<PythonValue>,
    /// Files the installer reads by itself.
    pub files: Vec<String>,
    pub exact: bool,
    /// Whether it runs whatever the conditions around it.
    pub certain: bool,
    /// Read as `conda install` reads its words, not as `pip install` does.
    pub conda: bool,
    /// Where it runs, relative to the repository root; `None` when not known.
    pub folder: Option<String>,
}

/// Whether a text is part of a search for files that hold packages: `*.whl`, `.tar.gz`.
pub(super) fn seeks_archives(text: &str) -> bool {
    text.ends_with(".whl") || (text.ends_with(".tar.gz") && text.starts_with(['*', '.']))
}
