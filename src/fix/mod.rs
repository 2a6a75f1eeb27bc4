//! Remedies to fixes: a value change and the text edits that perform it, in the file's own style.

pub mod action_ref;
mod insert_cache;
pub mod move_step;
pub mod quote;
mod removal;
pub mod reuse_flag;
pub mod rewrite_key;
pub mod scalar;
mod steps;
pub mod style;
mod variables;

use crate::base::finding::Finding;
use crate::base::remedy::Remedy;
use crate::job::context::Subject;

/// Performs the remedy of a finding about this job: gives it a fix, or says why it has none.
pub fn resolve(context: &Subject<'_>, finding: &mut Finding) {
    match &finding.remedy {
        Some(Remedy::InsertCache) => match insert_cache::insert_cache(context) {
            Ok((fix, notes)) => {
                finding.fix = Some(fix);
                finding.notes.splice(0..0, notes);
            }
            Err(reason) => finding.no_fix_reason = Some(reason),
        },
        Some(Remedy::Refused(reason)) => finding.no_fix_reason = Some(reason.clone()),
        None => {}
    }
}
