//! What the legs with a cache step really do, read from their timelines without any check: enough
//! to say whether a break of the step is a flaw there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cachelint::actions::context::Scope;
use cachelint::job::{Event, EventKind, Instances, Invocation, JobRef, Timeline, build, most_work};
use cachelint::repo;
use cachelint::repo::discover::{Discovered, DiscoveredRepository};
use cachelint::tool::memo::Answers;
use cachelint::tool::nox::Nox;
use cachelint::tool::{Answer, Files, Interpreter, Reuse};

/// One cache step on one instance of its job.
pub struct Leg {
    pub path: String,
    /// From 0.
    pub line: usize,
    /// Labels and image; `None` where they are not known.
    pub runner: Option<String>,
    /// The versions that each set-up of an interpreter asks for; `None` where one is not known.
    pub interpreters: Option<Vec<String>>,
    /// Nothing but this repository is checked out before the step.
    pub only_own_files: bool,
    /// Calls of nox after the step, in order.
    pub calls: Vec<Call>,
}

/// A call of nox.
#[derive(Clone)]
pub struct Call {
    /// From 0; `None` in another file.
    pub line: Option<usize>,
    /// Certainly builds environments in the folder of the step.
    pub creates: bool,
    /// What it builds, where that is known for certain.
    pub sessions: Option<BTreeSet<String>>,
    /// What each session asks for; `None` is the interpreter that runs nox.
    pub interpreters: Vec<Option<String>>,
    /// Packages without a version stay as they are in a reused environment.
    pub keeps_unpinned: bool,
    /// The noxfile says something about reuse itself.
    pub noxfile_decides_reuse: bool,
}

/// All cache steps of the repository when `texts` stand for its files, on every instance.
pub fn legs(found: &DiscoveredRepository, texts: &BTreeMap<String, String>) -> Vec<Leg> {
    let documents = found.files.iter().filter_map(|file| {
        let content = Some(Arc::from(texts.get(&file.relative)?.as_bytes()));
        repo::read::read(&Discovered { content, ..file.clone() }).ok()
    });
    let repository = repo::Repository::new(
        repo::RepoFiles::new(&found.root),
        &[],
        Answers::of(Nox::default()),
        documents.collect(),
    );
    let mut out = Vec::new();
    for (document, read) in repository.documents.iter().enumerate() {
        for job in 0..read.workflow().map_or(0, |w| w.jobs.len()) {
            let instances = Instances::of(&repository, JobRef { document, job: Some(job) });
            for instance in &instances.list {
                legs_of(
                    &repository,
                    &build(&repository, &instances, instance, most_work(1)),
                    &mut out,
                );
            }
        }
    }
    out
}

fn legs_of(repository: &repo::Repository, timeline: &Timeline, out: &mut Vec<Leg>) {
    for (position, event) in timeline.events.iter().enumerate().filter(|(_, e)| e.cache().is_some())
    {
        let document = &repository.documents[event.step_ref.document];
        let calls = timeline.events[position..].iter();
        let foreign = |e: &Event| matches!(e.kind, EventKind::Checkout { own: false, .. });
        out.push(Leg {
            path: document.path.clone(),
            line: document.text.line_of(event.span.start),
            runner: runner(repository, timeline),
            interpreters: interpreters(timeline),
            only_own_files: !timeline.events[..position].iter().any(foreign),
            calls: calls
                .filter_map(|e| Some(Call::of(repository, event, e, e.invocation()?)))
                .collect(),
        });
    }
}

fn runner(repository: &repo::Repository, timeline: &Timeline) -> Option<String> {
    let job_ref = timeline.instance.job_ref;
    let job = &repository.documents[job_ref.document].workflow()?.jobs[job_ref.job?];
    let scope = Scope::new(&timeline.instance.leg, &timeline.instance.inputs, &job.id);
    let texts = job.runs_on.iter().chain(&job.container).map(|l| scope.text(&l.text));
    Some(texts.collect::<Option<Vec<String>>>()?.join(" "))
}

