//! `nox/missing-cache`: does a job build environments that no step before could have restored?

use std::collections::{BTreeSet, HashSet};

use crate::base::finding::{Finding, Location, Severity};
use crate::base::remedy::Remedy;
use crate::cache::interpreter;
use crate::cache::job_caches::JobCaches;
use crate::cache::publish::{Permission, is_pull_request_only, is_rare, is_schedule_only};
use crate::cache::supplied::{Supplied, supplied};
use crate::cache::uncovered::{Uncovered, UncoveredCall};
use crate::job::context::{JobContext, cacheable, needs_reuse_flag};
use crate::job::{Event, Invocation, StepRef};
use crate::rules::checks::id;
use crate::tool::Reuse;

const ID: &str = id::MISSING_CACHE;

pub fn check(caches: &JobCaches<'_>) -> Option<Finding> {
    let JobCaches { context, permission, jobs, .. } = caches;
    if *permission == Permission::OnlyPublishes {
        return None;
    }
    let uncovered = Uncovered::of(context);
    let calls = &uncovered.calls;
    let &UncoveredCall { event, invocation, .. } = calls.first()?;
    let by_uv = is_built_by_uv(context, calls);
    let triggers = &context.instances.triggers;
    let nightly = is_schedule_only(triggers);
    let severity = if nightly || (is_rare(triggers) && !context.instances.external_callers) {
        Severity::Info
    } else if by_uv {
        Severity::Warning
    } else {
        Severity::Error
    };
    let permission = match uncovered.step_ref() {
        Ok(step_ref) => permission.clone().at(context, jobs, step_ref),
        Err(_) => permission.clone(),
    };
    let withheld = match &permission {
        Permission::Withheld(reason) => Some(reason.clone()),
        _ => refused(calls),
    };
    let remedy = if withheld.is_some() {
        Remedy::Refused("whether to cache here is up to you".to_owned())
    } else if severity == Severity::Info {
        let who = if nightly {
            "only a schedule starts this job"
        } else {
            "no push or pull request starts this job"
        };
        Remedy::Refused(format!(
            "{who}, and caches that aren't used for days are deleted; measure before you add one"
        ))
    } else if let Some(reason) = there_already(context, calls) {
        Remedy::Refused(reason)
    } else if uncovered.looked_up {
        let reason = "the existing cache step only checks whether its key exists (`lookup-only`), \
                      so it restores nothing; remove that input";
        Remedy::Refused(reason.to_owned())
    } else if uncovered.covered_elsewhere {
        let reason = "there is a cache step, but its `if:` skips it on some of the legs that run \
                      nox";
        Remedy::Refused(reason.to_owned())
    } else {
        Remedy::InsertCache
    };
    Some(Finding {
        rule: ID,
        severity,
        message: message(context, invocation),
        help: help(calls, by_uv),
        primary: Location {
            path: context.repository.documents[event.outer.document].path.clone(),
            span: primary_span(context, event),
            label: "builds its environments on every run".to_owned(),
        },
        related: related(context, event, calls),
        job: context.name.clone(),
        notes: costs(context, calls),
        remedy: Some(remedy),
        fix: None,
        no_fix_reason: None,
        withheld,
    })
}

fn message(context: &JobContext<'_>, invocation: &Invocation) -> String {
    let subject = match context.job_ref.job {
        Some(_) => format!("job `{}`", context.name),
        None => "this action".to_owned(),
    };
    match invocation.folders.first() {
        Some(folder) => format!(
            "{subject} runs nox without caching `{folder}`, so every run builds its environments \
             from scratch"
        ),
        None => format!(
            "{subject} runs nox without caching its environments, so every run builds them from \
             scratch"
        ),
    }
}

