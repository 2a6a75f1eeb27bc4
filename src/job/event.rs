//! The events of a timeline.

use std::borrow::Cow;
use std::sync::Arc;

use crate::actions::Scalar;
use crate::base::finding::Location;
use crate::base::text::Span;
use crate::job::folder::{Arrival, Artifact, Removal};
use crate::job::key_template::{Key, RenderedKey};
use crate::rules::setup_actions::{ToolAction, has_since, surely_has_since};
use crate::tool::Run;

/// One step of one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepRef {
    pub document: usize,
    /// Position among the workflow's jobs; `None` in a composite action.
    pub job: Option<usize>,
    /// Position in the list of steps.
    pub step: usize,
}

#[derive(Debug, Clone)]
pub struct Event {
    /// The step that does it: in the job, or in a composite action the job uses.
    pub step_ref: StepRef,
    /// The step of the job itself; the same as `step_ref` unless the event is inside a composite
    /// action.
    pub outer: StepRef,
    /// Where it is in `step_ref`'s document.
    pub span: Span,
    /// How it was reached from the step, outermost first: scripts, Makefile targets, composite
    /// actions.
    pub via: Vec<Location>,
    /// An `if:` on the way whose value is not known, without the `${{ }}` around it.
    pub condition: Option<String>,
    /// It depends on whether an earlier cache step found its exact key.
    pub gate: Option<Gate>,
    pub kind: EventKind,
}

/// What an `if:` on the way says of an earlier cache step's `cache-hit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gate {
    pub cache: StepRef,
    /// The event happens only after an exact hit; else only without one.
    pub on_hit: bool,
}

#[derive(Debug, Clone)]
pub enum EventKind {
    Checkout {
        /// Relative to the workspace; `None` when not known.
        folder: Option<String>,
        /// Of the repository under check.
        own: bool,
        /// Deletes what is in the folder and not tracked.
        cleans: bool,
    },
    Interpreter(Box<SetUp>),
    /// A warm download cache of an installer: `pip`, `uv`, `conda`.
    PackageCache {
        installer: String,
    },
    Cache(Box<CacheStep>),
    Run(Box<Invocation>),
    Publish {
        /// A clause: "uploads to a package index".
        what: String,
    },
    /// Files and folders are deleted.
    Removal(Removal),
    /// Files come into a folder from an artifact or an archive.
    Arrival(Arrival),
    /// Files go to other jobs.
    Upload(Artifact),
}

/// A step that sets an interpreter up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetUp {
    pub action: String,
    /// What comes after the `@`.
    pub reference: String,
    /// The release that the comment after a commit names.
    pub release: Option<String>,
    /// Sets `pythonLocation` for later steps.
    pub location: bool,
    pub uv: bool,
    /// The versions asked for; `None` where they are not known.
    pub versions: Option<Vec<String>>,
    /// Tracked files that say which version it is, relative to the workspace.
    pub files: Vec<String>,
    /// Everything that decides which interpreter it is; `None` where two instances may get
    /// different ones.
    pub derived_from: Option<String>,
}

