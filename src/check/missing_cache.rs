//! `nox/missing-cache`: does a job build environments that no step before could have restored?

use std::collections::BTreeMap;

use crate::base::finding::{Applicability, Finding, Fix, Location, Severity};
use crate::cache::Needs;
use crate::cache::publish::{Permission, is_pull_request_only, is_schedule_only};
use crate::config;
use crate::fix::action_ref::cache_action;
use crate::fix::insert_step::{NewStep, insert_step};
use crate::fix::reuse_flag;
use crate::job::context::{Subject, cacheable, is_meant_for, touches_folder};
use crate::job::{CacheStep, Event, EventKind, Invocation, Site, Timeline};
use crate::tool::Reuse;

pub const ID: &str = "nox/missing-cache";
/// Restores nothing on tags; this wording is the one that zizmor's cache-poisoning audit knows.
const NOT_ON_TAGS: &str = "${{ startsWith(github.ref, 'refs/tags/') }}";

/// A call that is not covered, on some instance.
type Uncovered<'t> = (&'t Timeline, &'t Event, &'t Invocation);

pub fn check(subject: &Subject<'_>) -> Option<Finding> {
    let permission = Permission::of(subject);
    if permission == Permission::OnlyPublishes {
        return None;
    }
    let mut uncovered: Vec<Uncovered<'_>> = Vec::new();
    let mut covered_elsewhere = false;
    for timeline in &subject.timelines {
        let folders: Vec<String> =
            cacheable(timeline).flat_map(|(_, i)| i.folders.iter().cloned()).collect();
        if timeline
            .caches()
            .any(|(_, step)| is_meant_for(step, &folders) || restores_a_session(step, timeline))
        {
            covered_elsewhere = true;
        } else {
            uncovered.extend(cacheable(timeline).map(|(e, i)| (timeline, e, i)));
        }
    }
    let &(_, event, invocation) = uncovered.first()?;
    // The step must stand before every call that uses the folder, also one whose environment stays
    // empty.
    let touching: Vec<Uncovered<'_>> = uncovered_timelines(&uncovered)
        .flat_map(|t| {
            t.invocations().filter(|(_, i)| touches_folder(i)).map(move |(e, i)| (t, e, i))
        })
        .collect();
    let warm = warm_package_cache(&uncovered);
    let severity = if is_schedule_only(&subject.instances.triggers) {
        Severity::Info
    } else if warm && all_uv(&uncovered) {
        Severity::Warning
    } else {
        Severity::Error
    };
    let withheld = match &permission {
        Permission::Withheld(reason) => Some(reason.clone()),
        _ => refused(&uncovered),
    };
    let fix = match &withheld {
        Some(_) => Err("caching here is left to you".to_owned()),
        None if covered_elsewhere => {
            Err("a cache step exists, but its `if:` leaves out some of the legs that run nox"
                .to_owned())
        }
        None => fix(subject, &touching, &permission),
    };
    let (fix, no_fix_reason, mut notes) = match fix {
        Ok((fix, notes)) => (Some(fix), None, notes),
        Err(reason) => (None, Some(reason), Vec::new()),
    };
    notes.extend(costs(subject, &uncovered, warm));
    Some(Finding {
        rule: ID,
        severity,
        message: message(subject, invocation),
        help: help(&uncovered, warm),
        primary: Location {
            path: subject.repository.documents[event.outer.document].path.clone(),
            span: primary_span(subject, event),
            label: "builds its environments from nothing on every run".to_owned(),
        },
        related: related(subject, event, &uncovered),
        job: subject.name.clone(),
        notes,
        fix,
        no_fix_reason,
        withheld,
    })
}

/// Whether a cache step restores the environment of a single session (`.nox/tests`).
fn restores_a_session(step: &CacheStep, timeline: &Timeline) -> bool {
    let restored = |path: &str| step.paths.iter().any(|p| p.folder.as_deref() == Some(path));
    cacheable(timeline).any(|(_, call)| {
        let sessions = call.run.sessions.iter().filter_map(|s| s.folder.as_ref());
        sessions
            .flat_map(|s| call.folders.iter().map(move |f| format!("{f}/{s}")))
            .any(|path| restored(&path))
    })
}

