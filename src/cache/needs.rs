//! What the key of a job's cache must contain, so that it can never restore something wrong.
//!
//! Fixes write a key from it and checks compare a key with it: one source, no drift.

use std::collections::BTreeSet;

use super::interpreter::Probe;
use super::separate::Separation;
use crate::job::context::{Subject, is_cacheable, touches_folder};
use crate::job::state::prefixed;
use crate::job::{Event, EventKind, Invocation, Timeline, Unit};
use crate::rules::nox;
use crate::rules::setup_actions::setup_actions;

/// Files that say which interpreter a project wants.
const INTERPRETER_PINS: [&str; 1] = [".python-version"];
/// Where uv keeps the interpreters it downloads (docs.astral.sh/uv/reference/storage), by
/// `runner.os`.
const UV_PYTHONS: [(&str, &str); 2] =
    [("Windows", "~\\AppData\\Roaming\\uv\\python"), ("", "~/.local/share/uv/python")];
/// The same after setup-uv, which moves it on some runners and says so.
const UV_PYTHONS_EXPORTED: &str = "${{ env.UV_PYTHON_INSTALL_DIR }}";

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Environment folders, relative to the workspace.
    pub folders: Vec<String>,
    /// Where the repository is checked out, relative to the workspace.
    pub checkout: String,
    /// Where uv keeps the interpreter that restored environments link into.
    pub interpreters: Option<String>,
    /// `env.pythonLocation` names the exact interpreter.
    pub location: bool,
    /// The step that must stand before the cache step, whose outputs the key names.
    pub probe: Option<Probe>,
    pub separation: Separation,
    /// Jobs of several workflows share the step, and their ids need not differ.
    pub workflow_name: bool,
    /// How an existing key begins, which a correction keeps; nothing where there is no key yet.
    pub beginning: Beginning,
    /// Hashes of an existing key of whatever files a run names: `hashFiles(inputs.lock)`.
    pub hashes: Vec<String>,
    /// Files that define the job, relative to the workspace: noxfile, workflow, `.python-version`.
    pub definition: Vec<String>,
    /// Files that decide what is installed, relative to the workspace.
    pub installs: Vec<String>,
    /// What the user wants in every key, as written in the settings.
    pub extra_parts: Vec<String>,
    /// Installs are skipped in reused environments: an older one must not be restored.
    pub exact_only: bool,
    /// The user wants no restore keys.
    pub no_restore_keys: bool,
    /// Why no key can be written that is sure to be right.
    pub failure: Option<String>,
}

/// The beginning of a key as its owner writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beginning {
    /// `nox-v2-${{ runner.os }}`.
    pub text: String,
    /// The context paths that it names, in lower case.
    pub says: Vec<String>,
}

impl Needs {
    /// What a cache of all cacheable calls of the job needs, if its step stands inside `document`:
    /// the job's own file, or a composite action, whose cache must suit every job that uses it.
    pub fn of(subject: &Subject<'_>, document: usize) -> Self {
        let mut needs = Self {
            extra_parts: subject.settings.key_parts.clone(),
            no_restore_keys: !subject.settings.restore_keys,
            ..Self::default()
        };
        if document == subject.unit.document {
            needs.add_job(subject);
        } else {
            needs.add_users(subject, document);
        }
        let inside = prefixed(&needs.checkout, &subject.repository.documents[document].path);
        push(&mut needs.definition, inside);
        // Which of several documents comes first must not depend on the order of the calls.
        needs.definition.sort_by_key(|f| (!f.ends_with(".py"), !f.contains("/workflows/")));
        subject.settings.key_files.iter().for_each(|f| push(&mut needs.installs, f.clone()));
        needs.installs.retain(|f| !needs.definition.contains(f));
        needs
    }

