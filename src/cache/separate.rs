//! What tells the instances of a job apart: the smallest set of matrix values and inputs that a key
//! must name.

use super::interpreter::Interpreters;
use super::reach::{ReachingValue, on_command_line, reaching};
use crate::actions::context::{Scope, runner_os};
use crate::actions::expr::{Eval, Value, parse_template};
use crate::job::Timeline;
use crate::job::context::{JobContext, cacheable};

/// Sets of more values than this are not tried.
const MAX_PARTS: usize = 4;
/// The place of a leg among all of its matrix; the hash of the workflow beside it says which matrix
/// that is.
const JOB_INDEX: &str = "strategy.job-index";
/// At most this many values are looked at.
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
#[derive(Clone)]
struct Column {
    path: String,
    texts: Vec<Option<String>>,
}

impl Separation {
    /// What the key must name besides the interpreters.
    pub fn of(context: &JobContext<'_>, interpreters: &Interpreters) -> Self {
        let timelines: Vec<&Timeline> =
            context.timelines.iter().filter(|t| cacheable(t).next().is_some()).collect();
        let columns = columns(&timelines);
        let mut found = Self::default();
        // Values that decide and that no key can hold.
        let mut unfit: Vec<String> = Vec::new();
        for reach in reaching(context, &timelines, interpreters.doubt.is_some()) {
            let path = &reach.path;
            if is_same(&timelines, path) || is_told(context, &timelines, &reach, interpreters) {
                continue;
            }
            let unknown = timelines.iter().any(|t| value_at(t, path).known().is_none());
            if columns.iter().any(|c| c.path == *path) {
                found.paths.push(path.clone());
            } else if unknown && !is_plain(path) {
                found.failure.get_or_insert_with(|| {
                    format!("cachelint doesn't know `{path}` here, so the key can't include it")
                });
            } else if unknown {
                found.paths.push(path.clone());
            } else {
                unfit.push(path.clone());
            }
            if unknown && found.doubt.is_none() && !never_has_comma(context, &timelines, path) {
                found.doubt = Some(format!(
                    "cachelint doesn't know `{path}` here; a comma in it would make the key \
                     invalid"
                ));
            }
        }
        // Where such values differ, others that happen to differ too must tell.
        let pairs = pairs_to_separate(&timelines, &unfit, &found.paths);
        match smallest(&columns, &pairs).or_else(|| by_index(&timelines, &columns, &pairs)) {
            Some(chosen) => found.paths.extend(chosen),
            None => {
                found.failure.get_or_insert_with(|| {
                    "the matrix legs differ only in lists, maps or values with commas, which a \
                     cache key can't contain"
                        .to_owned()
                });
            }
        }
        let order =
            |path: &String| columns.iter().position(|c| c.path == *path).unwrap_or(usize::MAX);
        found.paths.sort_by_key(order);
        found.paths.dedup();
        found
    }
}

/// The same known value on all instances, and these are all.
fn is_same(timelines: &[&Timeline], path: &str) -> bool {
    if path.starts_with("matrix.") && timelines.iter().any(|t| t.instance.leg.incomplete) {
        return false;
    }
    let mut values = timelines.iter().map(|t| value_at(t, path));
    let first = values.next();
    first
        .as_ref()
        .is_none_or(|first| first.known().is_some() && values.all(|v| v.known() == first.known()))
}

/// Whether the interpreter's part of the key differs wherever this value does.
fn is_told(
    context: &JobContext<'_>,
    timelines: &[&Timeline],
    reach: &ReachingValue,
    interpreters: &Interpreters,
) -> bool {
    // The probe asks for the Pythons that nox runs on, whatever is set up beside them.
    let asked = interpreters.answers_always() && !reach.called;
    if reach.version && (interpreters.location || asked) {
        return true;
    }
    let job = context.document().workflow().zip(context.job_ref.job).map(|(w, j)| &w.jobs[j]);
    let Some(job) = job.filter(|_| reach.runner) else { return false };
    // The image is the same, and the key names the processor.
    if job.container.is_some() {
        return true;
    }
    if timelines.iter().any(|t| t.instance.leg.incomplete) {
        return false;
    }
    // `runner.os`, or the folder of the interpreter, which differs by system and processor but not
    // by image.
    let runner = |timeline: &Timeline| {
        let instance = &timeline.instance;
        let scope = Scope::new(&instance.leg, &instance.inputs, &job.id);
        let labels: Option<Vec<String>> =
            job.runs_on.iter().map(|label| scope.text(&label.text)).collect();
        let labels = labels?.join(" ");
        Some((runner_os(job, &scope)?, labels.contains("arm"), labels))
    };
    let runners: Option<Vec<_>> = timelines.iter().map(|t| runner(t)).collect();
    let Some(runners) = runners else { return false };
    pairs(timelines.len()).all(|(a, b)| {
        let values = [a, b].map(|i| value_at(timelines[i], &reach.path).known().cloned());
        let ((os, arm, labels), (other, other_arm, others)) = (&runners[a], &runners[b]);
        (values[0].is_some() && values[0] == values[1])
            || (os, arm) != (other, other_arm)
            || (labels == others && !reach.elsewhere)
    })
}

/// Every two of so many.
fn pairs(count: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..count).flat_map(move |a| (a + 1..count).map(move |b| (a, b)))
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