/// Each timeline once, in order.
fn uncovered_timelines<'t>(uncovered: &[Uncovered<'t>]) -> impl Iterator<Item = &'t Timeline> {
    let mut seen: Vec<&'t Timeline> = Vec::new();
    for (timeline, ..) in uncovered {
        if !seen.last().is_some_and(|last| std::ptr::eq(*last, *timeline)) {
            seen.push(timeline);
        }
    }
    seen.into_iter()
}

fn message(subject: &Subject<'_>, invocation: &Invocation) -> String {
    let folder = invocation.folders.first().map_or(".nox", String::as_str);
    let unit = match subject.unit.job {
        Some(_) => format!("job `{}`", subject.name),
        None => "this action".to_owned(),
    };
    format!(
        "{unit} runs nox without a cache of `{folder}`: every run builds its environments from nothing"
    )
}

fn help(uncovered: &[Uncovered<'_>], warm: bool) -> String {
    let off = uncovered.iter().any(|(_, _, i)| reuse_flag::needs_flag(i));
    let mut help =
        "Restore the environments with a cache step before nox runs, under a key that changes with everything \
                    they depend on"
            .to_owned();
    if off {
        help.push_str(
            ", and pass `-r`: without it nox deletes what was restored and builds it again",
        );
    }
    help.push('.');
    if warm && all_uv(uncovered) {
        help.push_str(
            " uv's warm package cache already makes rebuilding cheap here: compare runs with `cachelint report` before \
             you keep the cache, restoring can cost more than it saves.",
        );
    }
    help
}

/// The span of the call in the job's own file: where a composite action is used, the step that uses
/// it.
fn primary_span(subject: &Subject<'_>, event: &Event) -> crate::base::text::Span {
    if event.site == event.outer {
        return event.span;
    }
    let outer = step_of(subject, event.outer);
    outer.and_then(|s| s.uses.as_ref()).map_or(event.span, |uses| uses.span)
}

fn step_of<'a>(subject: &'a Subject<'_>, site: Site) -> Option<&'a crate::actions::Step> {
    subject.repository.documents[site.document].steps(site.job)?.steps.get(site.step)
}

fn related(subject: &Subject<'_>, first: &Event, uncovered: &[Uncovered<'_>]) -> Vec<Location> {
    let mut out: Vec<Location> = Vec::new();
    let mut add = |location: Location| {
        if !out.iter().any(|l| l.path == location.path && l.span == location.span) {
            out.push(location);
        }
    };
    for (_, event, invocation) in uncovered {
        let path = subject.repository.documents[event.site.document].path.clone();
        event.hops.iter().skip(1).for_each(|hop| add(hop.clone()));
        let is_primary =
            event.site == first.site && event.span == first.span && first.site == first.outer;
        if !is_primary {
            add(Location { path, span: event.span, label: format!("`{}`", invocation.command) });
        }
    }
    out
}

