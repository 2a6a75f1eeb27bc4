//! Repositories made for a test, checked and repaired without writing.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use cachelint::base::finding::{Applicability, Finding, Fix};
use cachelint::config::Config;
use cachelint::edit::apply::{apply, combine};
use cachelint::edit::verify::verify;
use cachelint::engine::lint::{Details, Outcome, lint};
use cachelint::repo::discover::{DiscoveredRepository, discover};
use tempfile::TempDir;

/// More rounds of fixes than this mean that they do not come to an end.
const MAX_ROUNDS: usize = 10;

/// A repository whose files are all tracked, for want of an index.
pub struct Made {
    pub folder: TempDir,
}

impl Made {
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(".git")).unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self { folder }
    }

    pub fn discovered(&self) -> DiscoveredRepository {
        let mut found = discover(&[self.folder.path().to_owned()], None);
        assert!(found.problems.is_empty(), "{:?}", found.problems);
        found.repositories.remove(0)
    }
}

/// What is found when `texts` stand for the files of the repository.
pub fn check(repository: &DiscoveredRepository, texts: &BTreeMap<String, String>) -> Outcome {
    let mut files = repository.files.clone();
    for file in &mut files {
        file.content = texts.get(&file.relative).map(|t| Arc::from(t.as_bytes()));
    }
    lint(&repository.root, &files, &Config::default(), Details::default())
}

/// Applies every fix that is at least `required`, until there is none; proves each.
pub fn repair(
    repository: &DiscoveredRepository,
    texts: &mut BTreeMap<String, String>,
    required: Applicability,
) -> Vec<Finding> {
    repair_from(check(repository, texts), repository, texts, required)
}

/// The same, where `texts` have been checked already.
pub fn repair_from(
    mut outcome: Outcome,
    repository: &DiscoveredRepository,
    texts: &mut BTreeMap<String, String>,
    required: Applicability,
) -> Vec<Finding> {
    for _ in 0..MAX_ROUNDS {
        let mut by_file: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        let fixes = outcome
            .findings
            .iter()
            .filter_map(|f| f.fix.as_ref())
            .filter(|f| f.applicability >= required);
        // Like the program: what cannot be proved is not applied.
        let proved = |fix: &&Fix| {
            let old = &outcome.texts[&fix.path];
            verify(old.as_str(), &apply(old.as_str(), &fix.edits).unwrap(), &fix.changes).is_ok()
        };
        for fix in fixes.filter(proved) {
            by_file.entry(&fix.path).or_default().push(fix);
        }
        if by_file.is_empty() {
            return outcome.findings;
        }
        for (path, fixes) in by_file {
            let old = &outcome.texts[path];
            let combined = combine(&fixes);
            let new = apply(old.as_str(), &combined.edits).unwrap();
            if let Err(error) = verify(old.as_str(), &new, &combined.changes) {
                panic!("{path}: {error}\n{new}");
            }
            texts.insert(path.to_owned(), String::from_utf8(old.encode(&new)).unwrap());
        }
        outcome = check(repository, texts);
    }
    panic!("fixes do not come to an end: {texts:?}");
}

/// The rules of findings, sorted.
pub fn rules(findings: &[Finding]) -> Vec<&'static str> {
    let mut rules: Vec<&str> = findings.iter().map(|f| f.rule).collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

/// The workflow and action files below `root`, as they are.
pub fn read_all(repository: &DiscoveredRepository) -> BTreeMap<String, String> {
    let read = |path: &Path| std::fs::read_to_string(path).ok();
    repository.files.iter().filter_map(|f| Some((f.relative.clone(), read(&f.path)?))).collect()
}
