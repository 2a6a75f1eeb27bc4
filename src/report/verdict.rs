//! How much the measured runs can carry → a verdict that says no more.

use super::compare::{Costs, gain};
use super::summary::Stat;
use crate::rules::logs::LOGS;

/// What is known of one job before and after.
pub struct BeforeAfter {
    /// Seconds in nox and all cache steps, before and after.
    pub measured: Option<(Costs, Costs)>,
    /// Seconds of the whole jobs.
    pub job_seconds: Option<(Stat, Stat)>,
    pub cache_before: bool,
    pub cache_after: bool,
    pub restored_before: bool,
    /// A run after restored something.
    pub warmed: bool,
    /// Whatever was restored was built again.
    pub thrown_away: bool,
    /// What such a run would save if it reused what it restored.
    pub with_reuse: Option<f64>,
}

pub struct Verdict {
    pub text: String,
    pub settled: bool,
    pub slower: bool,
}

impl Verdict {
    fn unsettled(text: impl Into<String>) -> Self {
        Self { text: text.into(), settled: false, slower: false }
    }

    /// Where the tool's own file is all there is, with what it took less than before.
    pub fn of_tool_alone(saved: Option<f64>) -> Self {
        let took = match saved {
            Some(saved) if saved < 0.0 => format!("nox took {} s more", rounded(-saved)),
            Some(saved) => format!("nox took {} s less", rounded(saved)),
            None => UNKNOWN.to_owned(),
        };
        Self::unsettled(format!(
            "{took}; the file that `nox --report` writes says nothing about caches, so no verdict"
        ))
    }
}

const UNKNOWN: &str = "the logs don't say how long it took";

/// The most runs that are asked for; whoever needs more has a difference that does not matter.
const MOST_RUNS: f64 = 12.0;

pub fn verdict(evidence: &BeforeAfter) -> Verdict {
    if evidence.thrown_away {
        let saves = match evidence.with_reuse {
            Some(seconds) if seconds >= LOGS.estimate.pays_from => {
                format!(" to save about {} s a run", rounded(seconds))
            }
            _ => String::new(),
        };
        return Verdict::unsettled(format!("restored, then built again: add -r{saves}"));
    }
    if evidence.cache_after && !evidence.warmed {
        return Verdict::unsettled("nothing restored yet, so no verdict; another run would tell");
    }
    let (costs_before, costs_after, remark) = match (evidence.measured, evidence.job_seconds) {
        (Some((before, after)), _) => (before, after, ""),
        (None, Some((before, after))) => {
            (Costs::exactly(before), Costs::exactly(after), " (whole job)")
        }
        (None, None) => return Verdict::unsettled(UNKNOWN),
    };
    let gain = gain(costs_before, costs_after);
    let shown = tenths(gain);
    let (before, after) = match gain > 0.0 {
        true => (costs_before.least, costs_after.most),
        false => (costs_before.most, costs_after.least),
    };
    if !evidence.cache_before && !evidence.cache_after {
        return Verdict::unsettled(format!("no cache before or after ({shown:+.1} s){remark}"));
    }
    let facts = &LOGS.verdict;
    let runs = before.runs.min(after.runs);
    let noise = noise(before, after);
    let least = facts.least_seconds.max(facts.least_share * before.median);
    let overlap = runs > 1 && before.least <= after.most && after.least <= before.most;
    let bounds_decide = (before.median > after.median) == (gain > 0.0);
    if runs > 1 && gain.abs() < least && !overlap {
        return Verdict {
            text: format!("no difference that matters ({shown:+.1} s){remark}"),
            settled: true,
            slower: false,
        };
    }
    if !bounds_decide || gain.abs() < least || overlap || (runs == 1 && gain.abs() < noise) {
        let text = if gain.abs() < least && runs >= facts.runs_to_remove {
            format!("no difference that matters ({shown:+.1} s){remark}")
        } else {
            format!(
                "not settled ({shown:+.1} s in {}); {} runs of each would settle it{remark}",
                of_runs(runs),
                runs_needed(gain.abs(), noise, runs)
            )
        };
        let settled = gain.abs() < least && runs >= facts.runs_to_remove;
        return Verdict { text, settled, slower: false };
    }
    let seconds = rounded(gain.abs());
    let own = evidence.cache_after;
    if gain > 0.0 {
        let text = format!("saves {seconds} s a run{}{remark}", one_pair(runs));
        return Verdict { text, settled: true, slower: false };
    }
    let enough = runs >= facts.runs_to_remove;
    let text = match (enough, own && !evidence.restored_before) {
        (true, true) => format!("costs {seconds} s a run: remove it{remark}"),
        (true, false) => format!("costs {seconds} s a run{remark}"),
        (false, _) => format!(
            "took {seconds} s more in {}; {} runs of each would settle it{remark}",
            of_runs(runs),
            facts.runs_to_remove
        ),
    };
    Verdict { text, settled: enough, slower: true }
}

