//! Whether a key or a restore key can bring environments of another interpreter, system or noxfile.

use std::collections::HashSet;

use super::all_jobs::MAX_COMPARED;
use super::existing::ExistingCache;
use super::hashed;
use super::interpreter::{brings_pythons_of_uv, floats, is_chosen_by_uv};
use super::job_caches::JobCaches;
use crate::job::context::{JobContext, cacheable};
use crate::job::key_template::{Key, KeyPiece};
use crate::job::state::prefixed;
use crate::job::{Event, EventKind};
use crate::tool::Interpreter;

/// How exactly a key names the interpreter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named {
    Not,
    /// `3.12`, of which there are many.
    Minor,
    Exactly,
    Unknown,
}

/// What a restore key does not hold although the key does.
pub fn crosses(
    caches: &JobCaches<'_>,
    cached: &ExistingCache<'_>,
    restore: &Key,
    named_by_key: Named,
) -> Option<&'static str> {
    let named = key_names(cached, restore);
    if named_by_key == Named::Exactly && matches!(named, Named::Not | Named::Minor) {
        return Some("another Python");
    }
    let definitions = definitions(cached);
    if hashes_any(caches.context, cached, &cached.step.template, &definitions)
        && !hashes_any(caches.context, cached, restore, &definitions)
    {
        return Some("an older noxfile");
    }
    let begins = restore.rendered();
    let foreign = |other: &ExistingCache<'_>| {
        cached.builds.is_foreign(&other.builds)
            && cached.builds.shares_caches_with(&other.builds)
            && begins.begins(&other.rendered)
            && other.identity() == cached.identity()
    };
    caches.list.iter().take(MAX_COMPARED).any(foreign).then_some("other matrix legs")
}

/// Whether a restore key of this beginning restores nothing wrong.
pub fn is_enough(caches: &JobCaches<'_>, cached: &ExistingCache<'_>, restore: &Key) -> bool {
    let definitions = definitions(cached);
    let named = key_names(cached, &cached.step.template);
    hashes_any(caches.context, cached, restore, &definitions)
        && !matches!(named, Named::Not | Named::Minor)
        && crosses(caches, cached, restore, named).is_none()
}

/// How exactly a key, or a beginning of it, names the interpreter that the job sets up.
pub fn key_names(cached: &ExistingCache<'_>, key: &Key) -> Named {
    match setup(cached) {
        Some(versions) => named(cached, key, &versions),
        None => Named::Unknown,
    }
}

/// Whether the key does not name a Python that the runner or a container has, under a name that
/// gets another one in time.
pub fn is_of_the_image(caches: &JobCaches<'_>, cached: &ExistingCache<'_>) -> bool {
    setup(cached).is_none()
        && named(cached, &cached.step.template, &[]) == Named::Not
        && floats(caches.context, cached.timeline)
}

/// Whether the key does not say exactly which Python uv chooses, and the cache does not bring it
/// along.
pub fn is_of_uv(caches: &JobCaches<'_>, cached: &ExistingCache<'_>) -> bool {
    let events = cached.timeline.events.iter();
    let asked = events.filter_map(Event::set_up).filter_map(|s| s.versions.as_ref()).flatten();
    let sessions = cacheable(cached.timeline).flat_map(|(_, i)| &i.run.sessions);
    let named_there = sessions.filter_map(|session| match &session.python {
        Interpreter::Named(python) => Some(python),
        Interpreter::Own | Interpreter::Unknown => None,
    });
    let versions: Vec<String> = asked.chain(named_there).cloned().collect();
    setup(cached).is_none()
        && matches!(named(cached, &cached.step.template, &versions), Named::Not | Named::Minor)
        && !cached.step.paths.iter().any(|path| brings_pythons_of_uv(&path.written))
        && is_chosen_by_uv(caches.context, cached.timeline)
}

/// Whether the Python of a session is in the noxfile and not in the environment's name, while
/// the key surely does not change with that file.
pub fn follows_no_definition(caches: &JobCaches<'_>, cached: &ExistingCache<'_>) -> bool {
    let key = &cached.step.template;
    let opaque = |piece: &KeyPiece| {
        (piece.text.is_none() && piece.hashes.is_empty() && !piece.is_fixed())
            || piece
                .hashes
                .iter()
                .any(|h| hashed::hashed(caches.context, cached.timeline, cached.event, h).is_none())
    };
    if key.pieces.iter().any(opaque) {
        return false;
    }
    let mut calls = cacheable(cached.timeline).filter(|(_, c)| c.own && c.run.sessions_known);
    calls.any(|(_, call)| {
        let defining = call.run.definition_files.iter();
        let files: Vec<String> = defining.map(|f| prefixed(&call.checkout, f)).collect();
        let alone = call.run.sessions.iter().any(|session| match &session.python {
            Interpreter::Named(python) => !session.name.contains(python.as_str()),
            Interpreter::Own | Interpreter::Unknown => false,
        });
        alone && !hashes_any(caches.context, cached, key, &files)
    })
}

