//! All workflows and actions of a repository, linked: who calls whom.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::document::Document;
use super::files::{RepoFiles, join};
use super::published::{Published, published};
use super::words::Words;
use crate::rules::forges::forges;
use crate::tool::memo::Memo;
use crate::workflow::{StepList, Uses};

/// A job that calls a reusable workflow or uses an action of the same repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    pub document: usize,
    pub job: usize,
}

#[derive(Debug)]
pub struct Repository {
    pub root: PathBuf,
    pub files: RepoFiles,
    pub documents: Vec<Document>,
    /// Published actions that the repository's settings say run nox, as `owner/name`.
    pub nox_actions: Vec<String>,
    /// What the tool said about calls in this repository.
    pub answers: Memo,
    words: OnceLock<Words>,
    by_path: HashMap<String, usize>,
    callers: HashMap<usize, Vec<Caller>>,
    called_actions: Vec<bool>,
    /// Published actions by name, with reference and comment; each once.
    published: HashMap<String, Vec<(String, Option<String>)>>,
}

impl Repository {
    pub fn new(root: &Path, mut documents: Vec<Document>) -> Self {
        documents.sort_by(|a, b| a.path.cmp(&b.path));
        let by_path: HashMap<String, usize> = documents.iter().enumerate().map(|(i, d)| (d.path.clone(), i)).collect();
        let mut repository = Self {
            root: root.to_owned(),
            files: RepoFiles::new(root),
            called_actions: vec![false; documents.len()],
            documents,
            nox_actions: Vec::new(),
            answers: Memo::default(),
            words: OnceLock::new(),
            by_path,
            callers: HashMap::new(),
            published: HashMap::new(),
        };
        repository.link();
        repository
    }

    fn link(&mut self) {
        let mut callers: HashMap<usize, Vec<Caller>> = HashMap::new();
        let mut called = vec![false; self.documents.len()];
        for (document, found) in self.documents.iter().enumerate() {
            if let Some(workflow) = found.workflow() {
                for (job, definition) in workflow.jobs.iter().enumerate() {
                    if let Some(target) = definition.calls.as_ref().and_then(|u| self.called_workflow(&u.text)) {
                        callers.entry(target).or_default().push(Caller { document, job });
                    }
                }
            }
            let lists = match found.workflow() {
                Some(workflow) => workflow.jobs.iter().map(|j| &j.steps).collect(),
                None => found.steps(None).into_iter().collect::<Vec<_>>(),
            };
            for step in lists.into_iter().flat_map(|list| &list.steps) {
                if let Some(target) = step.uses.as_ref().and_then(|u| self.action_of(&u.text)) {
                    called[target] = true;
                }
            }
        }
        let mut names: HashMap<String, Vec<(String, Option<String>)>> = HashMap::new();
        let mut seen = HashSet::new();
        for used in self
            .documents
            .iter()
            .flat_map(published)
            .filter(|used| seen.insert((used.uses.name, used.uses.reference, used.comment)))
        {
            let uses = names.entry(used.uses.name.to_owned()).or_default();
            uses.push((used.uses.reference.to_owned(), used.comment.map(str::to_owned)));
        }
        self.published = names;
        self.callers = callers;
        self.called_actions = called;
    }

    /// The different ways in which steps of the repository name a published action or its two halves.
    pub fn uses_of(&self, action: &str) -> impl Iterator<Item = Published<'_>> {
        let names = ["", "/restore", "/save"].map(|half| self.published.get_key_value(&format!("{action}{half}")));
        names.into_iter().flatten().flat_map(|(name, uses)| {
            uses.iter().map(|(reference, comment)| Published {
                uses: Uses { prefix: "", name, reference },
                comment: comment.as_deref(),
            })
        })
    }

    /// What texts lead to; asked for after `nox_actions` is set.
    pub fn words(&self) -> &Words {
        self.words.get_or_init(|| Words::new(&self.nox_actions))
    }

    pub fn document(&self, path: &str) -> Option<usize> {
        self.by_path.get(path).copied()
    }

    /// The jobs that call this reusable workflow.
    pub fn callers(&self, document: usize) -> &[Caller] {
        self.callers.get(&document).map_or(&[], Vec::as_slice)
    }

    /// Some step of the repository uses this action.
    pub fn is_called(&self, action: usize) -> bool {
        self.called_actions[action]
    }

    /// The jobs that use an action, directly or through other actions.
    pub fn users(&self, action: usize) -> Vec<Caller> {
        let mut actions = vec![action];
        let mut next = 0;
        while let Some(wanted) = actions.get(next).copied() {
            next += 1;
            for (document, found) in self.documents.iter().enumerate().filter(|(_, d)| d.action().is_some()) {
                let uses = found.steps(None).is_some_and(|list| self.list_uses(list, wanted));
                if uses && !actions.contains(&document) {
                    actions.push(document);
                }
            }
        }
        let mut users = Vec::new();
        for (document, found) in self.documents.iter().enumerate() {
            for (job, definition) in found.workflow().map_or(&[][..], |w| &w.jobs).iter().enumerate() {
                if actions.iter().any(|a| self.list_uses(&definition.steps, *a)) {
                    users.push(Caller { document, job });
                }
            }
        }
        users
    }

    fn list_uses(&self, list: &StepList, action: usize) -> bool {
        list.steps.iter().any(|s| s.uses.as_ref().and_then(|u| self.action_of(&u.text)) == Some(action))
    }

    /// The reusable workflow of this repository that a job's `uses:` names.
    pub fn called_workflow(&self, uses: &str) -> Option<usize> {
        let path = local(uses)?;
        let path = join("", path)?;
        self.document(&path).filter(|d| self.documents[*d].workflow().is_some())
    }

    /// The composite action of this repository that a step's `uses:` names, the workspace being the repository.
    pub fn action_of(&self, uses: &str) -> Option<usize> {
        self.action_in(&join("", local(uses)?)?)
    }

    /// The action in a folder of the repository.
    pub fn action_in(&self, folder: &str) -> Option<usize> {
        ["action.yml", "action.yaml"].iter().find_map(|name| {
            let path = if folder.is_empty() { (*name).to_owned() } else { format!("{folder}/{name}") };
            self.document(&path).filter(|d| self.documents[*d].action().is_some())
        })
    }

    /// The forge that reads a document.
    pub fn forge_of(&self, document: usize) -> &'static crate::rules::forges::Forge {
        forges().of(&self.documents[document].path)
    }
}

/// The path of a `uses:` that means this repository: `./path` (from the workspace) or `$/path`.
pub fn local(uses: &str) -> Option<&str> {
    uses.strip_prefix("./").or_else(|| uses.strip_prefix("$/")).or(match uses {
        "." | "./" => Some(""),
        _ => None,
    })
}