    /// Every job that uses the action, so that each of them asks for the same step.
    fn add_users(&mut self, subject: &Subject<'_>, action: usize) {
        let repository = subject.repository;
        let mut workflows: Vec<usize> = Vec::new();
        for user in repository.users(action) {
            let unit = Unit { document: user.document, job: Some(user.job) };
            self.add_job(&Subject::new(repository, subject.settings, unit));
            if !workflows.contains(&user.document) {
                workflows.push(user.document);
            }
        }
        if workflows.len() > 1 {
            self.workflow_name = true;
            let name =
                |d: &usize| repository.documents[*d].workflow().and_then(|w| w.name.as_ref());
            if workflows.iter().any(|d| name(d).is_none_or(|n| n.text.contains([',', '$', '\n']))) {
                self.fail(
                    "the workflows that use this action have no names that a key could hold"
                        .to_owned(),
                );
            }
        }
    }

    fn add_job(&mut self, subject: &Subject<'_>) {
        let separation = Separation::of(subject);
        separation.paths.into_iter().for_each(|p| push(&mut self.separation.paths, p));
        self.separation.doubt = self.separation.doubt.take().or(separation.doubt);
        self.failure = self.failure.take().or(separation.failure);
        for timeline in &subject.timelines {
            // A later call may well skip the installs that an earlier one has made in the same job.
            let first = timeline.invocations().find(|(_, i)| touches_folder(i));
            self.exact_only |= first.is_some_and(|(_, i)| i.run.installs_skipped);
            for (event, invocation) in timeline.invocations().filter(|(_, i)| touches_folder(i)) {
                self.add(subject, timeline, event, invocation);
            }
        }
        // The workflow lies in the checkout of its own repository, wherever that is in the
        // workspace.
        let mut calls = subject.timelines.iter().flat_map(Timeline::invocations).map(|(_, i)| i);
        if let Some(own) = calls.find(|i| i.own) {
            self.checkout.clone_from(&own.checkout);
        }
        let workflow = prefixed(&self.checkout, &subject.document().path);
        push(&mut self.definition, workflow);
    }

    fn add(
        &mut self,
        subject: &Subject<'_>,
        timeline: &Timeline,
        event: &Event,
        invocation: &Invocation,
    ) {
        let files = subject.repository.files().tracked();
        let run = &invocation.run;
        for folder in &invocation.folders {
            push(&mut self.folders, folder.clone());
        }
        if invocation.folders.is_empty() && is_cacheable(invocation) {
            self.fail(format!(
                "the folder in which `{}` keeps its environments is not known",
                invocation.command
            ));
        }
        if !invocation.own {
            self.fail("the noxfile belongs to another repository, so that a key cannot follow its changes".to_owned());
        } else if run.definition_files.is_empty() {
            self.fail(
                "no noxfile is tracked where nox runs, so that a key cannot follow its changes"
                    .to_owned(),
            );
        }
        let place = |path: &String| prefixed(&invocation.checkout, path);
        run.definition_files.iter().for_each(|f| push(&mut self.definition, place(f)));
        let project = project_folder(run.definition_files.first());
        // Also where a session installs by name only: what a project locks is what its tools are
        // chosen to go with.
        let locks = nox::rules().project_files.iter().chain(&nox::rules().lock_files);
        let locks = locks
            .map(|name| prefixed(&project, name))
            .filter(|f| invocation.own && files.contains(f));
        let installs: BTreeSet<String> = run.install_files.iter().cloned().chain(locks).collect();
        installs.iter().for_each(|f| push(&mut self.installs, place(f)));
        let folders = [String::new(), project];
        for pin in
            folders.iter().flat_map(|folder| INTERPRETER_PINS.map(|pin| prefixed(folder, pin)))
        {
            if files.contains(&pin) {
                push(&mut self.definition, place(&pin));
            }
        }
        for hop in event.hops.iter().filter(|h| files.contains(&h.path)) {
            push(&mut self.definition, place(&hop.path));
        }
        let before =
            timeline.events.iter().take_while(|e| e.site != event.site || e.span != event.span);
        let (mut location, mut uv, mut exported) = (false, false, false);
        for earlier in before {
            if let EventKind::Interpreter { location: exports, uv: is_uv, action, .. } =
                &earlier.kind
            {
                location |= exports;
                uv |= is_uv;
                exported |=
                    setup_actions().interpreter(action).is_some_and(|a| a.exports_uv_folder);
            }
        }
        self.location |= location;
        if !location && uses_uv(invocation, uv || brings_uv(subject)) {
            self.interpreters_of_uv(subject, exported);
        }
    }

