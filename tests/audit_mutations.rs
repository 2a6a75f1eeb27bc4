//! Caches broken in one known way each: every break is found, nothing else is, and a fix makes the workflow clean again.
//!
//! The workflows under `fixtures/mutations` are made up. They first get their cache from the fix of `missing-cache`;
//! with a corpus of public workflows beside the repository, or in `CACHELINT_CORPUS`, those are broken too.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cachelint::discover::Repository;
use cachelint::finding::Applicability;
use support::{Made, check, read_all, repair, rules};

/// Share of mutants that must be found, have no other finding, and be repaired.
const SHARE: f64 = 0.98;
/// Repositories of more files are not broken: every mutant is checked with all of them.
const MAX_FILES: usize = 3;
/// Whether these breaks are flaws depends on what the jobs of a workflow build, which differs among public ones.
const SOMETIMES: [&str; 4] =
    ["nox/frozen-dependencies", "nox/stale-install", "nox/cache-not-reused", "nox/key-collision"];
const PROJECT: [(&str, &str); 6] = [
    ("noxfile.py", include_str!("fixtures/mutations/noxfile.py")),
    ("pyproject.toml", "[project]\nname = \"x\"\nversion = \"1\"\n"),
    ("requirements.txt", "ruff\n"),
    ("sub/noxfile.py", include_str!("fixtures/mutations/noxfile.py")),
    ("sub/pyproject.toml", "[project]\nname = \"y\"\nversion = \"1\"\n"),
    ("sub/requirements.txt", "ruff\n"),
];

/// The lines of an inserted cache step, among those of its file.
struct Block<'a> {
    lines: &'a [String],
    start: usize,
    end: usize,
}

/// A way to break a cache: the check that must find it, others that rightly speak of the same break, and the new lines;
/// nothing where it does not apply.
type Mutation = (&'static str, &'static [&'static str], fn(&Block<'_>) -> Option<Vec<String>>);

const NONE: &[&str] = &[];
const MUTATIONS: &[Mutation] = &[
    ("nox/retired-cache-action", NONE, |b| b.reference("v1")),
    ("nox/retired-cache-action", NONE, |b| b.reference("v2.1.7")),
    ("nox/retired-cache-action", NONE, |b| b.reference("v3.3.3")),
    ("nox/retired-cache-action", NONE, |b| b.reference("v4.1.2")),
    ("nox/cache-after-run", NONE, |b| b.moved(b.list_end())),
    ("nox/cache-before-checkout", NONE, |b| b.moved(b.list_start())),
    ("nox/wrong-path", NONE, |b| b.path(|p| format!("elsewhere/{p}"))),
    ("nox/wrong-path", NONE, |b| b.path(|p| format!("./old/{p}"))),
    ("nox/cache-not-reused", NONE, |b| b.calls("")),
    ("nox/invalid-key", NONE, |b| b.both(|k| k.replacen("nox-", "nox,", 1), |r| r.replacen("nox-", "nox,", 1))),
    ("nox/invalid-key", NONE, |b| {
        b.both(|k| format!("{}{k}", "long".repeat(130)), |r| format!("{}{r}", "long".repeat(130)))
    }),
    ("nox/invalid-key", NONE, |b| b.restore(|r| vec![r.to_owned(); 10])),
    ("nox/constant-key", NONE, |b| b.both(without_hashes, without_hashes)),
    ("nox/constant-key", NONE, |b| b.both(misspelt, misspelt)),
    ("nox/key-collision", &["nox/interpreter-not-in-key"], |b| {
        b.of_legs(|t| expressions(t, |e| e.contains("hashFiles")))
    }),
    ("nox/key-collision", &["nox/interpreter-not-in-key"], |b| {
        b.of_legs(|t| expressions(t, |e| e.contains("hashFiles")).replacen("nox-", "nox-all-", 1))
    }),
    ("nox/key-collision", NONE, |b| b.of_jobs(|t| t.replace("${{ github.job }}-", ""))),
    ("nox/key-collision", NONE, |b| b.of_jobs(|t| t.replace("${{ github.job }}", "all"))),
    ("nox/interpreter-not-in-key", NONE, |b| b.everywhere("${{ env.pythonLocation }}-", "")),
    ("nox/interpreter-not-in-key", NONE, |b| b.everywhere("${{ env.pythonLocation }}", "py3.12")),
    ("nox/interpreter-not-in-key", NONE, |b| b.restore_cut("${{ env.pythonLocation }}")),
    ("nox/interpreter-not-in-key", NONE, |b| b.restore_cut("${{ hashFiles(")),
    ("nox/restore-keys-mismatch", NONE, |b| b.restore(|r| vec![format!("- {r}")])),
    ("nox/restore-keys-mismatch", NONE, |b| b.restore(|r| vec![r.replacen("nox-", "cache-", 1)])),
    ("nox/restore-keys-mismatch", NONE, |b| b.restore(|r| vec![r.to_owned(), "old-nox-".to_owned()])),
    ("nox/missing-restore-keys", NONE, |b| b.without_restore()),
    ("nox/stale-install", NONE, |b| b.calls(" -R")),
    ("nox/frozen-dependencies", NONE, |b| b.both(without_definition, without_definition)),
];

