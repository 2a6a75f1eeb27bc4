//! What tells the instances of a job apart: the smallest set of matrix values and inputs that a key must name.

use std::collections::BTreeSet;

use crate::check::subject::{Subject, cacheable};
use crate::expr::{Eval, Value, parse_template};
use crate::timeline::{EventKind, Timeline};
use crate::workflow::context::Scope;

/// Sets of more values than this are not tried.
const MAX_PARTS: usize = 4;
/// At most this many values are combined.
const MAX_COLUMNS: usize = 16;

/// The parts of a key that keep instances apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Separation {
    /// Context paths such as `matrix.session`, in the order in which they are declared.
    pub paths: Vec<String>,
    /// Why a value could break a key, when one could (a comma in it).
    pub doubt: Option<String>,
    /// Why the instances cannot be told apart at all.
    pub failure: Option<String>,
}

/// A context path with its text on each instance.
struct Column {
    path: String,
    texts: Vec<Option<String>>,
}

impl Separation {
    pub fn of(subject: &Subject<'_>) -> Self {
        let timelines: Vec<&Timeline> =
            subject.timelines.iter().filter(|t| cacheable(t).next().is_some()).collect();
        let columns = columns(&timelines);
        let used = used_paths(subject, &timelines);
        // Scripts and actions can build something else from any value they are given.
        let with_values = |t: &&Timeline| {
            let values: Vec<String> = used.iter().filter_map(|path| text_at(t, path)).collect();
            signature(subject, t).map(|s| format!("{s}{}", values.join("|")))
        };
        let signatures: Vec<Option<String>> = timelines.iter().map(with_values).collect();
        let mut found = Self::default();
        // What the job uses and nobody knows statically must be in the key under its own path.
        for path in &used {
            let known = columns.iter().find(|c| c.path == *path);
            if known.is_none_or(|c| c.texts.iter().any(Option::is_none)) {
                found.paths.push(path.clone());
                if found.doubt.is_none() && !never_has_comma(subject, &timelines, path) {
                    found.doubt = Some(format!("`{path}` is not known here; a comma in it would make the key invalid"));
                }
            }
        }
        let pairs = pairs_to_separate(&signatures);
        match smallest(&columns, &pairs) {
            Some(chosen) => found.paths.extend(chosen),
            None if found.paths.is_empty() => {
                found.failure = Some(
                    "the matrix legs differ only in lists, maps or values with commas, which a cache key cannot hold"
                        .to_owned(),
                );
            }
            // Legs with unknown values are kept apart by those values.
            None => {}
        }
        let order = |path: &String| columns.iter().position(|c| c.path == *path).unwrap_or(usize::MAX);
        found.paths.sort_by_key(order);
        found.paths.dedup();
        found
    }
}

/// Scalar values without commas, of the matrix and of inputs, with their value on each instance.
fn columns(timelines: &[&Timeline]) -> Vec<Column> {
    let mut paths: Vec<String> = Vec::new();
    let mut add = |path: String| {
        if !paths.contains(&path) {
            paths.push(path);
        }
    };
    for timeline in timelines {
        for (key, value) in &timeline.instance.leg.values {
            match value {
                Eval::Known(Value::Object(fields)) => {
                    fields.iter().for_each(|(field, _)| add(format!("matrix.{key}.{field}")));
                }
                _ => add(format!("matrix.{key}")),
            }
        }
        for (name, _) in &timeline.instance.inputs.values {
            add(format!("inputs.{name}"));
        }
    }
    let columns = paths.into_iter().map(|path| {
        let texts = timelines.iter().map(|t| text_at(t, &path)).collect();
        Column { path, texts }
    });
    columns.filter(usable).collect()
}

fn text_at(timeline: &Timeline, path: &str) -> Option<String> {
    let parts: Vec<String> = path.split('.').map(str::to_owned).collect();
    let value = match parts[0].as_str() {
        "matrix" => timeline.instance.leg.lookup(&parts[1..]),
        _ => timeline.instance.inputs.lookup(&parts[1..].join(".")),
    };
    match value.known()? {
        Value::Array(_) | Value::Object(_) => Some("\n".to_owned()),
        value => Some(value.to_text()),
    }
}

/// Can stand in a key: plain names, values without commas and line breaks, and not all the same.
fn usable(column: &Column) -> bool {
    let plain = column.path.split('.').all(|part| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    });
    plain && column.texts.iter().flatten().all(|t| !t.contains([',', '\n', '\r']))
}

/// What an instance builds, as far as it is known; `None` where it is not.
fn signature(subject: &Subject<'_>, timeline: &Timeline) -> Option<String> {
    let mut out = String::new();
    let job = subject.document().workflow().zip(subject.unit.job).map(|(w, j)| (w, &w.jobs[j]));
    if let Some((workflow, job)) = job {
        let scope =
            Scope::new(&timeline.instance.leg, &timeline.instance.inputs, &job.id).with_env(&workflow.env).with_env(&job.env);
        for text in job.runs_on.iter().chain(&job.container) {
            out.push_str(&scope.text(&text.text)?);
            out.push('\n');
        }
    }
    for event in &timeline.events {
        match &event.kind {
            EventKind::Interpreter { action, .. } => {
                let steps = subject.repository.documents[event.site.document].steps(event.site.job)?;
                let step = steps.steps.get(event.site.step)?;
                out.push_str(action);
                let scope = Scope::new(&timeline.instance.leg, &timeline.instance.inputs, "");
                for (name, value) in &step.with {
                    // Inputs of a composite action have other values than those of the job; they are not known here.
                    if event.site.document != subject.unit.document && value.text.contains("${{") {
                        return None;
                    }
                    out.push_str(&format!("|{name}={}", scope.text(&value.text)?));
                }
                out.push('\n');
            }
            EventKind::Run(run) => {
                if !run.run.sessions_known {
                    return None;
                }
                for session in &run.run.sessions {
                    out.push_str(&format!("{} {:?} {:?}\n", session.name, session.python, session.backend.names));
                }
                out.push_str(&run.folders.join("|"));
                out.push('\n');
            }
            _ => {}
        }
    }
    Some(out)
}