fn one_pair(runs: usize) -> &'static str {
    if runs == 1 { " (one pair of runs)" } else { "" }
}

fn of_runs(runs: usize) -> String {
    match runs {
        1 => "one pair of runs".to_owned(),
        runs => format!("{runs} runs of each"),
    }
}

/// What runs of the same thing differ by.
fn noise(before: Stat, after: Stat) -> f64 {
    let facts = &LOGS.verdict;
    let seen = (before.most - before.least).max(after.most - after.least);
    seen.max(facts.noise_seconds).max(facts.noise_share * before.median)
}

/// The noise of a mean falls with the square root of the runs. Never fewer than "remove it" takes,
/// always more than there are.
fn runs_needed(gain: f64, noise: f64, runs: usize) -> usize {
    let least = LOGS.verdict.runs_to_remove.max(runs + 1);
    let needed = (noise / gain.max(LOGS.verdict.least_seconds)).powi(2) * 2.0;
    (needed.min(MOST_RUNS).ceil() as usize).max(least)
}

/// To tenths, so that nothing is shown as minus zero.
pub fn tenths(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0 + 0.0
}

/// Tenths only where they matter.
pub fn rounded(seconds: f64) -> String {
    let shown = tenths(seconds);
    if shown < 10.0 { format!("{shown:.1}") } else { format!("{seconds:.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(before: &[f64], after: &[f64]) -> String {
        let stat = |values: &[f64]| Stat::of(values.iter().copied()).unwrap();
        let evidence = BeforeAfter {
            measured: Some((Costs::exactly(stat(before)), Costs::exactly(stat(after)))),
            job_seconds: None,
            cache_before: false,
            cache_after: true,
            restored_before: false,
            warmed: true,
            thrown_away: false,
            with_reuse: None,
        };
        verdict(&evidence).text
    }

    #[test]
    fn one_pair_never_says_remove_it() {
        assert_eq!(
            says(&[10.0], &[40.0]),
            "took 30 s more in one pair of runs; 3 runs of each would settle it"
        );
        assert_eq!(
            says(&[10.0], &[11.0]),
            "not settled (-1.0 s in one pair of runs); 8 runs of each would settle it"
        );
        assert_eq!(says(&[40.0], &[10.0]), "saves 30 s a run (one pair of runs)");
    }

    #[test]
    fn three_runs_of_each_do() {
        assert_eq!(says(&[10.0, 11.0, 12.0], &[20.0, 21.0, 22.0]), "costs 10 s a run: remove it");
        assert_eq!(says(&[20.0, 21.0, 22.0], &[10.0, 11.0, 12.0]), "saves 10 s a run");
        assert_eq!(
            says(&[10.0, 11.0, 12.0], &[10.0, 11.2, 12.0]),
            "no difference that matters (-0.2 s)"
        );
        assert_eq!(
            says(&[10.0, 14.0, 20.0], &[12.0, 18.0, 22.0]),
            "not settled (-4.0 s in 3 runs of each); 12 runs of each would settle it"
        );
    }
}
