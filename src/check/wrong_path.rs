//! `nox/wrong-path`: does the cache hold the folder in which nox keeps its environments?

use super::audit::{Audit, Cached, Place, Report, covers};
use crate::base::finding::{Finding, Fix};
use crate::fix::rewrite_key::Parts;
use crate::job::context::cacheable;

pub const ID: &str = "nox/wrong-path";

pub fn check(audit: &Audit<'_>) -> Option<Finding> {
    let mut places = Vec::new();
    let mut first: Option<(&Cached<'_>, Vec<String>)> = None;
    for cached in audit.caches {
        let missed = missed(audit, cached);
        let Some(folder) = missed.first() else { continue };
        let label = format!("nox keeps its environments in `{folder}`");
        places.push(Place { cached, span: audit.input_span(cached, "path"), label });
        first.get_or_insert((cached, missed));
    }
    let (cached, missed) = first?;
    let written: Vec<&str> = cached
        .step
        .paths
        .iter()
        .filter(|p| is_env_line(p, &missed))
        .map(|p| p.written.as_str())
        .collect();
    let (there, folder) = (written.join("`, `"), missed.join("`, `"));
    let report = Report {
        rule: ID,
        message: format!("the cache holds `{there}`, but nox keeps the environments of this job in `{folder}`"),
        help:
            "Paths of a cache are relative to the workspace, never to `working-directory`; nox puts its folder beside \
               the noxfile. What nox builds here is never saved, and every run builds it again."
                .to_owned(),
    };
    audit.finding(report, &places, correct(audit, cached, &missed))
}

/// Environment folders of the instance that none of its caches holds.
fn missed(audit: &Audit<'_>, cached: &Cached<'_>) -> Vec<String> {
    let calls: Vec<_> = cacheable(cached.timeline).map(|(_, i)| i).collect();
    if calls.iter().any(|i| i.folders.is_empty()) {
        return Vec::new();
    }
    let steps: Vec<_> = audit
        .caches
        .iter()
        .filter(|c| std::ptr::eq(c.timeline, cached.timeline))
        .map(|c| c.step)
        .collect();
    if steps.iter().flat_map(|s| &s.paths).any(|p| !p.known && p.folder.is_none()) {
        return Vec::new();
    }
    let held = |folder: &&String| steps.iter().flat_map(|s| &s.paths).any(|p| covers(p, folder));
    let mut missed: Vec<String> =
        calls.iter().flat_map(|i| &i.folders).filter(|f| !held(f)).cloned().collect();
    missed.sort();
    missed.dedup();
    missed
}

/// A line that was meant for one of these folders.
fn is_env_line(path: &crate::job::event::CachedPath, folders: &[String]) -> bool {
    let name = |text: &str| {
        text.trim_end_matches(['/', '*']).rsplit(['/', '\\']).next().map(str::to_owned)
    };
    let own = name(path.folder.as_deref().unwrap_or(&path.written));
    folders.iter().any(|f| name(f) == own)
}

fn correct(audit: &Audit<'_>, cached: &Cached<'_>, missed: &[String]) -> Result<Fix, String> {
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
        let useless = is_env_line(path, missed) && !used.iter().any(|f| covers(path, f));
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
