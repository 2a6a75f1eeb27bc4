//! Paths given by the user to the workflows and actions of the repositories they belong to.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use walkdir::WalkDir;

use super::below::repositories_below;
use crate::base::finding::Problem;
use crate::base::text::{Position, Text, TextError, read_bounded, unreadable};

/// Folders whose direct YAML files are workflows.
const WORKFLOW_FOLDERS: [&str; 3] = [".github/workflows", ".forgejo/workflows", ".gitea/workflows"];
/// Folders that hold no action of the repository's own.
const SKIPPED_FOLDERS: [&str; 7] =
    [".git", ".hg", ".nox", ".tox", ".venv", "node_modules", "target"];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    Workflow,
    Action,
}

/// A workflow or action file of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovered {
    /// Absolute; the folder is canonical, the file itself may be a symbolic link to a place inside
    /// the root.
    pub path: PathBuf,
    /// Relative to the repository root, with `/`.
    pub relative: String,
    pub kind: FileKind,
    /// Findings are wanted here; otherwise the file is only read because others may call it.
    pub requested: bool,
    /// Stands for what is on disk: standard input, or a text with fixes that are not written.
    pub content: Option<Arc<[u8]>>,
}

impl Discovered {
    /// The file as text, or why it cannot be checked.
    pub fn read(&self) -> Result<Text, Problem> {
        let bytes = match &self.content {
            Some(content) => content.to_vec(),
            None => {
                read_bounded(&self.path).map_err(|e| problem(&self.path, unreadable(&e), None))?
            }
        };
        Text::new(&self.relative, bytes).map_err(|error| {
            let (position, help) = match error {
                TextError::NotUtf8 { line, .. } => {
                    (Some(Position { line, column: 1 }), "save it as UTF-8")
                }
                TextError::TooLarge { .. } => {
                    (None, "GitHub rejects workflows larger than 512 KiB; split the file")
                }
                TextError::TwoBoms => (Some(Position { line: 1, column: 1 }), "remove one of them"),
            };
            Problem { position, ..problem(&self.path, error.to_string(), Some(help)) }
        })
    }
}

/// A repository and its workflows and actions, sorted by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscoveredRepository {
    /// Canonical: the nearest folder with `.git`, else the folder that was asked for.
    pub root: PathBuf,
    pub files: Vec<Discovered>,
}

#[derive(Debug, Default)]
pub struct Discovery {
    /// Sorted by root.
    pub repositories: Vec<DiscoveredRepository>,
    pub problems: Vec<Problem>,
    /// YAML files that were asked for by name and are neither workflow nor action, as the user
    /// calls them.
    pub foreign: Vec<PathBuf>,
}

/// A text that comes from standard input, and the name it is to have.
#[derive(Debug, Clone)]
pub struct Stdin {
    pub path: PathBuf,
    pub content: Vec<u8>,
}

/// Finds what `paths` mean; each file once. A folder asks for what lies below it, a workflow or
/// action for itself, any other file (a noxfile, a lock file, settings) for all workflows of its
/// repository. What cannot be taken becomes a problem.
pub fn discover(paths: &[PathBuf], stdin: Option<&Stdin>) -> Discovery {
    let mut finder = Finder::default();
    // Of a link and the file that it leads to, the file is the one to be fixed.
    let (links, files): (Vec<_>, Vec<_>) = paths.iter().partition(|path| path.is_symlink());
    for path in files.into_iter().chain(links) {
        if let Err(problem) = finder.add(path) {
            finder.problems.push(problem);
        }
    }
    if let Some(stdin) = stdin {
        finder.add_stdin(stdin);
    }
    finder.finish()
}

fn problem(path: &Path, message: impl Into<String>, help: Option<&str>) -> Problem {
    Problem {
        path: path.to_owned(),
        position: None,
        message: message.into(),
        help: help.map(str::to_owned),
    }
}

