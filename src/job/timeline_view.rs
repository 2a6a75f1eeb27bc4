//! A job's timelines for people: the events of all its instances merged into one list, each with
//! its place.

use std::collections::BTreeMap;
use std::fmt;

use super::event::{CacheStep, Event, EventKind, Invocation, StepRef};
use super::extent::Extent;
use super::instance::Instances;
use super::summary::{self, reuse_word};
use super::timeline::Timeline;
use super::undecided;
use crate::base::text::Span;
use crate::repo::Repository;
use crate::tool::{Answer, Files, Reuse};

/// A job as the checks see it, for people who wonder about a finding.
#[derive(Debug, Clone, serde::Serialize)]
pub struct JobTimeline {
    /// Relative to the root.
    pub path: String,
    pub job: String,
    pub instances: Extent,
    /// Whether some call of nox creates environments; absent when that cannot be decided.
    pub creates_env: Option<bool>,
    /// Where, relative to the workspace.
    pub env_dirs: Vec<String>,
    /// Whether nox reuses what it finds: `on`, `off`, `mixed` or `unknown`.
    pub reuse: &'static str,
    pub events: Vec<TimelineEntry>,
    /// What could not be decided, and why.
    pub undecided: Vec<String>,
}

/// An event of one or more instances.
#[derive(Debug, Clone, serde::Serialize)]
pub struct TimelineEntry {
    pub kind: &'static str,
    /// How it was reached, outermost first; the last place is its own.
    pub places: Vec<SourcePlace>,
    /// The first place is a step that uses an action of the repository, which leads to all others.
    #[serde(skip)]
    pub in_action: bool,
    pub text: String,
    pub details: Vec<String>,
    /// The instances that have it, where not all do: "2 of 6".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instances: Option<String>,
    /// An `if:` that could not be decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct SourcePlace {
    pub path: String,
    /// From 1.
    pub line: usize,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
}

impl fmt::Display for TimelineEntry {
    /// On one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places: Vec<String> = self.places.iter().map(SourcePlace::to_string).collect();
        write!(f, "{}: {}", places.join(" → "), self.text)?;
        self.details.iter().try_for_each(|detail| write!(f, "; {detail}"))
    }
}

impl fmt::Display for SourcePlace {
    /// `ci.yml:31`, by the file's name alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.path.rsplit_once('/') {
            // Every action's file has the same name.
            Some((folder, name)) if name.starts_with("action.y") => {
                self.path.get(folder.rfind('/').map_or(0, |at| at + 1)..).unwrap_or(name)
            }
            Some((_, name)) => name,
            None => &self.path,
        };
        write!(f, "{name}:{}", self.line)
    }
}

/// The timelines of one job, which runs the tool.
pub fn job(
    repository: &Repository,
    path: &str,
    name: &str,
    instances: &Instances,
    timelines: &[Timeline],
) -> JobTimeline {
    let summary = summary::summarize(timelines);
    let undecided =
        distinct(undecided::all(repository, timelines).into_iter().map(|u| u.place.label));
    JobTimeline {
        path: path.to_owned(),
        job: name.to_owned(),
        instances: Extent::of(instances),
        creates_env: match summary.creates_env {
            Answer::Yes => Some(true),
            Answer::No => Some(false),
            Answer::Unknown => None,
        },
        env_dirs: summary.env_dirs,
        reuse: reuse_word(summary.reuse),
        events: events(repository, timelines),
        undecided,
    }
}

/// One event of every instance that has it.
struct Merged<'t> {
    key: EventKey,
    all: Vec<(usize, &'t Event)>,
}

type EventKey = (StepRef, Span, Vec<(String, Span)>, &'static str);

fn key(event: &Event) -> EventKey {
    let via = event.via.iter().map(|h| (h.path.clone(), h.span)).collect();
    (event.step_ref, event.span, via, kind(&event.kind))
}

fn kind(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::Checkout { .. } => "checkout",
        EventKind::Interpreter(_) => "interpreter",
        EventKind::PackageCache { .. } => "package-cache",
        EventKind::Cache(_) => "cache",
        EventKind::Run(_) => "run",
        EventKind::Publish { .. } => "publish",
        EventKind::Removal(_) => "removal",
        EventKind::Arrival(_) => "arrival",
        EventKind::Upload(_) => "upload",
    }
}

