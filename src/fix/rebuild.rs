//! A step after an existing cache step that removes the environments unless the hit was exact.

use super::fix;
use super::insert_cache::{IDS, rebuild_step};
use super::steps::insert_steps;
use crate::actions::{Step, StepList};
use crate::base::finding::{Change, Edit, Fix};
use crate::base::text::Span;
use crate::cache::existing::ExistingCache;
use crate::cache::job_caches::JobCaches;
use crate::job::StepRef;
use crate::repo::Document;
use crate::rules::cache_actions::cache_actions;
use crate::rules::is_action;
use crate::yaml::Kind;

const UNSEEN: &str = "cachelint can't find the step";
const UNSAFE: &str = "cachelint can't edit this step safely";

/// The fix that makes the calls rebuild what a restore key brings.
pub fn rebuild(caches: &JobCaches<'_>, cached: &ExistingCache<'_>) -> Result<Fix, String> {
    let step_ref = cached.event.step_ref;
    let applicability = caches.editable(step_ref)?;
    let (edits, changes) = steps(caches, cached)?;
    let message = "Rebuild environments unless the key matched exactly".to_owned();
    Ok(fix(applicability, message, &caches.document_of(step_ref).path, edits, changes))
}

/// The edits that insert the step, and give the cache step an id where it has none.
fn steps(
    caches: &JobCaches<'_>,
    cached: &ExistingCache<'_>,
) -> Result<(Vec<Edit>, Vec<Change>), String> {
    let step_ref = cached.event.step_ref;
    if !tells_exact_hits(&cached.step.action) {
        return Err(format!(
            "cachelint doesn't know whether `{}` reports exact hits",
            cached.step.action
        ));
    }
    let needs = caches.needs(step_ref)?;
    let list = caches.steps_at(step_ref).ok_or(UNSEEN)?;
    let step = caches.step_at(step_ref).ok_or(UNSEEN)?;
    let document = caches.document_of(step_ref);
    if list.steps.len() <= step_ref.step + 1 {
        return Err("no step follows the cache step in its file".to_owned());
    }
    let (mut edits, mut changes) = (Vec::new(), Vec::new());
    let id = match &step.id {
        Some(id) => id.text.clone(),
        None => {
            let id = free_id(list).ok_or("cachelint can't find an unused id for the step")?;
            let (edit, change) = add_id(caches, document, step, step_ref, id)?;
            edits.push(edit);
            changes.push(change);
            id.to_owned()
        }
    };
    // A step of a composite action must name its shell.
    let shell = (needs.needs_bash || step_ref.job.is_none()).then_some("bash");
    let new = [rebuild_step(&id, &needs.folders, None, shell, is_moved(document, step_ref))];
    let (edit, inserted) = insert_steps(document, list, step_ref.step + 1, &new)?;
    edits.push(edit);
    changes.extend(inserted);
    Ok((edits, changes))
}

/// Whether steps without a folder of their own run in another one than the workspace.
fn is_moved(document: &Document, step_ref: StepRef) -> bool {
    document.workflow().zip(step_ref.job).is_some_and(|(workflow, job)| {
        let folder = &workflow.jobs[job].defaults.working_directory;
        folder.is_some() || workflow.defaults.working_directory.is_some()
    })
}

fn tells_exact_hits(action: &str) -> bool {
    let base = action.strip_suffix("/restore").unwrap_or(action);
    cache_actions().actions.iter().any(|known| is_action(&known.repository, base))
}

fn free_id(list: &StepList) -> Option<&'static str> {
    let is_used = |id: &str| list.steps.iter().any(|step| step.has_id(id));
    IDS.into_iter().find(|id| !is_used(id))
}

/// A line `id: …` after the line of `uses:`.
fn add_id(
    caches: &JobCaches<'_>,
    document: &Document,
    step: &Step,
    step_ref: StepRef,
    id: &str,
) -> Result<(Edit, Change), &'static str> {
    let (tree, text) = (&document.tree, &document.text);
    if matches!(tree.node(tree.resolve(step.node)).kind, Kind::Mapping { flow: true, .. }) {
        return Err(UNSAFE);
    }
    let uses = step.uses.as_ref().ok_or(UNSEEN)?;
    let line = text.line_of(uses.span.start);
    let written = text.line(line);
    // The key is on the line of its value.
    let key = written.find("uses").ok_or(UNSAFE)?;
    let before_value = text.line_start(line) + key < uses.span.start;
    let end = text.line_start(line + 1);
    if !before_value || text.line_of(uses.span.end) != line || !text.as_str()[..end].ends_with('\n')
    {
        return Err(UNSAFE);
    }
    let key = if matches!(written[..key].chars().last(), Some('"' | '\'')) { key - 1 } else { key };
    let content = format!("{}id: {id}{}", " ".repeat(key), text.newline().as_str());
    let change = Change::AddKey {
        mapping: caches.route(step_ref, &[]).ok_or(UNSEEN)?,
        key: "id".to_owned(),
        value: id.into(),
    };
    Ok((Edit { span: Span::at(end), content }, change))
}