#[derive(Default)]
struct Finder {
    repositories: BTreeMap<PathBuf, BTreeMap<String, Discovered>>,
    /// Canonical paths of requested files, so that a link and its target are one.
    seen: HashSet<PathBuf>,
    /// The folder that a file was last requested in, with its canonical path.
    folder: Option<(PathBuf, PathBuf)>,
    problems: Vec<Problem>,
    foreign: Vec<PathBuf>,
}

impl Finder {
    fn add(&mut self, path: &Path) -> Result<(), Problem> {
        let failed = |e: io::Error| match e.kind() {
            io::ErrorKind::NotFound => problem(path, "no such file or folder", None),
            _ => problem(path, unreadable(&e), None),
        };
        let real = fs::canonicalize(path).map_err(failed)?;
        let kind = fs::metadata(&real).map_err(failed)?.file_type();
        if kind.is_dir() {
            let root = root_of_folder(&real);
            let inner = if is_repository(&root) { Vec::new() } else { repositories_below(&root) };
            if inner.is_empty() {
                self.load(&root);
                self.request_below(&root, &real);
            }
            for root in inner {
                self.load(&root);
                self.request_below(&root, &root);
            }
        } else if !kind.is_file() {
            return Err(problem(path, "is neither a file nor a folder", None));
        } else if !is_yaml(path) {
            let root = root_of_file(&real);
            self.load(&root);
            self.request_below(&root, &root);
        } else {
            // The folder is resolved, the file is not: a link must stay visible as one.
            let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
                return Err(problem(path, "isn't a file name", None));
            };
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            let standing = fs::canonicalize(folder).map_err(failed)?.join(name);
            let root = root_of_file(&standing);
            self.load(&root);
            self.request_file(&root, &standing, path)?;
        }
        Ok(())
    }

    fn add_stdin(&mut self, stdin: &Stdin) {
        let absolute = std::path::absolute(&stdin.path).unwrap_or_else(|_| stdin.path.clone());
        let standing = match (absolute.parent().map(fs::canonicalize), absolute.file_name()) {
            (Some(Ok(folder)), Some(name)) => folder.join(name),
            _ => absolute,
        };
        let root = root_of_file(&standing);
        self.load(&root);
        let relative = relative_to(&root, &standing);
        // Whoever pipes a text wants that text checked, whatever its name.
        let kind = kind_of(&relative, || stdin.content.clone()).unwrap_or(FileKind::Workflow);
        let content = Some(Arc::from(stdin.content.as_slice()));
        let file = Discovered {
            path: standing,
            relative: relative.clone(),
            kind,
            requested: true,
            content,
        };
        self.repositories.entry(root).or_default().insert(relative, file);
    }

    /// Reads which workflows and actions the repository at `root` has, once.
    fn load(&mut self, root: &Path) {
        if self.repositories.contains_key(root) {
            return;
        }
        let mut files = BTreeMap::new();
        if is_repository(root) {
            let workflows = workflow_files(root, &mut self.problems);
            for path in workflows.into_iter().chain(action_files(root)) {
                if let Err(problem) = nameable(root, &path, &path) {
                    self.problems.push(problem);
                    continue;
                }
                let relative = relative_to(root, &path);
                let Some(kind) = kind_of(&relative, Vec::new) else { continue };
                let file = Discovered {
                    path,
                    relative: relative.clone(),
                    kind,
                    requested: false,
                    content: None,
                };
                files.insert(relative, file);
            }
        }
        self.repositories.insert(root.to_owned(), files);
    }

    fn request_below(&mut self, root: &Path, folder: &Path) {
        let Some(files) = self.repositories.get(root) else { return };
        let mut wanted: Vec<PathBuf> =
            files.values().map(|f| f.path.clone()).filter(|p| p.starts_with(folder)).collect();
        // Links last, as in `discover`.
        wanted.sort_by_cached_key(|path| path.is_symlink());
        for path in wanted {
            if let Err(problem) = self.request_file(root, &path, &path) {
                self.problems.push(problem);
            }
        }
    }

    /// Marks the file at `path` as asked for; `given` is how the user calls it.
    fn request_file(&mut self, root: &Path, path: &Path, given: &Path) -> Result<(), Problem> {
        nameable(root, path, given)?;
        let relative = relative_to(root, path);
        let real = self.canonical(path).map_err(|e| problem(given, unreadable(&e), None));
        let checked = real.and_then(|(real, metadata)| match metadata {
            _ if !real.starts_with(root) => {
                let target =
                    format!("is a symbolic link to {}, outside the repository", real.display());
                Err(problem(given, target, Some("check that file by its own path")))
            }
            Ok(metadata) if metadata.is_file() => Ok(real),
            Ok(_) => Err(problem(given, "isn't a regular file", None)),
            Err(e) => Err(problem(given, unreadable(&e), None)),
        });
        let files = self.repositories.entry(root.to_owned()).or_default();
        let real = checked.inspect_err(|_| {
            files.remove(&relative);
        })?;
        if let Some(file) = files.get_mut(&relative) {
            file.requested |= self.seen.insert(real);
        } else if let Some(kind) = kind_of(&relative, || read_bounded(path).unwrap_or_default()) {
            if self.seen.insert(real) {
                let path = path.to_owned();
                let file = Discovered {
                    path,
                    relative: relative.clone(),
                    kind,
                    requested: true,
                    content: None,
                };
                files.insert(relative, file);
            }
        } else {
            self.foreign.push(given.to_owned());
            self.request_below(root, root);
        }
        Ok(())
    }

    /// The canonical path of a file and what is there; that of its folder is known from the
    /// file before.
    fn canonical(&mut self, path: &Path) -> io::Result<(PathBuf, io::Result<Metadata>)> {
        let metadata = fs::symlink_metadata(path)?;
        let (Some(folder), Some(name), false) =
            (path.parent(), path.file_name(), metadata.is_symlink())
        else {
            let real = fs::canonicalize(path)?;
            let metadata = fs::metadata(&real);
            return Ok((real, metadata));
        };
        if self.folder.as_ref().is_none_or(|(known, _)| known != folder) {
            self.folder = Some((folder.to_owned(), fs::canonicalize(folder)?));
        }
        let real = self.folder.as_ref().map_or(path, |(_, real)| real).join(name);
        Ok((real, Ok(metadata)))
    }

    fn finish(self) -> Discovery {
        let mut repositories = Vec::with_capacity(self.repositories.len());
        for (root, mut files) in self.repositories {
            // What was not asked for is read silently, so it must be a plain file inside the root.
            files.retain(|_, f| {
                f.requested
                    || (f.path.is_file() && fs::canonicalize(&f.path).is_ok_and(|p| p == f.path))
            });
            repositories.push(DiscoveredRepository { root, files: files.into_values().collect() });
        }
        Discovery { repositories, problems: self.problems, foreign: self.foreign }
    }
}

