//! Which tracked files a `hashFiles` of a key takes, as the runner finds them where the cache step
//! stands.

use std::sync::Arc;

use crate::actions::context::WORKSPACE;
use crate::actions::{Step, StepList};
use crate::base::glob::PatternSet;
use crate::job::context::JobContext;
use crate::job::key_template::Hash;
use crate::job::{Event, EventKind, Timeline};
use crate::repo::index::local;
use crate::tool::Answer;

/// Shorter pieces of a file name occur in scripts by chance.
const MIN_NAME: usize = 2;
/// Commands that write files whose names they do not say.
const WRITERS: [&str; 5] = ["compile", "export", "make ", "download", "git clone"];

/// The tracked files, as paths of the workspace, that the hash takes; `None` where its patterns are
/// not known, or too many files have to be compared with them.
pub fn hashed(
    context: &JobContext<'_>,
    timeline: &Timeline,
    at: &Event,
    hash: &Hash,
) -> Option<Arc<Vec<String>>> {
    let lines: Vec<String> = hash.patterns.as_ref()?.iter().map(|p| in_workspace(p)).collect();
    let folders = checkouts(timeline, at);
    context.repository.files().hashed(&lines.join("\n"), &folders, context.most_compared)
}

/// Whether the patterns are known, and only too many files have to be compared with them.
pub fn is_too_much(context: &JobContext<'_>, timeline: &Timeline, at: &Event, hash: &Hash) -> bool {
    let patterns = hash.patterns.as_ref().map(|patterns| patterns.join("\n"));
    patterns.is_some_and(|patterns| PatternSet::parse(&patterns).is_ok())
        && hashed(context, timeline, at, hash).is_none()
}

/// The folders of the workspace that hold the repository when the step runs.
fn checkouts<'t>(timeline: &'t Timeline, at: &'t Event) -> Vec<&'t str> {
    let mut folders: Vec<&str> = before(timeline, at).filter_map(own_checkout).collect();
    if folders.is_empty() {
        folders.push("");
    }
    folders
}

/// Whether the hash takes any file at all; unknown where a step before may have written one.
pub fn matches(context: &JobContext<'_>, timeline: &Timeline, at: &Event, hash: &Hash) -> Answer {
    let Some(files) = hashed(context, timeline, at, hash) else { return Answer::Unknown };
    if !files.is_empty() {
        return Answer::Yes;
    }
    let folders = checkouts(timeline, at);
    let elsewhere =
        hash.patterns.iter().flatten().any(|pattern| is_elsewhere(context, &folders, pattern));
    if elsewhere || is_written(context, timeline, at, hash) {
        return Answer::Unknown;
    }
    Answer::No
}

/// Whether what the hash takes may be written by the job itself, and so differ from job to job.
pub fn is_written(context: &JobContext<'_>, timeline: &Timeline, at: &Event, hash: &Hash) -> bool {
    let tracked = hashed(context, timeline, at, hash).is_some_and(|files| !files.is_empty());
    let foreign =
        |e: &Event| matches!(e.kind, EventKind::Checkout { .. }) && own_checkout(e).is_none();
    let mut patterns = hash.patterns.iter().flatten();
    !tracked
        && (before(timeline, at).any(foreign)
            || patterns.any(|pattern| may_be_written(context, at, pattern)))
}

fn before<'t>(timeline: &'t Timeline, at: &'t Event) -> impl Iterator<Item = &'t Event> {
    timeline.events.iter().take_while(move |e| !std::ptr::eq(*e, at))
}

fn own_checkout(event: &Event) -> Option<&str> {
    match &event.kind {
        EventKind::Checkout { folder: Some(folder), own: true, .. } => Some(folder),
        _ => None,
    }
}

/// A pattern below `${{ github.workspace }}` as one of the workspace.
fn in_workspace(pattern: &str) -> String {
    let (negation, path) = pattern.split_at(pattern.len() - pattern.trim_start_matches('!').len());
    match path.strip_prefix(WORKSPACE) {
        Some(rest) => format!("{negation}{}", rest.trim_start_matches('/')),
        None => pattern.to_owned(),
    }
}

