//! A step that prints the week, and the week in a key.

use super::inputs::InputEdits;
use super::steps::{NewStep, insert_steps};
use crate::actions::Step;
use crate::base::finding::{Applicability, Fix};
use crate::cache::existing::ExistingCache;
use crate::cache::interpreter::{Probe, Week};
use crate::cache::job_caches::JobCaches;

/// A step that prints the week, and the week in front of the key and of every restore key.
pub fn turn_weekly(caches: &JobCaches<'_>, cached: &ExistingCache<'_>) -> Result<Fix, String> {
    let step_ref = cached.event.step_ref;
    let applicability = caches.editable(step_ref)?.min(Applicability::Unsafe);
    let unsafe_place = "cachelint can't edit this step safely";
    let list = caches.steps_at(step_ref).ok_or(unsafe_place)?;
    let id = Probe::id_among(Some(list), Probe::WEEK);
    let needs = caches.needs(step_ref)?;
    let probe = Probe::new(id, &[], Week::Apart, needs.needs_bash).ok_or(unsafe_place)?;
    let mut same = list.steps.iter().filter(|step| step.has_id(id));
    let there = same.next();
    let writes = |step: &Step| {
        step.index < list.steps[step_ref.step].index
            && step.run.as_ref().is_some_and(|run| run.text.contains(&probe.script))
    };
    if !caches.savers(cached).is_empty() || there.is_some_and(|step| !writes(step)) {
        return Err(unsafe_place.to_owned());
    }
    let week = format!("${{{{ {} }}}}-", Probe::output(id, Probe::WEEK));
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
    if there.is_none() {
        let document = caches.document_of(step_ref);
        let (edit, changes) =
            insert_steps(document, list, step_ref.step, &[NewStep::asking(&probe, None)])?;
        parts.insert(edit, changes);
    }
    Ok(parts.finish(step_ref, applicability, "Add the week to the key".to_owned()))
}
