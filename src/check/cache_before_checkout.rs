//! `nox/cache-before-checkout`: does a checkout delete what the cache restored?

use super::audit::{Audit, Cached, Place, Report, fix, folders};
use super::subject::touches_folder;
use crate::finding::{Applicability, Finding, Fix};
use crate::fix::move_step::move_step;
use crate::timeline::{Event, EventKind};

pub const ID: &str = "nox/cache-before-checkout";

pub fn check(audit: &Audit<'_>) -> Option<Finding> {
    let mut places = Vec::new();
    let mut first: Option<(&Cached<'_>, &Event)> = None;
    for cached in audit.caches {
        let Some(call) = wiped_before(cached) else { continue };
        let label = "the checkout behind it deletes what it restores".to_owned();
        places.push(Place { cached, span: cached.event.span, label });
        first.get_or_insert((cached, call));
    }
    let (cached, call) = first?;
    let report = Report {
        rule: ID,
        message: format!(
            "job `{}` restores its environments before the checkout, which deletes them",
            audit.subject.name
        ),
        help: "`actions/checkout` cleans the folder it writes to, and before it `hashFiles` sees no file of the \
               repository. Move the cache step behind the checkout, directly before the first step that runs nox."
            .to_owned(),
    };
    audit.finding(report, &places, back(audit, cached, call))
}

/// The first call after a checkout that deletes what the step restored.
fn wiped_before<'a>(cached: &Cached<'a>) -> Option<&'a Event> {
    let folders = folders(cached.timeline);
    let around = |folder: &str| folder.is_empty() || folders.iter().any(|f| f.starts_with(&format!("{folder}/")));
    let earlier: Vec<&str> =
        cached.timeline.events[..cached.position].iter().filter_map(|e| checkout(e).map(|(f, _)| f)).collect();
    let (call, _) = cached.calls_after().find(|(_, i)| touches_folder(i))?;
    let between = cached.timeline.events[cached.position..].iter().take_while(|e| !std::ptr::eq(*e, call));
    let wipes = between.filter(|e| e.condition.is_none()).filter_map(checkout).any(|(folder, cleans)| {
        // Without a repository there, checkout empties the folder whatever `clean` says.
        around(folder) && (cleans || !earlier.contains(&folder))
    });
    wipes.then_some(call)
}

fn checkout(event: &Event) -> Option<(&str, bool)> {
    match &event.kind {
        EventKind::Checkout { folder: Some(folder), cleans, .. } => Some((folder, *cleans)),
        _ => None,
    }
}

fn back(audit: &Audit<'_>, cached: &Cached<'_>, call: &Event) -> Result<Fix, String> {
    let site = cached.event.site;
    let applicability = audit.editable(site)?.min(Applicability::Unsafe);
    let target = [call.site, call.outer].into_iter().find(|t| t.document == site.document && t.job == site.job);
    let target = target.ok_or("nox runs in another file than the cache step")?;
    let document = audit.document_of(site);
    let steps = audit.steps_at(site).ok_or("the step is not in sight")?;
    let uses_it =
        |text: &str| steps.steps[site.step].id.as_ref().is_some_and(|id| text.contains(&format!("steps.{}.", id.text)));
    let between = steps.steps.iter().take(target.step).skip(site.step + 1);
    if between.flat_map(|s| s.condition.iter().chain(&s.run)).any(|s| uses_it(&s.text)) {
        return Err("a step between asks whether the cache was found".to_owned());
    }
    let (edits, change) = move_step(document, steps, site.step, target.step)?;
    let message = "Restore the environments behind the checkout".to_owned();
    Ok(fix(applicability, message, &document.path, edits, vec![change]))
}
