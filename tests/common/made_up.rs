//! A made-up repository on disk, and cachelint run in it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A folder with a `.git` and these files; without an index, all of them count as tracked.
pub fn repository<'a, C: AsRef<[u8]> + 'a>(
    files: impl IntoIterator<Item = &'a (&'a str, C)>,
) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(".git")).unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

/// The binary in an environment without variables.
pub fn run(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cachelint"));
    command.env_clear().current_dir(folder).args(args).output().unwrap()
}
