//! Which of the labelled public repositories the broad runs take.

use std::path::PathBuf;

/// A plain `cargo test` takes one repository in so many.
const ONE_IN: usize = 10;

/// All repositories are asked for, as `.ci/run` does.
pub fn takes_all() -> bool {
    std::env::var_os("CACHELINT_WHOLE_CORPUS").is_some()
}

/// The folders of the repositories, by name: a fixed sample, or all of them.
pub fn repositories() -> Vec<PathBuf> {
    let Some(corpus) = crate::corpus::corpus() else { return Vec::new() };
    let entries = std::fs::read_dir(corpus.join("repos")).unwrap();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders.into_iter().step_by(if takes_all() { 1 } else { ONE_IN }).collect()
}
