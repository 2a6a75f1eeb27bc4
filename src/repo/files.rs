//! Reading tracked files: inside the root, never through a link, once.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::tracked::Tracked;
use crate::base::glob::{Pattern, PatternSet};
use crate::base::path::inside;
use crate::base::text::MAX_TOML_BYTES;
use crate::tool::{Files, is_definition};

/// Larger files (data, generated locks) are tracked but not read.
const MAX_READ_BYTES: u64 = 4 * 1024 * 1024;
/// Of files whose parsed form is much larger: the tree of a Python file takes a hundred times its
/// bytes.
const MAX_PARSED_BYTES: [(&str, u64); 2] = [("py", 512 * 1024), ("toml", MAX_TOML_BYTES)];

/// Bytes of paths that are searched in the time of one comparison.
const SEARCHED_BYTES: usize = 512;

const LEFT_OUT: &str =
    "can't be read: a sparse checkout leaves it out; `git sparse-checkout add` adds its folder";

/// The tracked files of one repository, read on demand and kept.
#[derive(Debug)]
pub struct RepoFiles {
    root: PathBuf,
    tracked: Tracked,
    texts: Mutex<HashMap<String, Option<Arc<str>>>>,
    /// Those that were wanted and that weren't read although everything depends on them, with the
    /// reason.
    unread: Mutex<BTreeMap<String, String>>,
    /// By the patterns and the folders, one a line.
    hashed: Mutex<HashMap<String, Option<Arc<Vec<String>>>>>,
}

/// The size up to which a file is read.
fn most_bytes(path: &str) -> u64 {
    let extension = path.rsplit_once('.').map(|(_, extension)| extension);
    let parsed = MAX_PARSED_BYTES.iter().find(|(name, _)| Some(*name) == extension);
    parsed.map_or(MAX_READ_BYTES, |(_, most)| *most)
}

fn too_large(most: u64) -> String {
    format!(
        "is larger than {} KiB, the most that cachelint reads of it; move its data into another file",
        most / 1024
    )
}

