//! `nox/missing-cache`: does a job build environments that no step before could have restored?

use crate::base::finding::{Finding, Location, Severity};
use crate::base::remedy::Remedy;
use crate::cache::publish::{Permission, is_pull_request_only, is_schedule_only};
use crate::cache::supplied::{Supplied, supplied};
use crate::cache::uncovered::{Call, Uncovered};
use crate::job::context::{Subject, cacheable, needs_reuse_flag};
use crate::job::{Event, EventKind, Invocation, Site};
use crate::tool::Reuse;

pub const ID: &str = "nox/missing-cache";

pub fn check(subject: &Subject<'_>) -> Option<Finding> {
    let permission = Permission::of(subject);
    if permission == Permission::OnlyPublishes {
        return None;
    }
    let uncovered = Uncovered::of(subject);
    let calls = &uncovered.calls;
    let &Call { event, invocation, .. } = calls.first()?;
    let severity = if is_schedule_only(&subject.instances.triggers) {
        Severity::Info
    } else if calls.iter().all(is_built_by_uv) {
        Severity::Warning
    } else {
        Severity::Error
    };
    let permission = match uncovered.site() {
        Ok(site) => permission.at(subject, site),
        Err(_) => permission,
    };
    let withheld = match &permission {
        Permission::Withheld(reason) => Some(reason.clone()),
        _ => refused(calls),
    };
    let remedy = if withheld.is_some() {
        Remedy::Refused("caching here is left to you".to_owned())
    } else if severity == Severity::Info {
        let reason = "only a schedule starts the job, and a cache that is not used for days is \
                      deleted; measure before you add one";
        Remedy::Refused(reason.to_owned())
    } else if let Some(reason) = there_already(subject, calls) {
        Remedy::Refused(reason)
    } else if uncovered.covered_elsewhere {
        let reason = "a cache step exists, but its `if:` leaves out some of the legs that run nox";
        Remedy::Refused(reason.to_owned())
    } else {
        Remedy::InsertCache
    };
    Some(Finding {
        rule: ID,
        severity,
        message: message(subject, invocation),
        help: help(calls),
        primary: Location {
            path: subject.repository.documents[event.outer.document].path.clone(),
            span: primary_span(subject, event),
            label: "builds its environments from scratch in every run".to_owned(),
        },
        related: related(subject, event, calls),
        job: subject.name.clone(),
        notes: costs(subject, calls),
        remedy: Some(remedy),
        fix: None,
        no_fix_reason: None,
        withheld,
    })
}

fn message(subject: &Subject<'_>, invocation: &Invocation) -> String {
    let folder = invocation.folders.first().map_or(".nox", String::as_str);
    let unit = match subject.unit.job {
        Some(_) => format!("job `{}`", subject.name),
        None => "this action".to_owned(),
    };
    format!(
        "{unit} runs nox without a cache of `{folder}`: every run builds its environments from scratch"
    )
}

fn help(calls: &[Call<'_>]) -> String {
    let mut help = "Restore the environments with a cache step before nox runs, under a key that \
                    changes with everything they depend on"
        .to_owned();
    if calls.iter().any(|call| needs_reuse_flag(call.invocation)) {
        help.push_str(
            ", and pass `-r`: without it, nox deletes what was restored and builds it again",
        );
    }
    help.push('.');
    if calls.iter().all(is_built_by_uv) {
        help.push_str(
            " uv builds environments in seconds, so a cache saves little where they are small: \
             compare runs with `cachelint report` before you keep it.",
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

fn related(subject: &Subject<'_>, first: &Event, calls: &[Call<'_>]) -> Vec<Location> {
    let mut out: Vec<Location> = Vec::new();
    let mut add = |location: Location| {
        if !out.iter().any(|l| l.path == location.path && l.span == location.span) {
            out.push(location);
        }
    };
    for Call { event, invocation, .. } in calls {
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

/// Whether uv builds the environments of the call: alone, or as the first choice and at hand.
fn is_built_by_uv(call: &Call<'_>) -> bool {
    let backend = &call.invocation.run.backend;
    let at_hand = || {
        let launched = call.invocation.launcher.as_deref().is_some_and(|l| l.starts_with("uv"));
        launched || call.timeline.events.iter().any(brings_uv)
    };
    match backend.names.first().map(String::as_str) {
        Some("uv") => backend.names.len() == 1 || at_hand(),
        _ => false,
    }
}

fn brings_uv(event: &Event) -> bool {
    match &event.kind {
        EventKind::Interpreter(set_up) => set_up.uv,
        EventKind::PackageCache { installer } => installer == "uv",
        _ => false,
    }
}

/// Environments are there without a cache, but nox deletes them.
fn there_already(subject: &Subject<'_>, calls: &[Call<'_>]) -> Option<String> {
    let supplied = calls.iter().find_map(|call| supplied(subject, call.timeline))?;
    let who = match supplied {
        Supplied::Arrives(what) => format!("`{what}` brings environments"),
        Supplied::Stays => "the machine keeps the environments from run to run".to_owned(),
    };
    Some(format!("{who}, and nox deletes them: pass `-r` to reuse them, which needs no cache"))
}

/// An explicit wish not to reuse environments is respected.
fn refused(calls: &[Call<'_>]) -> Option<String> {
    let words = calls
        .iter()
        .map(|call| call.invocation.run.reuse_refused.as_ref())
        .collect::<Option<Vec<_>>>()?;
    let word = words.first()?;
    Some(format!(
        "`{word}` tells nox to build environments every time, so a cache would gain nothing"
    ))
}

/// What a cache costs and who can read it.
fn costs(subject: &Subject<'_>, calls: &[Call<'_>]) -> Vec<String> {
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
    if calls.iter().any(|call| call.invocation.run.reuse == Reuse::Mixed) {
        notes.push("some sessions reuse their environments already, others do not".to_owned());
    }
    notes
}

#[cfg(test)]
mod around;
#[cfg(test)]
mod tests;
