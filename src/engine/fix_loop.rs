//! The fix loop: check, apply what is proved, check again until nothing is left to apply, then
//! write.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use crate::base::finding::{self, Applicability, Edit, Finding, Fix, FixDetails, Problem};
use crate::base::text::Text;
use crate::config::Config;
use crate::edit::apply::{EditError, apply, combine};
use crate::edit::verify::{Old, VerifyError};
use crate::edit::write;
use crate::engine::lint::{Details, Outcome, lint};
use crate::engine::suppress::add::{Wanted, ignore_instead};
use crate::fix::LEFT_TO_USER;
use crate::repo::discover::{Discovered, DiscoveredRepository};

/// A fix may uncover another; more rounds than this mean that two undo each other.
const MAX_ROUNDS: usize = 10;
/// Proofs for one file at one time: only fixes that touch each other need more than one.
const MAX_PROOFS: usize = 200;

/// A file that fixes change, BOM included.
#[derive(Debug, Clone)]
pub struct FileChange {
    /// Relative to the root.
    pub relative: String,
    pub before: String,
    pub after: String,
    /// The text came from standard input and is not written to a file.
    pub stdin: bool,
    /// The way from `before` to `after`, never empty.
    pub rounds: Vec<Round>,
}

/// What was done to a file at once, and proved.
#[derive(Debug, Clone)]
pub struct Round {
    /// The whole file after this round, BOM included.
    pub after: String,
    /// Offsets into the text before this round, without BOM.
    pub edits: Vec<Edit>,
    pub declared: Vec<finding::Change>,
    /// How many fixes went together.
    pub fixes: usize,
    /// What was put right by them.
    pub done: Vec<Done>,
}

/// A finding whose fix was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Id of the check.
    pub rule: &'static str,
    pub job: String,
    /// What the fix did, as an imperative title.
    pub message: String,
    pub details: FixDetails,
}

impl Done {
    fn of(finding: &Finding) -> Self {
        let message = finding.fix.as_ref().map_or_else(String::new, |fix| fix.message.clone());
        let details = FixDetails::of(finding);
        Self { rule: finding.rule, job: finding.job.clone(), message, details }
    }
}

#[derive(Debug, Default)]
pub struct Repaired {
    /// What is left after the fixes.
    pub outcome: Outcome,
    pub changes: Vec<FileChange>,
    /// How many fixes were applied.
    pub applied: usize,
    /// What was found before any fix, where fixes are not written.
    pub on_disk: Option<Outcome>,
}

impl Repaired {
    /// What is left, in the text that is on disk: what no fix puts right.
    pub fn left(&mut self) -> Outcome {
        let after = std::mem::take(&mut self.outcome);
        let Some(mut before) = self.on_disk.take() else { return after };
        let left: HashSet<Subject<'_>> = after.findings.iter().map(subject).collect();
        before.findings.retain(|old| left.contains(&subject(old)));
        before.problems = after.problems;
        before
    }
}

/// What a finding asks, of which job of which file.
type Subject<'f> = (&'static str, &'f str, &'f str);

fn subject(finding: &Finding) -> Subject<'_> {
    (finding.rule, &finding.job, &finding.primary.path)
}

/// Checks `files`; every fix in the outcome is proved, others are replaced by the reason.
pub fn checked(root: &Path, files: &[Discovered], config: &Config, details: Details) -> Outcome {
    let mut outcome = lint(root, files, config, details);
    prove_all(&mut outcome);
    outcome
}

/// Replaces each fix that cannot be proved by the reason.
fn prove_all(outcome: &mut Outcome) {
    let mut fixed: BTreeMap<String, Vec<&mut Finding>> = BTreeMap::new();
    for finding in &mut outcome.findings {
        if let Some(fix) = &finding.fix {
            fixed.entry(fix.path.clone()).or_default().push(finding);
        }
    }
    let texts = &outcome.texts;
    fixed.into_par_iter().for_each(|(path, mut findings)| {
        let Some(text) = texts.get(&path) else {
            for finding in findings {
                finding.drop_fix(format!("`{path}` wasn't read"));
            }
            return;
        };
        let fixes: Vec<&Fix> = findings.iter().filter_map(|f| f.fix.as_ref()).collect();
        let refused = refused(text.as_str(), &fixes);
        for (at, reason) in refused {
            findings[at].drop_fix(format!("the fix couldn't be verified: {reason}"));
        }
    });
}

