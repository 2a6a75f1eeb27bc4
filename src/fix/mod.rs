//! Remedies to fixes: a value change and the text edits that perform it, in the file's own style.

mod action_ref;
mod fold;
mod inputs;
mod insert_cache;
mod move_step;
mod quote;
mod rebuild;
mod removal;
mod replace_action;
mod restore_keys;
mod reuse_flag;
mod rewrite_key;
mod scalar;
mod set_path;
mod steps;
mod style;
mod turn_weekly;
mod variables;

pub use insert_cache::REBUILD_STEP;
pub use reuse_flag::LEFT_TO_USER;

use serde_yaml::Value;

use crate::base::finding::{Applicability, Change, Edit, Finding, Fix};
use crate::base::remedy::Remedy;
use crate::cache::existing::ExistingCache;
use crate::cache::job_caches::JobCaches;
use crate::cache::publish::Permission;
use crate::edit::apply::{Combined, combine};

/// A fix, with what to say about it; or why there is none, as one clause.
type Resolved = Result<(Fix, Vec<String>), String>;

/// Performs the remedy of a finding about this job: gives it a fix, or says why it has none.
pub fn resolve(caches: &JobCaches<'_>, finding: &mut Finding) {
    let Some(remedy) = &finding.remedy else { return };
    match perform(caches, remedy) {
        Ok((fix, _)) if fix.edits.is_empty() => {
            finding.no_fix_reason = Some("the step already has the corrected value".to_owned());
        }
        Ok((fix, notes)) => {
            finding.fix = Some(fix);
            finding.notes.splice(0..0, notes);
        }
        Err(reason) => finding.no_fix_reason = Some(reason),
    }
}

fn perform(caches: &JobCaches<'_>, remedy: &Remedy) -> Resolved {
    let cache =
        |index: &usize| caches.list.get(*index).ok_or("cachelint can't find the cache step");
    let fix = match remedy {
        Remedy::InsertCache => return insert_cache::insert_cache(caches),
        Remedy::Reuse => return reuse_flag::reuse(caches),
        Remedy::MoveStep { cache: index, before, title } => {
            move_step::move_before(caches, cache(index)?, *before, title)
        }
        Remedy::SetPath { caches: steps } => each(caches, steps, set_path::set_path),
        Remedy::RewriteKey { caches: steps } => each(caches, steps, rewrite_key::rewrite),
        Remedy::CorrectRestoreKeys { caches: steps } => each(caches, steps, restore_keys::correct),
        Remedy::AddRestoreKeys { caches: steps } => each(caches, steps, restore_keys::add),
        Remedy::RebuildOnPartialHit { caches: steps } => each(caches, steps, rebuild::rebuild),
        Remedy::TurnWeekly { caches: steps } => each(caches, steps, turn_weekly::turn_weekly),
        Remedy::ReplaceAction => replace_action::replace_action(caches),
        Remedy::Refused(reason) => Err(reason.clone()),
    };
    let fix = fix?;
    let notes = unsafe_because(caches, remedy, &fix).into_iter().collect();
    Ok((fix, notes))
}

/// Why a fix that could be safe is not; the check's page says why others never are.
fn unsafe_because(caches: &JobCaches<'_>, remedy: &Remedy, fix: &Fix) -> Option<String> {
    if fix.applicability != Applicability::Unsafe {
        return None;
    }
    if let Permission::ReleaseBranch(branch) = &caches.permission {
        return Some(unsafe_on_branch(branch));
    }
    let Remedy::RewriteKey { caches: steps } = remedy else { return None };
    let needs = caches.needs(caches.list.get(*steps.first()?)?.event.step_ref).ok()?;
    Some(unsafe_by_doubt(needs.separation.doubt.as_ref()?))
}

fn unsafe_on_branch(branch: &str) -> String {
    format!(
        "the fix is unsafe because the workflow also runs for pushes to `{branch}`: a poisoned \
         cache could reach what is built there"
    )
}

fn unsafe_by_doubt(doubt: &str) -> String {
    format!("the fix is unsafe: {doubt}")
}

/// One fix for the first of these steps and for all others that can be fixed beside it. With a fix
/// for one step at a time, a job of many caches would need as many rounds.
fn each(
    caches: &JobCaches<'_>,
    steps: &[usize],
    fix_one: impl Fn(&JobCaches<'_>, &ExistingCache<'_>) -> Result<Fix, String>,
) -> Result<Fix, String> {
    let mut steps = steps.iter().filter_map(|index| caches.list.get(*index));
    let first = fix_one(caches, steps.next().ok_or("cachelint can't find the cache step")?)?;
    let mut names = new_names(&first);
    let mut fixes = vec![first];
    for fix in steps.filter_map(|cached| fix_one(caches, cached).ok()) {
        let (first, new) = (&fixes[0], new_names(&fix));
        let alike = fix.path == first.path && fix.applicability == first.applicability;
        // What inserts the same step waits until it is there.
        if alike && new.iter().all(|name| !names.contains(name)) {
            names.extend(new);
            fixes.push(fix);
        }
    }
    let Combined { edits, changes, .. } = combine(&fixes.iter().collect::<Vec<_>>());
    Ok(Fix { edits, changes, ..fixes.swap_remove(0) })
}

/// The steps and the ids that a fix adds.
fn new_names(fix: &Fix) -> Vec<Value> {
    let added = fix.changes.iter().filter_map(|change| match change {
        Change::InsertItem { value, .. } => Some(value.get("id").unwrap_or(value)),
        Change::AddKey { key, value, .. } if key == "id" => Some(value),
        _ => None,
    });
    added.cloned().collect()
}

/// A fix from its parts.
fn fix(
    applicability: Applicability,
    message: String,
    path: &str,
    mut edits: Vec<Edit>,
    changes: Vec<Change>,
) -> Fix {
    edits.sort_by_key(|e| (e.span.start, e.span.end));
    Fix { applicability, message, path: path.to_owned(), edits, changes }
}
