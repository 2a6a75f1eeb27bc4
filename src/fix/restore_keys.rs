//! Restore keys rewritten, or added.

use super::inputs::InputEdits;
use super::rewrite_key::{corrected, rewrite};
use crate::base::finding::{Applicability, Fix};
use crate::cache::existing::ExistingCache;
use crate::cache::foreign::is_enough;
use crate::cache::job_caches::JobCaches;
use crate::job::CacheForm;
use crate::job::key_template::{Key, KeyPiece};

/// The fix that corrects restore keys: from the key as it is where that suffices, else with the
/// key.
pub fn correct(caches: &JobCaches<'_>, cached: &ExistingCache<'_>) -> Result<Fix, String> {
    match own_restore(caches, cached) {
        Some(own) => restore_only(caches, cached, &own),
        None => rewrite(caches, cached),
    }
}

/// The fix that writes restore keys where there are none.
pub fn add(caches: &JobCaches<'_>, cached: &ExistingCache<'_>) -> Result<Fix, String> {
    let step_ref = cached.event.step_ref;
    let applicability = caches.editable(step_ref)?.min(Applicability::Unsafe);
    let mut parts = InputEdits::new(caches);
    match own_restore(caches, cached) {
        Some(own) => parts.set_restore(step_ref, &[own])?,
        None => {
            let corrected = corrected(caches, cached, true)?;
            if corrected.probe.is_some() {
                return Err("fix the key first: it has to include the Python version".to_owned());
            }
            let restore =
                corrected.restore.ok_or("restoring an older environment isn't safe here")?;
            if cached.step.form != CacheForm::Both {
                return Err("fix the key first, here and in the step that saves".to_owned());
            }
            parts.set_key(step_ref, &corrected.key)?;
            parts.set_restore(step_ref, &[restore])?;
        }
    }
    Ok(parts.finish(step_ref, applicability, "Restore the newest similar environments".to_owned()))
}

/// The fix that corrects the restore keys only.
fn restore_only(
    caches: &JobCaches<'_>,
    cached: &ExistingCache<'_>,
    restore: &str,
) -> Result<Fix, String> {
    let step_ref = cached.event.step_ref;
    let applicability = caches.editable(step_ref)?;
    let mut parts = InputEdits::new(caches);
    parts.set_restore(step_ref, &[restore.to_owned()])?;
    Ok(parts.finish(
        step_ref,
        applicability,
        "Use the key without its last hash as the restore key".to_owned(),
    ))
}

/// The key as it is without its last hash, where that is still enough to restore nothing wrong.
fn own_restore(caches: &JobCaches<'_>, cached: &ExistingCache<'_>) -> Option<String> {
    let needs = caches.needs(cached.event.step_ref).ok()?;
    if needs.exact_only {
        return None;
    }
    let pieces = &cached.step.template.pieces;
    let last = pieces.iter().rposition(KeyPiece::is_hash)?;
    let beginning = Key { pieces: pieces[..last].to_vec(), broken: false };
    let text = cached.step.key.as_ref()?.text.trim();
    // The last hash of the key ends it: what follows would be lost from the beginning too.
    let at = text.rfind("${{")?;
    let suffices = last + 1 == pieces.len() && is_enough(caches, cached, &beginning);
    suffices.then(|| text[..at].to_owned())
}