fn interpreters(timeline: &Timeline) -> Option<Vec<String>> {
    let mut all = Vec::new();
    for event in &timeline.events {
        if let EventKind::Interpreter(set_up) = &event.kind {
            let versions = set_up.versions.as_ref().filter(|v| !v.is_empty())?;
            all.extend(versions.iter().cloned());
        }
    }
    Some(all)
}

impl Call {
    fn of(repository: &repo::Repository, cache: &Event, event: &Event, call: &Invocation) -> Self {
        let run = &call.run;
        let cached = |f: &String| {
            cache.cache().is_some_and(|s| s.paths.iter().any(|p| p.folder.as_ref() == Some(f)))
        };
        let text = &repository.documents[event.step_ref.document].text;
        let names = run.sessions.iter().map(|s| format!("{} {:?}", s.name, s.python));
        let texts: Vec<Arc<str>> =
            run.definition_files.iter().filter_map(|f| repository.files().read(f)).collect();
        Self {
            line: (event.step_ref.document == cache.step_ref.document)
                .then(|| text.line_of(event.span.start)),
            creates: run.creates_env == Answer::Yes
                && run.installs_anything != Answer::No
                && call.folders.iter().any(cached),
            sessions: run.sessions_known.then(|| names.collect()),
            interpreters: run
                .sessions
                .iter()
                .filter_map(|s| match &s.python {
                    Interpreter::Own => Some(None),
                    Interpreter::Named(named) => Some(Some(named.clone())),
                    Interpreter::Unknown => None,
                })
                .collect(),
            keeps_unpinned: run.unpinned && run.reuse == Reuse::On && !run.exact_installer,
            noxfile_decides_reuse: texts.is_empty() || texts.iter().any(|t| t.contains("reuse")),
        }
    }
}

impl Leg {
    /// Every session that the leg builds, where all are known.
    fn sessions(&self) -> Option<BTreeSet<String>> {
        let calls = self.calls.iter().filter(|c| c.creates);
        let all: Option<Vec<BTreeSet<String>>> = calls.map(|c| c.sessions.clone()).collect();
        all.filter(|a| !a.is_empty()).map(|a| a.into_iter().flatten().collect())
    }

    /// What a key tells of the runner and the interpreter is the same.
    pub fn has_keys_of(&self, other: &Leg) -> bool {
        self.runner.is_some()
            && self.runner == other.runner
            && self.interpreters == other.interpreters
    }

    /// Some call certainly builds with an interpreter that was set up for it.
    pub fn uses_set_up(&self) -> bool {
        let Some(versions) = self.interpreters.as_ref().filter(|v| !v.is_empty()) else {
            return false;
        };
        let is_set_up = |named: &String| {
            versions.iter().any(|v| v == named || v.starts_with(&format!("{named}.")))
        };
        self.calls
            .iter()
            .any(|c| c.creates && c.interpreters.iter().any(|i| i.as_ref().is_none_or(is_set_up)))
    }

    /// The two legs certainly build different environments, and Windows does not keep their caches
    /// apart.
    pub fn builds_other_than(&self, other: &Leg) -> bool {
        let (Some(ours), Some(theirs), Some(runner), Some(elsewhere)) =
            (self.sessions(), other.sessions(), &self.runner, &other.runner)
        else {
            return false;
        };
        let windows = |runner: &str| runner.starts_with("windows");
        let named = self
            .calls
            .iter()
            .chain(&other.calls)
            .all(|c| c.interpreters.iter().all(Option::is_some));
        let interpreters = self.interpreters.is_some() && other.interpreters.is_some();
        windows(runner) == windows(elsewhere)
            && (ours != theirs
                || runner != elsewhere
                || (!named && interpreters && self.interpreters != other.interpreters))
    }
}
