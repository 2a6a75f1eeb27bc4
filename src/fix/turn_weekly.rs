//! A step that tells the week, and the week in a key.

use super::inputs::InputEdits;
use super::style::{Style, first_line};
use crate::base::finding::{Applicability, Change, Edit, Fix};
use crate::base::text::Span;
use crate::cache::existing::ExistingCache;
use crate::cache::job_caches::JobCaches;
use crate::edit::verify::mapping;

/// The step that tells the week, and what its script writes.
const STEP: &str = "week";
const SCRIPT: &str = "echo \"week=$(date -u +%G-%V)\" >> \"$GITHUB_OUTPUT\"";

/// A step that tells the week, and the week in front of the key and of every restore key.
pub fn turn_weekly(caches: &JobCaches<'_>, cached: &ExistingCache<'_>) -> Result<Fix, String> {
    let step_ref = cached.event.step_ref;
    let applicability = caches.editable(step_ref)?.min(Applicability::Unsafe);
    let unsafe_place = "cachelint can't edit this step safely";
    let (list, step) =
        caches.steps_at(step_ref).zip(caches.step_at(step_ref)).ok_or(unsafe_place)?;
    let document = caches.document_of(step_ref);
    if list.flow
        || !caches.savers(cached).is_empty()
        || list.steps.iter().any(|s| s.id.as_ref().is_some_and(|i| i.text == STEP))
    {
        return Err(unsafe_place.to_owned());
    }
    let style = Style::of(document, list, step_ref.step).ok_or(unsafe_place)?;
    let week = format!("${{{{ steps.{STEP}.outputs.week }}}}-");
    let key = cached.step.key.as_ref().ok_or(unsafe_place)?;
    let mut parts = InputEdits::new(caches);
    parts.set_key(step_ref, &format!("{week}{}", key.text.trim()))?;
    if let Some(restore) = &cached.step.restore_keys {
        let lines: Vec<String> = restore
            .text
            .lines()
            .map(str::trim)
            .filter(|l| !l.is_empty())
            .map(|l| format!("{week}{l}"))
            .collect();
        parts.set_restore(step_ref, &lines)?;
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
    Ok(parts.finish(step_ref, applicability, "Add the week to the key".to_owned()))
}