fn warm_package_cache(uncovered: &[Uncovered<'_>]) -> bool {
    uncovered.iter().all(|(timeline, ..)| {
        timeline
            .events
            .iter()
            .any(|e| matches!(&e.kind, EventKind::PackageCache { installer } if installer == "uv"))
    })
}

fn all_uv(uncovered: &[Uncovered<'_>]) -> bool {
    uncovered.iter().all(|(_, _, i)| i.run.backend.only() == Some("uv"))
}

/// An explicit wish not to reuse environments is respected.
fn refused(uncovered: &[Uncovered<'_>]) -> Option<String> {
    let words = uncovered
        .iter()
        .map(|(_, _, i)| i.run.reuse_refused.as_ref())
        .collect::<Option<Vec<_>>>()?;
    let word = words.first()?;
    Some(format!("`{word}` asks nox to build environments anew; a cache would bring nothing"))
}

/// Where the step goes: before the job's first call, or inside the composite action that sets up
/// the interpreter.
fn target(uncovered: &[Uncovered<'_>]) -> Result<Site, String> {
    let mut targets: BTreeMap<(usize, Option<usize>), Site> = BTreeMap::new();
    for (timeline, event, _) in uncovered {
        let inside = event.site.document != event.outer.document
            && timeline.events.iter().any(|e| {
                matches!(e.kind, EventKind::Interpreter(_) | EventKind::Checkout { .. })
                    && e.site.document == event.site.document
                    && e.outer == event.outer
                    && e.site.step < event.site.step
            });
        let site = if inside { event.site } else { event.outer };
        let first = targets.entry((site.document, site.job)).or_insert(site);
        *first = (*first).min(site);
    }
    let mut found = targets.into_values();
    match (found.next(), found.next()) {
        (Some(site), None) => Ok(site),
        _ => Err("nox runs in several actions that set up their own interpreters".to_owned()),
    }
}

fn fix(
    subject: &Subject<'_>,
    uncovered: &[Uncovered<'_>],
    permission: &Permission,
) -> Result<(Fix, Vec<String>), String> {
    if let Some((_, _, invocation)) =
        uncovered.iter().find(|(_, _, i)| i.action.is_some_and(|a| a.checks_out))
    {
        return Err(format!(
            "`{}` checks out by itself, which would delete what was restored",
            invocation.command
        ));
    }
    let site = target(uncovered)?;
    for (timeline, event, _) in uncovered {
        disturbance(timeline, site)?;
        if subject.unit.job.is_some() && !is_checked_out(timeline, event, site) {
            return Err(
                "no step before nox checks the repository out, so that `hashFiles` would find nothing".to_owned()
            );
        }
    }
    let needs = Needs::of(subject, site.document);
    if needs.exact_only {
        return Err(
            "nox skips installs (`-R`, `--no-install`): with a restored environment it would test old code".to_owned()
        );
    }
    if let Some(reason) = &needs.failure {
        return Err(reason.clone());
    }
    let document = &subject.repository.documents[site.document];
    let steps = document.steps(site.job).ok_or("the job has no steps")?;
    let lookup_only = (*permission == Permission::NotOnTags || subject_runs_on_tags(subject))
        .then_some(NOT_ON_TAGS);
    let new = NewStep {
        needs: &needs,
        action: cache_action(subject.repository, subject.settings, document),
        condition: only_condition(subject, uncovered, site),
        lookup_only,
    };
    let (edit, mut changes) = insert_step(document, steps, site.step, &new)?;
    let (inserted, mut edits) = (changes.len(), vec![edit]);
    let without_reuse: Vec<_> = uncovered
        .iter()
        .filter(|(_, _, i)| reuse_flag::needs_flag(i))
        .map(|(_, e, i)| (*e, *i))
        .collect();
    if subject.settings.reuse == config::Reuse::Report && !without_reuse.is_empty() {
        return Err(
            "nox would delete what was restored, and the settings leave its commands to you (`reuse`)".to_owned()
        );
    }
    if let Some(reason) = without_reuse.iter().find_map(|(_, i)| reuse_flag::obstacle(i)) {
        return Err(format!("nox would delete what was restored: {reason}"));
    }
    let (flags, set) =
        reuse_flag::insert(subject.repository, site.document, without_reuse.iter().copied())?;
    let mut notes = Vec::new();
    if !flags.is_empty() && uncovered.iter().any(|(_, _, i)| i.run.unpinned) {
        notes.push(
            "`-r` keeps what is installed: packages without a pinned version stay as they are until the key changes"
                .to_owned(),
        );
    }
    edits.extend(flags);
    changes.extend(set);
    edits.sort_by_key(|e| (e.span.start, e.span.end));
    let applicability = match permission {
        Permission::ReleaseBranch(branch) => {
            notes.push(format!(
                "the workflow also runs for pushes to `{branch}`: a poisoned cache could reach what is built there"
            ));
            Applicability::Unsafe
        }
        _ => match &needs.separation.doubt {
            Some(doubt) => {
                notes.push(doubt.clone());
                Applicability::Unsafe
            }
            None => Applicability::Safe,
        },
    };
    let folder = needs.folders.first().map_or(".nox", String::as_str);
    let reuse = if changes.len() > inserted { " and let nox reuse it" } else { "" };
    let fix = Fix {
        applicability,
        message: format!("Restore `{folder}` from a cache before nox runs{reuse}"),
        path: document.path.clone(),
        edits,
        changes,
    };
    Ok((fix, notes))
}

fn subject_runs_on_tags(subject: &Subject<'_>) -> bool {
    subject.instances.triggers.iter().any(|t| t.names_tags() || t.event == "release")
}

/// What would spoil a cache restored at `site`: a checkout that deletes it, or another interpreter.
fn disturbance(timeline: &Timeline, site: Site) -> Result<(), String> {
    let reached = |e: &Event| e.site == site || e.outer == site;
    let Some(from) = timeline.events.iter().position(|e| reached(e) && e.invocation().is_some())
    else {
        return Ok(());
    };
    let last = timeline.events.iter().rposition(|e| e.invocation().is_some_and(touches_folder));
    for event in &timeline.events[from..=last.unwrap_or(from).max(from)] {
        match &event.kind {
            EventKind::Checkout { folder, cleans: true, .. }
                if folder.as_deref().is_none_or(str::is_empty) =>
            {
                return Err(
                    "a second checkout between the nox calls deletes what was restored".to_owned()
                );
            }
            EventKind::Interpreter(set_up) => {
                return Err(format!(
                    "`{}` sets up another interpreter between the nox calls",
                    set_up.action
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether a checkout stands before the place of the cache step.
fn is_checked_out(timeline: &Timeline, call: &Event, site: Site) -> bool {
    let before = timeline.events.iter().take_while(|e| e.site != call.site || e.span != call.span);
    before.filter(|e| matches!(e.kind, EventKind::Checkout { .. })).any(|e| {
        // Inside an action only its own earlier steps and the job's earlier ones run before.
        e.outer.step < call.outer.step
            || (e.site.document == site.document && e.site.step < site.step)
    })
}

/// The `if:` of the only step that runs nox, so that the cache is not restored for nothing.
fn only_condition(
    subject: &Subject<'_>,
    uncovered: &[Uncovered<'_>],
    site: Site,
) -> Option<String> {
    let step = step_of(subject, site)?;
    let alone = uncovered.iter().all(|(_, e, _)| e.site == site || e.outer == site);
    step.condition.as_ref().filter(|_| alone).map(|c| c.text.clone())
}

/// What a cache costs and who can read it.
fn costs(subject: &Subject<'_>, uncovered: &[Uncovered<'_>], warm: bool) -> Vec<String> {
    let mut notes = Vec::new();
    let legs = subject.timelines.iter().filter(|t| cacheable(t).next().is_some()).count();
    let forge = subject.repository.forge_of(subject.unit.document);
    if legs > 1
        && let Some(quota) = forge.quota_gib
    {
        notes.push(format!(
            "{legs} matrix legs save an archive each; {} keeps {quota} GiB per repository",
            forge.name
        ));
    }
    if is_pull_request_only(&subject.instances.triggers) {
        notes.push(
            "the workflow runs for pull requests only: each warms its own cache, none that others can read".to_owned(),
        );
    }
    let container = subject
        .document()
        .workflow()
        .zip(subject.unit.job)
        .is_some_and(|(w, j)| w.jobs[j].container.is_some());
    if container && !forge.needs_in_image.is_empty() {
        notes.push(format!(
            "the job's container needs {} for the cache action",
            forge.needs_in_image.join(", ")
        ));
    }
    if warm && !all_uv(uncovered) {
        notes.push("uv's package cache is warm, but not every session is built by uv".to_owned());
    }
    let mixed = uncovered.iter().any(|(_, _, i)| i.run.reuse == Reuse::Mixed);
    if mixed {
        notes.push("some sessions reuse their environments already, others do not".to_owned());
    }
    notes
}

#[cfg(test)]
mod tests;
