//! All files of a repository read once: what is wrong with them, which may matter, and which belong together.

use std::collections::HashSet;
use std::path::Path;

use rayon::prelude::*;

use super::document::{Content, Document};
use super::files::join;
use super::index::{Repository, local};
use super::reach::Reach;
use super::shared::Shared;
use crate::discover::{Discovered, FileKind};
use crate::finding::Problem;
use crate::rules::cache_actions::cache_actions;
use crate::text::Text;
use crate::workflow::{Action, Workflow};

/// Files read at a time, and documents of one part.
const BATCH: usize = 256;
/// Up to so many documents are looked at all in one part.
const MAX_WHOLE: usize = 1_024;
/// What comments of ours hold.
const OWN_NAME: &str = "cachelint";

/// What reading all files told.
#[derive(Debug)]
pub struct Survey {
    /// In requested files only.
    pub problems: Vec<Problem>,
    shared: Shared,
    /// Actions, documents that name each other, and those with caches, whose keys are compared.
    together: Vec<Held>,
    /// Documents that concern nobody else.
    alone: Vec<Held>,
}

#[derive(Debug)]
enum Held {
    Read(Box<Document>),
    /// Read again when its turn comes: the trees of thousands of files would fill the memory.
    Text {
        path: String,
        text: Text,
    },
}

/// A workflow, and what it has to do with others.
struct Seen {
    document: Document,
    /// May lead to the tool by itself, or holds a comment of ours.
    matters: bool,
    /// Workflows of the repository that it calls.
    calls: Vec<String>,
    /// Uses actions of the repository, or has caches.
    linked: bool,
}

impl AsRef<Document> for Seen {
    fn as_ref(&self) -> &Document {
        &self.document
    }
}

impl Survey {
    /// Reads `files`; those that cannot matter are left out. `nox_actions` are as in [`Shared`].
    pub fn of(root: &Path, files: &[Discovered], nox_actions: &[String]) -> Self {
        Self::with(root, files, nox_actions, MAX_WHOLE)
    }

    /// `whole` is how many documents may be looked at in one part.
    pub(crate) fn with(root: &Path, files: &[Discovered], nox_actions: &[String], whole: usize) -> Self {
        let mut problems = Vec::new();
        let mut shared = Shared::new(root, nox_actions);
        let is_action = |file: &&Discovered| file.kind == FileKind::Action;
        let mut actions = Vec::new();
        for file in files.iter().filter(is_action) {
            actions.extend(taken(file, read(file), root, &mut problems));
        }
        actions.iter().for_each(|action| shared.add_published(action));
        let reach = Reach::new(&shared, &actions);
        let mut used = shared.clone();
        let workflows: Vec<&Discovered> = files.iter().filter(|file| !is_action(file)).collect();
        let paths: HashSet<&str> = workflows.iter().map(|file| file.relative.as_str()).collect();
        let mut called: HashSet<String> = HashSet::new();
        let mut held = Vec::new();
        for batch in workflows.chunks(BATCH) {
            let read: Vec<_> = batch.par_iter().map(|file| Ok(seen(read(file)?, &reach))).collect();
            for (file, read) in batch.iter().zip(read) {
                let Some(seen) = taken(file, read, root, &mut problems) else { continue };
                let Seen { document, matters, calls, linked } = seen;
                used.add_published(&document);
                let mut calls = calls.into_iter().filter(|path| paths.contains(path.as_str())).peekable();
                let linked = calls.peek().is_some() || (linked && matters);
                called.extend(calls);
                if linked || matters || document.workflow().is_some_and(Workflow::is_called) {
                    held.push((Held::Read(Box::new(document)), linked, matters));
                }
            }
            if held.len() > whole {
                held = held.into_iter().map(|(held, linked, matters)| (held.without_tree(), linked, matters)).collect();
            }
        }
        drop(reach);
        let mut together: Vec<Held> = actions.into_iter().map(|action| Held::Read(Box::new(action))).collect();
        let mut alone = Vec::new();
        for (held, linked, matters) in held {
            if linked || called.contains(held.path()) {
                together.push(held);
            } else if matters {
                alone.push(held);
            }
        }
        Self { problems, shared: used, together, alone }
    }