/// Nearest folder with `.git` upwards; without one, the folder that `folder` is the workflow folder
/// of, or itself.
fn root_of_folder(folder: &Path) -> PathBuf {
    if let Some(root) = folder.ancestors().find(|a| a.join(".git").exists()) {
        return root.to_owned();
    }
    let above = WORKFLOW_FOLDERS
        .iter()
        .find(|w| folder.ends_with(w))
        .and_then(|_| folder.parent()?.parent());
    above.unwrap_or(folder).to_owned()
}

fn root_of_file(file: &Path) -> PathBuf {
    root_of_folder(file.parent().unwrap_or(file))
}

/// Whether to look through the whole folder: not through a `/tmp` in which a lone file happens to
/// lie.
fn is_repository(root: &Path) -> bool {
    root.join(".git").exists() || WORKFLOW_FOLDERS.iter().any(|folder| root.join(folder).is_dir())
}

fn workflow_files(root: &Path, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    let mut entries = Vec::new();
    for folder in WORKFLOW_FOLDERS.iter().map(|folder| root.join(folder)) {
        match fs::read_dir(&folder) {
            Ok(listed) => entries.extend(listed.flatten()),
            Err(e)
                if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(e) => problems.push(problem(&folder, unreadable(&e), None)),
        }
    }
    // What a link leads to is asked, what is in the folder itself is known from reading it.
    let is_folder = |entry: &DirEntry, path: &Path| match entry.file_type() {
        Ok(kind) if !kind.is_symlink() => kind.is_dir(),
        _ => path.is_dir(),
    };
    entries
        .into_iter()
        .filter_map(|e| Some(e.path()).filter(|path| is_yaml(path) && !is_folder(&e, path)))
        .collect()
}