    /// Where uv supplies the interpreter from its own folder, restored environments link into it.
    fn interpreters_of_uv(&mut self, subject: &Subject<'_>, exported: bool) {
        let job = subject.document().workflow().zip(subject.unit.job).map(|(w, j)| &w.jobs[j]);
        if exported {
            self.interpreters = Some(UV_PYTHONS_EXPORTED.to_owned());
        } else if self.interpreters.is_none() && job.is_none_or(|j| j.container.is_none()) {
            let windows =
                job.is_some_and(|j| j.runs_on.iter().any(|l| l.text.starts_with("windows")));
            let os = if windows { "Windows" } else { "" };
            self.interpreters =
                UV_PYTHONS.iter().find(|(o, _)| *o == os).map(|(_, path)| (*path).to_owned());
        }
    }

    fn fail(&mut self, reason: String) {
        self.failure.get_or_insert(reason);
    }

    /// The key, everything from the tool to the last hash.
    pub fn key(&self) -> String {
        let installs = (!self.installs.is_empty()).then(|| hash(&self.installs));
        let kept = self.hashes.iter().map(|h| format!("${{{{ {h} }}}}"));
        std::iter::once(self.stem()).chain(installs).chain(kept).collect::<Vec<String>>().join("-")
    }

    /// The key up to the hash of what defines the job; `None` where an older environment must not
    /// be restored, where nothing but the definition is hashed, or where the user wants none.
    pub fn restore_key(&self) -> Option<String> {
        let hashed = !self.installs.is_empty() || !self.hashes.is_empty();
        (hashed && !self.exact_only && !self.no_restore_keys).then(|| format!("{}-", self.stem()))
    }

    fn stem(&self) -> String {
        let mut parts = vec!["github.job", "runner.os", "runner.arch"];
        if self.workflow_name {
            parts.insert(0, "github.workflow");
        }
        if self.location {
            parts.push("env.pythonLocation");
        }
        parts.extend(self.separation.paths.iter().map(String::as_str));
        parts.retain(|p| !self.beginning.says.iter().any(|said| said.eq_ignore_ascii_case(p)));
        let written = if self.beginning.text.is_empty() { "nox" } else { &self.beginning.text };
        let mut all = vec![written.to_owned()];
        all.extend(parts.iter().map(|p| format!("${{{{ {p} }}}}")));
        all.extend(self.extra_parts.iter().filter(|p| !written.contains(p.as_str())).cloned());
        all.push(hash(&self.definition));
        all.join("-")
    }

    /// The lines of `path`.
    pub fn paths(&self) -> Vec<String> {
        self.folders.iter().cloned().chain(self.interpreters.clone()).collect()
    }
}

fn hash(files: &[String]) -> String {
    let quoted: Vec<String> =
        files.iter().map(|f| format!("'{}'", f.replace('\'', "''"))).collect();
    format!("${{{{ hashFiles({}) }}}}", quoted.join(", "))
}

fn push(list: &mut Vec<String>, item: String) {
    if !list.contains(&item) {
        list.push(item);
    }
}

fn project_folder(definition: Option<&String>) -> String {
    definition
        .and_then(|d| d.rsplit_once('/'))
        .map_or_else(String::new, |(folder, _)| folder.to_owned())
}

/// Whether uv chooses the interpreter of the environments.
fn uses_uv(invocation: &Invocation, at_hand: bool) -> bool {
    let backend = &invocation.run.backend;
    let launched = invocation.launcher.as_deref().is_some_and(|l| l.starts_with("uv"));
    let chosen =
        backend.only() == Some("uv") || (at_hand && backend.names.iter().any(|n| n == "uv"));
    !invocation.in_container && (launched || chosen)
}

/// Whether a script of the job names uv: `pipx install nox uv`, `pip install nox[uv]`.
fn brings_uv(subject: &Subject<'_>) -> bool {
    let steps = subject.document().steps(subject.unit.job).map_or(&[][..], |list| &list.steps);
    let words = steps.iter().filter_map(|step| step.run.as_ref()).flat_map(|script| {
        script
            .text
            .split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/')))
    });
    words.into_iter().any(|word| word == "uv")
}