/// A folder that the repository does not have comes from somewhere else: a submodule, a build.
fn is_elsewhere(context: &JobContext<'_>, checkouts: &[&str], pattern: &str) -> bool {
    let path = in_workspace(pattern);
    let path = path.trim_start_matches(['!', ' ']).trim_start_matches("./");
    let fixed = path.find(['*', '?', '[']).map_or(path, |wild| &path[..wild]);
    let Some((folder, _)) = fixed.trim_end_matches('/').rsplit_once('/') else { return false };
    !checkouts.iter().any(|checkout| match below(checkout, folder) {
        Some(inside) => context.repository.files().tracked().has_folder(inside),
        // A checkout in a folder of that name.
        None => below(folder, checkout).is_some(),
    })
}

/// `path` seen from `folder`, if it lies there.
fn below<'p>(folder: &str, path: &'p str) -> Option<&'p str> {
    match path.strip_prefix(folder)? {
        "" => Some(""),
        rest if folder.is_empty() => Some(rest),
        rest => rest.strip_prefix('/'),
    }
}

/// Whether a step before the cache may write a file of this pattern.
fn may_be_written(context: &JobContext<'_>, at: &Event, pattern: &str) -> bool {
    let name = pattern.trim_end_matches('/').rsplit('/').next().unwrap_or(pattern);
    let stem =
        name.split(['.', '*', '?', '[']).find(|part| part.len() >= MIN_NAME).unwrap_or_default();
    let documents = &context.repository.documents;
    let outer = documents[at.outer.document].steps(at.outer.job).map(|l| (l, at.outer.step));
    let inner =
        documents[at.step_ref.document].steps(at.step_ref.job).map(|l| (l, at.step_ref.step));
    let earlier = |(list, step): (&'_ StepList, usize)| {
        list.steps.iter().take(step).any(|s| writes(context, s, pattern, stem, 1))
    };
    outer.is_some_and(earlier) || (at.step_ref != at.outer && inner.is_some_and(earlier))
}

fn writes(context: &JobContext<'_>, step: &Step, pattern: &str, stem: &str, depth: usize) -> bool {
    if let Some(script) = &step.run {
        return stem.is_empty()
            || script.text.contains(stem)
            || WRITERS.iter().any(|w| script.text.contains(w));
    }
    let Some(uses) = &step.uses else { return false };
    if uses.text.contains("download-artifact") {
        return step.input("path").is_none_or(|path| may_lie_in(pattern, &path.text));
    }
    // A submodule's folder holds no tracked file: only a pattern for any folder reaches into it.
    if step.input("submodules").is_some() && has_any_folder(pattern) {
        return true;
    }
    if local(&uses.text).is_none() {
        return false;
    }
    let action = context.repository.action_of(&uses.text).filter(|_| depth > 0);
    action.and_then(|a| context.repository.documents[a].steps(None)).is_none_or(|list| {
        list.steps.iter().any(|inner| writes(context, inner, pattern, stem, depth - 1))
    })
}

/// Whether a file of this pattern can lie in `folder`; a folder that is not known may be any.
fn may_lie_in(pattern: &str, folder: &str) -> bool {
    let folder = folder.trim().trim_start_matches("./").trim_end_matches('/');
    let path = in_workspace(pattern);
    let path = path.trim_start_matches(['!', ' ']).trim_start_matches("./");
    folder.is_empty()
        || folder == "."
        || folder.contains("${{")
        || path.starts_with(&format!("{folder}/"))
        || has_any_folder(path)
}

/// `**/setup.py`, `*/setup.py`.
fn has_any_folder(pattern: &str) -> bool {
    pattern.rsplit_once('/').is_some_and(|(folders, _)| folders.contains(['*', '?', '[']))
}
