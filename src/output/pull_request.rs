//! The text of a pull request with the fixes: what changes, what the keys mean, what can go wrong, how to undo it.

use std::collections::BTreeSet;
use std::io::{self, Write};

use super::{Fixed, Report, markdown_cell, summary};
use crate::base::finding::FixDetails;
use crate::base::printable::markdown_code;
use crate::rules::pull_request::PULL_REQUEST;

pub fn write(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let fixable = report.findings.iter().filter(|r| summary::is_fixable(&r.finding));
    // Without `--fix` and `--diff`, what they would do.
    let changes: Vec<Fixed> = match report.fixed.is_empty() {
        false => report.fixed.clone(),
        true => fixable
            .filter_map(|r| {
                let fix = r.finding.fix.as_ref()?;
                Some(Fixed {
                    path: r.path(),
                    rule: r.finding.rule,
                    job: r.finding.job.clone(),
                    message: fix.message.clone(),
                    details: FixDetails::of(&r.finding),
                })
            })
            .collect(),
    };
    let text = &PULL_REQUEST;
    if changes.is_empty() {
        return writeln!(out, "{}", text.nothing);
    }
    writeln!(out, "## {}\n\n{}\n", text.title, text.intro)?;
    writeln!(out, "| Job | File | Change |\n| --- | --- | --- |")?;
    for change in &changes {
        let job = if change.job.is_empty() { String::new() } else { markdown_code(&change.job) };
        let message = markdown_cell(&change.message);
        writeln!(out, "| {job} | {} | {message} |", markdown_code(&change.path))?;
    }
    writeln!(out)?;
    let all = changes.iter().map(|change| &change.job).collect::<BTreeSet<_>>().len();
    for (note, jobs) in once(&changes, |change| &change.details.notes) {
        writeln!(out, "- {}: {}", named(&jobs, all), markdown_cell(&note))?;
    }
    let keys = once(&changes, |change| &change.details.keys);
    if !keys.is_empty() {
        writeln!(out, "\n### {}\n\n{}\n", text.key_title, text.key)?;
    }
    for (key, jobs) in keys {
        writeln!(out, "- {}: {}", named(&jobs, all), markdown_code(&key))?;
    }
    writeln!(out, "\n### {}\n", text.risks_title)?;
    for risk in &text.risks {
        writeln!(out, "- {risk}")?;
    }
    writeln!(out, "\n### {}\n\n{}", text.undo_title, text.undo)
}

/// Each text once, with the jobs that it is about.
fn once(changes: &[Fixed], of: fn(&Fixed) -> &Vec<String>) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for change in changes {
        for text in of(change) {
            match found.iter_mut().find(|(known, _)| known == text) {
                Some((_, jobs)) if jobs.contains(&change.job) => {}
                Some((_, jobs)) => jobs.push(change.job.clone()),
                None => found.push((text.clone(), vec![change.job.clone()])),
            }
        }
    }
    found
}

/// The jobs by name, but not where all of them are meant.
fn named(jobs: &[String], all: usize) -> String {
    if jobs.len() > 1 && jobs.len() == all {
        return "all jobs".to_owned();
    }
    jobs.iter().map(|job| markdown_code(job)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_jobs_are_not_listed() {
        let jobs = ["lint".to_owned(), "tests".to_owned()];
        assert_eq!(named(&jobs, 2), "all jobs");
        assert_eq!(named(&jobs, 3), "`lint`, `tests`");
        assert_eq!(named(&jobs[..1], 1), "`lint`");
    }
}
