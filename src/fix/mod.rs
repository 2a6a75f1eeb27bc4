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

use crate::base::finding::{Applicability, Change, Edit, Finding, Fix};
use crate::base::remedy::Remedy;
use crate::cache::job_caches::JobCaches;

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
        Remedy::SetPath { cache: index } => set_path::set_path(caches, cache(index)?),
        Remedy::RewriteKey { cache: index } => rewrite_key::rewrite(caches, cache(index)?),
        Remedy::CorrectRestoreKeys { cache: index } => restore_keys::correct(caches, cache(index)?),
        Remedy::AddRestoreKeys { cache: index } => restore_keys::add(caches, cache(index)?),
        Remedy::RebuildOnPartialHit { cache: index } => rebuild::rebuild(caches, cache(index)?),
        Remedy::TurnWeekly { cache: index } => turn_weekly::turn_weekly(caches, cache(index)?),
        Remedy::ReplaceAction => replace_action::replace_action(caches),
        Remedy::Refused(reason) => Err(reason.clone()),
    };
    fix.map(|fix| (fix, Vec::new()))
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
