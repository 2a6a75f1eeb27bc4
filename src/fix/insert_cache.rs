//! The fix that inserts a cache of environments: what tells the interpreter, the cache step, the
//! step that clears away what is not an exact hit, the reuse flags, and where packages are kept.

use super::action_ref::cache_action;
use super::removal::remove_step;
use super::reuse_flag;
use super::rewrite_key::least_length;
use super::steps::{Input, NewStep, StepBody, insert_steps};
use super::variables::{set_input, set_variables};
use super::{unsafe_by_doubt, unsafe_on_branch};
use crate::actions::{Step, StepList};
use crate::base::finding::{Applicability, Change, Edit, Fix};
use crate::cache::Needs;
use crate::cache::job_caches::JobCaches;
use crate::cache::packages::{Packages, Superfluous};
use crate::cache::publish::Permission;
use crate::cache::supplied::spoils;
use crate::cache::uncovered::{Uncovered, UncoveredCall};
use crate::config;
use crate::job::context::{JobContext, needs_reuse_flag, touches_folder};
use crate::job::{Event, EventKind, StepRef, Timeline};
use crate::rules::cache_actions::cache_actions;
use crate::tool::known_folder;

/// Name of the step that deletes environments before they are built again from the packages of an
/// older cache.
pub const REBUILD_STEP: &str = "Delete outdated environments";

/// Restores nothing on tags; this wording is the one that zizmor's cache-poisoning audit knows.
const NOT_ON_TAGS: &str = "${{ startsWith(github.ref, 'refs/tags/') }}";
/// How long the value of an expression may be: `/opt/hostedtoolcache/Python/3.13.9/x64`.
const EXPRESSION: usize = 40;
/// Ids for the cache step; the first that the job doesn't use.
pub const IDS: [&str; 3] = ["nox-cache", "nox-environments", "cachelint-nox-cache"];

/// Why a restore key would not help where packages are not part of the archive.
const NO_RESTORE_KEYS: &str = "the fix adds no restore keys: without an exact hit, nox installs \
                               everything again, so downloading an older archive first would \
                               only take longer";

