//! What all parts of a repository share: its tracked files, what they lead to, and what the tool said about them.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::document::Document;
use super::files::RepoFiles;
use super::published::{Published, published};
use super::words::Words;
use crate::shell::Scripts;
use crate::tool::Tool;
use crate::tool::memo::Answers;
use crate::workflow::Uses;

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Shared {
    pub files: Arc<RepoFiles>,
    pub words: Arc<Words>,
    /// What the tool said about calls in this repository.
    pub answers: Arc<Answers>,
    /// What its scripts run.
    pub scripts: Arc<Scripts>,
    /// Published actions that the repository's settings say run nox, as `owner/name`.
    pub nox_actions: Arc<[String]>,
    /// How steps write published actions, by name; each once.
    published: Arc<HashMap<String, Vec<Written>>>,
}

#[derive(Debug, Clone, PartialEq)]
struct Written {
    reference: String,
    comment: Option<String>,
}

impl Shared {
    pub fn new(root: &Path, nox_actions: &[String], tool: impl Tool + 'static) -> Self {
        Self {
            files: Arc::new(RepoFiles::new(root)),
            words: Arc::new(Words::new(nox_actions)),
            answers: Arc::new(Answers::of(tool)),
            scripts: Arc::default(),
            nox_actions: nox_actions.into(),
            published: Arc::default(),
        }
    }

    /// Takes note of the published actions that a document uses.
    pub fn add_published(&mut self, document: &Document) {
        let names = Arc::make_mut(&mut self.published);
        for Published { uses, comment } in published(document) {
            let known = names.entry(uses.name.to_owned()).or_default();
            let written = Written { reference: uses.reference.to_owned(), comment: comment.map(str::to_owned) };
            if !known.contains(&written) {
                known.push(written);
            }
        }
    }

    /// The different ways in which steps of the repository name a published action or its two halves.
    pub fn uses_of(&self, action: &str) -> impl Iterator<Item = Published<'_>> {
        let names = ["", "/restore", "/save"].map(|half| self.published.get_key_value(&format!("{action}{half}")));
        names.into_iter().flatten().flat_map(|(name, uses)| {
            uses.iter().map(|Written { reference, comment }| Published {
                uses: Uses { prefix: "", name, reference },
                comment: comment.as_deref(),
            })
        })
    }
}
