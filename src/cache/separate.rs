//! What tells the instances of a job apart: the smallest set of matrix values and inputs that a key
//! must name.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::actions::expr::{Eval, Template, Value, parse_condition, parse_template};
use crate::actions::reader::Scalar;
use crate::job::context::{Subject, cacheable, is_cacheable};
use crate::job::{Event, EventKind, Timeline};
use crate::rules::nox;
use crate::tool::Files;

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
    pub fn of(subject: &Subject<'_>) -> Self {
        let timelines: Vec<&Timeline> =
            subject.timelines.iter().filter(|t| cacheable(t).next().is_some()).collect();
        let columns = columns(&timelines);
        let used = used_paths(subject, &timelines);
        let signatures: Vec<Option<Vec<Value>>> =
            timelines.iter().map(|t| signature(t, &used)).collect();
        let mut found = Self::default();
        // What decides the environment and nobody knows statically must be in the key under its own
        // path. Inputs are the same on all legs, so that only those count that reach the
        // environment.
        let decisive = decisive_inputs(subject, &timelines);
        for path in used.iter().filter(|p| p.starts_with("matrix.") || decisive.contains(p)) {
            if timelines.iter().all(|t| value_at(t, path).known().is_some()) {
                continue;
            }
            if !is_plain(path) {
                found.failure.get_or_insert_with(|| {
                    format!("`{path}` is not known here and cannot be named in a key")
                });
                continue;
            }
            found.paths.push(path.clone());
            if found.doubt.is_none() && !never_has_comma(subject, &timelines, path) {
                found.doubt = Some(format!(
                    "`{path}` is not known here; a comma in it would make the key invalid"
                ));
            }
        }
        // Legs with unknown values are kept apart by those values, if all else known to differ is
        // in the key too.
        let pairs = pairs_to_separate(&signatures);
        let differs = |(a, b): &(usize, usize)| {
            used.iter().any(|path| {
                let (a, b) = (value_at(timelines[*a], path), value_at(timelines[*b], path));
                matches!((a.known(), b.known()), (Some(a), Some(b)) if a != b)
            })
        };
        let known: Vec<_> = pairs.iter().copied().filter(differs).collect();
        let chosen = if found.paths.is_empty() {
            smallest(&columns, &pairs, differ).or_else(|| by_index(&timelines, &columns, &pairs))
        } else {
            smallest(&columns, &known, |column, a, b| column.texts[a] != column.texts[b])
        };
        match chosen {
            Some(chosen) => found.paths.extend(chosen),
            None => {
                found.failure.get_or_insert_with(|| {
                    "the matrix legs differ only in lists, maps or values with commas, which a cache key cannot hold"
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
    smallest(&[std::slice::from_ref(&index), columns].concat(), pairs, differ)
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

/// Can stand in a key: plain names, values without commas and line breaks, and not all the same.
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

/// The values of everything the job uses, on one instance; `None` where one of them is not known.
fn signature(timeline: &Timeline, used: &[String]) -> Option<Vec<Value>> {
    used.iter().map(|path| value_at(timeline, path).known().cloned()).collect()
}

/// Index pairs of instances that must not share a key.
fn pairs_to_separate(signatures: &[Option<Vec<Value>>]) -> Vec<(usize, usize)> {
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

/// Whether two instances differ in a column.
type Differ = fn(&Column, usize, usize) -> bool;

/// The smallest set of columns in which every pair differs; the first in order of declaration among
/// equals.
fn smallest(columns: &[Column], pairs: &[(usize, usize)], differ: Differ) -> Option<Vec<String>> {
    if pairs.is_empty() {
        return Some(Vec::new());
    }
    // A column that separates nothing helps nothing.
    let splits = |c: &&Column| pairs.iter().any(|(a, b)| differ(c, *a, *b));
    let candidates: Vec<&Column> = columns.iter().filter(splits).take(MAX_COLUMNS).collect();
    (1..=MAX_PARTS.min(candidates.len())).find_map(|size| choose(&candidates, pairs, size, differ))
}

fn differ(column: &Column, a: usize, b: usize) -> bool {
    // An unknown value is in the key under its own path: it separates as far as it differs.
    // An input that nobody knows is still the same for all legs.
    column.texts[a] != column.texts[b]
        || (column.texts[a].is_none() && column.path.starts_with("matrix."))
}

fn choose(
    candidates: &[&Column],
    pairs: &[(usize, usize)],
    size: usize,
    differ: Differ,
) -> Option<Vec<String>> {
    fn search(
        candidates: &[&Column],
        left: &[(usize, usize)],
        size: usize,
        from: usize,
        differ: Differ,
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
                if search(candidates, &rest, size - 1, next + 1, differ, chosen) {
                    return true;
                }
                chosen.pop();
            }
        }
        false
    }
    let mut chosen = Vec::new();
    search(candidates, pairs, size, 0, differ, &mut chosen)
        .then(|| chosen.iter().map(|i| candidates[*i].path.clone()).collect())
}

/// The `matrix.*` and `inputs.*` paths that can decide what the job builds: all that its
/// environment and its steps up to the last call of the tool use. Naming one too many costs a cache
/// entry; one too few restores a wrong environment.
fn used_paths(subject: &Subject<'_>, timelines: &[&Timeline]) -> Vec<String> {
    let mut texts: BTreeSet<&str> = BTreeSet::new();
    let document = subject.document();
    if let Some((workflow, job)) = document.workflow().zip(subject.unit.job) {
        let job = &workflow.jobs[job];
        texts.extend(job.runs_on.iter().chain(&job.container).map(|s| s.text.as_str()));
        texts.extend(
            workflow.env.entries.iter().chain(&job.env.entries).map(|(_, v)| v.text.as_str()),
        );
        texts.extend(job.defaults.working_directory.iter().map(|s| s.text.as_str()));
    }
    let last = timelines.iter().flat_map(|t| cacheable(t)).map(|(e, _)| e.outer.step).max();
    let steps = document.steps(subject.unit.job).map_or(&[][..], |list| &list.steps);
    for step in steps.iter().take(last.map_or(0, |l| l + 1)) {
        texts.extend(step.with.iter().chain(&step.env.entries).map(|(_, v)| v.text.as_str()));
        texts.extend(step.working_directory.iter().chain(&step.condition).map(|s| s.text.as_str()));
        texts.extend(step.run.iter().flat_map(|s| s.text.lines()).map(before_posargs));
    }
    paths_in(texts.into_iter())
}

/// The paths that choose the runner, the inputs of set-up actions, or what nox is told.
fn decisive_inputs(subject: &Subject<'_>, timelines: &[&Timeline]) -> Vec<String> {
    let mut texts: BTreeSet<&str> = BTreeSet::new();
    let document = subject.document();
    if let Some((workflow, job)) = document.workflow().zip(subject.unit.job) {
        let job = &workflow.jobs[job];
        texts.extend(job.runs_on.iter().chain(&job.container).map(|s| s.text.as_str()));
    }
    for event in timelines.iter().flat_map(|t| &t.events) {
        let counts = match &event.kind {
            EventKind::Interpreter { .. } => true,
            EventKind::Run(run) => is_cacheable(run),
            _ => false,
        };
        let list = subject.repository.documents[event.outer.document].steps(event.outer.job);
        let step = list.and_then(|l| l.steps.get(event.outer.step));
        for step in step.into_iter().filter(|_| counts) {
            let variables =
                step.env.entries.iter().filter(|(name, _)| reaches(subject, event, name));
            texts.extend(step.with.iter().chain(variables).map(|(_, v)| v.text.as_str()));
            texts.extend(step.working_directory.iter().map(|s| s.text.as_str()));
            texts.extend(step.run.iter().flat_map(|s| s.text.lines()).map(before_posargs));
        }
    }
    paths_in(texts.into_iter())
}

/// Whether a variable of a step's `env` can decide what its call builds: nox, the installers, the
/// command line or a file of the project read it. Others are for the programs that a session runs.
fn reaches(subject: &Subject<'_>, event: &Event, name: &str) -> bool {
    let Some(call) = event.invocation() else { return true };
    let rules = nox::rules();
    rules.variables.contains_key(name)
        || rules.installer_variable_prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
        || before_posargs(&call.command).contains(name)
        || !call.own
        || call.run.definition_files.iter().chain(&call.run.install_files).any(|file| {
            // A file that cannot be read may read it.
            subject.repository.files().read(file).is_none_or(|text| text.contains(name))
        })
}

/// What stands behind ` -- ` goes to the session, not to nox.
fn before_posargs(line: &str) -> &str {
    line.split(" -- ").next().unwrap_or_default()
}

/// The `matrix.*` and `inputs.*` paths of these texts, each once.
fn paths_in<'t>(texts: impl Iterator<Item = &'t str>) -> Vec<String> {
    let mut paths = Vec::new();
    for path in texts.filter_map(parse_condition_or_template).flat_map(|t| t.paths()) {
        let context = path[0].to_ascii_lowercase();
        let text = path.join(".");
        if (context == "matrix" || context == "inputs") && path.len() > 1 && !paths.contains(&text)
        {
            paths.push(text);
        }
    }
    paths
}

/// An `if:` may leave out the braces.
fn parse_condition_or_template(text: &str) -> Option<Rc<Template>> {
    let template = parse_template(text).ok()?;
    let bare = text.contains("matrix.") || text.contains("inputs.");
    if template.literal().is_some() && bare { parse_condition(text).ok() } else { Some(template) }
}

/// Whether a value not known statically can still not hold a comma: it names a runner, a Python
/// version, or on the command line a session of a noxfile whose session names have none.
fn never_has_comma(subject: &Subject<'_>, timelines: &[&Timeline], path: &str) -> bool {
    let last = path.rsplit('.').next().unwrap_or(path).to_ascii_lowercase();
    let mentions = |text: &str| {
        parse_template(text).is_ok_and(|t| t.paths().iter().any(|p| p.join(".") == path))
    };
    let names_runner = subject.document().workflow().zip(subject.unit.job).is_some_and(|(w, j)| {
        let job = &w.jobs[j];
        job.runs_on.iter().chain(&job.container).any(|s| mentions(&s.text))
    });
    if names_runner || last.contains("python") || last == "os" {
        return true;
    }
    let mut calls = timelines.iter().flat_map(|t| cacheable(t)).peekable();
    let mut on_the_line = false;
    let no_comma = calls.all(|(event, call)| {
        let line = before_posargs(&call.command);
        let list = subject.repository.documents[event.outer.document].steps(event.outer.job);
        let step = list.and_then(|list| list.steps.get(event.outer.step));
        on_the_line |= mentions(line)
            || step.is_some_and(|step| {
                let by_variable = step
                    .env
                    .entries
                    .iter()
                    .any(|(name, v)| line.contains(name) && mentions(&v.text));
                let by_input = |(name, v): &(String, Scalar)| {
                    line.contains(&format!("inputs.{name}")) && mentions(&v.text)
                };
                by_variable || step.with.iter().any(by_input)
            });
        call.own
            && !call.run.sessions.is_empty()
            && call.run.sessions.iter().all(|s| !s.name.contains(','))
    });
    on_the_line && no_comma
}