impl Block<'_> {
    fn find(lines: &[String], from: usize) -> Option<Block<'_>> {
        let uses =
            (from..lines.len()).find(|i| lines[*i].contains("uses: ") && lines[*i].contains("actions/cache@"))?;
        let start = (0..=uses).rev().find(|i| lines[*i].trim_start().starts_with("- "))?;
        let indent = indent_of(&lines[start]);
        let end = (start + 1..lines.len()).find(|i| !lines[*i].trim().is_empty() && indent_of(&lines[*i]) <= indent);
        let end = end.unwrap_or(lines.len());
        let ours = lines[start..end].iter().any(|l| l.contains("key: nox-${{ github.job }}"));
        if ours { Some(Block { lines, start, end }) } else { Block::find(lines, uses + 1) }
    }

    /// Every line of the step changed by `change`; nothing where it changes none.
    fn each(&self, change: impl Fn(&str) -> Vec<String>) -> Option<Vec<String>> {
        let mut new = self.lines[..self.start].to_vec();
        self.lines[self.start..self.end].iter().for_each(|l| new.extend(change(l)));
        new.extend_from_slice(&self.lines[self.end..]);
        (new != self.lines).then_some(new)
    }

    fn reference(&self, reference: &str) -> Option<Vec<String>> {
        self.each(|line| match line.split_once("actions/cache@") {
            Some((before, _)) => vec![format!("{before}actions/cache@{reference}")],
            None => vec![line.to_owned()],
        })
    }

    fn list_start(&self) -> Option<usize> {
        let indent = indent_of(&self.lines[self.start]);
        let steps = (0..self.start).rev().find(|i| self.lines[*i].trim_end().ends_with("steps:"))?;
        let first = steps + 1;
        let checks_out = self.lines[first..self.start].iter().any(|l| l.contains("actions/checkout@"));
        (checks_out && indent_of(&self.lines[first]) == indent).then_some(first)
    }

    fn list_end(&self) -> Option<usize> {
        let indent = indent_of(&self.lines[self.start]);
        let beyond = |i: &usize| !self.lines[*i].trim().is_empty() && indent_of(&self.lines[*i]) < indent;
        let end = (self.end..self.lines.len()).find(beyond).unwrap_or(self.lines.len());
        Some((self.end..end).rev().find(|i| !self.lines[*i].trim().is_empty())? + 1)
    }

    fn moved(&self, to: Option<usize>) -> Option<Vec<String>> {
        let to = to?;
        let step = self.lines[self.start..self.end].to_vec();
        let mut new = self.lines.to_vec();
        if to > self.start {
            new.splice(to..to, step);
            new.drain(self.start..self.end);
        } else {
            new.drain(self.start..self.end);
            new.splice(to..to, step);
        }
        Some(new)
    }

    fn path(&self, change: impl Fn(&str) -> String) -> Option<Vec<String>> {
        self.each(|line| match line.split_once("path: ") {
            Some((before, path)) if path != "|" => vec![format!("{before}path: {}", change(path))],
            _ => vec![line.to_owned()],
        })
    }

    fn key(&self, change: impl Fn(&str) -> String) -> Option<Vec<String>> {
        self.each(|line| match line.split_once("key: ") {
            Some((before, key)) if before.trim().is_empty() => vec![format!("{before}key: {}", change(key))],
            _ => vec![line.to_owned()],
        })
    }

    fn is_restore(line: &str) -> bool {
        line.trim_start().starts_with("nox-${{")
    }

    fn restore(&self, change: impl Fn(&str) -> Vec<String>) -> Option<Vec<String>> {
        self.each(|line| {
            if !Self::is_restore(line) {
                return vec![line.to_owned()];
            }
            let (indent, text) = line.split_at(indent_of(line));
            change(text).into_iter().map(|l| format!("{indent}{l}")).collect()
        })
    }

    /// The key and the restore key; only where there is one.
    fn both(&self, key: impl Fn(&str) -> String, restore: impl Fn(&str) -> String) -> Option<Vec<String>> {
        let lines = self.restore(|r| vec![restore(r)])?;
        Block { lines: &lines, start: self.start, end: self.end }.key(key)
    }

    fn everywhere(&self, old: &str, new: &str) -> Option<Vec<String>> {
        self.each(|line| vec![line.replace(old, new)])
    }

    /// In a job with a matrix.
    fn of_legs(&self, change: impl Fn(&str) -> String) -> Option<Vec<String>> {
        let has_matrix = self.lines.iter().any(|l| l.trim() == "matrix:");
        let one_job = self.lines.iter().filter(|l| l.contains("runs-on:")).count() == 1;
        (has_matrix && one_job).then(|| self.all_blocks(change))?
    }

    /// In a file with several cached jobs.
    fn of_jobs(&self, change: impl Fn(&str) -> String) -> Option<Vec<String>> {
        let caches = self.lines.iter().filter(|l| l.contains("key: nox-")).count();
        (caches > 1).then(|| self.all_blocks(change))?
    }

    /// In every cache step of the file.
    fn all_blocks(&self, change: impl Fn(&str) -> String) -> Option<Vec<String>> {
        let cached = |l: &String| l.contains("key: nox-") || Self::is_restore(l);
        let new: Vec<String> = self.lines.iter().map(|l| if cached(l) { change(l) } else { l.clone() }).collect();
        (new != self.lines).then_some(new)
    }

    fn restore_cut(&self, at: &str) -> Option<Vec<String>> {
        self.restore(|r| vec![r.find(at).map_or(r, |cut| &r[..cut]).to_owned()])
    }

    fn without_restore(&self) -> Option<Vec<String>> {
        self.each(|l| if Self::is_restore(l) || l.contains("restore-keys:") { vec![] } else { vec![l.to_owned()] })
    }

    /// `nox -r` after the step, up to the end of its job, becomes `nox` with `flag`.
    fn calls(&self, flag: &str) -> Option<Vec<String>> {
        let end = self.list_end()?;
        let mut new = self.lines.to_vec();
        new[self.end..end].iter_mut().for_each(|l| *l = l.replace("nox -r", &format!("nox{flag}")));
        (new != self.lines).then_some(new)
    }
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn expressions(text: &str, keep: impl Fn(&str) -> bool) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${{") {
        let end = rest[at..].find("}}").map_or(rest.len(), |e| at + e + 2);
        out.push_str(&rest[..at]);
        if keep(&rest[at..end]) {
            out.push_str(&rest[at..end]);
            rest = &rest[end..];
        } else {
            rest = rest[end..].strip_prefix('-').unwrap_or(&rest[end..]);
        }
    }
    out.push_str(rest);
    out
}

