//! The sessions that a call runs: their bodies, environments and folders.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::noxfile::{Effects, NoxfileReader, PythonValue};
use super::select::{self, Candidate, Selection, SessionIndex};
use super::{backend, reuse};
use crate::rules::nox::rules;
use crate::tool::{Answer, Run, Session};

pub(super) type SessionBodies = Vec<(Candidate, Rc<Effects>)>;

/// Follows the bodies of the selected sessions, and of those they notify.
pub(super) fn bodies(
    selection: &mut Selection,
    index: &SessionIndex,
    reader: &mut NoxfileReader<'_>,
) -> (SessionBodies, SessionBodies) {
    let mut known: Vec<Option<Rc<Effects>>> = vec![None; reader.sessions.len()];
    let mut follow = |candidate: &Candidate, reader: &mut NoxfileReader<'_>| -> Rc<Effects> {
        let Some(definition) = reader.sessions.get(candidate.definition).cloned() else {
            return Rc::default();
        };
        let Some(slot) = known.get_mut(candidate.definition) else { return Rc::default() };
        Rc::clone(slot.get_or_insert_with(|| Rc::new(reader.effects(&definition))))
    };
    let mut at = 0;
    let mut notified: BTreeSet<usize> = BTreeSet::new();
    while let Some(candidate) = selection.certain.get(at).cloned() {
        at += 1;
        // All sessions of one function notify the same ones.
        if !notified.insert(candidate.definition) {
            continue;
        }
        for name in &follow(&candidate, reader).notifies {
            // A notification may depend on conditions: what it adds may run.
            let found = index.named(name);
            if found.is_empty() {
                selection.more = true;
                selection.doubts.push("the name of a notified session is computed".to_owned());
            }
            let new = found
                .into_iter()
                .filter(|f| !selection.certain.iter().any(|c| c.definition == f.definition))
                .collect();
            select::add(&mut selection.certain, new);
        }
    }
    let mut pair = |list: &[Candidate]| -> SessionBodies {
        list.iter().map(|c| (c.clone(), follow(c, reader))).collect()
    };
    (pair(&selection.certain), pair(&selection.possible))
}

pub(super) fn own_reuse<'r>(
    candidate: &Candidate,
    reader: &'r NoxfileReader<'_>,
) -> &'r PythonValue {
    reader.sessions.get(candidate.definition).map_or(&PythonValue::Unknown, |d| &d.reuse_venv)
}

pub(super) fn describe(
    candidate: &Candidate,
    effects: &Effects,
    reader: &NoxfileReader<'_>,
    of_call: &backend::OfCall,
    global: &reuse::Global,
    run: &Run,
) -> Session {
    let definition = reader.sessions.get(candidate.definition);
    let backend = of_call.of_session(definition);
    let creates_env = if candidate.no_python { Answer::No } else { backend::creates(&backend) };
    let name = candidate.names.as_ref().and_then(|n| n.first()).cloned();
    let dir = run.env_dirs.first().map_or(rules().default_envdir.as_str(), String::as_str);
    Session {
        folder: name
            .as_ref()
            .filter(|_| !candidate.computed_variants)
            .and_then(|n| folder_name(dir, n)),
        name: name.unwrap_or_else(|| "(computed)".to_owned()),
        creates_env,
        backend,
        python: candidate.python.clone(),
        reuse: reuse::session(global.setting, own_reuse(candidate, reader)),
        installs_anything: if effects.installs.iter().any(|i| i.certain) {
            Answer::Yes
        } else if effects.installs.is_empty() && !effects.opaque && !effects.runs {
            Answer::No
        } else {
            Answer::Unknown
        },
    }
}

/// nox's folder name for a session; `None` for the long and non-ASCII names that it hashes or
/// transliterates.
fn folder_name(env_dir: &str, session: &str) -> Option<String> {
    const LONGEST: usize = 100 - "bin/pythonX.Y".len();
    if !session.is_ascii() {
        return None;
    }
    let plain: String = session
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' { c.to_ascii_lowercase() } else { '-' })
        .collect();
    let parts: Vec<&str> = plain.split('-').filter(|part| !part.is_empty()).collect();
    let name = parts.join("-");
    (!name.is_empty() && env_dir.len() + 1 + name.len() <= LONGEST).then_some(name)
}
