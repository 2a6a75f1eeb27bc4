//! The reuse flag after the program word of a call.

use std::collections::{BTreeMap, BTreeSet};

use super::fix;
use super::scalar::fold;
use crate::base::finding::{Applicability, Change, Edit, Fix, Route, Segment};
use crate::base::text::Span;
use crate::cache::existing::ExistingCache;
use crate::cache::job_caches::JobCaches;
use crate::config;
use crate::job::{Event, Invocation, StepRef};
use crate::repo::Repository;
use crate::yaml::ScalarMap;

/// Why no flag is inserted where the settings forbid it.
pub const LEFT_TO_USER: &str = "the settings leave `-r` to you (`reuse = \"report\"`)";

/// Why the flag cannot be put where it is needed; `None` when it can.
pub fn obstacle(invocation: &Invocation) -> Option<String> {
    if let Some(refused) = &invocation.run.reuse_refused {
        return Some(format!("`{refused}` tells nox not to reuse environments"));
    }
    if !invocation.run.can_insert_reuse_flag {
        return Some(match invocation.run.calls_again.first() {
            Some(call) => format!(
                "a session calls nox again ({call}), and `-r` doesn't reach that call; add it there"
            ),
            None => "`-r` on the command line wouldn't apply to every session".to_owned(),
        });
    }
    match invocation.insert_at {
        Some(_) => None,
        None => Some(match &invocation.no_insert_reason {
            Some(reason) => reason.clone().into_owned(),
            None => "the nox command isn't in this file".to_owned(),
        }),
    }
}

/// The fix that makes nox reuse what the job's caches restore, and what to say about it.
pub fn reuse(caches: &JobCaches<'_>) -> Result<(Fix, Vec<String>), String> {
    let calls: Vec<_> = caches.list.iter().flat_map(ExistingCache::wasted_on).collect();
    let (first, _) = calls.first().ok_or("every call already reuses its environments")?;
    let document = first.step_ref.document;
    if caches.context.settings.reuse == config::ReuseSetting::Report {
        return Err(LEFT_TO_USER.to_owned());
    }
    if let Some(reason) = calls.iter().find_map(|(_, call)| obstacle(call)) {
        return Err(reason);
    }
    // The cache step itself stays as it is, so that only the steps with the calls count.
    let mut applicability = Applicability::Safe;
    for (event, _) in &calls {
        applicability = applicability.min(caches.editable(event.step_ref)?);
    }
    let repository = caches.context.repository;
    let (edits, changes) = insert(repository, document, calls.iter().copied())?;
    let mut notes = Vec::new();
    if calls.iter().any(|(_, call)| call.run.unpinned) {
        notes.push(
            "with `-r`, unpinned packages stay at their version until the key changes".to_owned(),
        );
    }
    let path = &repository.documents[document].path;
    let message = "Let nox reuse what the cache restored".to_owned();
    Ok((fix(applicability, message, path, edits, changes), notes))
}

/// Inserts the flag into every one of these calls; all of them are in `document`.
pub fn insert<'a>(
    repository: &Repository,
    document: usize,
    calls: impl Iterator<Item = (&'a Event, &'a Invocation)>,
) -> Result<(Vec<Edit>, Vec<Change>), String> {
    let mut places: BTreeMap<StepRef, BTreeSet<usize>> = BTreeMap::new();
    for (event, invocation) in calls {
        if event.step_ref.document != document {
            let other = &repository.documents[event.step_ref.document];
            let line = other.text.position(event.span.start).line;
            return Err(format!(
                "`{}` in `{}`, line {line}, needs `-r` too, and a fix changes only one file; add \
                 it there first",
                invocation.command, other.path
            ));
        }
        let Some(offset) = invocation.insert_at else { continue };
        places.entry(event.step_ref).or_default().insert(offset);
    }
    let flag = format!(" {}", repository.answers.tool().reuse_flag());
    let (mut edits, mut changes) = (Vec::new(), Vec::new());
    for (step_ref, offsets) in &places {
        let (made, changed) = changed_scripts(repository, *step_ref, offsets, &flag)?;
        edits.extend(made);
        changes.extend(changed);
    }
    Ok((edits, changes))
}

/// The scripts of the step, its own or those in inputs of its action, with the flag at these file
/// offsets: the edits and what they make.
fn changed_scripts(
    repository: &Repository,
    step_ref: StepRef,
    offsets: &BTreeSet<usize>,
    flag: &str,
) -> Result<(Vec<Edit>, Vec<Change>), &'static str> {
    const UNKNOWN: &str = "cachelint can't locate the nox command in the script";
    let document = &repository.documents[step_ref.document];
    let list = document.steps(step_ref.job).ok_or(UNKNOWN)?;
    let step = list.steps.get(step_ref.step).ok_or(UNKNOWN)?;
    if step.shared || list.shared {
        return Err("the step is shared with another job through an anchor");
    }
    if step.concurrent {
        return Err("nox runs alongside other steps (`parallel` or `background`)");
    }
    let own = step.run.iter().map(|script| (vec!["run"], script));
    let inputs = step.with.iter().map(|(name, script)| (vec!["with", name.as_str()], script));
    let mut left = offsets.clone();
    let (mut edits, mut changes) = (Vec::new(), Vec::new());
    for (keys, script) in own.chain(inputs) {
        let before = left.clone();
        let Some(map) = ScalarMap::new(&document.text, &document.tree, script.node) else {
            continue;
        };
        let Some(value) = with_flag(&script.text, &map, &mut left, flag) else { continue };
        let offsets = before.difference(&left).copied();
        let insert = |offset| Edit { span: Span::at(offset), content: flag.to_owned() };
        let too_long = |offset: usize| {
            let line = document.text.line(document.text.line_of(offset));
            let length = line.trim_end().chars().count() + flag.len();
            document.line_limit.is_some_and(|limit| length > limit)
        };
        // Scripts of several lines stay as they are: neither linter nor formatter breaks them.
        let one_line = !value.contains('\n') && offsets.clone().any(too_long);
        match one_line.then(|| fold(document, step, script, &value)).flatten() {
            Some(edit) => edits.push(edit),
            None => edits.extend(offsets.map(insert)),
        }
        let mut at: Route = list.route.clone();
        at.push(Segment::Index(step.index));
        at.extend(keys.into_iter().map(|key| Segment::Key(key.into())));
        changes.push(Change::SetScalar { at, value });
    }
    if left.is_empty() { Ok((edits, changes)) } else { Err(UNKNOWN) }
}

/// A script's value with the flag at those file offsets that are its own, which are taken out;
/// `None` where none is.
fn with_flag(
    script: &str,
    map: &ScalarMap,
    left: &mut BTreeSet<usize>,
    flag: &str,
) -> Option<String> {
    // The first value offset whose insertion point is a file offset counts: the line break that
    // ends a block scalar is written after it too, but what is inserted comes before that break.
    let before = left.len();
    let mut value = String::with_capacity(script.len() + before * flag.len());
    let ends = script.char_indices().map(|(at, c)| (at, Some(c)));
    for (at, c) in ends.chain([(script.len(), None)]) {
        if left.remove(&map.insertion_offset(at)) {
            value.push_str(flag);
        }
        value.extend(c);
    }
    (left.len() < before).then_some(value)
}
