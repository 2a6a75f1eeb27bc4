//! What the legs with a cache step really do, read from their timelines without any check: enough to say whether a break
//! of the step is a flaw there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cachelint::discover::{FileKind, Repository};
use cachelint::repo;
use cachelint::repo::{Content, Document};
use cachelint::text::Text;
use cachelint::timeline::{Event, EventKind, Instances, Invocation, Timeline, Unit, build};
use cachelint::tool::{Answer, Files, Interpreter, Reuse};
use cachelint::workflow::context::Scope;
use cachelint::workflow::{Action, Workflow};

/// One cache step on one instance of its job.
pub struct Leg {
    pub path: String,
    /// From 0.
    pub line: usize,
    /// Labels and image; `None` where they are not known.
    pub runner: Option<String>,
    /// The versions that each set-up of an interpreter asks for; `None` where one is not known.
    pub interpreters: Option<Vec<String>>,
    /// Calls of nox behind the step, in order.
    pub calls: Vec<Call>,
}

/// A call of nox.
#[derive(Clone)]
pub struct Call {
    /// From 0; `None` in another file.
    pub line: Option<usize>,
    pub creates: bool,
    /// A green run may leave it out.
    pub conditional: bool,
    /// What it builds, where that is known for certain.
    pub sessions: Option<BTreeSet<String>>,
    /// Every session names its interpreter.
    pub names_interpreters: bool,
    /// Packages without a version stay as they are in a reused environment.
    pub keeps_unpinned: bool,
    /// The noxfile says something about reuse itself.
    pub noxfile_decides_reuse: bool,
}

/// All cache steps of the repository when `texts` stand for its files, on every instance.
pub fn legs(found: &Repository, texts: &BTreeMap<String, String>) -> Vec<Leg> {
    let documents = found.files.iter().filter_map(|file| {
        let text = Text::new(&file.relative, texts.get(&file.relative)?.as_bytes().to_vec()).ok()?;
        let tree = cachelint::yaml::parse(&text).ok()?;
        let content = match file.kind {
            FileKind::Workflow => Content::Workflow(Workflow::read(&tree)),
            FileKind::Action => Content::Action(Action::read(&tree)),
        };
        Some(Document { path: file.relative.clone(), text, tree, content })
    });
    let repository = repo::Repository::new(&found.root, documents.collect());
    let mut out = Vec::new();
    for (document, read) in repository.documents.iter().enumerate() {
        for job in 0..read.workflow().map_or(0, |w| w.jobs.len()) {
            let instances = Instances::of(&repository, Unit { document, job: Some(job) });
            for instance in &instances.list {
                legs_of(&repository, &build(&repository, &instances, instance), &mut out);
            }
        }
    }
    out
}

fn legs_of(repository: &repo::Repository, timeline: &Timeline, out: &mut Vec<Leg>) {
    for (position, event) in timeline.events.iter().enumerate().filter(|(_, e)| e.cache().is_some()) {
        let document = &repository.documents[event.site.document];
        let calls = timeline.events[position..].iter();
        out.push(Leg {
            path: document.path.clone(),
            line: document.text.line_of(event.span.start),
            runner: runner(repository, timeline),
            interpreters: interpreters(timeline),
            calls: calls.filter_map(|e| Some(Call::of(repository, event.site.document, e, e.invocation()?))).collect(),
        });
    }
}

fn runner(repository: &repo::Repository, timeline: &Timeline) -> Option<String> {
    let unit = timeline.instance.unit;
    let job = &repository.documents[unit.document].workflow()?.jobs[unit.job?];
    let scope = Scope::new(&timeline.instance.leg, &timeline.instance.inputs, &job.id);
    let texts = job.runs_on.iter().chain(&job.container).map(|l| scope.text(&l.text));
    Some(texts.collect::<Option<Vec<String>>>()?.join(" "))
}

fn interpreters(timeline: &Timeline) -> Option<Vec<String>> {
    let mut all = Vec::new();
    for event in &timeline.events {
        if let EventKind::Interpreter { versions, .. } = &event.kind {
            if versions.is_empty() {
                return None;
            }
            all.extend(versions.iter().cloned());
        }
    }
    Some(all)
}

impl Call {
    fn of(repository: &repo::Repository, document: usize, event: &Event, call: &Invocation) -> Self {
        let run = &call.run;
        let text = &repository.documents[event.site.document].text;
        let names = run.sessions.iter().map(|s| format!("{} {:?}", s.name, s.python));
        let texts: Vec<Arc<str>> = run.definition_files.iter().filter_map(|f| repository.files.read(f)).collect();
        Self {
            line: (event.site.document == document).then(|| text.line_of(event.span.start)),
            creates: run.creates_env == Answer::Yes && run.installs_anything != Answer::No,
            conditional: call.conditional || event.condition.is_some(),
            sessions: run.sessions_known.then(|| names.collect()),
            names_interpreters: run.sessions.iter().all(|s| matches!(s.python, Interpreter::Named(_))),
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

    /// Whatever of the runner and the interpreter stands in a key is the same.
    pub fn has_keys_of(&self, other: &Leg) -> bool {
        self.runner.is_some() && self.runner == other.runner && self.interpreters == other.interpreters
    }

    /// The two legs certainly build different environments, and Windows does not keep their caches apart.
    pub fn builds_other_than(&self, other: &Leg) -> bool {
        let (Some(ours), Some(theirs), Some(runner), Some(elsewhere)) =
            (self.sessions(), other.sessions(), &self.runner, &other.runner)
        else {
            return false;
        };
        let windows = |runner: &str| runner.starts_with("windows");
        let named = self.calls.iter().chain(&other.calls).all(|c| c.names_interpreters);
        let interpreters = self.interpreters.is_some() && other.interpreters.is_some();
        windows(runner) == windows(elsewhere)
            && (ours != theirs
                || runner != elsewhere
                || (!named && interpreters && self.interpreters != other.interpreters))
    }
}
