//! Environment folders that are there without a cache step: brought by an artifact or an archive,
//! kept by a machine that nothing cleans, or spoiled by what deletes them.

use crate::actions::context::Scope;
use crate::job::context::{JobContext, cacheable, touches_folder};
use crate::job::event::EventKind;
use crate::job::folder::Removal;
use crate::job::state::{is_outside, is_temporary};
use crate::job::{Event, Invocation, Timeline};
use crate::rules::forges::forges;
use crate::tool::Reuse;

/// How environments get there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Supplied {
    /// By this step.
    Arrives(String),
    /// The machine keeps them from run to run.
    Stays,
}

/// Who supplies the environments of the instance before nox builds any; `None` where nobody does.
pub fn supplied(context: &JobContext<'_>, timeline: &Timeline) -> Option<Supplied> {
    let (first, call) = cacheable(timeline).next()?;
    let at = timeline.events.iter().position(|e| std::ptr::eq(e, first))?;
    let before = &timeline.events[..at];
    for (position, event) in before.iter().enumerate().rev() {
        let Some(arrival) = event.arrival() else { continue };
        if call.folders.iter().any(|folder| arrival.brings(folder)) {
            let gone = spoils(&before[position..], call).is_some();
            return (!gone).then(|| Supplied::Arrives(arrival.what.clone()));
        }
    }
    (stays(context, timeline, before, call)).then_some(Supplied::Stays)
}

/// Whether a self-hosted machine keeps the folder of the call: nothing cleans the workspace, or
/// the folder lies outside of it.
fn stays(
    context: &JobContext<'_>,
    timeline: &Timeline,
    before: &[Event],
    call: &Invocation,
) -> bool {
    let outside = call.folders.iter().all(|folder| is_outside(folder));
    let emptied = call.folders.iter().any(|folder| is_temporary(folder));
    let checkouts: Vec<(Option<&str>, bool)> = before
        .iter()
        .filter_map(|e| match &e.kind {
            EventKind::Checkout { folder, cleans, .. } => Some((folder.as_deref(), *cleans)),
            _ => None,
        })
        .collect();
    // Without a checkout, only a machine that says so has the repository from an earlier run.
    let named = outside || checkouts.is_empty();
    if call.folders.is_empty() || emptied || !is_own_machine(context, timeline, named) {
        return false;
    }
    let cleaned = checkouts.iter().any(|(folder, cleans)| {
        let around = |path: &String| {
            folder.is_none_or(|f| f.is_empty() || path.starts_with(&format!("{f}/")))
        };
        *cleans && call.folders.iter().any(around)
    });
    (outside || !cleaned) && spoils(before, call).is_none()
}

/// Whether the job runs on a machine that no forge throws away after the job: a label says so, or
/// (unless it must be `named`) no label is that of a hosted runner.
fn is_own_machine(context: &JobContext<'_>, timeline: &Timeline, named: bool) -> bool {
    let Some((workflow, job)) = context.document().workflow().zip(context.job_ref.job) else {
        return false;
    };
    let job = &workflow.jobs[job];
    let scope = Scope::new(&timeline.instance.leg, &timeline.instance.inputs, &job.id);
    let labels: Option<Vec<String>> = job.runs_on.iter().map(|l| scope.text(&l.text)).collect();
    let Some(labels) = labels.filter(|labels| !labels.is_empty()) else { return false };
    let own = |label: &String| label.eq_ignore_ascii_case("self-hosted");
    let hosted = |label: &String| forges().os_of(label).is_some() && label.contains('-');
    let github = context.repository.forge_of(context.job_ref.document).needs_in_image.is_empty();
    let unnamed = !named && github && !labels.iter().any(hosted);
    job.container.is_none() && (labels.iter().any(own) || unnamed)
}

/// The first of these events that deletes the environments of the call.
pub fn spoils<'e>(events: &'e [Event], call: &Invocation) -> Option<(&'e Event, &'e Removal)> {
    let takes = |removal: &Removal| call.folders.iter().any(|folder| removal.takes(folder));
    events.iter().find_map(|e| e.removal().filter(|r| takes(r)).map(|r| (e, r)))
}

/// Whether the call uses what is there; then nothing is built on the run.
pub fn uses_what_is_there(call: &Invocation) -> bool {
    touches_folder(call) && call.run.reuse == Reuse::On
}
