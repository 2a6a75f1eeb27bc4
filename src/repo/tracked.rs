//! Which files a checkout gets: the git index, read without starting git.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use gix_index::entry::{Flags, Mode};
use memchr::memmem;
use walkdir::WalkDir;

/// An index that declares more than this is not read; the largest public repositories stay below
/// 100 MB.
const MAX_INDEX_BYTES: usize = 256 * 1024 * 1024;
/// Bytes that are read of a `.git` file and of others that hold one path.
const MAX_LINK_BYTES: u64 = 8 * 1024;
/// Bytes that are read of git's settings.
const MAX_CONFIG_BYTES: u64 = 64 * 1024;
/// Without an index, at most this many files are listed.
const MAX_WALKED: usize = 200_000;
/// Folders that no checkout contains, for trees without an index.
const NEVER_TRACKED: [&str; 6] = [".git", ".nox", ".tox", ".venv", "node_modules", "__pycache__"];

/// The tracked files below a root, relative to it, with `/`.
#[derive(Debug, Clone, Default)]
pub struct Tracked {
    /// Sorted.
    files: Vec<String>,
    /// All of them in one text, so that one search finds those that hold some letters.
    joined: JoinedPaths,
    /// Tracked symbolic links; what they point to is never read.
    links: BTreeSet<String>,
    /// Tracked files that git was told to leave out of this folder.
    left_out: BTreeSet<String>,
    /// Why the list may not be what a checkout gets.
    doubt: Option<&'static str>,
}

impl Tracked {
    /// Reads the git index of the repository at `root`; without one, everything in the folder
    /// counts as tracked.
    pub fn read(root: &Path) -> Self {
        let Some(git) = git_folder(root) else { return from_folder(root) };
        let index = git.join("index");
        let none = [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory];
        if std::fs::metadata(&index).is_err_and(|e| none.contains(&e.kind())) {
            return from_folder(root);
        }
        // A link out of git's folder isn't followed.
        let inside = std::fs::canonicalize(&git)
            .and_then(|git| Ok(std::fs::canonicalize(&index)?.starts_with(git)));
        let readable = inside.unwrap_or(false) && index.is_file();
        let read = if readable { from_index(&index, object_hash(&git)) } else { None };
        read.unwrap_or_else(|| Self {
            doubt: Some(
                "the git index can't be read, so every file in the folder counts as tracked",
            ),
            ..from_folder(root)
        })
    }

    /// Why the list may not be what a checkout gets.
    pub fn doubt(&self) -> Option<&'static str> {
        self.doubt
    }

    pub fn contains(&self, path: &str) -> bool {
        self.place(path).is_some()
    }

    /// The place of a tracked file among them all.
    pub fn place(&self, path: &str) -> Option<usize> {
        self.files.binary_search_by(|file| file.as_str().cmp(path)).ok()
    }

    pub fn is_link(&self, path: &str) -> bool {
        self.links.contains(path)
    }

    /// Whether a sparse checkout leaves the tracked file out.
    pub fn is_left_out(&self, path: &str) -> bool {
        self.left_out.contains(path)
    }

    /// The tracked file at a place among them all.
    pub fn at(&self, place: usize) -> Option<&str> {
        self.files.get(place).map(String::as_str)
    }

    /// The tracked files that hold `letters`, with their places among them all.
    pub fn holding(&self, letters: &str) -> impl Iterator<Item = (usize, &str)> {
        self.joined.holding(letters).filter_map(|place| Some((place, self.at(place)?)))
    }

    /// How much is searched to find files by their letters.
    pub fn bytes(&self) -> usize {
        self.joined.text.len()
    }

    /// The tracked file at `path` and those below it, with their places among them all.
    pub fn named(&self, path: &str) -> impl Iterator<Item = (usize, &str)> {
        let below = self.below(path);
        let first = below.first().and_then(|file| self.place(file)).unwrap_or_default();
        let below = (first..).zip(below).map(|(place, file)| (place, file.as_str()));
        self.place(path).and_then(|place| Some((place, self.at(place)?))).into_iter().chain(below)
    }

    /// Every tracked file, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    /// Whether any tracked file lies below `folder` ("" is the root).
    pub fn has_folder(&self, folder: &str) -> bool {
        !self.below(folder).is_empty()
    }

    /// Every tracked file below `folder` ("" is the root), sorted.
    pub fn under(&self, folder: &str) -> Vec<String> {
        self.below(folder).to_vec()
    }

    fn below(&self, folder: &str) -> &[String] {
        if folder.is_empty() {
            return &self.files;
        }
        let prefix = format!("{folder}/");
        let rest = &self.files[self.files.partition_point(|file| **file < *prefix)..];
        &rest[..rest.partition_point(|file| file.starts_with(&prefix))]
    }

    /// From paths in any order.
    fn new(mut files: Vec<String>, links: BTreeSet<String>) -> Self {
        files.sort_unstable();
        files.dedup();
        Self { joined: JoinedPaths::new(&files), files, links, ..Self::default() }
    }
}

