//! Mutants of workflows under the fix: it leaves them alone, or keeps every promise.
//!
//! A mutant is known by its number alone. `MUTANTS=20000` says how many to try, `FIRST_MUTANT=7`
//! with which to begin, and `MUTANT_TRIPLES=FILE` writes what each round of fixes did: old text,
//! new text, declared change. `CACHELINT_WHOLE_CORPUS` takes all public workflows, not a sample;
//! then the same number is another mutant.

#[path = "../common/corpus.rs"]
mod corpus;
#[path = "../mutate/mod.rs"]
mod mutate;
#[path = "../common/sample.rs"]
mod sample;
mod seeds;
mod settings;
mod triples;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cachelint::base::finding::{Applicability, Finding, Problem};
use cachelint::config::Config;
use cachelint::engine::fix_loop::{FileChange, Repaired, checked, repair};
use cachelint::engine::lint::Details;
use cachelint::fix::LEFT_TO_USER;
use rayon::prelude::*;

use mutate::promises;
use mutate::random::Random;
use seeds::{Seed, Seeds};

/// So many where nobody asks for more: each sampled workflow as it is, and some mutants.
const FEW: u64 = 250;
/// So many that broke a promise are shown.
const SHOWN: usize = 5;

/// A mutant and what the fix did to it.
struct Tried {
    ways: Vec<&'static str>,
    readable: bool,
    changes: Vec<FileChange>,
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .map_or(default, |n| n.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

/// The rules broken in each job, but for what the settings leave to the user.
fn said(findings: &[Finding]) -> BTreeSet<(&str, &str, &str)> {
    let left = |f: &Finding| f.no_fix_reason.as_deref() == Some(LEFT_TO_USER);
    let counts = findings.iter().filter(|f| f.withheld.is_none() && !left(f));
    counts.map(|f| (f.primary.path.as_str(), f.job.as_str(), f.rule)).collect()
}

fn places(problems: &[Problem]) -> BTreeSet<(&Path, &str)> {
    problems.iter().map(|p| (p.path.as_path(), p.message.as_str())).collect()
}

/// The text of a mutant, which replaces its seed: unchanged for the first mutants, so that every seed
/// is tried as it is.
fn mutant(seeds: &Seeds, number: u64) -> (usize, String, Vec<&'static str>) {
    let count = seeds.seeds.len();
    if let Some(at) = usize::try_from(number).ok().filter(|at| *at < count) {
        return (at, seeds.seeds[at].text.clone(), Vec::new());
    }
    let mut random = Random::new(number);
    let at = random.below(count);
    // Cache steps that are right are there to be broken.
    let text = if random.once_in(2) { &seeds.seeds[at].fixed } else { &seeds.seeds[at].text };
    let (text, ways) = mutate::mutate(text, &mut random);
    (at, text, ways)
}

/// Fixes a mutant; panics where a promise is broken.
fn attempt(seeds: &Seeds, number: u64) -> Tried {
    let (at, text, ways) = mutant(seeds, number);
    let required =
        if number.is_multiple_of(2) { Applicability::Safe } else { Applicability::Unsafe };
    let settings = settings::of(number, seeds.seeds.len());
    Tried { ways, ..fixed(&seeds.seeds[at], &text, required, &settings) }
}

/// Fixes a text in place of a seed's; panics where a promise is broken.
fn fixed(seed: &Seed, text: &str, required: Applicability, settings: &Config) -> Tried {
    let mut repository = seed.repository.clone();
    for file in repository.files.iter_mut().filter(|file| file.relative == seed.path) {
        file.content = Some(Arc::from(text.as_bytes()));
    }
    let first = checked(&repository.root, &repository.files, settings, Details::default());
    let Repaired { outcome: left, changes, .. } =
        repair(&repository, settings, Details::default(), required, false);
    changes.iter().for_each(promises::check);

    assert_eq!(
        places(&left.problems),
        places(&first.problems),
        "a fix neither makes nor hides problems"
    );
    let (before, after) = (said(&first.findings), said(&left.findings));
    assert!(
        after.is_subset(&before),
        "new findings: {:?}",
        after.difference(&before).collect::<Vec<_>>()
    );
    let fixable = |f: &&Finding| {
        f.withheld.is_none() && f.fix.as_ref().is_some_and(|x| x.applicability >= required)
    };
    assert_eq!(left.findings.iter().filter(fixable).count(), 0, "a second run would fix more");
    let path = repository.root.join(&seed.path);
    Tried { ways: Vec::new(), readable: first.problems.iter().all(|p| p.path != path), changes }
}

#[test]
fn mutants_are_left_alone_or_fixed_as_promised() {
    let first = number("FIRST_MUTANT", 0);
    let numbers = first..first + number("MUTANTS", FEW);
    let seeds = Seeds::read();
    let tried: Vec<(u64, Result<Tried, String>)> = numbers
        .into_par_iter()
        .map(|number| {
            let tried = catch_unwind(AssertUnwindSafe(|| attempt(&seeds, number)));
            (number, tried.map_err(|panic| said_by(panic.as_ref())))
        })
        .collect();

    let mut ways: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut readable, mut fixed) = (0, 0);
    for tried in tried.iter().filter_map(|(_, tried)| tried.as_ref().ok()) {
        tried.ways.iter().for_each(|way| *ways.entry(way).or_default() += 1);
        readable += usize::from(tried.readable);
        fixed += usize::from(!tried.changes.is_empty());
    }
    let broken: Vec<_> =
        tried.iter().filter_map(|(n, tried)| tried.as_ref().err().map(|e| (n, e))).collect();
    println!(
        "{} mutants of {} workflows: {readable} readable, {fixed} fixed, {} broken promises; each way: {ways:?}",
        tried.len(),
        seeds.seeds.len(),
        broken.len()
    );
    if let Some(path) = std::env::var_os("MUTANT_TRIPLES").map(PathBuf::from) {
        let rounds = tried
            .iter()
            .filter_map(|(n, tried)| tried.as_ref().ok().map(|t| (*n, t.changes.as_slice())));
        triples::write(&path, rounds);
    }
    for (number, reason) in broken.iter().take(SHOWN) {
        let (at, text, ways) = mutant(&seeds, **number);
        let settings = settings::of(**number, seeds.seeds.len());
        let path = &seeds.seeds[at].path;
        eprintln!("mutant {number} of {path}: {ways:?}\n{settings:?}\n{reason}\n{text}\n");
    }
    assert!(
        broken.is_empty(),
        "mutants with broken promises: {:?}",
        broken.iter().map(|(n, _)| n).collect::<Vec<_>>()
    );
    assert!(readable > 0 && fixed > 0, "nothing was put to the test");
}

/// The changes that a fuzzer needed to break a promise, or a check of one.
#[test]
fn texts_found_by_fuzzing_keep_the_promises() {
    let seeds = Seeds::simple();
    let job = "on: push\njobs:\n  t:\n    runs-on: ubuntu-latest\n    steps: [{run: pytest}]\n";
    let unused = "# cachelint: ignore[nox/missing-cache] reason";
    let crlf = format!("{job}{unused}").replace('\n', "\r\n");
    for (text, changes) in [
        // The blank line before an unused comment on an open last line becomes the last one.
        (format!("{job}\n\n{unused}"), 1),
        // The file has nothing else.
        (format!(" {unused} \n"), 1),
        // The line break before that comment is two bytes.
        (crlf, 1),
        // The byte order mark after that comment would become the file's own.
        (format!("{unused}\n\u{feff}{job}"), 0),
    ] {
        for required in [Applicability::Safe, Applicability::Unsafe] {
            let tried = fixed(&seeds.seeds[0], &text, required, &Config::default());
            assert_eq!(tried.changes.len(), changes, "{text:?}");
        }
    }
}

/// What a panic said.
fn said_by(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned())).unwrap_or_default()
}
