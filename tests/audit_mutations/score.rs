//! What becomes of broken caches: found, found with something else besides, repaired.

use std::collections::BTreeMap;

use cachelint::base::finding::{Applicability, Finding};
use cachelint::repo::discover::DiscoveredRepository;

use crate::block::Block;
use crate::breaks::{BREAKS, Break};
use crate::facts::legs;
use crate::support::{check, repair_from, rules};

/// Share of mutants that must be found, have no other finding, and be repaired.
const SHARE: f64 = 0.98;

/// Counts of mutants.
#[derive(Default, Clone, Copy)]
struct Tally {
    made: usize,
    found: usize,
    /// With a finding of another check.
    other: usize,
    repairable: usize,
    /// Without any finding after the fixes.
    repaired: usize,
}

#[derive(Default)]
pub struct Score {
    /// Whose files these are, for messages.
    name: String,
    by_check: BTreeMap<&'static str, Tally>,
    /// What went wrong, in words.
    misses: Vec<String>,
}

impl Score {
    pub fn of(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Breaks the inserted cache steps of these clean files in every way that `wanted` takes, each
    /// check `most` times.
    pub fn break_files<'p>(
        &mut self,
        repository: &DiscoveredRepository,
        clean: &BTreeMap<String, String>,
        paths: impl IntoIterator<Item = &'p str>,
        wanted: impl Fn(usize) -> bool,
        most: usize,
    ) {
        let legs = legs(repository, clean);
        let before = check(repository, clean).findings;
        for path in paths {
            let text = &clean[path];
            let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
            let lines: Vec<String> = text.split(newline).map(str::to_owned).collect();
            for block in Block::all(path, &lines, &legs) {
                for (number, way) in BREAKS.iter().enumerate().filter(|(number, _)| wanted(*number))
                {
                    if self.by_check.get(way.rule).is_some_and(|t| t.made >= most) {
                        continue;
                    }
                    let Some(mutant) = (way.apply)(&block) else { continue };
                    let mut texts = clean.clone();
                    texts.insert(path.to_owned(), mutant.join(newline));
                    let name = format!("{} {path}:{} #{number}", self.name, block.start + 1);
                    self.judge(repository, &mut texts, way, &before, &name);
                }
            }
        }
    }

    /// `before` was found in the other files already.
    fn judge(
        &mut self,
        repository: &DiscoveredRepository,
        texts: &mut BTreeMap<String, String>,
        way: &Break,
        before: &[Finding],
        name: &str,
    ) {
        let outcome = check(repository, texts);
        let found = new_rules(&outcome.findings, before);
        let tally = self.by_check.entry(way.rule).or_default();
        tally.made += 1;
        if found.contains(&way.rule) {
            tally.found += 1;
        } else {
            self.misses.push(format!("{name} {} not found, but {found:?}", way.rule));
        }
        let others: Vec<_> =
            found.iter().filter(|r| **r != way.rule && !way.also.contains(r)).collect();
        if !others.is_empty() {
            tally.other += 1;
            self.misses.push(format!("{name} {} and also {others:?}", way.rule));
        }
        tally.repairable += 1;
        let left = repair_from(outcome, repository, texts, Applicability::Unsafe);
        if new_rules(&left, before).is_empty() {
            tally.repaired += 1;
        } else {
            let why: Vec<_> = left.iter().map(|f| (f.rule, f.no_fix_reason.as_deref())).collect();
            self.misses.push(format!("{name} {} left {why:?}", way.rule));
        }
    }

    pub fn add(mut self, other: Self) -> Self {
        for (rule, more) in other.by_check {
            let tally = self.by_check.entry(rule).or_default();
            *tally = tally.plus(more);
        }
        self.misses.extend(other.misses);
        self
    }

    /// Prints the table and holds it to the bounds; each check must have at least `least` mutants.
    pub fn assert(&self, least: usize) {
        let all = self.by_check.values().fold(Tally::default(), |sum, tally| sum.plus(*tally));
        println!("{:28} {:>5} {:>5} {:>5}  repaired", "check", "made", "found", "other");
        for (rule, tally) in self.by_check.iter().chain([(&"all", &all)]) {
            let Tally { made, found, other, repairable, repaired } = tally;
            println!("{rule:28} {made:5} {found:5} {other:5}  {repaired} of {repairable}");
        }
        let told = self.misses.join("\n");
        println!("{told}");
        assert!(all.made > 0, "nothing was put to the test");
        for way in BREAKS {
            let made = self.by_check.get(way.rule).map_or(0, |tally| tally.made);
            assert!(made >= least, "too few of {}", way.rule);
        }
        let share = |part: usize, of: usize| part as f64 / of as f64;
        assert!(share(all.found, all.made) >= SHARE, "{told}");
        assert!(share(all.made - all.other, all.made) >= SHARE, "{told}");
        assert!(share(all.repaired, all.repairable) >= SHARE, "{told}");
    }
}

/// A broken key can make restore keys worth having; that finding is for information only.
const INFORMATION: &str = "nox/missing-restore-keys";

/// The rules of findings that were not there before.
fn new_rules(findings: &[Finding], before: &[Finding]) -> Vec<&'static str> {
    let same = |a: &Finding, b: &Finding| {
        (a.rule, &a.job, &a.primary.path) == (b.rule, &b.job, &b.primary.path)
    };
    let new: Vec<Finding> =
        findings.iter().filter(|f| !before.iter().any(|b| same(f, b))).cloned().collect();
    rules(&new).into_iter().filter(|rule| *rule != INFORMATION).collect()
}

impl Tally {
    fn plus(self, more: Self) -> Self {
        Self {
            made: self.made + more.made,
            found: self.found + more.found,
            other: self.other + more.other,
            repairable: self.repairable + more.repairable,
            repaired: self.repaired + more.repaired,
        }
    }
}