fn without_hashes(text: &str) -> String {
    expressions(text, |e| !e.contains("hashFiles"))
}

/// The hash of what defines the job is gone, the one of what is installed stays.
fn without_definition(text: &str) -> String {
    expressions(text, |e| !e.contains("noxfile.py"))
}

/// Every hashed file under a name that no file has.
fn misspelt(text: &str) -> String {
    text.replace("',", ".gone',").replace("')", ".gone')")
}

#[derive(Default)]
struct Score {
    /// Only breaks that are flaws in every workflow.
    always_only: bool,
    /// What was found before the break.
    before: Vec<&'static str>,
    mutants: usize,
    found: usize,
    /// Findings of other checks.
    wrong: usize,
    repairable: usize,
    repaired: usize,
    by_check: BTreeMap<&'static str, usize>,
    misses: Vec<String>,
}

impl Score {
    /// Breaks the cache steps of one repaired file in every way.
    fn break_file(&mut self, repository: &Repository, clean: &BTreeMap<String, String>, path: &str) {
        let text = &clean[path];
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let lines: Vec<String> = text.split(newline).map(str::to_owned).collect();
        let Some(block) = Block::find(&lines, 0) else { return };
        self.before = rules(&check(repository, clean).findings);
        for (number, (rule, also, mutate)) in MUTATIONS.iter().enumerate() {
            if self.always_only && SOMETIMES.contains(rule) {
                continue;
            }
            let Some(mutant) = mutate(&block) else { continue };
            let mut texts = clean.clone();
            texts.insert(path.to_owned(), mutant.join(newline));
            self.judge(repository, &mut texts, rule, also, &format!("{path} #{number}"));
        }
    }