impl RepoFiles {
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            tracked: Tracked::read(root),
            texts: Mutex::default(),
            unread: Mutex::default(),
            hashed: Mutex::default(),
        }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn tracked(&self) -> &Tracked {
        &self.tracked
    }

    /// The tracked files, as paths of the workspace, that `hashFiles` takes where the repository is
    /// checked out into `folders`; `None` where a pattern is refused, and where more than `most`
    /// files have to be compared.
    pub fn hashed(
        &self,
        patterns: &str,
        folders: &[&str],
        most: usize,
    ) -> Option<Arc<Vec<String>>> {
        let question = format!("{patterns}\n\n{}", folders.join("\n"));
        let mut known = self.hashed.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(files) = known.get(&question) {
            return files.clone();
        }
        let files = PatternSet::parse(patterns).ok().and_then(|set| {
            let mut left = most;
            let matched = folders.iter().map(|folder| self.matched(&set, folder, &mut left));
            let matched: Option<Vec<Vec<String>>> = matched.collect();
            Some(Arc::new(matched?.concat()))
        });
        known.insert(question, files.clone());
        files
    }

    /// The tracked files, as paths of the workspace, that the patterns match where the repository
    /// is checked out into `folder`; `None` where that takes more comparisons than are `left`.
    fn matched(&self, set: &PatternSet, folder: &str, left: &mut usize) -> Option<Vec<String>> {
        let mut matched = BTreeSet::new();
        for pattern in &set.patterns {
            for (place, file) in self.compared(pattern, folder, left)? {
                let path = match folder {
                    "" => Cow::from(file),
                    _ => Cow::from(inside(folder, file)),
                };
                if !pattern.matches(&path) {
                    continue;
                }
                if pattern.negated {
                    matched.remove(&place);
                } else {
                    matched.insert(place);
                }
            }
        }
        let path = |place: &usize| Some(inside(folder, self.tracked.at(*place)?));
        Some(matched.iter().filter_map(path).collect())
    }

    /// The files that are compared with a pattern: those that it names, or with wildcards all that
    /// hold its letters. They and the search for them are taken from what is `left`.
    fn compared(
        &self,
        pattern: &Pattern,
        folder: &str,
        left: &mut usize,
    ) -> Option<Vec<(usize, &str)>> {
        let named = pattern.literal().filter(|path| *path != ".").and_then(|path| match folder {
            "" => Some(path),
            _ => path.strip_prefix(folder)?.strip_prefix('/'),
        });
        if let Some(path) = named {
            return taken(self.tracked.named(path), left);
        }
        let letters = pattern.letters();
        let letters = if folder.contains(letters) { "" } else { letters };
        *left = left.checked_sub(self.tracked.bytes() / SEARCHED_BYTES)?;
        taken(self.tracked.holding(letters), left)
    }

    fn load(&self, path: &str) -> Option<Arc<str>> {
        if !self.tracked.contains(path) || self.tracked.is_link(path) {
            return None;
        }
        match self.bytes(path) {
            Ok(bytes) => bytes.and_then(|bytes| String::from_utf8(bytes).ok()).map(Arc::from),
            Err(error) => {
                self.failed(path, &error);
                None
            }
        }
    }

    /// Remembers why a tracked file couldn't be read, unless it only isn't there.
    fn failed(&self, path: &str, error: &io::Error) {
        match error.kind() {
            io::ErrorKind::PermissionDenied => {
                self.leave(path, "can't be read: permission denied".to_owned());
            }
            io::ErrorKind::NotFound if self.tracked.is_left_out(path) => {
                self.leave(path, LEFT_OUT.to_owned());
            }
            _ => {}
        }
    }

    /// Remembers why a workflow or action that a step names wasn't found, if git tracks it.
    pub fn miss(&self, path: &str) {
        if self.tracked.contains(path)
            && let Err(error) = std::fs::metadata(self.root.join(path))
        {
            self.failed(path, &error);
        }
    }

    /// The bytes of a tracked file; `None` where it isn't a file to be read.
    fn bytes(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let mut file = self.root.clone();
        for part in path.split('/') {
            file.push(part);
            // A tracked file may have become a link since the index was written.
            if std::fs::symlink_metadata(&file)?.is_symlink() {
                return Ok(None);
            }
        }
        let meta = std::fs::metadata(&file)?;
        if !meta.is_file() {
            return Ok(None);
        }
        if meta.len() > most_bytes(path) {
            if is_definition(path) || path.ends_with(".toml") {
                self.leave(path, too_large(most_bytes(path)));
            }
            return Ok(None);
        }
        std::fs::read(&file).map(Some)
    }

    /// Whether a tracked file isn't read because of its size alone.
    pub fn is_too_large(&self, path: &str) -> bool {
        let size = std::fs::metadata(self.root.join(path)).map_or(0, |meta| meta.len());
        size > most_bytes(path) && !self.tracked.is_link(path)
    }

    fn leave(&self, path: &str, why: String) {
        let mut unread = self.unread.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        unread.insert(path.to_owned(), why);
    }

    /// The tracked files so far that were wanted and that weren't read, with the reason.
    pub fn unread(&self) -> Vec<(String, String)> {
        let unread = self.unread.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        unread.iter().map(|(path, why)| (path.clone(), why.clone())).collect()
    }
}

impl Files for RepoFiles {
    fn read(&self, path: &str) -> Option<Arc<str>> {
        let mut texts = self.texts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(text) = texts.get(path) {
            return text.clone();
        }
        let text = self.load(path);
        texts.insert(path.to_owned(), text.clone());
        text
    }

    fn is_tracked(&self, path: &str) -> bool {
        self.tracked.contains(path)
    }

    fn tracked_under(&self, folder: &str) -> Vec<String> {
        self.tracked.under(folder)
    }
}

/// All of them, unless they are more than are `left`.
fn taken<'f>(
    files: impl Iterator<Item = (usize, &'f str)>,
    left: &mut usize,
) -> Option<Vec<(usize, &'f str)>> {
    let found: Vec<(usize, &str)> = files.take(left.saturating_add(1)).collect();
    *left = left.checked_sub(found.len())?;
    Some(found)
}

