//! The folders of environments as the `path` of a cache step.

use super::inputs::InputEdits;
use crate::base::finding::Fix;
use crate::cache::existing::{ExistingCache, covers, is_named_like};
use crate::cache::job_caches::JobCaches;
use crate::job::context::cacheable;

/// The fix that caches the folders in which the tool keeps its environments.
pub fn set_path(caches: &JobCaches<'_>, cached: &ExistingCache<'_>) -> Result<Fix, String> {
    let missed = &caches.missed_folders(cached);
    let step_ref = cached.event.step_ref;
    let applicability = caches.editable(step_ref)?;
    let used: Vec<String> = caches
        .legs_of(step_ref)
        .flat_map(|c| cacheable(c.timeline))
        .flat_map(|(_, i)| i.folders.iter().cloned())
        .collect();
    let mut lines: Vec<String> = Vec::new();
    let mut added = false;
    for path in &cached.step.paths {
        let useless = is_named_like(path, missed) && !used.iter().any(|f| covers(path, f));
        if !useless {
            lines.push(path.written.clone());
        } else if !added {
            lines.extend(missed.iter().cloned());
            added = true;
        }
    }
    if !added {
        lines.extend(missed.iter().cloned());
    }
    let mut parts = InputEdits::new(caches);
    parts.set_path(step_ref, &lines)?;
    for (event, _) in
        caches.savers(cached).into_iter().filter(|(e, _)| e.step_ref.document == step_ref.document)
    {
        caches.editable(event.step_ref)?;
        parts.set_path(event.step_ref, &lines)?;
    }
    Ok(parts.finish(step_ref, applicability, format!("Cache `{}`", missed.join("`, `"))))
}
