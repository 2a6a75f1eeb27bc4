//! What reading a noxfile has found so far: names, options, sessions, and where it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use super::definition::{Decorator, Definition};
use super::effects::Effects;
use super::exec::Names;
use super::source::PythonFunction;
use super::value::PythonValue;
use crate::base::memo::Weight;
use crate::tool::Loading;
use crate::tool::nox::select::SessionIndex;

/// What reading has found so far. Each call goes on from a copy, so what most calls leave as it is
/// is shared.
#[derive(Debug, Clone)]
pub struct ModuleState {
    /// The noxfile's folder, relative to the repository root.
    pub folder: String,
    /// `nox.options.*` as last assigned.
    pub options: BTreeMap<String, PythonValue>,
    /// Every value ever assigned to an option, for those whose last one is not known.
    pub option_values: BTreeMap<String, Vec<PythonValue>>,
    pub sessions: Arc<Vec<Definition>>,
    /// What calls ask of these sessions, found when the first one asks.
    pub(in crate::tool::nox) index: Arc<OnceLock<Arc<SessionIndex>>>,
    /// How many sessions the definitions make together.
    pub(super) made: usize,
    /// Why there may be sessions that were not seen; empty when all were.
    pub hidden_sessions: Vec<String>,
    /// Packages out of sight whose import makes sessions without environments.
    pub bare_packages: Vec<String>,
    /// Everything that a module out of sight defines is taken from it, sessions with whatever
    /// settings among it.
    pub foreign: bool,
    /// Folders that were added to the search path and hold no tracked file.
    pub(super) elsewhere: Vec<String>,
    /// Such a folder, where the noxfile takes code from it.
    pub foreign_code: Option<String>,
    /// Files that are read by name while the noxfile loads, relative to its folder.
    pub reads: Vec<String>,
    /// The noxfile and the local modules it imports, relative to the repository root.
    pub modules: Vec<String>,
    /// Those of them that the noxfile imports itself or that know of nox, by number.
    pub(super) defining: BTreeSet<usize>,
    pub(super) globals: Vec<Arc<Names>>,
    /// Variables of a module that its functions set (`global`), with the module's number.
    pub(super) shared: BTreeSet<(usize, String)>,
    pub(super) functions: Arc<Vec<PythonFunction>>,
    pub(super) decorators: Arc<Vec<Decorator>>,
    /// A function that is being decorated, and the decorators of nox that it has so far.
    pub(super) decorating: Option<(usize, Vec<usize>)>,
    /// The module whose code is read now.
    pub(super) current: usize,
    /// The function's variables while a function is read.
    pub(super) locals: Option<Names>,
    pub(super) returned: Vec<PythonValue>,
    pub(super) effects: Effects,
    /// What `session.python` is while a session's body is read.
    pub(super) python: PythonValue,
    /// Where a session's body stands, relative to the repository root; `None` when not known.
    pub(super) cwd: Option<String>,
    /// Where the call of the session stands that is read now, for people.
    pub(super) calling: Option<String>,
    /// Number of enclosing conditions that could not be decided.
    pub(super) doubts: usize,
    pub(super) calls: usize,
    pub(super) depth: usize,
    pub(in crate::tool::nox) steps: usize,
    /// Bytes of all modules.
    pub(super) source_bytes: usize,
    /// It begins with a header that gives it an environment of its own.
    pub(in crate::tool::nox) needs_environment: bool,
    pub(in crate::tool::nox) loading: Loading,
}

/// What a definition takes with its function and its place in the index, about.
const SESSION_BYTES: usize = 1024;
/// Bytes that are parsed at the price of one step.
pub(super) const BYTES_PER_STEP: usize = 8;

impl Weight for ModuleState {
    /// Nothing of it is made without steps, but for the texts of its modules.
    fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.steps * size_of::<PythonValue>()
            + self.source_bytes
            + self.sessions.len() * SESSION_BYTES
    }
}

impl ModuleState {
    /// How much is copied for each call.
    pub(in crate::tool::nox) fn copied(&self) -> usize {
        self.options.len()
            + self.option_values.values().map(Vec::len).sum::<usize>()
            + self.hidden_sessions.len()
            + self.bare_packages.len()
            + self.reads.len()
            + self.modules.len()
            + self.shared.len()
    }

    /// What it took to get here, in steps.
    pub(in crate::tool::nox) fn work(&self) -> usize {
        self.steps + self.source_bytes / BYTES_PER_STEP
    }

    pub(super) fn new(folder: &str) -> Self {
        Self {
            folder: folder.to_owned(),
            options: BTreeMap::new(),
            option_values: BTreeMap::new(),
            sessions: Arc::default(),
            index: Arc::default(),
            made: 0,
            hidden_sessions: Vec::new(),
            bare_packages: Vec::new(),
            foreign: false,
            elsewhere: Vec::new(),
            foreign_code: None,
            reads: Vec::new(),
            modules: Vec::new(),
            defining: BTreeSet::new(),
            globals: Vec::new(),
            shared: BTreeSet::new(),
            functions: Arc::default(),
            decorators: Arc::default(),
            decorating: None,
            current: 0,
            locals: None,
            returned: Vec::new(),
            effects: Effects::default(),
            python: PythonValue::Unknown,
            cwd: None,
            calling: None,
            doubts: 0,
            calls: 0,
            depth: 0,
            steps: 0,
            source_bytes: 0,
            needs_environment: false,
            loading: Loading::default(),
        }
    }
}
