//! A folder that isn't a repository, such as `~/src`, → the repositories in it.

use std::path::{Path, PathBuf};

use walkdir::WalkDir;

/// Deep enough for `host/owner/name` below a folder of checkouts.
const MAX_DEPTH: usize = 4;
/// A folder with more entries than this is not looked through to its end.
const MAX_ENTRIES: usize = 200_000;

/// The repositories below `folder`, sorted; those inside another one belong to that one.
pub fn repositories_below(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    let mut walk = WalkDir::new(folder)
        .follow_links(false)
        .max_depth(MAX_DEPTH)
        .sort_by_file_name()
        .into_iter();
    let mut entries = 0;
    while let Some(entry) = walk.next() {
        entries += 1;
        if entries > MAX_ENTRIES {
            break;
        }
        let Ok(entry) = entry else { continue };
        if !entry.file_type().is_dir() {
            continue;
        }
        let hidden = entry.file_name().to_string_lossy().starts_with('.') && entry.depth() > 0;
        if entry.path().join(".git").exists() {
            found.push(entry.path().to_owned());
            walk.skip_current_dir();
        } else if hidden || entry.file_name() == "node_modules" {
            walk.skip_current_dir();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_checkout_once_and_none_inside_another() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["a/.git", "a/sub/.git", "host/owner/b/.git", ".cache/c/.git", "d/x"] {
            std::fs::create_dir_all(folder.path().join(path)).unwrap();
        }
        let expected = ["a", "host/owner/b"].map(|path| folder.path().join(path));
        assert_eq!(repositories_below(folder.path()), expected);
    }
}
