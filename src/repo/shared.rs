//! What all parts of a repository share: its tracked files, what they lead to, and what the tool
//! said about them.

use std::path::Path;
use std::sync::Arc;

use super::document::Document;
use super::files::RepoFiles;
use super::published::{Published, published};
use super::words::Words;
use crate::actions::Uses;
use crate::rules::cache_actions::cache_actions;
use crate::shell::Scripts;
use crate::tool::Tool;
use crate::tool::memo::Answers;

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
    /// The cache action that the repository's settings name, as `uses:` has it.
    pub cache_action: Option<Arc<str>>,
    /// Each once, in the order of the files.
    caches: Arc<Vec<Written>>,
}

/// How a step writes the cache action that fixes insert, or one of its halves.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    name: String,
    reference: String,
    comment: Option<String>,
}

impl Written {
    /// All in a document, in order.
    pub fn all(document: &Document) -> Vec<Self> {
        let action = |name| {
            ["/restore", "/save"]
                .iter()
                .find_map(|half| str::strip_suffix(name, half))
                .unwrap_or(name)
        };
        let caches = published(document)
            .filter(|p| action(p.uses.name) == cache_actions().release.repository);
        let written = caches.map(|Published { uses, comment }| Self {
            name: uses.name.to_owned(),
            reference: uses.reference.to_owned(),
            comment: comment.map(str::to_owned),
        });
        written.collect()
    }
}

impl Shared {
    pub fn new(root: &Path, nox_actions: &[String], tool: impl Tool + 'static) -> Self {
        Self {
            files: Arc::new(RepoFiles::new(root)),
            words: Arc::new(Words::new(nox_actions)),
            answers: Arc::new(Answers::of(tool)),
            scripts: Arc::default(),
            nox_actions: nox_actions.into(),
            cache_action: None,
            caches: Arc::default(),
        }
    }

    /// The cache action that the settings name is one wherever it is used.
    pub fn with_cache_action(mut self, uses: Option<&str>) -> Self {
        self.cache_action = uses.map(|uses| uses.trim().into());
        self
    }

    /// Whether `uses` names the cache action of the settings, in whatever version.
    pub fn is_cache_action(&self, uses: &str) -> bool {
        let name = |uses: &str| {
            let uses = uses.trim().trim_end_matches('/');
            match Uses::parse(uses) {
                Some(parts) => parts.name.to_ascii_lowercase(),
                None => uses.to_owned(),
            }
        };
        self.cache_action.as_deref().is_some_and(|own| name(own) == name(uses))
    }

    /// Takes note of how a document writes the cache action.
    pub fn add_caches(&mut self, written: Vec<Written>) {
        for written in written {
            if !self.caches.contains(&written) {
                Arc::make_mut(&mut self.caches).push(written);
            }
        }
    }

    /// The different ways in which steps of the repository write the cache action or its halves.
    pub fn written_caches(&self) -> impl Iterator<Item = Published<'_>> {
        self.caches.iter().map(|Written { name, reference, comment }| Published {
            uses: Uses { prefix: "", name, reference },
            comment: comment.as_deref(),
        })
    }
}