/// The fixes of one file that cannot be proved, by their places, with the reasons. Those that go
/// together are proved together: the cost of a proof is that of the file.
fn refused(text: &str, fixes: &[&Fix]) -> BTreeMap<usize, String> {
    let old = Old::of_document(text);
    let mut refused = BTreeMap::new();
    let mut proofs = 0;
    let mut groups: Vec<Vec<usize>> = vec![(0..fixes.len()).collect()];
    while let Some(group) = groups.pop().filter(|group| !group.is_empty()) {
        if proofs == MAX_PROOFS {
            let reason = "too many fixes in this file overlap; apply some and run again";
            let rest = groups.into_iter().flatten().chain(group);
            refused.extend(rest.map(|at| (at, reason.to_owned())));
            break;
        }
        proofs += 1;
        let members: Vec<&Fix> = group.iter().map(|at| fixes[*at]).collect();
        let combined = combine(&members);
        let taken: Vec<usize> = combined.taken.iter().map(|at| group[*at]).collect();
        let rest: Vec<usize> = group.iter().copied().filter(|at| !taken.contains(at)).collect();
        if !rest.is_empty() {
            groups.push(rest);
        }
        let proved = prove(&combined.edits, &combined.changes, text, &old);
        match (proved, taken.as_slice()) {
            (Ok(_), _) => {}
            (Err(reason), [one]) => {
                refused.insert(*one, reason.to_string());
            }
            // Fewer of them may fit, but which ones is not for a program to choose.
            (Err(reason @ ProofError::Verify(VerifyError::GrowsTooLarge)), _) => {
                refused.extend((0..fixes.len()).map(|at| (at, reason.to_string())));
                break;
            }
            (Err(_), several) => {
                let (first, second) = several.split_at(several.len() / 2);
                groups.extend([first.to_vec(), second.to_vec()]);
            }
        }
    }
    refused
}

/// The text with the edits performed.
fn prove(
    edits: &[Edit],
    changes: &[finding::Change],
    text: &str,
    old: &Old<'_>,
) -> Result<String, ProofError> {
    let new = apply(text, edits)?;
    old.verify(&new, changes)?;
    Ok(new)
}