/// Legs that no values in a key can tell apart, by their place in a matrix that is known as a
/// whole.
fn by_index(
    timelines: &[&Timeline],
    columns: &[Column],
    pairs: &[(usize, usize)],
) -> Option<Vec<String>> {
    let texts: Option<Vec<_>> = timelines.iter().map(|t| text_at(t, JOB_INDEX).map(Some)).collect();
    let index = Column { path: JOB_INDEX.to_owned(), texts: texts? };
    smallest(&[std::slice::from_ref(&index), columns].concat(), pairs)
}

fn value_at(timeline: &Timeline, path: &str) -> Eval {
    let parts: Vec<String> = path.split('.').map(str::to_owned).collect();
    match parts[0].as_str() {
        "matrix" => timeline.instance.leg.lookup(&parts[1..]),
        "strategy" => timeline.instance.leg.job_index(),
        _ => timeline.instance.inputs.lookup(&parts[1..].join(".")),
    }
}

fn text_at(timeline: &Timeline, path: &str) -> Option<String> {
    match value_at(timeline, path).known()? {
        Value::Array(_) | Value::Object(_) => Some("\n".to_owned()),
        value => Some(value.to_text()),
    }
}

/// Can be in a key: plain names, values without commas and line breaks, and not all the same.
fn usable(column: &Column) -> bool {
    is_plain(&column.path) && column.texts.iter().flatten().all(|t| !t.contains([',', '\n', '\r']))
}

/// Whether the path can be written with dots: no index (`matrix.python[0]`), no name that needs
/// quotes.
fn is_plain(path: &str) -> bool {
    path.split('.').all(|part| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    })
}

/// Index pairs of instances that differ in an unfit value and in no chosen one.
fn pairs_to_separate(
    timelines: &[&Timeline],
    unfit: &[String],
    chosen: &[String],
) -> Vec<(usize, usize)> {
    let differ = |a: usize, b: usize, path: &String| {
        value_at(timelines[a], path).known() != value_at(timelines[b], path).known()
    };
    let apart = |a: usize, b: usize, path: &String| {
        let texts = [a, b].map(|i| text_at(timelines[i], path));
        texts.iter().all(Option::is_some) && texts[0] != texts[1]
    };
    if unfit.is_empty() {
        return Vec::new();
    }
    pairs(timelines.len())
        .filter(|(a, b)| unfit.iter().any(|path| differ(*a, *b, path)))
        .filter(|(a, b)| !chosen.iter().any(|path| apart(*a, *b, path)))
        .collect()
}

/// The smallest set of columns in which every pair differs; the first in order of declaration among
/// equals.
fn smallest(columns: &[Column], pairs: &[(usize, usize)]) -> Option<Vec<String>> {
    if pairs.is_empty() {
        return Some(Vec::new());
    }
    // A column that separates nothing helps nothing.
    let splits = |c: &&Column| pairs.iter().any(|(a, b)| differ(c, *a, *b));
    let candidates: Vec<&Column> = columns.iter().filter(splits).take(MAX_COLUMNS).collect();
    (1..=MAX_PARTS.min(candidates.len())).find_map(|size| choose(&candidates, pairs, size))
}

/// Whether two instances surely differ in a column.
fn differ(column: &Column, a: usize, b: usize) -> bool {
    column.texts[a].is_some() && column.texts[b].is_some() && column.texts[a] != column.texts[b]
}

fn choose(candidates: &[&Column], pairs: &[(usize, usize)], size: usize) -> Option<Vec<String>> {
    fn search(
        candidates: &[&Column],
        left: &[(usize, usize)],
        size: usize,
        from: usize,
        chosen: &mut Vec<usize>,
    ) -> bool {
        if left.is_empty() {
            return true;
        }
        if size == 0 {
            return false;
        }
        for next in from..candidates.len() {
            let rest: Vec<_> =
                left.iter().copied().filter(|(a, b)| !differ(candidates[next], *a, *b)).collect();
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
    search(candidates, pairs, size, 0, &mut chosen)
        .then(|| chosen.iter().map(|i| candidates[*i].path.clone()).collect())
}

/// Whether a value not known statically can still not hold a comma: it names a runner, a Python
/// version, or on the command line a session of a noxfile whose session names have none.
fn never_has_comma(context: &JobContext<'_>, timelines: &[&Timeline], path: &str) -> bool {
    let last = path.rsplit('.').next().unwrap_or(path).to_ascii_lowercase();
    let mentions = |text: &str| {
        parse_template(text).is_ok_and(|t| t.paths().iter().any(|p| p.join(".") == path))
    };
    let names_runner =
        context.document().workflow().zip(context.job_ref.job).is_some_and(|(w, j)| {
            let job = &w.jobs[j];
            job.runs_on.iter().chain(&job.container).any(|s| mentions(&s.text))
        });
    if names_runner || last.contains("python") || last == "os" {
        return true;
    }
    let mut calls = timelines.iter().flat_map(|t| cacheable(t));
    on_command_line(context, timelines, path)
        && calls.all(|(_, call)| {
            call.own
                && !call.run.sessions.is_empty()
                && call.run.sessions.iter().all(|s| !s.name.contains(','))
        })
}
