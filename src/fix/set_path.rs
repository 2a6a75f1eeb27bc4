//! The folders of environments as the `path` of a cache step.

use super::inputs::Parts;
use crate::base::finding::Fix;
use crate::cache::audit::CacheAudit;
use crate::cache::existing::{ExistingCache, covers, is_named_like};
use crate::job::context::cacheable;

/// The fix that caches the folders in which the tool keeps its environments.
pub fn set_path(audit: &CacheAudit<'_>, cached: &ExistingCache<'_>) -> Result<Fix, String> {
    let missed = &audit.missed_folders(cached);
    let site = cached.event.site;
    let applicability = audit.editable(site)?;
    let used: Vec<String> = audit
        .caches
        .iter()
        .filter(|c| c.event.site == site)
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
    let mut parts = Parts::new(audit);
    parts.set_path(site, &lines)?;
    for (event, _) in
        audit.savers(cached).into_iter().filter(|(e, _)| e.site.document == site.document)
    {
        audit.editable(event.site)?;
        parts.set_path(event.site, &lines)?;
    }
    Ok(parts.finish(site, applicability, format!("Cache `{}`", missed.join("`, `"))))
}