/// Paths in one text.
#[derive(Debug, Clone, Default)]
struct JoinedPaths {
    text: String,
    /// Where each of them ends.
    ends: Vec<usize>,
}

impl JoinedPaths {
    /// No path contains it.
    const SEPARATOR: char = '\0';

    fn new(files: &[String]) -> Self {
        let mut joined = Self::default();
        for file in files {
            joined.text.push_str(file);
            joined.ends.push(joined.text.len());
            joined.text.push(Self::SEPARATOR);
        }
        joined
    }

    /// The places of those that hold `letters`, in order.
    fn holding(&self, letters: &str) -> impl Iterator<Item = usize> {
        let finder = memmem::Finder::new(letters).into_owned();
        let (mut from, mut next) = (0, 0);
        std::iter::from_fn(move || {
            let found = from + finder.find(self.text.as_bytes().get(from..)?)?;
            // Where many paths hold the letters, it is the next one or near.
            let mut near = 1;
            while self.ends.get(next + near - 1).is_some_and(|end| *end < found) {
                near *= 2;
            }
            let ends = self.ends.get(next..self.ends.len().min(next + near))?;
            let place = next + ends.partition_point(|end| *end < found);
            from = self.ends.get(place)? + 1;
            next = place + 1;
            Some(place)
        })
    }
}

/// `.git`, or where a worktree's or submodule's `.git` file points.
fn git_folder(root: &Path) -> Option<PathBuf> {
    let git = root.join(".git");
    if !git.is_file() {
        return Some(git);
    }
    let text = beginning(&git, MAX_LINK_BYTES)?;
    Some(root.join(text.strip_prefix("gitdir:")?.trim()))
}