/// Puts the events of all instances into one order. An event that only some instances have stands
/// after the one that precedes it there.
fn merge(timelines: &[Timeline]) -> Vec<Merged<'_>> {
    let mut out: Vec<Merged<'_>> = Vec::new();
    for (instance, timeline) in timelines.iter().enumerate() {
        let mut at = 0;
        for event in &timeline.events {
            let key = key(event);
            match out.iter().position(|m| m.key == key) {
                Some(found) => {
                    out[found].all.push((instance, event));
                    at = found + 1;
                }
                None => {
                    out.insert(at, Merged { key, all: vec![(instance, event)] });
                    at += 1;
                }
            }
        }
    }
    out
}

fn events(repository: &Repository, timelines: &[Timeline]) -> Vec<TimelineEntry> {
    let running = timelines.iter().filter(|t| !t.events.is_empty()).count();
    let mut lines = LineNumbers { repository, starts: BTreeMap::new() };
    merge(timelines).into_iter().filter_map(|m| shown(&m, running, &mut lines)).collect()
}

fn shown(
    merged: &Merged<'_>,
    running: usize,
    lines: &mut LineNumbers<'_>,
) -> Option<TimelineEntry> {
    let (_, event) = *merged.all.first()?;
    let path = lines.repository.documents[event.step_ref.document].path.clone();
    let mut places: Vec<SourcePlace> = Vec::new();
    for via_place in &event.via {
        let line = lines.line(&via_place.path, via_place.span.start);
        let text = via_place.label.clone();
        places.push(SourcePlace { path: via_place.path.clone(), line, text });
    }
    // Where files were followed, the last place is the call; the event itself is at the command
    // that leads there.
    if !event.via.iter().any(|h| h.path == path && h.span == event.span) {
        let line = lines.line(&path, event.span.start);
        places.push(SourcePlace { path, line, text: String::new() });
    }
    let mut seen: Vec<usize> = merged.all.iter().map(|(instance, _)| *instance).collect();
    seen.dedup();
    let (text, details) = describe(&merged.all);
    Some(TimelineEntry {
        kind: merged.key.3,
        places,
        in_action: event.outer != event.step_ref,
        text,
        details,
        instances: (seen.len() < running).then(|| format!("{} of {running}", seen.len())),
        condition: event.condition.clone(),
    })
}

fn describe(all: &[(usize, &Event)]) -> (String, Vec<String>) {
    let Some((_, event)) = all.first() else { return Default::default() };
    match &event.kind {
        EventKind::Checkout { folder, own, .. } => {
            let what = if *own { "this repository" } else { "another repository" };
            let text = match folder.as_deref() {
                Some("") => format!("checkout of {what}"),
                Some(folder) => format!("checkout of {what} into `{folder}`"),
                None => format!("checkout of {what} into an unknown folder"),
            };
            (text, Vec::new())
        }
        EventKind::Interpreter(set_up) => {
            (format!("interpreter from `{}`", set_up.action), Vec::new())
        }
        EventKind::PackageCache { installer } => {
            (format!("package cache of {installer}"), Vec::new())
        }
        EventKind::Cache(step) => cache(step),
        EventKind::Run(_) => {
            run(&all.iter().filter_map(|(_, e)| e.invocation()).collect::<Vec<_>>())
        }
        EventKind::Publish { what } => (what.clone(), Vec::new()),
        EventKind::Removal(removal) => (format!("`{}` deletes files", removal.what), Vec::new()),
        EventKind::Arrival(arrival) => (format!("`{}` brings files", arrival.what), Vec::new()),
        EventKind::Upload(artifact) => {
            (format!("uploads the artifact `{}`", artifact.shown()), Vec::new())
        }
    }
}

fn cache(step: &CacheStep) -> (String, Vec<String>) {
    let paths: Vec<String> = step.paths.iter().map(|p| format!("`{}`", p.written)).collect();
    let mut details = Vec::new();
    if let Some(key) = &step.key {
        details.push(format!("key `{}`", key.text));
    }
    if step.key.as_ref().is_some_and(|key| key.text.contains("${{")) && step.template.is_known() {
        details.push(format!("on the first instance `{}`", step.template.known_text()));
    }
    if let Some(keys) = &step.restore_keys {
        let keys: Vec<String> = keys
            .text
            .lines()
            .map(str::trim)
            .filter(|l| !l.is_empty())
            .map(|l| format!("`{l}`"))
            .collect();
        details.push(format!("restore keys {}", keys.join(", ")));
    }
    if let Some(lookup) = &step.lookup_only {
        details.push(format!("lookup only: `{}`", lookup.text));
    }
    (format!("cache of {} (`{}@{}`)", paths.join(", "), step.action, step.reference), details)
}