impl SetUp {
    /// Whether its release has what there is since that one; `None` where it is not known.
    pub fn has_since(&self, since: &str) -> Option<bool> {
        let named = || surely_has_since(self.release.as_deref()?, since);
        has_since(&self.reference, since).or_else(named)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheForm {
    /// Restores, and saves at the end of a green job.
    Both,
    Restore,
    Save,
}

/// A cache step as found.
#[derive(Debug, Clone)]
pub struct CacheStep {
    /// `actions/cache`.
    pub action: String,
    /// What comes after the `@`.
    pub reference: String,
    pub form: CacheForm,
    /// Mounts a volume by path; there is no key.
    pub keyless: bool,
    pub retired: bool,
    pub paths: Vec<CachedPath>,
    pub key: Option<Scalar>,
    /// The key on this instance.
    pub template: Key,
    pub restore_keys: Option<Scalar>,
    /// Each line on this instance.
    pub restore_templates: Vec<Key>,
    /// A miss fails the job.
    pub must_hit: bool,
    pub lookup_only: Option<Scalar>,
}

impl CacheStep {
    /// What the step saves or restores: each of its paths as far as it is known.
    pub fn saves(&self) -> Vec<&str> {
        self.paths.iter().map(|p| p.folder.as_deref().unwrap_or(&p.written)).collect()
    }

    /// Never restores anything.
    pub fn only_looks_up(&self) -> bool {
        self.lookup_only.as_ref().is_some_and(|input| input.text.eq_ignore_ascii_case("true"))
    }
}

/// One line of a cache step's `path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedPath {
    pub written: String,
    /// Relative to the workspace, without `./` and a trailing `/`; `None` outside the workspace or
    /// not known.
    pub folder: Option<String>,
    /// Its value on this instance is known.
    pub known: bool,
    /// The value, not known parts of it as symbols.
    pub rendered: RenderedKey,
}

impl CachedPath {
    /// Equal for equal paths; `None` where two instances may have different ones all the same.
    pub fn identity(&self) -> Option<&str> {
        if self.known {
            return Some(self.folder.as_deref().unwrap_or(&self.written));
        }
        self.rendered.complete.then_some(&self.rendered.text)
    }
}

/// One call of the tool.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// As written, on one line: `uvx nox -s tests`.
    pub command: String,
    /// What leads to the tool: `uvx`, `python -m`; empty for a plain call.
    pub launcher: Option<String>,
    /// The interpreter that the launcher is asked for, as written: `uvx --python 3.12`.
    pub python: Option<String>,
    /// Shared with the other legs that call it so.
    pub run: Arc<Run>,
    /// Environment folders relative to the workspace.
    pub folders: Vec<String>,
    /// The checkout the call runs in, relative to the workspace; "" is the workspace itself.
    pub checkout: String,
    /// Its definition file is in this repository: what it builds can be known.
    pub own: bool,
    /// Offset in `step_ref`'s document right after the program word, where the reuse flag may
    /// stand.
    pub insert_at: Option<usize>,
    /// Why the reuse flag cannot be inserted.
    pub no_insert_reason: Option<Cow<'static, str>>,
    /// A published action that runs the tool itself.
    pub action: Option<&'static ToolAction>,
    /// A green run of the script may leave the call out.
    pub conditional: bool,
    /// In a container that the command starts: the interpreter is the image's.
    pub in_container: bool,
}

impl Event {
    pub fn cache(&self) -> Option<&CacheStep> {
        match &self.kind {
            EventKind::Cache(step) => Some(step),
            _ => None,
        }
    }

    pub fn set_up(&self) -> Option<&SetUp> {
        match &self.kind {
            EventKind::Interpreter(set_up) => Some(set_up),
            _ => None,
        }
    }

    /// Whether it happens although the cache step at `step_ref` found its exact key.
    pub fn happens_on_hit(&self, step_ref: StepRef) -> bool {
        self.gate.is_none_or(|gate| gate.cache != step_ref || gate.on_hit)
    }

    /// Whether it happens although the cache step at `step_ref` did not find its exact key.
    pub fn happens_without_hit(&self, step_ref: StepRef) -> bool {
        self.gate.is_none_or(|gate| gate.cache != step_ref || !gate.on_hit)
    }

    pub fn removal(&self) -> Option<&Removal> {
        match &self.kind {
            EventKind::Removal(removal) => Some(removal),
            _ => None,
        }
    }

    pub fn arrival(&self) -> Option<&Arrival> {
        match &self.kind {
            EventKind::Arrival(arrival) => Some(arrival),
            _ => None,
        }
    }

    pub fn invocation(&self) -> Option<&Invocation> {
        match &self.kind {
            EventKind::Run(run) => Some(run),
            _ => None,
        }
    }
}
