//! A step that tells the week, and the week in a key.

use super::inputs::Parts;
use super::style::{Style, first_line};
use crate::base::finding::{Applicability, Change, Edit, Fix};
use crate::base::text::Span;
use crate::cache::audit::CacheAudit;
use crate::cache::existing::ExistingCache;
use crate::edit::verify::mapping;

/// The step that tells the week, and what its script writes.
const STEP: &str = "week";
const SCRIPT: &str = "echo \"week=$(date -u +%G-%V)\" >> \"$GITHUB_OUTPUT\"";

/// A step that tells the week, and the week in front of the key and of every restore key.
pub fn turn_weekly(audit: &CacheAudit<'_>, cached: &ExistingCache<'_>) -> Result<Fix, String> {
    let site = cached.event.site;
    let applicability = audit.editable(site)?.min(Applicability::Unsafe);
    let unsafe_place = "the step is written in a way that cannot be edited safely";
    let (list, step) = audit.steps_at(site).zip(audit.step_at(site)).ok_or(unsafe_place)?;
    let document = audit.document_of(site);
    if list.flow
        || !audit.savers(cached).is_empty()
        || list.steps.iter().any(|s| s.id.as_ref().is_some_and(|i| i.text == STEP))
    {
        return Err(unsafe_place.to_owned());
    }
    let style = Style::of(document, list, site.step).ok_or(unsafe_place)?;
    let week = format!("${{{{ steps.{STEP}.outputs.week }}}}-");
    let key = cached.step.key.as_ref().ok_or(unsafe_place)?;
    let mut parts = Parts::new(audit);
    parts.set_key(site, &format!("{week}{}", key.text.trim()))?;
    if let Some(restore) = &cached.step.restore_keys {
        let lines: Vec<String> = restore
            .text
            .lines()
            .map(str::trim)
            .filter(|l| !l.is_empty())
            .map(|l| format!("{week}{l}"))
            .collect();
        parts.set_restore(site, &lines)?;
    }
    let newline = document.text.newline().as_str();
    let (dash, gap) = (&style.dash_indent, " ".repeat(style.gap));
    let inside = format!("{dash} {gap}");
    let blank = if style.blank_line { newline } else { "" };
    let content = format!(
        "{dash}-{gap}id: {STEP}{newline}{inside}shell: bash{newline}{inside}run: {SCRIPT}{newline}{blank}"
    );
    let value = mapping([("id", STEP.into()), ("shell", "bash".into()), ("run", SCRIPT.into())]);
    let at = document.text.line_start(first_line(document, step));
    parts.push(
        Edit { span: Span::at(at), content },
        Change::InsertItem { sequence: list.route.clone(), index: step.index, value },
    );
    Ok(parts.finish(site, applicability, "Let the key change every week".to_owned()))
}
