//! Any text as a workflow under the fix: left alone, or changed with every promise kept.
//!
//! Inputs change as the mutants of `tests/mutate` do, so that they stay workflows for more than one
//! step.
#![no_main]

#[path = "../../tests/mutate/mod.rs"]
mod mutate;

use std::sync::Arc;

use cachelint::engine::fix_loop::repair;
use cachelint::config::Config;
use cachelint::repo::discover::{DiscoveredRepository, discover};
use cachelint::base::finding::Applicability;
use cachelint::engine::lint::Details;
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

const WORKFLOW: &str = ".github/workflows/ci.yml";
const NOXFILE: &str = include_str!("../../tests/fixtures/mutations/noxfile.py");

thread_local! {
    static PROJECT: (tempfile::TempDir, DiscoveredRepository) = project();
}

fn project() -> (tempfile::TempDir, DiscoveredRepository) {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, text) in [(WORKFLOW, ""), ("noxfile.py", NOXFILE), ("pyproject.toml", ""), (".git/config", "")] {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    let repository = discover(&[folder.path().to_owned()], None).repositories.remove(0);
    (folder, repository)
}

fuzz_target!(|bytes: &[u8]| {
    PROJECT.with(|(_, repository)| {
        let mut repository = repository.clone();
        repository.files[0].content = Some(Arc::from(bytes));
        for required in [Applicability::Safe, Applicability::Unsafe] {
            let repaired = repair(&repository, &Config::default(), Details::default(), required, false);
            repaired.changes.iter().for_each(mutate::promises::check);
        }
    });
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut random = mutate::random::Random::new(u64::from(seed));
    match std::str::from_utf8(&data[..size]) {
        Ok(text) if !random.once_in(4) => {
            let (mutant, _) = mutate::mutate(text, &mut random);
            let length = mutant.len().min(max_size);
            data[..length].copy_from_slice(&mutant.as_bytes()[..length]);
            length
        }
        _ => fuzzer_mutate(data, size, max_size),
    }
});