/// The fix and what to say about it; fails with the reason, as one clause.
pub fn insert_cache(caches: &JobCaches<'_>) -> Result<(Fix, Vec<String>), String> {
    let JobCaches { context, jobs, .. } = caches;
    let uncovered = Uncovered::of(context);
    let calls = uncovered.touching();
    let own_checkout = calls.iter().find(|c| c.invocation.action.is_some_and(|a| a.checks_out));
    if let Some(call) = own_checkout {
        let command = &call.invocation.command;
        return Err(format!(
            "`{command}` checks out the repository, which would delete the restored files"
        ));
    }
    let step_ref = uncovered.step_ref()?;
    let permission = caches.permission.clone().at(context, jobs, step_ref);
    if is_published(&context.repository.documents[step_ref.document].path) {
        return Err(
            "other repositories may use this action, and cachelint can't see what nox builds there"
                .to_owned(),
        );
    }
    for UncoveredCall { timeline, event, .. } in &calls {
        disturbance(timeline, step_ref)?;
        if context.job_ref.job.is_some() && !is_checked_out(timeline, event, step_ref) {
            return Err(not_checked_out(timeline, event));
        }
    }
    let mut needs = Needs::of(context, step_ref.document, jobs);
    if needs.exact_only {
        return Err("nox skips installs (`-R`, `--no-install`), so it would test old code in a \
                    restored environment"
            .to_owned());
    }
    if let Some(reason) = &needs.failure {
        return Err(reason.clone());
    }
    let document = &context.repository.documents[step_ref.document];
    let list = document.steps(step_ref.job).ok_or("the job has no steps")?;
    let (packages, stays) = match Packages::in_archive(context, &calls, &needs, step_ref) {
        Ok(packages) => (packages, None),
        Err(reason) => (None, Some(reason)),
    };
    let lookup_only = (permission == Permission::NotOnTags || runs_on_tags(context))
        .then(|| ("lookup-only", Input::Line(NOT_ON_TAGS.to_owned())));

    let (moved, packages) =
        match packages.map(|p| move_packages(context, list, step_ref, &p).map(|m| (m, p))) {
            Some(Ok((moved, packages))) => (moved, Some(packages)),
            // Packages that cannot be moved stay where they are.
            Some(Err(_)) | None => (Parts::default(), None),
        };
    let step_ref = packages.as_ref().map_or(step_ref, |packages| packages.place);
    let exact = calls.iter().all(|call| call.invocation.run.exact_installer);
    let restore = if packages.is_some() {
        needs.restore_key_of_packages()
    } else if exact {
        needs.restore_key()
    } else {
        None
    };
    needs.restores = restore.is_some();
    needs.two_hashes = packages.is_none() && needs.restores;
    if likely_length(&needs.key(), &context.name) > cache_actions().limits.key_characters {
        return Err("the key would be too long".to_owned());
    }
    let steps = Inserted { context, list, step_ref, calls: &calls, needs: &needs };
    let new = steps.new_steps(restore, packages.as_ref(), lookup_only)?;

    let mut parts = moved;
    let (edit, inserted) = insert_steps(document, list, step_ref.step, &new)?;
    parts.edits.push(edit);
    parts.changes.extend(inserted);
    let mut notes: Vec<String> = stays.into_iter().collect();
    let reuses = reuse(context, step_ref, &calls, &mut parts, &mut notes)?;
    match &packages {
        Some(packages) => notes.push(said_of(packages, list)),
        None if !exact && !needs.no_restore_keys => notes.push(NO_RESTORE_KEYS.to_owned()),
        None => {}
    }
    parts.edits.sort_by_key(|e| (e.span.start, e.span.end));
    let applicability = applicability(&permission, &needs, &mut notes);
    let folder = needs.folders.first().map_or(known_folder(), String::as_str);
    let and_reuse = if reuses { " and let nox reuse it" } else { "" };
    let fix = Fix {
        applicability,
        message: format!("Restore `{folder}` from a cache before nox runs{and_reuse}"),
        path: document.path.clone(),
        edits: parts.edits,
        changes: parts.changes,
    };
    Ok((fix, notes))
}

/// How long a key gets in the job.
fn likely_length(key: &str, job: &str) -> usize {
    let count = |what: &str| key.matches(what).count();
    let jobs = count("${{ github.job }}");
    let unknown = count("${{").saturating_sub(count("hashFiles(") + jobs);
    least_length(key) + jobs * job.chars().count() + unknown * EXPRESSION
}

/// An action in the root of a repository is there for other repositories.
fn is_published(path: &str) -> bool {
    matches!(path, "action.yml" | "action.yaml")
}

/// Edits with the changes that they make.
#[derive(Default)]
struct Parts {
    edits: Vec<Edit>,
    changes: Vec<Change>,
}

/// The steps that go before the first call.
struct Inserted<'a> {
    context: &'a JobContext<'a>,
    list: &'a StepList,
    step_ref: StepRef,
    calls: &'a [UncoveredCall<'a>],
    needs: &'a Needs,
}

