//! What the files of one repository say about installs: each is read once, however many calls ask.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use super::install::{attached_file, is_file_option};
use super::metadata::{self, Project};
use super::noxfile::join;
use crate::base::glob::{Pattern, path_fits};
use crate::base::path::parent;
use crate::rules::nox::rules;
use crate::tool::Files;

/// The answers about files that must always be the same.
#[derive(Debug, Default)]
pub struct FileFacts {
    projects: ByText<Project>,
    filled: ByText<bool>,
    requirements: ByText<Option<Requirements>>,
    candidates: ByText<Vec<String>>,
    shaped: ByText<Option<Vec<String>>>,
}

/// A file of requirements.
#[derive(Debug)]
pub struct Requirements {
    /// All of them are fixed.
    pub locked: bool,
    /// The first address in it that can change while the file stays.
    pub moving: Option<String>,
    /// Tracked files that it includes.
    pub included: Vec<IncludedFile>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IncludedFile {
    /// Relative to the repository root.
    pub path: String,
    /// It lists packages; constraints only fix what others list.
    pub lists: bool,
}

impl FileFacts {
    /// The project in `folder`, relative to the repository root.
    pub fn project(&self, folder: &str, files: &dyn Files) -> Arc<Project> {
        self.projects.get(folder, || metadata::read(folder, files))
    }

    /// Whether a tracked file lies below `folder`.
    pub fn has_files(&self, folder: &str, files: &dyn Files) -> bool {
        *self.filled.get(folder, || !files.tracked_under(folder).is_empty())
    }

    /// What a file of requirements says; `None` where it can't be read.
    pub fn requirements(&self, path: &str, files: &dyn Files) -> Arc<Option<Requirements>> {
        self.requirements.get(path, || {
            let text = files.read(path)?;
            let first = |line: &str| line.split_whitespace().next().map(str::to_owned);
            let says = |line: &&str| first(line).is_some_and(|first| !first.starts_with('#'));
            Some(Requirements {
                locked: metadata::is_locked(&text),
                moving: text.lines().filter(says).find_map(metadata::moving),
                included: included(&text, parent(path), files),
            })
        })
    }

    /// Every tracked file below `folder` that looks like a requirement file.
    pub fn candidates(&self, folder: &str, files: &dyn Files) -> Arc<Vec<String>> {
        self.candidates.get(folder, || {
            let mut all = files.tracked_under(folder);
            all.retain(|path| {
                let name = path.strip_prefix(folder).unwrap_or(path).trim_start_matches('/');
                rules().candidate_files.iter().any(|shape| path_fits(shape, name))
            });
            all
        })
    }

    /// Every tracked file that a path with unknown parts can mean, if that is a pattern; it lies
    /// below `folder`.
    pub fn shaped(&self, shape: &str, folder: &str, files: &dyn Files) -> Arc<Option<Vec<String>>> {
        self.shaped.get(&format!("{folder}\n{shape}"), || {
            let pattern = Pattern::parse(shape).ok()?;
            let mut all = files.tracked_under(folder);
            all.retain(|path| pattern.matches(path));
            Some(all)
        })
    }
}

/// The tracked files that a file of requirements in `folder` includes, each once.
fn included(text: &str, folder: &str, files: &dyn Files) -> Vec<IncludedFile> {
    let mut seen = HashSet::new();
    let including = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let first = words.next()?;
        let name = if is_file_option(first) { words.next() } else { attached_file(first) }?;
        let lists = !first.starts_with("-c") && !first.starts_with("--constraint");
        // A file can include another one on each of its lines.
        if !seen.insert((name, lists)) {
            return None;
        }
        let path = join(folder, name);
        files.is_tracked(&path).then_some(IncludedFile { path, lists })
    });
    including.collect()
}

/// Answers to texts.
#[derive(Debug)]
struct ByText<A>(Mutex<HashMap<String, Arc<A>>>);

impl<A> Default for ByText<A> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<A> ByText<A> {
    fn get(&self, text: &str, find: impl FnOnce() -> A) -> Arc<A> {
        let known = || self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(answer) = known().get(text) {
            return answer.clone();
        }
        let answer = Arc::new(find());
        known().insert(text.to_owned(), answer.clone());
        answer
    }
}
