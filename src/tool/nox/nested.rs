//! Calls of nox inside sessions: what they build besides the session's own environment.

use std::cell::Cell;
use std::collections::BTreeSet;

use super::call_work::CallWork;
use super::file_facts::FileFacts;
use super::noxfile::{NestedCall, Noxfiles};
use super::run::run;
use super::{argv, reuse};
use crate::rules::nox::Meaning;
use crate::tool::{Answer, Argument, Request, Reuse, Run, TooMuchWork, is_definition};

/// Calls inside sessions that are followed for one call of nox; a session that calls itself ends
/// here.
const MAX_CALLS: usize = 16;

/// Different calls inside sessions that are looked at for one call of nox.
const MAX_DISTINCT: usize = 100;

const AGAIN: &str = "a session calls nox again";

/// What a call shares with those inside its sessions.
pub(super) struct Nesting<'a> {
    pub noxfiles: &'a Noxfiles,
    pub facts: &'a FileFacts,
    /// Calls inside sessions that may still be followed.
    left: Cell<usize>,
}

impl<'a> Nesting<'a> {
    pub fn new(noxfiles: &'a Noxfiles, facts: &'a FileFacts) -> Self {
        Self { noxfiles, facts, left: Cell::new(MAX_CALLS) }
    }

    fn spend(&self) -> bool {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        left > 0
    }
}

/// Adds to `run` what the calls build; `certain` are those of sessions that surely run.
pub(super) fn add(
    run: &mut Run,
    calls: &[(&NestedCall, bool)],
    request: &Request<'_>,
    own: &str,
    nesting: &Nesting<'_>,
    work: &mut CallWork,
) -> Result<(), TooMuchWork> {
    let mut seen: Vec<&NestedCall> = Vec::new();
    for (call, certain) in calls {
        if seen.contains(call) {
            continue;
        }
        seen.push(call);
        if seen.len() > MAX_DISTINCT {
            run.undecided.push(format!("sessions call nox in more than {MAX_DISTINCT} ways"));
            run.installs_anything = Answer::any([run.installs_anything, Answer::Unknown]);
            return Ok(());
        }
        match inner(call, request, own, nesting, work)? {
            Ok(inner) => merge(run, inner, *certain && call.certain, &call.place),
            Err(why) => {
                run.installs_anything = Answer::any([run.installs_anything, Answer::Unknown]);
                if run.creates_env == Answer::No {
                    run.env_dirs.clear();
                    run.creates_env = Answer::Unknown;
                    run.why = why.clone();
                }
                run.undecided.push(why);
            }
        }
    }
    Ok(())
}

/// What one call does, or why that can't be decided.
fn inner(
    call: &NestedCall,
    request: &Request<'_>,
    own: &str,
    nesting: &Nesting<'_>,
    work: &mut CallWork,
) -> Result<Result<Run, String>, TooMuchWork> {
    let Some(folder) = &call.folder else {
        return Ok(Err("a session calls nox again, in an unknown folder".to_owned()));
    };
    let mut follow = |args: &[Argument]| {
        if !nesting.spend() {
            return Ok(Err("sessions call nox too often to follow every call".to_owned()));
        }
        let within = Request { args, folder, script: None, ..*request };
        let inner = run(&within, work.rest(), nesting)?;
        work.spend(inner.work + inner.loading.work)?;
        Ok(Ok(inner))
    };
    let line = argv::parse(&call.args);
    if line.one(Meaning::Noxfile).is_none_or(|file| file.value.is_some()) {
        return follow(&call.args);
    }
    // A noxfile whose name is computed is one of the others in the repository: what all of them do
    // is certain.
    let files: Vec<String> =
        request.files.tracked_under("").into_iter().filter(|path| is_other(path, own)).collect();
    let mut named = |file: &String| {
        let mut args = call.args.clone();
        let value = args.iter_mut().find(|word| word.value.is_none());
        if let Some(word) = value {
            *word = Argument::known(from(folder, file));
        }
        follow(&args)
    };
    let mut all = Vec::new();
    for file in files.iter().take(MAX_CALLS + 1) {
        match named(file)? {
            Ok(run) => all.push(run),
            Err(why) => return Ok(Err(why)),
        }
    }
    let answer = Answer::one_of(all.iter().map(|r| r.creates_env));
    let same = reuse::over(all.iter().map(|r| r.reuse), false);
    let files: BTreeSet<String> =
        all.iter().flat_map(|r| r.definition_files.iter().cloned()).collect();
    if all.is_empty() {
        return Ok(Err("a session calls nox again, with an unknown noxfile".to_owned()));
    }
    let mut first = all.swap_remove(0);
    first.creates_env = answer;
    first.reuse = same.unwrap_or(Reuse::Unknown);
    first.definition_files = files.into_iter().collect();
    first.env_dirs.clear();
    first.undecided.push("a session calls nox with an unknown noxfile".to_owned());
    Ok(Ok(first))
}