impl Inserted<'_> {
    fn new_steps(
        &self,
        restore: Option<String>,
        packages: Option<&Packages>,
        lookup_only: Option<(&'static str, Input)>,
    ) -> Result<Vec<NewStep>, String> {
        let is_free = |id: &str| !self.list.steps.iter().any(|step| step.has_id(id));
        let condition = self.shared_condition();
        let mut new = Vec::new();
        let shell = self.needs.needs_bash.then_some("bash");
        if let Some(probe) = self.needs.probe() {
            if !is_free(probe.id) {
                return Err(format!("the job has another step with the id `{}`", probe.id));
            }
            new.push(NewStep::asking(&probe, condition.clone()));
        }
        // Without packages, a restore key stands only where exact installers bring an older
        // environment up to date by themselves.
        let rebuilds = packages.filter(|_| restore.is_some());
        let id = match IDS.iter().find(|id| is_free(id)) {
            Some(id) => (*id).to_owned(),
            None => return Err("cachelint can't find an unused id for the cache step".to_owned()),
        };
        let document = &self.context.repository.documents[self.step_ref.document];
        let mut inputs =
            vec![("path", Input::list(self.needs.paths())), ("key", Input::Line(self.needs.key()))];
        inputs.extend(restore.map(|key| ("restore-keys", Input::Block(vec![key]))));
        inputs.extend(lookup_only);
        let action = cache_action(self.context.repository, self.context.settings, document);
        new.push(NewStep {
            name: "Cache nox environments".to_owned(),
            id: rebuilds.map(|_| id.clone()),
            condition,
            body: StepBody::Uses { action, inputs },
        });
        if let Some(packages) = rebuilds {
            new.push(rebuild_step(&id, &self.needs.folders, Some(&packages.folder), shell, false));
        }
        Ok(new)
    }

    /// The `if:` that all steps running nox share, so that nothing is restored where none of them
    /// runs.
    fn shared_condition(&self) -> Option<String> {
        let mut steps: Vec<usize> = Vec::new();
        for UncoveredCall { event, .. } in self.calls {
            let inside = (event.step_ref.document, event.step_ref.job)
                == (self.step_ref.document, self.step_ref.job);
            let step = if inside { event.step_ref.step } else { event.outer.step };
            if !steps.contains(&step) {
                steps.push(step);
            }
        }
        let from = steps.iter().min().copied().unwrap_or_default();
        let steps: Option<Vec<&Step>> =
            steps.iter().map(|step| self.list.steps.get(*step)).collect();
        let steps = steps?;
        let first = steps.first()?.condition.as_ref()?.text.as_str();
        // Where a step between decides, the first one's place is too early to ask.
        let mut later = self.list.steps.iter().skip(from).filter_map(|step| step.id.as_ref());
        let asks_later = later.any(|id| first.contains(&format!("steps.{}.", id.text)));
        let is_same = steps.iter().all(|step| step.asks() == steps[0].asks());
        (is_same && !asks_later).then(|| first.to_owned())
    }
}

/// Removes the environments that a restore key brought; `*` matches no name with a dot in front, so
/// the packages stay, but for those that no environment of the saved run had links to: they would
/// pile up.
pub fn rebuild_step(
    id: &str,
    folders: &[String],
    packages: Option<&str>,
    shell: Option<&'static str>,
    at_root: bool,
) -> NewStep {
    let quoted = |folder: &str| {
        let plain = folder.chars().all(|c| c.is_alphanumeric() || "._-/~".contains(c));
        if plain { folder.to_owned() } else { format!("'{folder}'") }
    };
    let all: Vec<String> = folders.iter().map(|folder| format!("{}/*", quoted(folder))).collect();
    let remove = format!("rm -rf {}", all.join(" "));
    let script = match packages {
        None => remove,
        Some(packages) => format!(
            "for package in {}/archive-v*/*/; do\n  \
             used=$(find \"$package\" -type f -links +1 2>/dev/null || true)\n  \
             [ \"$used\" ] || rm -rf \"$package\"\n\
             done\n{remove}",
            quoted(packages)
        ),
    };
    NewStep {
        name: REBUILD_STEP.to_owned(),
        id: None,
        condition: Some(format!("steps.{id}.outputs.cache-hit != 'true'")),
        body: StepBody::Run { shell, at_root, script },
    }
}

/// Puts packages where the archive holds them, and takes out what that makes superfluous.
fn move_packages(
    context: &JobContext<'_>,
    list: &StepList,
    step_ref: StepRef,
    packages: &Packages,
) -> Result<Parts, &'static str> {
    const UNSEEN: &str = "cachelint can't find the job";
    let document = &context.repository.documents[step_ref.document];
    let job = document.workflow().zip(step_ref.job).map(|(w, j)| &w.jobs[j]).ok_or(UNSEEN)?;
    let mut parts = Parts::default();
    let (edits, changes) = set_variables(document, job, &packages.variables)?;
    parts.edits.extend(edits);
    parts.changes.extend(changes);
    for superfluous in &packages.superfluous {
        let (edit, change) = match superfluous {
            Superfluous::Step(step_ref) => remove_step(document, list, step_ref.step)?,
            Superfluous::Input { step_ref, name, .. } => {
                set_input(document, list, step_ref.step, name, "false")?
            }
        };
        parts.edits.push(edit);
        parts.changes.push(change);
    }
    Ok(parts)
}

