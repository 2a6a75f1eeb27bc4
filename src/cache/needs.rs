//! What the key of a job's cache must contain, so that it can never restore something wrong.
//!
//! Fixes write a key from it and checks compare a key with it: one source, no drift.

use std::collections::{BTreeMap, BTreeSet};

use super::action_users::MAX_USERS;
use super::all_jobs::AllJobs;
use super::builds::Builds;
use super::hash_text::{expression, hash};
use super::interpreter::{Interpreters, Probe, Week};
use super::reach::variables;
use super::separate::Separation;
use super::{push, push_all};
use crate::actions::context::{Scope, runner_os};
use crate::base::path;
use crate::job::context::{JobContext, is_cacheable, touches_folder};
use crate::job::state::{in_workspace, pattern_in, prefixed};
use crate::job::{Event, Invocation, Timeline};
use crate::shell::Shell;
use crate::tool::{OutsideFolder, known_name};

/// Files that say which interpreter a project wants.
const INTERPRETER_PINS: [&str; 1] = [".python-version"];
/// Tells the job where its id can't be written out.
const JOB: &str = "github.job";
/// What people put between the parts of a key.
pub const SEPARATORS: [char; 6] = ['-', '_', '/', '.', '|', ':'];

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Environment folders, relative to the workspace.
    pub folders: Vec<String>,
    /// Where the repository is checked out, relative to the workspace.
    pub checkout: String,
    /// Who supplies the Pythons of the environments.
    pub interpreters: Interpreters,
    /// The id of the step that must come before the cache step, where the key needs one.
    pub probe_id: &'static str,
    /// The job's id, where the step is in the job itself; else only the run knows it.
    pub job: Option<String>,
    /// What defines the job has a hash of its own, with which a restore key ends.
    pub two_hashes: bool,
    /// The step also has restore keys.
    pub restores: bool,
    pub separation: Separation,
    /// The path of the workspace can differ from run to run.
    pub workspace: bool,
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
    /// Not everything that is installed is pinned: the key turns over every week.
    pub unpinned: bool,
    /// The user wants no restore keys.
    pub no_restore_keys: bool,
    /// Files that sessions leave below the environment folder and that must not be restored:
    /// patterns.
    pub leftovers: BTreeSet<String>,
    /// Folders outside the environments that sessions fill, as lines of `path`.
    pub outside: Vec<String>,
    /// The default shell of some leg isn't a POSIX shell.
    pub needs_bash: bool,
    /// Those that the settings add to `installs`: they may be patterns, or not be there.
    pub key_files: Vec<String>,
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

impl Beginning {
    /// Some words of it are this id.
    fn names(&self, id: &str) -> bool {
        let words = |text: &str| format!("-{}-", text.replace(SEPARATORS, "-"));
        words(&self.text).contains(&words(id))
    }
}

impl Needs {
    /// What a cache of all cacheable calls of the job needs, if its step is inside `document`:
    /// the job's own file, or a composite action, whose cache must suit every job that uses it.
    pub fn of(context: &JobContext<'_>, document: usize, jobs: &AllJobs<'_>) -> Self {
        let mut needs = if document == context.job_ref.document {
            let mut needs = Self { job: own_id(context), ..Self::default() };
            needs.add_job(context);
            needs
        } else {
            Self::of_all_users(context, document, jobs)
        };
        needs.extra_parts.clone_from(&context.settings.key_parts);
        needs.no_restore_keys = !context.settings.restore_keys;
        let inside = prefixed(&needs.checkout, &context.repository.documents[document].path);
        push(&mut needs.definition, inside);
        let files = std::mem::take(&mut needs.interpreters.files);
        files.into_iter().for_each(|f| push(&mut needs.definition, f));
        // Steps of an action always name their shell.
        needs.needs_bash |= document != context.job_ref.document;
        let job = context.job_ref.job.filter(|_| document == context.job_ref.document);
        needs.probe_id =
            Probe::id_among(context.repository.documents[document].steps(job), Probe::KEY);
        let doubt = needs.separation.doubt.take();
        needs.separation.doubt = doubt.or(needs.interpreters.doubt.clone());
        // Which of several documents comes first must not depend on the order of the calls.
        needs.definition.sort_by_key(|f| (!f.ends_with(".py"), !f.contains("/workflows/")));
        let key_files = context.settings.key_files.iter();
        needs.key_files = key_files.map(|file| pattern_in(&needs.checkout, file)).collect();
        needs.key_files.iter().for_each(|file| push(&mut needs.installs, file.clone()));
        needs.installs.retain(|f| !needs.definition.contains(f));
        needs
    }