fn help(calls: &[UncoveredCall<'_>], by_uv: bool) -> String {
    let mut help = "Restore the environments in a cache step before nox runs, with a key that \
                    includes everything they depend on"
        .to_owned();
    if calls.iter().any(|call| needs_reuse_flag(call.invocation)) {
        help.push_str(
            ". Pass `-r`; without it, nox deletes the restored environments and builds them again",
        );
    }
    help.push('.');
    if by_uv {
        help.push_str(
            " uv builds small environments in seconds, so a cache may save little: compare runs \
             with `cachelint report` before you keep it.",
        );
    }
    help
}

/// The span of the call in the job's own file: where a composite action is used, the step that uses
/// it.
fn primary_span(context: &JobContext<'_>, event: &Event) -> crate::base::text::Span {
    if event.step_ref == event.outer {
        return event.span;
    }
    let outer = step_of(context, event.outer);
    outer.and_then(|s| s.uses.as_ref()).map_or(event.span, |uses| uses.span)
}

fn step_of<'a>(context: &'a JobContext<'_>, step_ref: StepRef) -> Option<&'a crate::actions::Step> {
    context.repository.documents[step_ref.document].steps(step_ref.job)?.steps.get(step_ref.step)
}

fn related(context: &JobContext<'_>, first: &Event, calls: &[UncoveredCall<'_>]) -> Vec<Location> {
    let mut out: Vec<Location> = Vec::new();
    // A script can hold thousands of calls.
    let mut seen = HashSet::new();
    let mut add = |location: Location| {
        if seen.insert((location.path.clone(), location.span)) {
            out.push(location);
        }
    };
    for UncoveredCall { event, invocation, .. } in calls {
        let path = context.repository.documents[event.step_ref.document].path.clone();
        event.via.iter().skip(1).for_each(|via_place| add(via_place.clone()));
        let is_primary = event.step_ref == first.step_ref
            && event.span == first.span
            && first.step_ref == first.outer;
        if !is_primary {
            // Where the source isn't shown, the command says which call is meant.
            let label = if event.step_ref.document == first.outer.document {
                "also builds environments".to_owned()
            } else {
                format!("`{}`", invocation.command)
            };
            add(Location { path, span: event.span, label });
        }
    }
    out
}

/// Whether uv builds the environments of all calls.
fn is_built_by_uv(context: &JobContext<'_>, calls: &[UncoveredCall<'_>]) -> bool {
    calls.iter().all(|c| interpreter::is_built_by_uv(context, c.timeline, c.event, c.invocation))
}

/// Environments are there without a cache, but nox deletes them.
fn there_already(context: &JobContext<'_>, calls: &[UncoveredCall<'_>]) -> Option<String> {
    let supplied = calls.iter().find_map(|call| supplied(context, call.timeline))?;
    let who = match supplied {
        Supplied::Arrives(what) => format!("`{what}` provides environments"),
        Supplied::Stays => "the runner keeps environments between runs".to_owned(),
    };
    Some(format!("{who}, but nox deletes them: pass `-r` to reuse them; you need no cache"))
}

/// An explicit wish not to reuse environments is respected.
fn refused(calls: &[UncoveredCall<'_>]) -> Option<String> {
    let words = calls
        .iter()
        .map(|call| call.invocation.run.reuse_refused.as_ref())
        .collect::<Option<Vec<_>>>()?;
    let word = words.first()?;
    Some(format!(
        "`{word}` tells nox to rebuild its environments on every run, so a cache would save \
         nothing"
    ))
}

/// `node, tar and zstd`.
fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// What a cache costs and who can read it.
fn costs(context: &JobContext<'_>, calls: &[UncoveredCall<'_>]) -> Vec<String> {
    let mut notes = Vec::new();
    let building = context.timelines.iter().filter(|t| cacheable(t).next().is_some());
    let instances: Vec<_> = building.map(|t| &t.instance).collect();
    let callers = instances.iter().map(|i| i.caller.map(|c| (c.document, c.job)));
    let callers = callers.collect::<BTreeSet<_>>().len();
    let runs = instances.len();
    let what = match callers {
        0 | 1 => "matrix legs",
        _ if callers == runs => "jobs that call this workflow",
        _ => "runs of this job, by caller and matrix leg,",
    };
    let forge = context.repository.forge_of(context.job_ref.document);
    if runs > 1
        && let Some(quota) = forge.quota_gib
    {
        notes.push(format!(
            "each of the {runs} {what} saves its own archive; {} keeps {quota} GiB per repository",
            forge.name
        ));
    }
    if is_pull_request_only(&context.instances.triggers) {
        notes.push(
            "the workflow runs only for pull requests, and they can't read each other's caches"
                .to_owned(),
        );
    }
    let container = context
        .document()
        .workflow()
        .zip(context.job_ref.job)
        .is_some_and(|(w, j)| w.jobs[j].container.is_some());
    if container && !forge.needs_in_image.is_empty() {
        notes.push(format!(
            "the cache action needs {} in the job's container",
            listed(&forge.needs_in_image)
        ));
    }
    if calls.iter().any(|call| call.invocation.run.reuse == Reuse::Mixed) {
        notes.push("some sessions already reuse their environments, others don't".to_owned());
    }
    notes
}

#[cfg(test)]
mod around;
#[cfg(test)]
mod folder_tests;
#[cfg(test)]
mod interpreter_tests;
#[cfg(test)]
mod layout_tests;
#[cfg(test)]
mod long_lines;
#[cfg(test)]
mod packages_tests;
#[cfg(test)]
mod permission_tests;
#[cfg(test)]
mod setup_uv_tests;
#[cfg(test)]
mod tests;