    fn judge(
        &mut self,
        repository: &Repository,
        texts: &mut BTreeMap<String, String>,
        rule: &'static str,
        also: &[&str],
        name: &str,
    ) {
        let before = check(repository, texts);
        let found = rules(&before.findings);
        self.mutants += 1;
        *self.by_check.entry(rule).or_default() += 1;
        if found.contains(&rule) {
            self.found += 1;
        } else {
            self.misses.push(format!("{name} {rule} not found, but {found:?}"));
        }
        let others: Vec<_> =
            found.iter().filter(|r| **r != rule && !also.contains(r) && !self.before.contains(r)).collect();
        if !others.is_empty() {
            self.wrong += 1;
            self.misses.push(format!("{name} {rule} and also {others:?}"));
        }
        if before.findings.iter().all(|f| f.fix.is_none()) && rule == "nox/stale-install" {
            return;
        }
        self.repairable += 1;
        let left = repair(repository, texts, Applicability::Unsafe);
        if left.iter().all(|f| self.before.contains(&f.rule)) {
            self.repaired += 1;
        } else {
            let why: Vec<_> = left.iter().map(|f| (f.rule, f.no_fix_reason.as_deref())).collect();
            self.misses.push(format!("{name} {rule} left {why:?}"));
        }
    }

    fn assert(&self, least: usize) {
        let share = |part: usize, of: usize| part as f64 / of.max(1) as f64;
        println!(
            "{} mutants: {} found, {} with another finding, {} of {} repaired {:?}",
            self.mutants, self.found, self.wrong, self.repaired, self.repairable, self.by_check
        );
        let told = self.misses.join("\n");
        assert!(self.mutants >= least, "{} mutants", self.mutants);
        assert!(share(self.found, self.mutants) >= SHARE, "{told}");
        assert!(share(self.mutants - self.wrong, self.mutants) >= SHARE, "{told}");
        assert!(share(self.repaired, self.repairable) >= SHARE, "{told}");
    }
}

#[test]
fn made_up_workflows() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mutations");
    let mut score = Score::default();
    let mut names: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    names.sort();
    for fixture in names.iter().filter(|n| n.extension().is_some_and(|e| e == "yml")) {
        let text = std::fs::read_to_string(fixture).unwrap();
        let path = format!(".github/workflows/{}", fixture.file_name().unwrap().to_str().unwrap());
        let made = Made::new(PROJECT.into_iter().chain([(path.as_str(), text.as_str())]));
        let repository = made.discovered();
        let mut texts = read_all(&repository);
        let left = repair(&repository, &mut texts, Applicability::Safe);
        assert!(left.is_empty(), "{path}: {:?}\n{}", rules(&left), texts[&path]);
        score.break_file(&repository, &texts, &path);
    }
    score.assert(200);
    for (rule, ..) in MUTATIONS {
        assert!(score.by_check.get(rule).is_some_and(|n| *n >= 10), "{rule}: {:?}", score.by_check.get(rule));
    }
}

/// The corpus of public workflows, where there is one.
fn corpus() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let folder = std::env::var_os("CACHELINT_CORPUS").map_or(beside, PathBuf::from).join("repos");
    folder.is_dir().then_some(folder)
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
            } else if let (Ok(relative), Ok(text)) = (path.strip_prefix(folder), std::fs::read_to_string(&path)) {
                files.insert(relative.to_str()?.to_owned(), text);
            }
        }
    }
    files.remove("FILES.txt");
    Some(Made::new(files.iter().map(|(path, text)| (path.as_str(), text.as_str()))))
}

#[test]
fn public_workflows() {
    let Some(corpus) = corpus() else { return };
    let mut folders: Vec<PathBuf> = std::fs::read_dir(corpus).unwrap().map(|e| e.unwrap().path()).collect();
    folders.sort();
    let mut score = Score { always_only: true, ..Score::default() };
    for folder in folders {
        let Some(made) = stored(&folder) else { continue };
        let repository = made.discovered();
        let mut texts = read_all(&repository);
        let left = repair(&repository, &mut texts, Applicability::Safe);
        let unclean: Vec<&str> = left.iter().map(|f| f.primary.path.as_str()).collect();
        let paths: Vec<String> = texts.keys().filter(|path| !unclean.contains(&path.as_str())).cloned().collect();
        // One file each of the smaller repositories: all together take minutes.
        let broken = paths.iter().filter(|_| repository.files.len() <= MAX_FILES);
        let mut broken = broken.filter(|path| texts[*path].contains("key: nox-${{ github.job }}"));
        if let Some(path) = broken.next() {
            score.break_file(&repository, &texts, path);
        }
    }
    score.assert(200);
}