fn is_other(path: &str, own: &str) -> bool {
    path != own && is_definition(path)
}

/// `file`, which is relative to the repository root, as a word for a call in `folder`.
fn from(folder: &str, file: &str) -> String {
    let up = folder.split('/').filter(|part| !part.is_empty()).map(|_| "..");
    up.chain([file]).collect::<Vec<_>>().join("/")
}

fn merge(run: &mut Run, inner: Run, certain: bool, place: &str) {
    let answer = match inner.creates_env {
        Answer::Yes if !certain => Answer::Unknown,
        answer => answer,
    };
    run.publishes = run.publishes.take().or(inner.publishes);
    run.removes.extend(inner.removes);
    for reason in inner.undecided {
        if !run.undecided.contains(&reason) {
            run.undecided.push(reason);
        }
    }
    if answer == Answer::No {
        return;
    }
    if run.creates_env != Answer::No && answer != Answer::Yes {
        run.installs_anything = Answer::any([run.installs_anything, Answer::Unknown]);
        return;
    }
    if run.creates_env == Answer::No {
        run.env_dirs.clear();
        run.backend = inner.backend;
        (run.reuse, run.reuse_why) = (inner.reuse, inner.reuse_why);
        run.off_by_default = inner.off_by_default;
        run.installs_anything = inner.installs_anything;
        run.exact_installer = inner.exact_installer;
        run.leftovers.clone_from(&inner.leftovers);
        run.changes_folder = inner.changes_folder;
        run.outside.clone_from(&inner.outside);
    } else {
        for name in inner.backend.names {
            if !run.backend.names.contains(&name) {
                run.backend.names.push(name);
            }
        }
        if run.reuse != inner.reuse && run.reuse != Reuse::Mixed {
            let unknown = [run.reuse, inner.reuse].contains(&Reuse::Unknown);
            run.reuse = if unknown { Reuse::Unknown } else { Reuse::Mixed };
            run.reuse_why = format!("nox called by a session: {}", inner.reuse_why);
        }
        run.installs_anything = Answer::any([run.installs_anything, inner.installs_anything]);
        run.exact_installer &= inner.exact_installer;
        run.leftovers.extend(inner.leftovers);
        run.changes_folder |= inner.changes_folder;
        for folder in inner.outside {
            if !run.outside.contains(&folder) {
                run.outside.push(folder);
            }
        }
    }
    if run.creates_env != Answer::Yes {
        run.why =
            format!("{AGAIN}: {}", inner.why.trim_start_matches(AGAIN).trim_start_matches(": "));
    }
    run.creates_env = Answer::any([run.creates_env, answer]);
    run.creates_by_default |=
        certain && inner.creates_by_default && !inner.definition_files.is_empty();
    // A flag after the outer program word does not reach the inner call.
    if inner.reuse != Reuse::On {
        run.can_insert_reuse_flag = false;
        run.calls_again.push(place.to_owned());
    }
    run.installs_skipped |= inner.installs_skipped;
    run.unpinned |= inner.unpinned;
    run.unlocked |= inner.unlocked;
    run.newest = run.newest.take().or_else(|| inner.newest.clone());
    run.unfollowed = run.unfollowed.take().or_else(|| inner.unfollowed.clone());
    run.foreign_code = run.foreign_code.take().or_else(|| inner.foreign_code.clone());
    run.copies_source |= inner.copies_source;
    union(&mut run.env_dirs, inner.env_dirs);
    union(&mut run.definition_files, inner.definition_files);
    union(&mut run.install_files, inner.install_files);
    run.install_files.retain(|file| !run.definition_files.contains(file));
}

fn union(into: &mut Vec<String>, more: Vec<String>) {
    into.extend(more);
    into.sort();
    into.dedup();
}
