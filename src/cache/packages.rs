//! Where the installers of a job keep their packages: in the archive of the environments, so that
//! what a restore key brings can be rebuilt without downloading, or elsewhere.

use std::collections::HashSet;

use super::earlier;
use super::interpreter::is_built_by_uv;
use super::needs::Needs;
use super::uncovered::UncoveredCall;
use crate::actions::{Step, StepList, Uses};
use crate::base::path::join;
use crate::job::context::JobContext;
use crate::job::{CacheForm, EventKind, StepRef};
use crate::repo::Repository;
use crate::repo::index::local;
use crate::rules::setup_actions::setup_actions;
use crate::rules::wrappers::{WRAPPERS, Wrapper};
use crate::tool::Files;

const INSTALLER: &str = "uv";
/// The variable that says where uv keeps packages, and its folder inside the environment folder.
const UV: (&str, &str) = ("UV_CACHE_DIR", ".uv");
/// How uv brings packages into an environment: an archive holds a linked file once, and a package
/// without links is one that no environment uses.
const LINK_MODE: &str = "UV_LINK_MODE";
/// An absolute path, for installs from another folder.
const WORKSPACE: &str = "${{ github.workspace }}";
/// Words after `uv`, `uv pip` and `uv tool` that bring packages.
const TAKES: [&str; 3] = ["install", "run", "sync"];
/// Beginnings of options that bring packages, without the first dash: `-rdev.txt`, `-e.`,
/// `--with=x`.
const LISTS: [&str; 6] = ["r", "e", "-requirement", "-editable", "-with=", "-with-"];
/// Endings of scripts of a shell.
const SCRIPTS: [&str; 3] = ["sh", "bash", "ps1"];
/// Files that are looked through because scripts call them; beyond them any may name uv.
const MAX_CALLED: usize = 200;
/// setup-uv's input that switches its cache on and off.
const CACHE_SWITCH: &str = "enable-cache";
/// setup-uv's other inputs about its cache: one that does more than shape that cache decides where
/// packages are.
const CACHE_INPUTS: [&str; 2] = ["cache-", "-cache"];

/// Variables of the job that put the packages into the archive, and what they make superfluous.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packages {
    pub installer: &'static str,
    /// The folder of packages, relative to the workspace.
    pub folder: String,
    pub variables: Vec<(&'static str, String)>,
    /// Cache steps of the job that would keep nothing from then on.
    pub superfluous: Vec<Superfluous>,
    /// Where the cache step must go: before the first step that takes packages.
    pub place: StepRef,
}

/// A cache of packages that the archive replaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Superfluous {
    /// The step keeps nothing else.
    Step(StepRef),
    /// The step does more; the input `name` switches its cache off, and the idle ones do nothing
    /// then.
    Input { step_ref: StepRef, name: &'static str, idle: Vec<String> },
}