fn said_of(packages: &Packages, list: &StepList) -> String {
    let (variable, folder) = packages.variables.first().map_or(("", ""), |(n, v)| (*n, v.as_str()));
    let mut said = format!(
        "`{variable}: {folder}` puts {}'s packages into the same archive, so nox can rebuild \
         environments without downloading packages again",
        packages.installer
    );
    for superfluous in &packages.superfluous {
        let (Superfluous::Step(step_ref) | Superfluous::Input { step_ref, .. }) = superfluous;
        let step = list.steps.get(step_ref.step);
        let name = step.and_then(named).unwrap_or_else(|| "a step".to_owned());
        match superfluous {
            Superfluous::Step(_) => {
                said += &format!("; the fix removes the step {name}, which is no longer needed");
            }
            Superfluous::Input { name: input, idle, .. } => {
                said += &format!("; {name} no longer needs its own cache (`{input}: false`)");
                if let [first, rest @ ..] = idle.as_slice() {
                    let names =
                        rest.iter().fold(format!("`{first}`"), |all, n| format!("{all}, `{n}`"));
                    said += &format!(", so you can delete {names}");
                }
            }
        }
    }
    said
}

/// The step's name, or its action without the version.
fn named(step: &Step) -> Option<String> {
    let action = || step.uses.as_ref()?.text.split('@').next();
    let name = step.name.as_ref().map(|name| name.text.as_str()).or_else(action)?;
    Some(format!("`{name}`"))
}