    /// What every job that uses the action needs, so that each of them asks for the same step.
    fn of_all_users(context: &JobContext<'_>, action: usize, jobs: &AllJobs<'_>) -> Self {
        let failed = |reason| Self { failure: Some(reason), ..Self::default() };
        let Some(users) = jobs.users.jobs(context, action) else {
            return failed(format!("more than {MAX_USERS} jobs use this action"));
        };
        if context.job_ref.job.is_some() && !users.contains(&context.job_ref) {
            return failed("cachelint can't see every job that uses this action".to_owned());
        }
        jobs.users.needs(context, action, users, &jobs.passing).clone()
    }

    /// What these jobs need, which use the same action.
    pub(super) fn of_users(jobs: &[&JobContext<'_>]) -> Self {
        let mut needs = Self::default();
        jobs.iter().for_each(|job| needs.add_job(job));
        let builds: Vec<Vec<Builds>> = jobs.iter().map(|job| built(job)).collect();
        let alike = |a: usize, b: usize| {
            jobs[a].name != jobs[b].name
                || jobs[a].job_ref.document == jobs[b].job_ref.document
                || (builds[a] == builds[b] && builds[a].iter().all(Builds::is_known))
        };
        if (0..jobs.len()).any(|a| (0..a).any(|b| !alike(a, b))) {
            needs.workflow_name = true;
            let name = |job: &JobContext<'_>| job.document().workflow()?.name.clone();
            if jobs.iter().any(|j| name(j).is_none_or(|n| n.text.contains([',', '$', '\n']))) {
                needs.fail(
                    "a key can't contain the names of the workflows that use this action"
                        .to_owned(),
                );
            }
        }
        needs
    }

    fn add_job(&mut self, context: &JobContext<'_>) {
        self.interpreters.add(context);
        let separation = Separation::of(context, &self.interpreters);
        separation.paths.into_iter().for_each(|p| push(&mut self.separation.paths, p));
        self.separation.doubt = self.separation.doubt.take().or(separation.doubt);
        self.failure = self.failure.take().or(separation.failure);
        self.workspace |= moves_workspace(context);
        self.needs_bash |= !has_posix_shell(context);
        for timeline in &context.timelines {
            // A later call may well skip the installs that an earlier one has made in the same job.
            let first = timeline.invocations().find(|(_, i)| touches_folder(i));
            self.exact_only |= first.is_some_and(|(_, i)| i.run.installs_skipped);
            for (event, invocation) in timeline.invocations().filter(|(_, i)| touches_folder(i)) {
                self.add(context, event, invocation);
                self.add_named_files(context, timeline, event, invocation);
            }
        }
        // The workflow lies in the checkout of its own repository, wherever that is.
        let mut calls = context.timelines.iter().flat_map(Timeline::invocations).map(|(_, i)| i);
        if let Some(own) = calls.find(|i| i.own) {
            self.checkout.clone_from(&own.checkout);
        }
        let workflow = prefixed(&self.checkout, &context.document().path);
        push(&mut self.definition, workflow);
    }

    fn add(&mut self, context: &JobContext<'_>, event: &Event, invocation: &Invocation) {
        let files = context.repository.files().tracked();
        let run = &invocation.run;
        self.unpinned |= is_cacheable(invocation) && run.unlocked;
        if let Some(why) = &run.unfollowed {
            self.doubt(format!("{why}, and a key can't follow that"));
        }
        let tool = context.repository.answers.tool();
        let names = run.sessions.iter().map(|session| session.name.as_str());
        let named = names.chain([context.name.as_str()]).find(|name| tool.tries_newest(name));
        if let Some(word) = run.newest.as_deref().or(named) {
            self.doubt(format!(
                "`{word}` asks for the newest versions, and a cache can hold them back for up to \
                 a week"
            ));
        }
        if let Some(folder) = &run.foreign_code {
            self.fail(format!(
                "sessions use code in `{folder}`, which isn't in this repository, so a key can't \
                 follow its changes"
            ));
        }
        for folder in &invocation.folders {
            if !path::is_its_own_pattern(folder) {
                self.fail(format!("a cache step can't name the folder `{folder}`"));
            }
            push(&mut self.folders, folder.clone());
        }
        if invocation.folders.is_empty() && is_cacheable(invocation) {
            self.fail(format!(
                "cachelint doesn't know where `{}` keeps its environments",
                invocation.command
            ));
        }
        if !invocation.own {
            self.fail(
                "the noxfile isn't in this repository, so a key can't follow its changes"
                    .to_owned(),
            );
        } else if run.definition_files.is_empty() {
            self.fail(
                "git tracks no noxfile where nox runs, so a key can't follow its changes"
                    .to_owned(),
            );
        }
        let place = |path: &String| prefixed(&invocation.checkout, path);
        run.definition_files.iter().for_each(|f| push(&mut self.definition, place(f)));
        self.leftovers.extend(run.leftovers.iter().cloned());
        for outside in &run.outside {
            push(&mut self.outside, moved(context, event, outside));
            outside.follows.iter().for_each(|file| push(&mut self.installs, place(file)));
        }
        let project = run.definition_files.first().map_or("", |file| path::parent(file));
        // Also where a session installs by name only: what a project locks is what its tools are
        // chosen to go with.
        let locks = tool
            .install_files()
            .into_iter()
            .map(|name| prefixed(project, name))
            .filter(|f| invocation.own && files.contains(f));
        let installs: BTreeSet<String> = run.install_files.iter().cloned().chain(locks).collect();
        push_all(&mut self.installs, installs.iter().map(place));
        let folders = ["", project];
        for pin in
            folders.iter().flat_map(|folder| INTERPRETER_PINS.map(|pin| prefixed(folder, pin)))
        {
            if files.contains(&pin) {
                push(&mut self.definition, place(&pin));
            }
        }
        for via_place in event.via.iter().filter(|h| files.contains(&h.path)) {
            push(&mut self.definition, place(&via_place.path));
        }
    }

    /// The files that variables around a call name, such as `PIP_CONSTRAINT`.
    fn add_named_files(
        &mut self,
        context: &JobContext<'_>,
        timeline: &Timeline,
        event: &Event,
        invocation: &Invocation,
    ) {
        let tool = context.repository.answers.tool();
        let mut values: BTreeMap<&str, &str> = BTreeMap::new();
        // The innermost wins.
        values.extend(variables(context, event).filter(|(name, _)| tool.reads_files_of(name)));
        let instance = &timeline.instance;
        let mut scope = Scope::new(&instance.leg, &instance.inputs, &context.name);
        if let Some((workflow, job)) = context.document().workflow().zip(context.job_ref.job) {
            scope = scope.with_env(&workflow.env).with_env(&workflow.jobs[job].env);
        }
        for (name, written) in values {
            let known = scope.text(written);
            let words = known.as_deref().unwrap_or_default().split_whitespace();
            let files: Option<Vec<String>> = words
                .map(|word| {
                    let path = in_workspace(&invocation.checkout, word)?;
                    let inside = path.strip_prefix(invocation.checkout.as_str())?;
                    let inside = inside.trim_start_matches('/');
                    context.repository.files().tracked().contains(inside).then_some(path.clone())
                })
                .collect();
            match files.filter(|_| known.is_some()) {
                Some(files) => files.into_iter().for_each(|f| push(&mut self.installs, f)),
                None => self.doubt(format!(
                    "`{name}` may name a file outside this repository, and a key can't follow its \
                     changes"
                )),
            }
        }
    }

    fn doubt(&mut self, reason: String) {
        self.separation.doubt.get_or_insert(reason);
    }

    fn fail(&mut self, reason: String) {
        self.failure.get_or_insert(reason);
    }

    /// The key, everything from the tool to the last hash.
    pub fn key(&self) -> String {
        let week = (self.week() == Week::Apart)
            .then(|| expression(&Probe::output(self.probe_id, Probe::WEEK)));
        // In one hash, a pattern that takes files out again would take out what defines the job.
        let takes_out = self.installs.iter().any(|pattern| pattern.starts_with('!'));
        let (first, second) = if self.two_hashes || takes_out {
            let installs = (!self.installs.is_empty()).then(|| hash(&[&self.installs]));
            (Some(hash(&[&self.definition])), installs)
        } else {
            (None, Some(hash(&self.groups())))
        };
        let more = self.hashes.iter().map(|h| expression(h));
        let parts = [self.prefix()].into_iter().chain(first).chain(week);
        parts.chain(second).chain(more).collect::<Vec<String>>().join("-")
    }

    /// The step that must come before the cache step.
    pub fn probe(&self) -> Option<Probe> {
        self.interpreters.probe(self.probe_id, self.needs_bash, self.week())
    }

    fn week(&self) -> Week {
        match (self.unpinned, self.interpreters.is_asked() && !self.restores) {
            (false, _) => Week::Not,
            (true, false) => Week::Apart,
            (true, true) => Week::Joined,
        }
    }

    /// The key up to the hash of what defines the job; `None` where an older environment must not
    /// be restored, where nothing but the definition is hashed, or where the user wants none.
    pub fn restore_key(&self) -> Option<String> {
        let hashed = !self.installs.is_empty() || !self.hashes.is_empty() || self.unpinned;
        (hashed && !self.exact_only && !self.no_restore_keys)
            .then(|| format!("{}-{}-", self.prefix(), hash(&[&self.definition])))
    }

    /// The key up to the interpreter and the leg, for a cache whose environments are rebuilt unless
    /// the hit is exact: what it brings are packages.
    pub fn restore_key_of_packages(&self) -> Option<String> {
        (!self.no_restore_keys).then(|| format!("{}-", self.prefix()))
    }

    /// `env.pythonLocation` is in the key.
    pub fn location(&self) -> bool {
        self.interpreters.location && !self.interpreters.is_asked()
    }

    /// Everything that one hash takes: the noxfile and its imports, what is installed, versions,
    /// and last the workflow.
    fn groups(&self) -> [Vec<String>; 4] {
        let mut groups = <[Vec<String>; 4]>::default();
        for file in &self.definition {
            let (folder, name) = path::split(file);
            let runs =
                folder.ends_with("/workflows") || name == "action.yml" || name == "action.yaml";
            let group = match () {
                () if runs => 3,
                () if file.ends_with(".py") => 0,
                () if name.starts_with('.') => 2,
                () => 1,
            };
            groups[group].push(file.clone());
        }
        groups[1].extend(self.installs.iter().cloned());
        groups
    }

    fn prefix(&self) -> String {
        let job = self.job.clone().unwrap_or_else(|| expression(JOB));
        let mut parts: Vec<(&str, String)> = Vec::new();
        let python = Probe::output(self.probe_id, Probe::KEY);
        let mut add = |path| parts.push((path, expression(path)));
        if self.workflow_name {
            add("github.workflow");
        }
        if self.interpreters.is_asked() {
            add(&python);
        } else if self.interpreters.location {
            add("env.pythonLocation");
        }
        self.interpreters.runner().iter().for_each(|part| add(part));
        if self.workspace {
            add("github.workspace");
        }
        self.separation.paths.iter().for_each(|path| add(path));
        parts.insert(usize::from(self.workflow_name), (JOB, job));
        parts.retain(|(path, _)| !self.is_said(path));
        let written =
            if self.beginning.text.is_empty() { known_name() } else { &self.beginning.text };
        let mut all = vec![written.to_owned()];
        all.extend(parts.into_iter().map(|(_, text)| text));
        all.extend(self.extra_parts.iter().filter(|p| !written.contains(p.as_str())).cloned());
        all.join("-")
    }

    /// An existing key begins with this part.
    fn is_said(&self, path: &str) -> bool {
        let own = path == JOB && self.job.as_ref().is_some_and(|id| self.beginning.names(id));
        own || self.beginning.says.iter().any(|said| said.eq_ignore_ascii_case(path))
    }

    /// The lines of `path`.
    pub fn paths(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for folder in &self.folders {
            if self.leftovers.is_empty() {
                lines.push(folder.clone());
            } else {
                // A pattern for the folder itself would pack it whole, whatever is excluded.
                lines.push(format!("{folder}/*/*"));
                lines.extend(self.leftovers.iter().map(|left| format!("!{folder}/{left}")));
            }
        }
        lines.extend(self.interpreters.folders.iter().chain(&self.outside).cloned());
        lines
    }
}

/// Where a folder outside the environments is: where the job's variable says, else its usual place.
fn moved(context: &JobContext<'_>, event: &Event, outside: &OutsideFolder) -> String {
    let document = context.document().workflow().zip(context.job_ref.job);
    let step = context.repository.documents[event.step_ref.document]
        .steps(event.step_ref.job)
        .and_then(|list| list.steps.get(event.step_ref.step));
    let job = document.map(|(w, j)| [&w.jobs[j].env, &w.env]);
    let mut scopes = step.map(|s| &s.env).into_iter().chain(job.into_iter().flatten());
    let said = scopes.find_map(|env| env.entries.iter().find(|(name, _)| name == outside.variable));
    said.map_or_else(|| outside.path.clone(), |(_, text)| text.text.clone())
}

/// The id of the job, unless another job shares its lines.
fn own_id(context: &JobContext<'_>) -> Option<String> {
    let workflow = context.document().workflow()?;
    let job = workflow.jobs.get(context.job_ref.job?)?;
    let tree = &context.document().tree;
    let shared = tree.is_alias(job.node) || tree.node(job.node).anchored || job.steps.shared;
    (!shared).then(|| job.id.clone())
}

/// Everything that the instances of a job build.
fn built(context: &JobContext<'_>) -> Vec<Builds> {
    context.timelines.iter().map(|t| Builds::of(context, t)).collect()
}

/// The workspace has another path on every run, or on every machine.
fn moves_workspace(context: &JobContext<'_>) -> bool {
    let Some((workflow, job)) = context.document().workflow().zip(context.job_ref.job) else {
        return false;
    };
    let job = &workflow.jobs[job];
    let own = job.runs_on.iter().any(|l| l.text.to_ascii_lowercase().contains("self-hosted"));
    let forge = context.repository.forge_of(context.job_ref.document);
    job.container.is_none() && (own || forge.workspace_may_move)
}

/// A `run` step without a shell of its own is read by a POSIX shell on every leg.
fn has_posix_shell(context: &JobContext<'_>) -> bool {
    let Some((workflow, job)) = context.document().workflow().zip(context.job_ref.job) else {
        return false;
    };
    let job = &workflow.jobs[job];
    if let Some(shell) = job.defaults.shell.as_ref().or(workflow.defaults.shell.as_ref()) {
        return matches!(Shell::from_spec(&shell.text), Shell::Bash | Shell::Sh);
    }
    context.timelines.iter().all(|timeline| {
        let instance = &timeline.instance;
        let scope = Scope::new(&instance.leg, &instance.inputs, &job.id);
        runner_os(job, &scope).is_some_and(|os| os != "Windows")
    })
}
