//! The sessions that a call runs: their bodies, environments and folders.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::call_work::CallWork;
use super::noxfile::{Effects, NoxfileReader, PythonValue};
use super::select::{self, Candidate, Selection, SessionIndex};
use super::{backend, reuse};
use crate::rules::nox::rules;
use crate::tool::{Answer, Run, Session, TooMuchWork};

pub(super) type SessionBodies = Vec<(Candidate, Rc<Effects>)>;

/// What it costs to say what a session means for caching, besides following its body.
const STEPS_PER_SESSION: usize = 4;

/// Follows the bodies of the selected sessions, and of those they notify.
pub(super) fn bodies(
    selection: &mut Selection,
    index: &SessionIndex,
    reader: &mut NoxfileReader<'_>,
    work: &mut CallWork,
) -> Result<(SessionBodies, SessionBodies), TooMuchWork> {
    let mut known: HashMap<usize, Rc<Effects>> = HashMap::new();
    let mut follow = |candidate: &Candidate,
                      reader: &mut NoxfileReader<'_>,
                      work: &mut CallWork|
     -> Result<Rc<Effects>, TooMuchWork> {
        if let Some(known) = known.get(&candidate.definition) {
            return Ok(Rc::clone(known));
        }
        let Some(definition) = reader.sessions.get(candidate.definition).cloned() else {
            return Ok(Rc::default());
        };
        let before = reader.work();
        reader.most = before.saturating_add(work.left());
        let effects = Rc::new(reader.effects(&definition));
        work.spend(reader.work() - before)?;
        known.insert(candidate.definition, Rc::clone(&effects));
        Ok(effects)
    };
    let mut at = 0;
    let mut notified: HashSet<usize> = HashSet::new();
    let mut definitions: HashSet<usize> =
        selection.certain.iter().map(|candidate| candidate.definition).collect();
    let mut present = select::places(&selection.certain);
    while let Some(candidate) = selection.certain.get(at).cloned() {
        at += 1;
        // All sessions of one function notify the same ones.
        if !notified.insert(candidate.definition) {
            continue;
        }
        for name in &follow(&candidate, reader, work)?.notifies {
            // A notification may depend on conditions: what it adds may run.
            let found = index.named(name);
            work.spend(index.lookup_steps() + found.len())?;
            if found.is_empty() {
                selection.more = true;
                selection.doubts.push("the name of a notified session is computed".to_owned());
            }
            let new: Vec<Candidate> =
                found.into_iter().filter(|f| !definitions.contains(&f.definition)).collect();
            definitions.extend(new.iter().map(|candidate| candidate.definition));
            select::add(&mut selection.certain, &mut present, new);
        }
    }
    let mut pair = |list: &[Candidate]| -> Result<SessionBodies, TooMuchWork> {
        work.spend(list.len() * STEPS_PER_SESSION)?;
        list.iter().map(|c| Ok((c.clone(), follow(c, reader, work)?))).collect()
    };
    Ok((pair(&selection.certain)?, pair(&selection.possible)?))
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