/// Why fixes cannot be proved.
#[derive(Debug, thiserror::Error)]
enum ProofError {
    #[error(transparent)]
    Edit(#[from] EditError),
    #[error(transparent)]
    Verify(#[from] VerifyError),
}

/// Applies all fixes that are at least `required` to the requested files of `repository`, and
/// writes them if asked to.
pub fn repair(
    repository: &DiscoveredRepository,
    config: &Config,
    details: Details,
    required: Applicability,
    write: bool,
) -> Repaired {
    repair_with(repository, write, required, |files| {
        checked(&repository.root, files, config, details)
    })
}

/// Adds a comment for each finding that `wanted` concerns, with the same safety as a fix; what is
/// left has its own fixes.
pub fn ignore(
    repository: &DiscoveredRepository,
    config: &Config,
    details: Details,
    wanted: Wanted<'_>,
    write: bool,
) -> Repaired {
    let mut repaired = repair_with(repository, write, Applicability::Safe, |files| {
        let mut outcome = lint(&repository.root, files, config, details);
        ignore_instead(&mut outcome.findings, &outcome.texts, wanted);
        prove_all(&mut outcome);
        outcome
    });
    let mut own = checked(&repository.root, &repository.files, config, details);
    let left = repaired.on_disk.as_mut().unwrap_or(&mut repaired.outcome);
    let mut refused: HashMap<Subject<'_>, &Finding> = HashMap::new();
    for finding in left.findings.iter().filter(|finding| wanted.concerns(finding)) {
        refused.entry(subject(finding)).or_insert(finding);
    }
    for finding in &mut own.findings {
        let reason = refused.get(&subject(finding)).and_then(|f| f.no_fix_reason.as_ref());
        if let Some(reason) = reason {
            finding.notes.push(format!("no ignore comment was added: {reason}"));
        }
    }
    left.findings = own.findings;
    left.texts = own.texts;
    repaired
}

fn repair_with(
    repository: &DiscoveredRepository,
    write: bool,
    required: Applicability,
    check: impl Fn(&[Discovered]) -> Outcome,
) -> Repaired {
    let before = check(&repository.files);
    let known = places(&before);
    // What a fix would lead to a finding of, and what finding that is.
    let mut withheld: BTreeMap<JobPath, &'static str> = BTreeMap::new();
    let mut first = Some(before);
    let mut rounds = loop {
        let start = first.take().unwrap_or_else(|| check(&repository.files));
        let rounds = match Rounds::run(repository, start, required, &withheld, &check) {
            Ok(rounds) => rounds,
            Err(message) => {
                let mut outcome = check(&repository.files);
                outcome.problems.push(bug(repository, message));
                return Repaired { outcome, ..Repaired::default() };
            }
        };
        let seen = withheld.len();
        // What the settings leave to the user is found after a fix, and meant to be.
        let meant = |f: &Finding| f.no_fix_reason.as_deref() == Some(LEFT_TO_USER);
        let left = rounds.outcome.findings.iter();
        for finding in left.filter(|f| f.is_actionable() && !meant(f)) {
            let place = (finding.primary.path.clone(), finding.job.clone());
            let new = !known.contains(&(place.clone(), finding.rule));
            if new && rounds.fixed.contains(&place) {
                withheld.entry(place).or_insert(finding.rule);
            }
        }
        if withheld.len() == seen {
            break rounds;
        }
    };
    let on_disk = rounds.on_disk.iter_mut().flat_map(|outcome| &mut outcome.findings);
    for finding in rounds.outcome.findings.iter_mut().chain(on_disk) {
        let place = (finding.primary.path.clone(), finding.job.clone());
        if let (Some(rule), true) = (withheld.get(&place), finding.fix.is_some()) {
            finding.drop_fix(format!("the fix would cause a new finding of {rule}"));
        }
    }
    rounds.finish(repository, write, &check)
}

/// A job of a file.
type JobPath = (String, String);

/// Where which check reports something that counts.
fn places(outcome: &Outcome) -> BTreeSet<(JobPath, &'static str)> {
    let counts = outcome.findings.iter().filter(|f| f.is_actionable());
    counts.map(|f| ((f.primary.path.clone(), f.job.clone()), f.rule)).collect()
}

/// Fixes applied until nothing is left to apply; nothing is written yet.
struct Rounds {
    files: Vec<Discovered>,
    outcome: Outcome,
    before: BTreeMap<String, Arc<Text>>,
    rounds: BTreeMap<String, Vec<Round>>,
    /// What was found before any fix, where some were applied.
    on_disk: Option<Outcome>,
    /// The jobs whose findings had a fix that was applied.
    fixed: BTreeSet<JobPath>,
}

impl Rounds {
    /// Fails, with the reason, where the result cannot be trusted.
    fn run(
        repository: &DiscoveredRepository,
        start: Outcome,
        required: Applicability,
        withheld: &BTreeMap<JobPath, &'static str>,
        check: &impl Fn(&[Discovered]) -> Outcome,
    ) -> Result<Self, &'static str> {
        let unreadable = start.problems.len();
        let places: HashMap<&str, usize> = places_of(&repository.files);
        let mut this = Self {
            files: repository.files.clone(),
            outcome: start,
            before: BTreeMap::new(),
            rounds: BTreeMap::new(),
            on_disk: None,
            fixed: BTreeSet::new(),
        };
        for round in 0.. {
            let fixed = one_round(&this.outcome, required, withheld, &mut this.fixed);
            if fixed.is_empty() {
                break;
            }
            if round == MAX_ROUNDS {
                return Err("the fixes kept changing the file, so nothing was written");
            }
            for (path, round) in fixed {
                let Some(text) = this.outcome.texts.get(&path) else { continue };
                if let Some(place) = places.get(path.as_str()) {
                    let file = &mut this.files[*place];
                    file.content = Some(Arc::from(round.after.as_bytes()));
                    this.before.entry(path.clone()).or_insert_with(|| Arc::clone(text));
                    this.rounds.entry(path).or_default().push(round);
                }
            }
            let earlier = std::mem::replace(&mut this.outcome, check(&this.files));
            this.on_disk.get_or_insert(earlier);
            if this.outcome.problems.len() > unreadable {
                // The parsers agreed on the new text, so only the checks can have stumbled.
                return Err("a fix would make the file unreadable, so nothing was written");
            }
        }
        Ok(this)
    }

    fn finish(
        self,
        repository: &DiscoveredRepository,
        write: bool,
        check: &impl Fn(&[Discovered]) -> Outcome,
    ) -> Repaired {
        let Self { mut files, mut outcome, before, rounds, on_disk, .. } = self;
        let mut changes = changes(repository, &files, &before, rounds);
        if write {
            let failed = write_all(repository, &changes);
            if !failed.is_empty() {
                let lost: BTreeSet<&str> = failed.iter().map(|(path, _)| path.as_str()).collect();
                for file in files.iter_mut().filter(|f| lost.contains(f.relative.as_str())) {
                    file.content = None;
                }
                changes.retain(|change| !lost.contains(change.relative.as_str()));
                outcome = check(&files);
                outcome.problems.extend(failed.into_iter().map(|(_, problem)| problem));
            }
        }
        let applied =
            changes.iter().flat_map(|change| &change.rounds).map(|round| round.fixes).sum();
        Repaired { outcome, changes, applied, on_disk: on_disk.filter(|_| !write) }
    }
}

/// The places of files in their list, by path.
fn places_of(files: &[Discovered]) -> HashMap<&str, usize> {
    // The first one counts.
    files.iter().enumerate().rev().map(|(place, file)| (file.relative.as_str(), place)).collect()
}

/// Applies to each file as many of its fixes as go together; what that did, by path.
fn one_round(
    outcome: &Outcome,
    required: Applicability,
    withheld: &BTreeMap<JobPath, &'static str>,
    fixed: &mut BTreeSet<JobPath>,
) -> BTreeMap<String, Round> {
    let mut per_file: BTreeMap<&str, Vec<(&Finding, &Fix)>> = BTreeMap::new();
    for finding in outcome.findings.iter().filter(|finding| finding.withheld.is_none()) {
        let place = (finding.primary.path.clone(), finding.job.clone());
        if let Some(fix) = &finding.fix
            && fix.applicability >= required
            && !fix.edits.is_empty()
            && !withheld.contains_key(&place)
        {
            fixed.insert(place);
            per_file.entry(&fix.path).or_default().push((finding, fix));
        }
    }
    let mut rounds = BTreeMap::new();
    for (path, findings) in per_file {
        let fixes: Vec<&Fix> = findings.iter().map(|(_, fix)| *fix).collect();
        let Some(text) = outcome.texts.get(path) else { continue };
        let old = Old::of_document(text.as_str());
        let combined = combine(&fixes);
        let together = apply(text.as_str(), &combined.edits).ok();
        let proved = together.filter(|new| old.verify(new, &combined.changes).is_ok());
        // Each fix is proved alone; should they not go together after all, one of them still makes
        // progress.
        let (new, edits, declared, taken) = match (proved, fixes.first()) {
            (Some(new), _) => (new, combined.edits, combined.changes, combined.taken),
            (None, Some(fix)) => match prove(&fix.edits, &fix.changes, text.as_str(), &old) {
                Ok(new) => (new, fix.edits.clone(), fix.changes.clone(), vec![0]),
                Err(_) => continue,
            },
            (None, None) => continue,
        };
        let after = String::from_utf8(text.encode(&new)).ok().filter(|_| new != text.as_str());
        if let Some(after) = after {
            let done: Vec<Done> = taken.iter().map(|place| Done::of(findings[*place].0)).collect();
            let round = Round { after, edits, declared, fixes: done.len(), done };
            rounds.insert(path.to_owned(), round);
        }
    }
    rounds
}

fn changes(
    repository: &DiscoveredRepository,
    files: &[Discovered],
    before: &BTreeMap<String, Arc<Text>>,
    mut rounds: BTreeMap<String, Vec<Round>>,
) -> Vec<FileChange> {
    let changed = repository.files.iter().zip(files).filter_map(|(old, new)| {
        let text = before.get(&new.relative)?;
        let after = String::from_utf8(new.content.as_ref()?.to_vec()).ok()?;
        let before = String::from_utf8(text.encode(text.as_str())).ok()?;
        let stdin = old.content.is_some();
        let rounds = rounds.remove(&new.relative).unwrap_or_default();
        (before != after).then(|| FileChange {
            relative: new.relative.clone(),
            before,
            after,
            stdin,
            rounds,
        })
    });
    changed.collect()
}

/// Writes every change; returns those that could not be written.
fn write_all(repository: &DiscoveredRepository, changes: &[FileChange]) -> Vec<(String, Problem)> {
    let folders: BTreeSet<&Path> =
        repository.files.iter().filter_map(|f| f.path.parent()).collect();
    folders.into_iter().for_each(write::remove_leftovers);
    let places = places_of(&repository.files);
    let mut failed = Vec::new();
    for change in changes.iter().filter(|change| !change.stdin) {
        let Some(place) = places.get(change.relative.as_str()) else { continue };
        let file = &repository.files[*place];
        let written = write::write(
            &repository.root,
            &file.path,
            change.before.as_bytes(),
            change.after.as_bytes(),
        );
        if let Err(error) = written {
            let problem = Problem {
                path: file.path.clone(),
                position: None,
                message: error.to_string(),
                help: None,
            };
            failed.push((change.relative.clone(), problem));
        }
    }
    failed
}

fn bug(repository: &DiscoveredRepository, message: &str) -> Problem {
    let help = "this is a bug in cachelint; please report it with the workflow".to_owned();
    Problem {
        path: repository.root.clone(),
        position: None,
        message: message.to_owned(),
        help: Some(help),
    }
}

#[cfg(test)]
mod tests;
