//! Restore keys written anew, or added.

use super::inputs::Parts;
use super::rewrite_key::{corrected, rewrite};
use crate::base::finding::{Applicability, Fix};
use crate::cache::audit::CacheAudit;
use crate::cache::existing::ExistingCache;
use crate::cache::foreign::is_enough;
use crate::job::CacheForm;
use crate::job::key_template::{Key, Piece};

/// The fix that corrects restore keys: from the key as it stands where that suffices, else with the
/// key.
pub fn correct(audit: &CacheAudit<'_>, cached: &ExistingCache<'_>) -> Result<Fix, String> {
    match own_restore(audit, cached) {
        Some(own) => restore_only(audit, cached, &own),
        None => rewrite(audit, cached),
    }
}

/// The fix that writes restore keys where there are none.
pub fn add(audit: &CacheAudit<'_>, cached: &ExistingCache<'_>) -> Result<Fix, String> {
    let site = cached.event.site;
    let applicability = audit.editable(site)?.min(Applicability::Unsafe);
    let mut parts = Parts::new(audit);
    match own_restore(audit, cached) {
        Some(own) => parts.set_restore(site, &[own])?,
        None => {
            let corrected = corrected(audit, cached)?;
            if corrected.probe.is_some() {
                return Err("the key must name the Python first".to_owned());
            }
            let restore =
                corrected.restore.ok_or("an older environment must not be restored here")?;
            if cached.step.form != CacheForm::Both {
                return Err(
                    "the key must be made safer first, here and in the step that saves".to_owned()
                );
            }
            parts.set_key(site, &corrected.key)?;
            parts.set_restore(site, &[restore])?;
        }
    }
    Ok(parts.finish(
        site,
        applicability,
        "Restore the newest environments that are nearly right".to_owned(),
    ))
}

/// The fix that corrects the restore keys only.
fn restore_only(
    audit: &CacheAudit<'_>,
    cached: &ExistingCache<'_>,
    restore: &str,
) -> Result<Fix, String> {
    let site = cached.event.site;
    let applicability = audit.editable(site)?;
    let mut parts = Parts::new(audit);
    parts.set_restore(site, &[restore.to_owned()])?;
    Ok(parts.finish(
        site,
        applicability,
        "Restore what begins like the key, without its last hash".to_owned(),
    ))
}

/// The key as it stands without its last hash, where that is still enough to restore nothing wrong.
fn own_restore(audit: &CacheAudit<'_>, cached: &ExistingCache<'_>) -> Option<String> {
    let needs = audit.needs(cached.event.site).ok()?;
    if needs.exact_only {
        return None;
    }
    let pieces = &cached.step.template.pieces;
    let last = pieces.iter().rposition(Piece::is_hash)?;
    let beginning = Key { pieces: pieces[..last].to_vec(), broken: false };
    let text = cached.step.key.as_ref()?.text.trim();
    // The last hash of the key ends it: what follows would be lost from the beginning too.
    let at = text.rfind("${{")?;
    let suffices = last + 1 == pieces.len() && is_enough(audit, cached, &beginning);
    suffices.then(|| text[..at].to_owned())
}