/// Index pairs of instances that must not share a key.
fn pairs_to_separate(signatures: &[Option<String>]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for (a, first) in signatures.iter().enumerate() {
        for (b, second) in signatures.iter().enumerate().skip(a + 1) {
            if first.is_none() || first != second {
                pairs.push((a, b));
            }
        }
    }
    pairs
}

/// The smallest set of columns in which every pair differs; the first in order of declaration among equals.
fn smallest(columns: &[Column], pairs: &[(usize, usize)]) -> Option<Vec<String>> {
    if pairs.is_empty() {
        return Some(Vec::new());
    }
    // A column that separates nothing helps nothing.
    let splits = |c: &&Column| pairs.iter().any(|(a, b)| differ(c, *a, *b));
    let candidates: Vec<&Column> = columns.iter().filter(splits).take(MAX_COLUMNS).collect();
    (1..=MAX_PARTS.min(candidates.len())).find_map(|size| choose(&candidates, pairs, size))
}

fn differ(column: &Column, a: usize, b: usize) -> bool {
    // An unknown value is in the key under its own path: it separates as far as it differs.
    // An input that nobody knows is still the same for all legs.
    column.texts[a] != column.texts[b] || (column.texts[a].is_none() && column.path.starts_with("matrix."))
}

fn choose(candidates: &[&Column], pairs: &[(usize, usize)], size: usize) -> Option<Vec<String>> {
    fn search(candidates: &[&Column], left: &[(usize, usize)], size: usize, from: usize, chosen: &mut Vec<usize>) -> bool {
        if left.is_empty() {
            return true;
        }
        if size == 0 {
            return false;
        }
        for next in from..candidates.len() {
            let rest: Vec<_> = left.iter().copied().filter(|(a, b)| !differ(candidates[next], *a, *b)).collect();
            if rest.len() < left.len() {
                chosen.push(next);
                if search(candidates, &rest, size - 1, next + 1, chosen) {
                    return true;
                }
                chosen.pop();
            }
        }
        false
    }
    let mut chosen = Vec::new();
    search(candidates, pairs, size, 0, &mut chosen).then(|| chosen.iter().map(|i| candidates[*i].path.clone()).collect())
}

/// The `matrix.*` and `inputs.*` paths that decide what the job builds: runner, container, interpreters, nox calls.
fn used_paths(subject: &Subject<'_>, timelines: &[&Timeline]) -> Vec<String> {
    let mut texts: BTreeSet<String> = BTreeSet::new();
    if let Some((workflow, job)) = subject.document().workflow().zip(subject.unit.job) {
        let job = &workflow.jobs[job];
        texts.extend(job.runs_on.iter().chain(&job.container).map(|s| s.text.clone()));
    }
    for timeline in timelines {
        for event in &timeline.events {
            // Inside a composite action `inputs` are the action's own.
            let site = event.outer;
            let Some(step) = subject.repository.documents[site.document].steps(site.job).and_then(|l| l.steps.get(site.step))
            else {
                continue;
            };
            let wanted = match &event.kind {
                EventKind::Interpreter { .. } => true,
                EventKind::Run(run) => crate::check::subject::is_cacheable(run),
                _ => false,
            };
            if wanted {
                texts.extend(step.with.iter().map(|(_, v)| v.text.clone()));
                // What stands behind ` -- ` goes to the session, not to nox.
                texts.extend(step.run.iter().map(|s| s.text.split(" -- ").next().unwrap_or_default().to_owned()));
                texts.extend(step.env.entries.iter().map(|(_, v)| v.text.clone()));
                texts.extend(step.working_directory.iter().map(|s| s.text.clone()));
            }
        }
    }
    let mut paths = Vec::new();
    for template in texts.iter().filter_map(|t| parse_template(t).ok()) {
        for path in template.paths() {
            let context = path[0].to_ascii_lowercase();
            let known = (context == "matrix" || context == "inputs") && path.len() > 1;
            let text = path.join(".");
            if known && !paths.contains(&text) {
                paths.push(text);
            }
        }
    }
    paths
}

/// Whether a value not known statically can still not hold a comma: it names a runner, a Python version, or a session
/// of a noxfile whose session names have none.
fn never_has_comma(subject: &Subject<'_>, timelines: &[&Timeline], path: &str) -> bool {
    let last = path.rsplit('.').next().unwrap_or(path).to_ascii_lowercase();
    let mentions = |text: &str| parse_template(text).is_ok_and(|t| t.paths().iter().any(|p| p.join(".") == path));
    let names_runner = subject.document().workflow().zip(subject.unit.job).is_some_and(|(w, j)| {
        let job = &w.jobs[j];
        job.runs_on.iter().chain(&job.container).any(|s| mentions(&s.text))
    });
    if names_runner || last.contains("python") || last == "os" {
        return true;
    }
    let mut calls = timelines.iter().flat_map(|t| cacheable(t)).map(|(_, i)| i).peekable();
    calls.peek().is_some()
        && calls.all(|i| i.own && !i.run.sessions.is_empty() && i.run.sessions.iter().all(|s| !s.name.contains(',')))
}