/// The most names that are listed.
const MAX_NAMES: usize = 8;

/// The different ones among `texts`, in order.
fn distinct(texts: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for text in texts {
        if !out.contains(&text) {
            out.push(text);
        }
    }
    out
}

fn listed(mut names: Vec<String>) -> String {
    let more = names.len().saturating_sub(MAX_NAMES);
    names.truncate(MAX_NAMES);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{rest}", names.join(", "))
}

fn run(calls: &[&Invocation]) -> (String, Vec<String>) {
    let commands = distinct(calls.iter().map(|c| format!("`{}`", c.command)));
    let mut details = Vec::new();
    let sessions =
        distinct(calls.iter().flat_map(|c| c.run.sessions.iter().map(|s| s.name.clone())));
    if !sessions.is_empty() {
        let known = calls.iter().all(|c| c.run.sessions_known);
        let word = if known { "sessions" } else { "sessions among" };
        details.push(format!("{word} {}", listed(sessions)));
    }
    let (mut builds, mut reuses) = (Vec::new(), Vec::new());
    for answer in [Answer::Yes, Answer::Unknown, Answer::No] {
        let of: Vec<&&Invocation> = calls.iter().filter(|c| c.run.creates_env == answer).collect();
        if of.is_empty() {
            continue;
        }
        let folders =
            distinct(of.iter().flat_map(|c| c.folders.iter().map(|f| format!("`{f}`")))).join(", ");
        let folders = if folders.is_empty() { "an unknown folder".to_owned() } else { folders };
        let why = distinct(of.iter().map(|c| c.run.why.clone())).swap_remove(0);
        // The listed sessions say it already.
        let listed = of.iter().all(|c| c.run.sessions.iter().any(|s| s.creates_env == Answer::Yes));
        builds.push(match answer {
            Answer::Yes if listed => format!("environments in {folders}"),
            Answer::Yes => format!("environments in {folders}: {why}"),
            Answer::Unknown if of.iter().any(|c| c.run.creates_by_default) => {
                format!("environments in {folders} by nox's defaults: {why}")
            }
            Answer::Unknown => format!("perhaps environments in {folders}: {why}"),
            Answer::No => format!("no environment: {why}"),
        });
    }
    for reuse in [Reuse::On, Reuse::Off, Reuse::Mixed, Reuse::Unknown] {
        let of = calls.iter().filter(|c| c.run.reuse == reuse && c.run.creates_env != Answer::No);
        let default = of.clone().any(|c| c.run.off_by_default);
        if let Some(why) = distinct(of.map(|c| c.run.reuse_why.clone())).first() {
            let word = if default { "off by nox's defaults" } else { reuse_word(reuse) };
            reuses.push(format!("reuse {word}: {why}"));
        }
    }
    match (builds.as_slice(), reuses.as_slice()) {
        // The usual case fits on one line.
        ([build], [reuse]) if calls.iter().all(|c| c.run.creates_env == Answer::Yes) => {
            details.push(format!("{build}; {reuse}"));
        }
        _ => details.extend(builds.into_iter().chain(reuses)),
    }
    if calls
        .iter()
        .any(|c| c.run.installs_anything == Answer::No && c.run.creates_env != Answer::No)
    {
        details.push("installs nothing: the environments stay empty".to_owned());
    }
    if calls.iter().any(|c| c.run.installs_skipped) {
        details.push("skips installs where an environment is reused".to_owned());
    }
    if calls.iter().any(|c| c.in_container) {
        details.push("in a container that has the workspace mounted".to_owned());
    }
    if let Some(action) = calls.iter().find_map(|c| c.action) {
        if action.rebuilds {
            details.push("the action rebuilds the environments, whatever was restored".to_owned());
        }
        if action.own_cache {
            details.push("the action keeps a cache itself".to_owned());
        }
    }
    (listed(commands), details)
}

/// Line numbers in files of the repository.
struct LineNumbers<'r> {
    repository: &'r Repository,
    /// Offsets of line breaks.
    starts: BTreeMap<String, Vec<usize>>,
}

impl LineNumbers<'_> {
    fn line(&mut self, path: &str, offset: usize) -> usize {
        if let Some(document) = self.repository.document(path) {
            return self.repository.documents[document].text.position(offset).line;
        }
        let repository = self.repository;
        let breaks = self.starts.entry(path.to_owned()).or_insert_with(|| {
            let text = repository.files().read(path).unwrap_or_default();
            text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at).collect()
        });
        1 + breaks.partition_point(|at| *at < offset)
    }
}