impl Packages {
    /// Moves the packages of these calls into the archive; `None` where something else decides
    /// where they are. Fails where they must stay in a cache of their own, with the reason as a
    /// sentence.
    pub fn in_archive(
        context: &JobContext<'_>,
        calls: &[UncoveredCall<'_>],
        needs: &Needs,
        step_ref: StepRef,
    ) -> Result<Option<Self>, String> {
        let Some(mut packages) = Self::in_folder(context, calls, needs, step_ref) else {
            return Ok(None);
        };
        let list = context.repository.documents[step_ref.document].steps(step_ref.job);
        let Some(list) = list else { return Ok(None) };
        let takes = |step: &Step| take_packages(context.repository, std::slice::from_ref(step));
        let Some(first) = list.before(step_ref.step).iter().position(takes) else {
            return Ok(Some(packages));
        };
        match earlier::place(context, list, calls, needs, (first, step_ref)) {
            Ok(place) => packages.place = place,
            // Only uv's own cache brings what other programs take before the archive is restored.
            Err(why) if !packages.superfluous.is_empty() => {
                let taker = earlier::called(&list.steps[first]);
                return Err(format!(
                    "{INSTALLER}'s packages stay in their own cache: {taker} takes some of them \
                     before nox does, and the new cache step can't come before it, because {why}"
                ));
            }
            Err(_) => {}
        }
        Ok(Some(packages))
    }

    fn in_folder(
        context: &JobContext<'_>,
        calls: &[UncoveredCall<'_>],
        needs: &Needs,
        step_ref: StepRef,
    ) -> Option<Self> {
        let job = context.document().workflow().zip(step_ref.job).map(|(w, j)| (w, &w.jobs[j]));
        let (workflow, job) = job.filter(|_| step_ref.document == context.job_ref.document)?;
        let [folder] = needs.folders.as_slice() else { return None };
        // A relative path is seen from the folder that the installer runs in, which is that of the
        // noxfile unless something changes it.
        let is_name = !folder.contains(['/', '\\', '~', '$']) && needs.checkout.is_empty();
        let is_name = is_name
            && job.defaults.working_directory.is_none()
            && workflow.defaults.working_directory.is_none();
        if !is_name || job.env.incomplete || workflow.env.incomplete {
            return None;
        }
        if !calls.iter().all(|call| can_move(context, call)) {
            return None;
        }
        let (variable, inside) = UV;
        let list = &job.steps;
        let says = |step: &Step| {
            step.env.incomplete || step.env.entries.iter().any(|(n, _)| n == variable)
        };
        let exports = |step: &Step| {
            let script = step.run.as_ref().map_or("", |run| run.text.as_str());
            script.contains("_ENV") && script.contains(variable)
        };
        let elsewhere = |step: &Step| {
            let script = step.run.as_ref().map_or("", |run| run.text.as_str());
            let moved = step.working_directory.is_some() || script.contains("cd ");
            moved && calls_installer(script)
        };
        // A relative path is another folder in another folder, and in a container the workspace is
        // not where the expression says.
        let changes_folder = calls.iter().any(|call| call.invocation.run.changes_folder)
            || list.steps.iter().any(elsewhere);
        if changes_folder && job.container.is_some() {
            return None;
        }
        if list.steps.iter().any(|step| says(step) || exports(step)) {
            return None;
        }
        let superfluous = superfluous(context, list)?;
        let folder = format!("{folder}/{inside}");
        let value = if changes_folder { format!("{WORKSPACE}/{folder}") } else { folder.clone() };
        Some(Self {
            installer: INSTALLER,
            variables: vec![(variable, value), (LINK_MODE, "hardlink".to_owned())],
            folder,
            superfluous,
            place: step_ref,
        })
    }
}

/// Whether the packages of a call can move into the archive: uv installs them, on the runner. With
/// pip it doesn't pay: pip spends its time on unpacking and compiling, not on downloading, so an
/// archive with pip's cache costs more than a miss (docs/proof.md).
fn can_move(context: &JobContext<'_>, call: &UncoveredCall<'_>) -> bool {
    let UncoveredCall { timeline, event, invocation } = call;
    !invocation.in_container
        && invocation.action.is_none()
        && is_built_by_uv(context, timeline, event, invocation)
}

/// Whether a script has `uv` or `uvx` among its words.
fn calls_installer(script: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    script.split(|c: char| !inside(c)).any(|word| matches!(word, "uv" | "uvx"))
}

/// Whether steps let uv install, or run, something else than the tool: themselves, in actions of the
/// repository that they use, or in files that they call. An action that can't be read may.
fn take_packages(repository: &Repository, steps: &[Step]) -> bool {
    let tool = repository.answers.tool().name();
    let mut lists = vec![steps];
    let mut seen = HashSet::new();
    while let Some(steps) = lists.pop() {
        for step in steps {
            if let Some(script) = &step.run {
                let folder = step.working_directory.as_ref().map_or("", |folder| &folder.text);
                if takes_packages(&script.text, tool)
                    || calls_files_with_uv(repository, folder, &script.text, &mut HashSet::new())
                {
                    return true;
                }
            } else if let Some(uses) = step.uses.as_ref().filter(|u| local(&u.text).is_some()) {
                let Some(action) = repository.action_of(&uses.text) else { return true };
                let Some(list) = repository.documents[action].steps(None) else { return true };
                if seen.insert(action) {
                    lists.push(&list.steps);
                }
            }
        }
    }
    false
}

/// Whether a script calls a file of the repository that names uv: by its path, or through a program
/// that reads it, such as make. Files that such a file calls count, too.
fn calls_files_with_uv(
    repository: &Repository,
    folder: &str,
    script: &str,
    seen: &mut HashSet<String>,
) -> bool {
    let parts = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ';' | '(' | ')' | '=');
    let words: Vec<&str> = script.split(parts).filter(|word| !word.is_empty()).collect();
    let is_script = |word: &&&str| {
        let name = word.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.').is_none_or(|(_, ending)| SCRIPTS.contains(&ending))
    };
    let mut paths: Vec<String> =
        words.iter().filter(is_script).filter_map(|word| join(folder, word)).collect();
    let calls = |wrapper: &&Wrapper| words.iter().any(|w| wrapper.programs.iter().any(|p| p == w));
    for name in WRAPPERS.wrappers.iter().filter(calls).flat_map(|wrapper| &wrapper.files) {
        // `make -C docs` reads the file there.
        let folders = words.iter().chain([&""]).filter_map(|word| join(folder, word));
        paths.extend(folders.filter_map(|inside| join(&inside, name)));
    }
    paths.into_iter().any(|path| {
        if seen.len() == MAX_CALLED {
            return true;
        }
        let new = !seen.contains(&path);
        let Some(text) = repository.files().read(&path).filter(|_| new) else { return false };
        seen.insert(path);
        calls_installer(&text) || calls_files_with_uv(repository, folder, &text, seen)
    })
}

/// Whether a script lets uv install, or run, something else than the tool.
fn takes_packages(script: &str, tool: &str) -> bool {
    let mut commands = script.split(['\n', ';', '&', '|']);
    commands.any(|command| {
        let mut words =
            command.split_whitespace().map(|w| w.trim_matches(['"', '\'', '(', ')', '$']));
        match words.find(|word| matches!(*word, "uv" | "uvx")) {
            None => return false,
            Some("uvx") => {}
            // Options of uv with their values may come first: `uv --directory sub sync`.
            Some(_) => {
                let sub = words.find(|word| *word == "python" || TAKES.contains(word));
                match sub {
                    Some("sync") => return true,
                    Some("install" | "run") => {}
                    _ => return false,
                }
            }
        }
        words.any(|word| match word.strip_prefix('-') {
            Some(option) => LISTS.iter().any(|list| option.starts_with(list)),
            None => !word.starts_with(tool),
        })
    })
}

/// The package caches of the job that go; `None` where one must stay, so that the packages do.
fn superfluous(context: &JobContext<'_>, list: &StepList) -> Option<Vec<Superfluous>> {
    let mut found: Vec<Superfluous> = Vec::new();
    for timeline in &context.timelines {
        for event in &timeline.events {
            let keeps = match &event.kind {
                EventKind::PackageCache { installer } => installer == INSTALLER,
                EventKind::Interpreter(set_up) => set_up.uv && may_keep(context, event.step_ref),
                _ => false,
            };
            if !keeps {
                continue;
            }
            if event.step_ref != event.outer {
                return None;
            }
            let step = list.steps.get(event.step_ref.step)?;
            let one = replaced(context, step, event.step_ref)?;
            if !found.contains(&one) {
                found.push(one);
            }
        }
    }
    Some(found)
}

/// Whether an expression says if the step keeps packages.
fn may_keep(context: &JobContext<'_>, step_ref: StepRef) -> bool {
    let list = context.repository.documents[step_ref.document].steps(step_ref.job);
    let step = list.and_then(|list| list.steps.get(step_ref.step));
    let said = step.and_then(|step| step.input(CACHE_SWITCH));
    said.is_some_and(|said| said.text.contains("${{"))
}

fn replaced(context: &JobContext<'_>, step: &Step, step_ref: StepRef) -> Option<Superfluous> {
    if step.shared || step.concurrent {
        return None;
    }
    let uses = Uses::parse(&step.uses.as_ref()?.text)?;
    if let Some(action) = setup_actions().interpreter(uses.name) {
        let is_detail = |name: &str| {
            action.package_cache_details.iter().any(|detail| detail.eq_ignore_ascii_case(name))
        };
        let thought = |(name, _): &(String, _)| {
            CACHE_INPUTS.iter().any(|part| name.contains(part))
                && name != CACHE_SWITCH
                && !is_detail(name)
        };
        if !action.uv
            || action.package_cache_input.as_deref() != Some(CACHE_SWITCH)
            || step.with.iter().any(thought)
            || is_asked(context, step_ref, step, "outputs.cache-")
        {
            return None;
        }
        let names = step.with.iter().map(|(name, _)| name).filter(|name| is_detail(name));
        let idle = names.cloned().collect();
        return Some(Superfluous::Input { step_ref, name: CACHE_SWITCH, idle });
    }
    let mut steps = context.timelines.iter().flat_map(|t| t.caches());
    let (_, cache) = steps.find(|(event, _)| event.step_ref == step_ref)?;
    let only = |path: &str| setup_actions().package_cache(path) == Some(INSTALLER);
    let whole = cache.form == CacheForm::Both && cache.paths.iter().all(|p| only(&p.written));
    (whole && !is_asked(context, step_ref, step, "")).then_some(Superfluous::Step(step_ref))
}

/// Whether something in the job asks the step for what begins so: a condition, a variable, an output
/// of the job.
fn is_asked(context: &JobContext<'_>, step_ref: StepRef, step: &Step, beginning: &str) -> bool {
    let Some(id) = &step.id else { return false };
    let document = &context.repository.documents[step_ref.document];
    let Some((workflow, job)) = document.workflow().zip(step_ref.job) else { return false };
    let span = document.tree.span(workflow.jobs[job].node);
    let written = &document.text.as_str()[span.range()];
    written.contains(&format!("steps.{}.{beginning}", id.text))
}