    /// The documents that matter, in parts of which none concerns another; all in one where they are not too many.
    pub fn parts(self) -> impl Iterator<Item = Repository> {
        let Self { shared, together, mut alone, .. } = self;
        let whole = together.iter().chain(&alone).all(|held| matches!(held, Held::Read(_)));
        let first: Vec<Held> = together.into_iter().chain(alone.drain(..if whole { alone.len() } else { 0 })).collect();
        let mut first = Some(first);
        let mut alone = alone.into_iter();
        std::iter::from_fn(move || {
            let part = first.take().unwrap_or_else(|| alone.by_ref().take(BATCH).collect());
            let documents: Vec<Document> = part.into_par_iter().filter_map(Held::document).collect();
            (!documents.is_empty() || alone.len() > 0).then(|| Repository::new(shared.clone(), documents))
        })
    }
}

impl Held {
    fn path(&self) -> &str {
        match self {
            Held::Read(document) => &document.path,
            Held::Text { path, .. } => path,
        }
    }

    fn without_tree(self) -> Self {
        match self {
            Held::Read(document) => Held::Text { path: document.path, text: document.text },
            text @ Held::Text { .. } => text,
        }
    }

    fn document(self) -> Option<Document> {
        match self {
            Held::Read(document) => Some(*document),
            // It was read before.
            Held::Text { path, text } => parsed(path, text, FileKind::Workflow).ok(),
        }
    }
}

fn seen(document: Document, reach: &Reach<'_>) -> Seen {
    let jobs = document.workflow().map_or(&[][..], |workflow| &workflow.jobs);
    let matters = document.text.as_str().contains(OWN_NAME)
        || (0..jobs.len()).any(|job| reach.may_lead(&document, Some(job), &[]));
    let calls = jobs.iter().filter_map(|job| join("", local(&job.calls.as_ref()?.text)?)).collect();
    let linked = reach.uses_actions(&document) || caches(&document);
    Seen { matters, calls, linked, document }
}

/// Whether some step may restore or save a cache.
fn caches(document: &Document) -> bool {
    let known = |uses: &str| cache_actions().actions.iter().any(|action| uses.contains(&action.repository));
    let uses = document.step_lists().flat_map(|list| &list.steps).filter_map(|step| step.uses.as_ref());
    uses.map(|uses| uses.text.to_ascii_lowercase()).any(|uses| uses.contains("cache") || known(&uses))
}

/// What was read. What is wrong with it counts only where it was asked for: another file cannot spoil the answer.
fn taken<T: AsRef<Document>>(
    file: &Discovered,
    read: Result<T, Problem>,
    root: &Path,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    if file.requested {
        match &read {
            Ok(read) => problems.extend(shapes(read.as_ref(), root)),
            Err(problem) => problems.push(problem.clone()),
        }
    }
    read.ok()
}

/// Reads and parses one file.
pub(crate) fn read(file: &Discovered) -> Result<Document, Problem> {
    let text = file.read()?;
    parsed(file.relative.clone(), text, file.kind).map_err(|problem| Problem { path: file.path.clone(), ..problem })
}

fn parsed(path: String, text: Text, kind: FileKind) -> Result<Document, Problem> {
    let tree = crate::yaml::parse(&text).map_err(|e| Problem {
        path: path.clone().into(),
        position: Some(e.position),
        message: e.message,
        help: e.help,
    })?;
    let content = match kind {
        FileKind::Workflow => Content::Workflow(Workflow::read(&tree)),
        FileKind::Action => Content::Action(Action::read(&tree)),
    };
    Ok(Document { path, text, tree, content })
}

/// Parts of a document that Actions would refuse.
fn shapes(document: &Document, root: &Path) -> Vec<Problem> {
    let shapes = document.shapes().iter().map(|shape| Problem {
        path: root.join(&document.path),
        position: Some(document.text.position(shape.span.start)),
        message: shape.message.clone(),
        help: None,
    });
    shapes.collect()
}