/// Every `action.yml` that belongs to the repository, not those of repositories inside it.
fn action_files(root: &Path) -> Vec<PathBuf> {
    let walk = WalkDir::new(root).follow_links(false).into_iter().filter_entry(|entry| {
        let skipped =
            entry.file_name().to_str().is_some_and(|name| SKIPPED_FOLDERS.contains(&name));
        entry.depth() == 0
            || !entry.file_type().is_dir()
            || (!skipped && !entry.path().join(".git").exists())
    });
    let files = walk
        .flatten()
        .filter(|entry| !entry.file_type().is_dir())
        .map(walkdir::DirEntry::into_path);
    files.filter(|path| is_action_name(path)).collect()
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "yml" || e == "yaml")
}

fn is_action_name(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "action.yml" || name == "action.yaml")
}

/// What a file is by its place and name alone, `relative` to the root.
pub(crate) fn kind_by_place(relative: &str) -> Option<FileKind> {
    let path = Path::new(relative);
    if path.parent().is_some_and(|folder| WORKFLOW_FOLDERS.iter().any(|w| folder.ends_with(w)))
        && is_yaml(path)
    {
        return Some(FileKind::Workflow);
    }
    is_action_name(path).then_some(FileKind::Action)
}

/// By place and name where they say it, else by the keys of the top level; none if it is neither
/// workflow nor action.
fn kind_of(relative: &str, content: impl FnOnce() -> Vec<u8>) -> Option<FileKind> {
    if let Some(kind) = kind_by_place(relative) {
        return Some(kind);
    }
    let content = content();
    // `jobs` alone is also a word of other services, which have no `on`.
    if has_key(&content, "jobs") && has_key(&content, "on") {
        Some(FileKind::Workflow)
    } else {
        has_key(&content, "runs").then_some(FileKind::Action)
    }
}

/// Whether a line of the top level begins with `key`, plain or quoted; read without a parser, so
/// that a file with a mistake keeps its kind.
fn has_key(content: &[u8], key: &str) -> bool {
    content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content).split(|b| *b == b'\n').any(|line| {
        let quoted = line.first().copied().filter(|b| matches!(b, b'"' | b'\''));
        let rest =
            line.strip_prefix(quoted.as_slice()).unwrap_or(line).strip_prefix(key.as_bytes());
        let rest = rest.and_then(|rest| rest.strip_prefix(quoted.as_slice()));
        rest.is_some_and(|rest| rest.trim_ascii_start().starts_with(b":"))
    })
}

/// Fails where the name of a file cannot be told from another one's: a workflow is text, and so are
/// the names in it.
fn nameable(root: &Path, path: &Path, given: &Path) -> Result<(), Problem> {
    match path.strip_prefix(root).unwrap_or(path).to_str() {
        Some(_) => Ok(()),
        None => Err(problem(given, "has a name that isn't UTF-8", Some("rename it"))),
    }
}

fn relative_to(root: &Path, path: &Path) -> String {
    let inside = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = inside.components().map(|c| c.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

#[cfg(test)]
#[path = "discover/tests.rs"]
mod tests;