/// Inserts the reuse flags; whether there were any to insert.
fn reuse(
    context: &JobContext<'_>,
    step_ref: StepRef,
    calls: &[UncoveredCall<'_>],
    parts: &mut Parts,
    notes: &mut Vec<String>,
) -> Result<bool, String> {
    let without: Vec<&UncoveredCall<'_>> =
        calls.iter().filter(|c| needs_reuse_flag(c.invocation)).collect();
    if without.is_empty() {
        return Ok(false);
    }
    if context.settings.reuse == config::ReuseSetting::Report {
        notes.push(
            "nox still deletes what is restored: add `-r` to its commands yourself, because the \
             settings say `reuse = \"report\"`"
                .to_owned(),
        );
        return Ok(false);
    }
    if let Some(reason) = without.iter().find_map(|c| reuse_flag::obstacle(c.invocation)) {
        return Err(format!("nox would delete what was restored: {reason}"));
    }
    let without = without.iter().map(|c| (c.event, c.invocation));
    let (edits, changes) = reuse_flag::insert(context.repository, step_ref.document, without)?;
    parts.edits.extend(edits);
    parts.changes.extend(changes);
    Ok(true)
}

fn applicability(permission: &Permission, needs: &Needs, notes: &mut Vec<String>) -> Applicability {
    if let Permission::ReleaseBranch(branch) = permission {
        notes.push(unsafe_on_branch(branch));
        return Applicability::Unsafe;
    }
    match &needs.separation.doubt {
        Some(doubt) => {
            notes.push(unsafe_by_doubt(doubt));
            Applicability::Unsafe
        }
        None => Applicability::Safe,
    }
}

fn runs_on_tags(context: &JobContext<'_>) -> bool {
    context.instances.for_tags
}

/// What would spoil a cache restored at `step_ref`: a checkout that deletes it, or another
/// interpreter.
fn disturbance(timeline: &Timeline, step_ref: StepRef) -> Result<(), String> {
    let reached = |e: &Event| e.step_ref == step_ref || e.outer == step_ref;
    let Some(from) = timeline.events.iter().position(|e| reached(e) && e.invocation().is_some())
    else {
        return Ok(());
    };
    removal(timeline, step_ref)?;
    let last = timeline.events.iter().rposition(|e| e.invocation().is_some_and(touches_folder));
    for event in &timeline.events[from..=last.unwrap_or(from).max(from)] {
        match &event.kind {
            EventKind::Checkout { folder, cleans: true, .. }
                if folder.as_deref().is_none_or(str::is_empty) =>
            {
                return Err("a second checkout between the nox commands deletes what was restored"
                    .to_owned());
            }
            EventKind::Interpreter(set_up) => {
                return Err(format!(
                    "`{}` sets up another interpreter between the nox commands",
                    set_up.action
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

/// What deletes the environments after the place of the step: before nox uses them, or before they
/// would be saved.
fn removal(timeline: &Timeline, step_ref: StepRef) -> Result<(), String> {
    let start = |e: &Event| {
        let inside = (e.step_ref.document, e.step_ref.job) == (step_ref.document, step_ref.job);
        if inside { e.step_ref.step >= step_ref.step } else { e.outer >= step_ref }
    };
    let Some(from) = timeline.events.iter().position(start) else { return Ok(()) };
    let (after, calls) = (&timeline.events[from..], timeline.invocations());
    if after.iter().all(|event| event.removal().is_none()) {
        return Ok(());
    }
    for (_, call) in calls.filter(|(_, call)| touches_folder(call)) {
        if let Some((_, removal)) = spoils(after, call) {
            let (what, folder) = (&removal.what, call.folders.join("`, `"));
            return Err(format!(
                "`{what}` deletes `{folder}`, so a cache would restore or save nothing"
            ));
        }
    }
    Ok(())
}

/// Why files of the repository can't be hashed before a call.
fn not_checked_out(timeline: &Timeline, call: &Event) -> String {
    let before =
        timeline.events.iter().take_while(|e| e.step_ref != call.step_ref || e.span != call.span);
    match before.filter_map(Event::arrival).last() {
        Some(arrival) => format!(
            "`{}` brings the files that nox uses, so cachelint doesn't know what `hashFiles` would \
             find",
            arrival.what
        ),
        None => "no checkout step comes before nox, so cachelint doesn't know what `hashFiles` \
                 would find"
            .to_owned(),
    }
}

/// Whether a checkout comes before the place of the cache step.
fn is_checked_out(timeline: &Timeline, call: &Event, step_ref: StepRef) -> bool {
    let before =
        timeline.events.iter().take_while(|e| e.step_ref != call.step_ref || e.span != call.span);
    before.filter(|e| matches!(e.kind, EventKind::Checkout { .. })).any(|e| {
        // Inside an action only its own earlier steps and the job's earlier ones run before.
        e.outer.step < call.outer.step
            || (e.step_ref.document == step_ref.document && e.step_ref.step < step_ref.step)
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::{StepBody, rebuild_step};

    /// Packages that no environment links to go, with all environments; a first run has none.
    #[test]
    fn every_shell_of_a_runner_removes_the_same() {
        let step = rebuild_step("x", &[".nox".to_owned()], Some(".nox/.uv"), None, false);
        let StepBody::Run { script, .. } = step.body else { panic!() };
        for shell in [
            &["sh", "-e", "-c"][..],
            &["bash", "-e", "-c"],
            &["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"],
        ] {
            let run = |folder: &std::path::Path| {
                let mut command = Command::new(shell[0]);
                command.args(&shell[1..]).arg(&script).current_dir(folder);
                assert!(command.status().unwrap().success(), "{shell:?}: {script}");
            };
            let folder = tempfile::tempdir().unwrap();
            let (root, nox) = (folder.path(), folder.path().join(".nox"));
            run(root);
            for name in ["used", "unused"] {
                fs::create_dir_all(nox.join(".uv/archive-v0").join(name)).unwrap();
                fs::write(nox.join(".uv/archive-v0").join(name).join("a b.py"), name).unwrap();
            }
            fs::create_dir_all(nox.join("tests")).unwrap();
            fs::hard_link(nox.join(".uv/archive-v0/used/a b.py"), nox.join("tests/a b.py"))
                .unwrap();
            run(root);
            let there = |path: &str| nox.join(path).exists();
            assert!(there(".uv/archive-v0/used/a b.py"), "{shell:?}");
            assert!(!there(".uv/archive-v0/unused") && !there("tests"), "{shell:?}");
        }
        // Below the 80 columns of many a yamllint, in a step of the usual indent.
        assert!(script.lines().all(|line| line.len() + 12 <= 80), "{script}");
    }
}
