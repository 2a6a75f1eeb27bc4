//! Caches broken in one known way each: every break is found, nothing else is, and a fix makes the
//! file clean again.
//!
//! The workflows under `fixtures/mutations` are made up. They first get their cache from the fix of
//! `missing-cache`; with a corpus of public workflows beside the repository, or in
//! `CACHELINT_CORPUS`, those are broken too.
//!
//! A break counts only where it is a flaw, which `facts` decides without any check: keys may be
//! shared by jobs that build the same, a call without `-r` reuses where the noxfile says so, and
//! what is pinned cannot be frozen. A plain run breaks few public repositories in few ways, with
//! `CACHELINT_WHOLE_CORPUS` most of them, and with `-- --ignored` beside it all in every way.

mod block;
mod breaks;
#[path = "../common/corpus.rs"]
mod corpus;
mod facts;
#[path = "../common/sample.rs"]
mod sample;
mod score;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use breaks::BREAKS;
use cachelint::base::finding::Applicability;
use rayon::prelude::*;
use score::Score;
use support::{Made, read_all, repair, rules};

/// Mutants that each check must have.
const LEAST: usize = 10;
/// A sample leaves out repositories of more files: every mutant is checked with all of them.
const SAMPLED_FILES: usize = 12;
/// A sample breaks a repository in at least one of so many ways, and the next one in others.
const SAMPLED_WAYS: usize = 4;
const PROJECT: [(&str, &str); 6] = [
    ("noxfile.py", include_str!("../fixtures/mutations/noxfile.py")),
    ("pyproject.toml", "[project]\nname = \"x\"\nversion = \"1\"\n"),
    ("requirements.txt", "ruff\n"),
    ("sub/noxfile.py", include_str!("../fixtures/mutations/noxfile.py")),
    ("sub/pyproject.toml", "[project]\nname = \"y\"\nversion = \"1\"\n"),
    ("sub/requirements.txt", "ruff\n"),
];

#[test]
fn made_up_workflows() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mutations");
    let mut names: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    names.sort();
    names.retain(|n| n.extension().is_some_and(|e| e == "yml"));
    // As pip installs, without restore keys, and as uv does, with them.
    let kinds = names.iter().flat_map(|name| [(name, ""), (name, "uv")]).collect::<Vec<_>>();
    let scores = kinds.par_iter().map(|(fixture, backend)| {
        let mut text = std::fs::read_to_string(fixture).unwrap();
        if !backend.is_empty() {
            let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
            text = format!("env:{end}  NOX_DEFAULT_VENV_BACKEND: {backend}{end}{text}");
        }
        let path = format!(".github/workflows/{}", fixture.file_name().unwrap().to_str().unwrap());
        let made = Made::new(PROJECT.into_iter().chain([(path.as_str(), text.as_str())]));
        let repository = made.discovered();
        let mut texts = read_all(&repository);
        let left = repair(&repository, &mut texts, Applicability::Safe);
        assert!(left.is_empty(), "{path}: {:?}\n{}", rules(&left), texts[&path]);
        let mut score = Score::of(&path);
        score.break_files(&repository, &texts, [path.as_str()], |_| true, usize::MAX);
        score
    });
    scores.reduce(Score::default, Score::add).assert(LEAST);
}

/// A repository of the corpus: its files, and empty ones for those that it only names.
fn stored(folder: &Path) -> Option<Made> {
    let named = std::fs::read_to_string(folder.join("FILES.txt")).ok()?;
    let mut files: BTreeMap<String, String> = named
        .lines()
        .skip(1)
        .filter(|l| !l.is_empty() && !l.contains(".."))
        .map(|l| (l.to_owned(), String::new()))
        .collect();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).ok()?.filter_map(Result::ok) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if let (Ok(relative), Ok(text)) =
                (path.strip_prefix(folder), std::fs::read_to_string(&path))
            {
                files.insert(relative.to_str()?.to_owned(), text);
            }
        }
    }
    files.remove("FILES.txt");
    Some(Made::new(files.iter().map(|(path, text)| (path.as_str(), text.as_str()))))
}

/// Breaks what is clean after the fixes; of a sample, each repository in some of the ways only,
/// once for each check.
fn break_corpus(sample: bool) -> Option<Score> {
    let folders = sample::repositories();
    if folders.is_empty() {
        return None;
    }
    let scores = folders.par_iter().enumerate().filter_map(|(position, folder)| {
        let made = stored(folder)?;
        let repository = made.discovered();
        if sample && repository.files.len() > SAMPLED_FILES {
            return None;
        }
        let mut texts = read_all(&repository);
        let left = repair(&repository, &mut texts, Applicability::Safe);
        let unclean: Vec<&str> = left.iter().map(|f| f.primary.path.as_str()).collect();
        let paths = texts.keys().map(String::as_str).filter(|path| !unclean.contains(path));
        let mut score = Score::of(folder.file_name()?.to_str()?);
        let wanted = |way: usize| !sample || is_sampled(position, way);
        score.break_files(&repository, &texts, paths, wanted, if sample { 1 } else { usize::MAX });
        Some(score)
    });
    Some(scores.reduce(Score::default, Score::add))
}

/// Whether the repository at `position` is broken in this way; checks with few ways are broken so
/// in more repositories.
fn is_sampled(position: usize, way: usize) -> bool {
    let ways = BREAKS.iter().filter(|b| b.rule == BREAKS[way].rule).count();
    (position + way).is_multiple_of((ways + 1).min(SAMPLED_WAYS))
}

#[test]
fn public_workflows() {
    if let Some(score) = break_corpus(true) {
        score.assert(if sample::takes_all() { LEAST } else { 0 });
    }
}

/// Every break of every step of every file that is clean.
#[test]
#[ignore = "takes minutes"]
fn all_public_workflows() {
    if let Some(score) = break_corpus(false) {
        score.assert(LEAST);
    }
}