/// What the repository names its objects with: an index doesn't say it itself. The settings of a
/// worktree lie in the folder of the repository.
fn object_hash(git: &Path) -> gix_index::hash::Kind {
    let common = beginning(&git.join("commondir"), MAX_LINK_BYTES);
    let folder = common.map_or_else(|| git.to_owned(), |path| git.join(path.trim()));
    let config = beginning(&folder.join("config"), MAX_CONFIG_BYTES).unwrap_or_default();
    let mut in_extensions = false;
    for line in config.lines().map(|line| line.trim().to_ascii_lowercase()) {
        if line.starts_with('[') {
            in_extensions = line.starts_with("[extensions]");
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        if in_extensions && key.trim() == "objectformat" && value.trim() == "sha256" {
            return gix_index::hash::Kind::Sha256;
        }
    }
    gix_index::hash::Kind::Sha1
}

/// The beginning of a small file.
fn beginning(path: &Path, most: u64) -> Option<String> {
    if !path.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(most).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn from_index(path: &Path, hash: gix_index::hash::Kind) -> Option<Tracked> {
    let options = gix_index::decode::Options {
        thread_limit: Some(1),
        alloc_limit_bytes: Some(MAX_INDEX_BYTES),
        ..Default::default()
    };
    let file = gix_index::File::at(path, hash, true, options).ok()?;
    let (mut files, mut links) = (Vec::with_capacity(file.entries().len()), BTreeSet::new());
    let mut left_out = BTreeSet::new();
    let mut sparse = false;
    for entry in file.entries() {
        // A path that is not UTF-8 can't be written in a workflow either.
        let Ok(path) = std::str::from_utf8(entry.path(&file)) else { continue };
        if entry.flags.contains(Flags::SKIP_WORKTREE) {
            left_out.insert(path.to_owned());
        }
        match entry.mode {
            Mode::COMMIT => {}
            Mode::DIR => sparse = true,
            Mode::SYMLINK => {
                links.insert(path.to_owned());
                files.push(path.to_owned());
            }
            _ => files.push(path.to_owned()),
        }
    }
    let doubt = sparse.then_some(
        "the git index is sparse, so the files outside the checkout are unknown; `git \
         sparse-checkout reapply --no-sparse-index` lists them",
    );
    Some(Tracked { doubt, left_out, ..Tracked::new(files, links) })
}

fn from_folder(root: &Path) -> Tracked {
    let (mut files, mut links) = (Vec::new(), BTreeSet::new());
    let walk = WalkDir::new(root).follow_links(false).into_iter().filter_entry(|e| {
        e.depth() == 0 || !e.file_name().to_str().is_some_and(|n| NEVER_TRACKED.contains(&n))
    });
    for entry in walk.filter_map(Result::ok).filter(|e| !e.file_type().is_dir()).take(MAX_WALKED) {
        let Some(path) = entry.path().strip_prefix(root).ok().and_then(super::files::slashed)
        else {
            continue;
        };
        if entry.path_is_symlink() {
            links.insert(path.clone());
        }
        files.push(path);
    }
    Tracked::new(files, links)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn write(root: &Path, path: &str) {
        let file = root.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, "x").unwrap();
    }

    /// Else a key of many hashes would cost the product of its patterns and the files.
    #[test]
    fn one_search_finds_the_files_that_hold_some_letters() {
        let files: Vec<String> = (0..500).map(|i| format!("d{}/f{i}.py", i % 7)).collect();
        let tracked = Tracked::new(files.clone(), BTreeSet::new());
        for i in 0..500 {
            let letters = format!("f{i}.");
            let found: Vec<&str> = tracked.holding(&letters).map(|(_, file)| file).collect();
            assert_eq!(found, [format!("d{}/f{i}.py", i % 7)]);
        }
        assert_eq!(tracked.holding("").count(), 500);
        assert_eq!(tracked.holding("y").count(), 500);
        let places: Vec<Option<&str>> =
            tracked.holding("d3/").map(|(place, _)| tracked.at(place)).collect();
        assert!(places.iter().all(|file| file.is_some_and(|file| file.starts_with("d3/"))));
        assert_eq!(places.len(), files.iter().filter(|file| file.starts_with("d3/")).count());
        assert_eq!(Tracked::default().holding("").count(), 0);
    }

    #[test]
    fn the_index_decides_where_there_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for path in ["noxfile.py", "a/pyproject.toml", "ab/x", "untracked.txt"] {
            write(root, path);
        }
        let without = Tracked::read(root);
        assert!(without.contains("untracked.txt"));
        let git = |args: &[&str]| {
            assert!(Command::new("git").args(args).current_dir(root).status().unwrap().success())
        };
        git(&["init", "-q"]);
        std::fs::write(root.join(".git/index"), "no index").unwrap();
        assert!(Tracked::read(root).doubt().is_some());
        std::fs::remove_file(root.join(".git/index")).unwrap();
        git(&["add", "noxfile.py", "a", "ab"]);
        let tracked = Tracked::read(root);
        assert_eq!(tracked.doubt(), None);
        assert_eq!(tracked.iter().collect::<Vec<_>>(), ["a/pyproject.toml", "ab/x", "noxfile.py"]);
        assert_eq!(tracked.under("a"), ["a/pyproject.toml"]);
        assert!(tracked.has_folder("") && tracked.has_folder("a"));
        assert!(!tracked.has_folder("b") && !tracked.has_folder("noxfile.py"));
        assert!(!tracked.contains("untracked.txt"));
    }

    #[cfg(unix)]
    #[test]
    fn an_index_elsewhere_is_not_followed() {
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = folder.path();
        write(root, "noxfile.py");
        assert!(git(root, &["init", "-q"]) && git(root, &["add", "."]));
        write(root, "untracked.txt");
        let (index, other) = (root.join(".git/index"), outside.path().join("index"));
        std::fs::rename(&index, &other).unwrap();
        for target in [other.as_path(), Path::new("/dev/null"), Path::new("index")] {
            std::os::unix::fs::symlink(target, &index).unwrap();
            let tracked = Tracked::read(root);
            assert!(tracked.doubt().is_some() && tracked.contains("untracked.txt"), "{target:?}");
            std::fs::remove_file(&index).unwrap();
        }
        // Git itself may be elsewhere as a whole.
        std::fs::rename(&other, &index).unwrap();
        std::fs::rename(root.join(".git"), outside.path().join("git")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("git"), root.join(".git")).unwrap();
        let tracked = Tracked::read(root);
        assert!(tracked.doubt().is_none() && !tracked.contains("untracked.txt"));
    }

    /// Runs git in a folder, apart from the settings of whoever runs the tests.
    fn git(folder: &Path, args: &[&str]) -> bool {
        Command::new("git")
            .args(["-c", "user.name=x", "-c", "user.email=x@y.z"])
            .args(args)
            .current_dir(folder)
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap()
            .success()
    }

    #[test]
    fn an_index_of_sha256_names_is_read_also_in_a_worktree() {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().join("main");
        for path in ["noxfile.py", "a/pyproject.toml"] {
            write(&root, path);
        }
        assert!(git(&root, &["init", "-q", "--object-format=sha256"]));
        assert!(git(&root, &["add", "."]) && git(&root, &["commit", "-qm", "x"]));
        write(&root, "untracked.txt");
        assert!(git(&root, &["worktree", "add", "-q", "../other"]));
        for folder in [root, outer.path().join("other")] {
            let tracked = Tracked::read(&folder);
            assert_eq!(tracked.doubt(), None);
            assert_eq!(tracked.iter().collect::<Vec<_>>(), ["a/pyproject.toml", "noxfile.py"]);
        }
    }

    #[test]
    fn an_index_that_leaves_folders_out_is_in_doubt() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for path in ["noxfile.py", "a/x", "b/c/x"] {
            write(root, path);
        }
        assert!(git(root, &["init", "-q"]) && git(root, &["add", "."]));
        assert!(git(root, &["commit", "-qm", "x"]));
        // A sparse checkout alone leaves its files in the index.
        assert!(git(root, &["sparse-checkout", "set", "--cone", "a"]));
        let tracked = Tracked::read(root);
        assert!(!root.join("b").exists() && tracked.contains("b/c/x"));
        assert_eq!(tracked.doubt(), None);
        assert!(tracked.is_left_out("b/c/x") && !tracked.is_left_out("a/x"));
        // Whoever wants such a file learns why it can't be read.
        let files = crate::repo::files::RepoFiles::new(root);
        crate::tool::Files::read(&files, "b/c/x");
        crate::tool::Files::read(&files, "b/c/y");
        let unread = files.unread();
        assert!(unread.len() == 1 && unread[0].1.contains("sparse"), "{unread:?}");
        assert!(git(root, &["sparse-checkout", "reapply", "--sparse-index"]));
        let tracked = Tracked::read(root);
        assert!(tracked.doubt().is_some_and(|doubt| doubt.contains("--no-sparse-index")));
        assert_eq!(tracked.iter().collect::<Vec<_>>(), ["a/x", "noxfile.py"]);
    }
}