/// The versions that setup-python was asked for, before the calls; `None` where the job cannot know
/// its interpreter, or where the sessions ask for others.
fn setup(cached: &ExistingCache<'_>) -> Option<Vec<String>> {
    let events = &cached.timeline.events;
    let calls: Vec<_> = cacheable(cached.timeline).map(|(_, i)| i).collect();
    let end = events.iter().position(|e| e.invocation().is_some()).unwrap_or(events.len());
    let mut versions = None;
    for event in &events[..end] {
        if let Some(set_up) = event.set_up().filter(|s| s.location) {
            let asked = set_up.versions.iter().flatten().cloned();
            versions.get_or_insert_with(Vec::new).extend(asked);
        }
    }
    let versions: Vec<String> = versions?;
    if calls.iter().any(|i| i.in_container) {
        return None;
    }
    let mut sessions = calls.iter().flat_map(|i| &i.run.sessions).peekable();
    let elsewhere = |python: &Interpreter| match python {
        Interpreter::Named(named) => {
            let same = |v: &String| {
                *v == *named
                    || v.starts_with(&format!("{named}."))
                    || named.starts_with(&format!("{v}."))
            };
            !versions.is_empty() && !versions.iter().any(same)
        }
        Interpreter::Own | Interpreter::Unknown => false,
    };
    let all_elsewhere = sessions.peek().is_some() && sessions.all(|s| elsewhere(&s.python));
    (!all_elsewhere).then_some(versions)
}

/// How exactly `key` names the interpreter of these versions.
fn named(cached: &ExistingCache<'_>, key: &Key, versions: &[String]) -> Named {
    let exact = |path: &String| {
        path == "env.pythonlocation"
            || (path.starts_with("steps.")
                && (path.ends_with(".python-version") || path.ends_with(".python-path")))
    };
    if key.pieces.iter().any(|p| p.text.is_none() && p.paths.iter().any(exact)) {
        return Named::Exactly;
    }
    // A value that nobody knows may name the interpreter if it decides which one is set up.
    let decides = |path: &String| {
        let mut derived_from = cached.timeline.events.iter().filter_map(|e| match &e.kind {
            EventKind::Interpreter(set_up) => Some(set_up.derived_from.as_ref()),
            _ => None,
        });
        (path.starts_with("matrix.") || path.starts_with("inputs."))
            && derived_from.any(|derived_from| {
                derived_from.is_none_or(|text| text.to_ascii_lowercase().contains(path.as_str()))
            })
    };
    // So may a script that asks Python.
    let may_name = |p: &KeyPiece| {
        let opaque = p.paths.iter().any(|path| {
            path.starts_with("env.") || path.starts_with("steps.") || path.starts_with("needs.")
        });
        p.scripts.iter().any(|s| asks_python(s))
            || (p.text.is_none() && opaque && p.scripts.is_empty() && p.hashes.is_empty())
            || (p.text.is_none() && versions.is_empty() && p.paths.iter().any(decides))
    };
    if key.pieces.iter().any(may_name) {
        return Named::Unknown;
    }
    let text: String = key.pieces.iter().map(|p| p.text.as_deref().unwrap_or("\0")).collect();
    let found = versions.iter().filter(|v| text.contains(v.as_str()));
    let exactness =
        |v: &String| if v.matches('.').count() >= 2 { Named::Exactly } else { Named::Minor };
    let best = found.map(exactness).max();
    match best {
        Some(named) => named,
        // `py312`, or `matrix.python` where only a part of it is the version.
        None if key.pieces.iter().any(|p| {
            p.text.as_deref() != Some("") && p.paths.iter().any(|path| path.contains("python"))
        }) =>
        {
            Named::Minor
        }
        None if versions.iter().any(|v| text.contains(&v.replace('.', ""))) => Named::Minor,
        None if !has_calls_or_versions(cached, versions) => Named::Unknown,
        None => Named::Not,
    }
}

/// Whether a script, or the action in its place, has to do with the interpreter; a folder
/// `my-python` says nothing of it, a variable `DEFAULT_PYTHON` does.
pub fn asks_python(script: &str) -> bool {
    let mut words = script.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_')));
    let names = |word: &str| word.trim_start_matches(['-', '_']).to_ascii_lowercase();
    script.to_ascii_lowercase().contains("setup-python")
        || words
            .any(|w| names(w).starts_with("python") || w.split('_').any(|part| part == "PYTHON"))
}

/// Something tells that the interpreter matters.
fn has_calls_or_versions(cached: &ExistingCache<'_>, versions: &[String]) -> bool {
    !versions.is_empty() || cacheable(cached.timeline).next().is_some()
}

/// The files that define the sessions of the calls, as paths of the workspace, each once.
fn definitions(cached: &ExistingCache<'_>) -> Vec<String> {
    let mut seen = HashSet::new();
    let files = cacheable(cached.timeline)
        .flat_map(|(_, i)| i.run.definition_files.iter().map(|f| (i.checkout.as_str(), f)));
    let files = files.filter(|file| seen.insert(*file));
    files.map(|(checkout, file)| prefixed(checkout, file)).collect()
}

fn hashes_any(
    context: &JobContext<'_>,
    cached: &ExistingCache<'_>,
    key: &Key,
    files: &[String],
) -> bool {
    let event: &Event = cached.event;
    let mut hashes =
        key.hashes().filter_map(|h| hashed::hashed(context, cached.timeline, event, h));
    hashes.any(|taken| taken.iter().any(|f| files.contains(f)))
}

#[cfg(test)]
mod tests {
    use super::asks_python;

    #[test]
    fn scripts_that_have_to_do_with_python() {
        for (script, expected) in [
            ("echo \"v=$(python -VV)\" >> $GITHUB_OUTPUT", true),
            ("/usr/bin/python3.12 -V", true),
            ("echo v=${{ matrix.python-version }}", true),
            ("echo v=$PYTHON_VERSION", true),
            ("nox --python=3.12", true),
            ("actions/setup-python@v6", true),
            ("\"$(pipx environment --value PIPX_DEFAULT_PYTHON)\" -VV", true),
            ("cat my_python/VERSION", false),
            ("sha256sum bindings/my-python/pyproject.toml", false),
            ("date +%V", false),
        ] {
            assert_eq!(asks_python(script), expected, "{script}");
        }
    }
}