/// A relative path with `/`; `None` when it is not UTF-8 or leaves its root.
pub fn slashed(path: &Path) -> Option<String> {
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is parsed needs many times the memory of its text.
    #[test]
    fn a_file_is_read_up_to_the_size_that_its_parsed_form_allows() {
        let folder = tempfile::tempdir().unwrap();
        for (name, most) in [
            ("tasks.py", 512 * 1024),
            ("noxfile.py", 512 * 1024),
            ("pyproject.toml", 1024 * 1024),
            ("uv.lock", 4 * 1024 * 1024),
            ("py", 4 * 1024 * 1024),
        ] {
            for (size, is_read) in [(most, true), (most + 1, false)] {
                std::fs::write(folder.path().join(name), vec![b'#'; size]).unwrap();
                let files = RepoFiles::new(folder.path());
                assert_eq!(files.read(name).is_some(), is_read, "{name} {size}");
                // Of a Python file that only a script calls, whoever follows the script says it.
                let is_said = !is_read && ["noxfile.py", "pyproject.toml"].contains(&name);
                assert_eq!(!files.unread().is_empty(), is_said, "{name} {size}");
                assert_eq!(files.is_too_large(name), !is_read, "{name} {size}");
            }
        }
    }

    /// Where the tests run as root, no permission keeps them from reading.
    #[cfg(unix)]
    #[test]
    fn a_folder_that_cannot_be_entered_is_said() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("scripts");
        std::fs::create_dir(&inner).unwrap();
        std::fs::write(inner.join("t.sh"), "nox").unwrap();
        std::fs::write(inner.join("action.yml"), "x").unwrap();
        let files = RepoFiles::new(folder.path());
        let mode =
            |mode| std::fs::set_permissions(&inner, PermissionsExt::from_mode(mode)).unwrap();
        mode(0o000);
        let kept_out = std::fs::read_dir(&inner).is_err();
        assert_eq!(files.read("scripts/t.sh").is_none(), kept_out);
        files.miss("scripts/action.yml");
        files.miss("scripts/missing.yml");
        let said: Vec<String> = files.unread().into_iter().map(|(path, _)| path).collect();
        mode(0o700);
        let expected: &[&str] =
            if kept_out { &["scripts/action.yml", "scripts/t.sh"] } else { &[] };
        assert_eq!(said, expected);
    }

    /// Else each of thousands of keys would be compared with thousands of files.
    #[test]
    fn a_pattern_without_wildcards_is_compared_with_the_files_it_names() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..20 {
            let inner = folder.path().join(format!("a{number}"));
            std::fs::create_dir(&inner).unwrap();
            std::fs::write(inner.join("action.yml"), "x").unwrap();
            std::fs::write(inner.join("b.txt"), "x").unwrap();
        }
        std::fs::write(folder.path().join("a1-b"), "x").unwrap();
        let files = RepoFiles::new(folder.path());
        for (pattern, checkout, compared, matched) in [
            ("a1/action.yml", "", 1, &["a1/action.yml"][..]),
            ("a1", "", 2, &["a1/action.yml", "a1/b.txt"]),
            ("a1/action.yml/", "", 1, &[]),
            ("x/a1/b.txt", "x", 1, &["x/a1/b.txt"]),
            ("none", "", 0, &[]),
            ("a1*/b.txt", "", 20, &["a1/b.txt", "a10/b.txt"]),
            ("x", "x", 41, &[]),
        ] {
            let parsed = Pattern::parse(pattern).unwrap();
            let work = |most: usize| {
                let mut left = most;
                files.compared(&parsed, checkout, &mut left).map(|found| (found.len(), most - left))
            };
            assert_eq!(work(100), Some((compared, compared)), "{pattern}");
            if compared > 0 {
                assert_eq!(work(compared - 1), None, "{pattern}");
            }
            let found = files.hashed(pattern, &[checkout], compared).unwrap();
            assert!(matched.iter().all(|file| found.iter().any(|f| f == file)), "{pattern}");
            let all = files.tracked().iter().filter(|f| parsed.matches(&inside(checkout, f)));
            assert_eq!(found.len(), all.count(), "{pattern}: as with all files");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_are_tracked_but_never_followed() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::NamedTempFile::new().unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.path().join("noxfile.py")).unwrap();
        std::fs::write(folder.path().join("real.py"), "x").unwrap();
        let files = RepoFiles::new(folder.path());
        assert!(files.is_tracked("noxfile.py"));
        assert_eq!(files.read("noxfile.py"), None);
        assert_eq!(files.read("real.py").as_deref(), Some("x"));
    }
}
