//! What closes a report for people: the count, what `--fix` could do, and what kept files from
//! being checked.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use super::{Fixed, Format, Look, Report, Row, markdown_cell, one_line, printable_name};
use crate::base::finding::{Applicability, Finding, Severity};
use crate::rules::checks;

/// What was fixed, and `Found 3 errors, 1 warning. 3 fixable with --fix.`
pub fn write(out: &mut dyn Write, report: &Report, look: Look) -> io::Result<()> {
    let fixed = fixed_lines(report, look);
    if let Some(title) = fixed_title(report) {
        writeln!(out, "{title}")?;
    }
    for line in fixed {
        writeln!(out, "  {}", printable_name(&line))?;
    }
    write_counts(out, report, look)
}

/// As [`write`], for a page.
pub fn write_markdown(out: &mut dyn Write, report: &Report, look: Look) -> io::Result<()> {
    let fixed = fixed_lines(report, look);
    if let Some(title) = fixed_title(report) {
        writeln!(out, "{title}\n")?;
    }
    for line in &fixed {
        writeln!(out, "- {}", markdown_cell(line))?;
    }
    if !fixed.is_empty() {
        writeln!(out)?;
    }
    write_counts(out, report, look)
}

fn fixed_title(report: &Report) -> Option<String> {
    let done = match (report.ignores, report.dry) {
        (false, false) => "Fixed",
        (false, true) => "Would fix",
        (true, false) => "Added ignore comments for",
        (true, true) => "Would add ignore comments for",
    };
    let count = report.fixed.len();
    (count > 0).then(|| format!("{done} {}:", counted(count, "finding")))
}

/// The changed files with their jobs; with `--show-fixes` each fix.
fn fixed_lines(report: &Report, look: Look) -> Vec<String> {
    if look.show_fixes {
        let line = |Fixed { path, rule, job, message, .. }: &Fixed| match job.as_str() {
            "" => format!("{path}: {message} [{rule}]"),
            job => format!("{path}: {job}: {message} [{rule}]"),
        };
        return report.fixed.iter().map(line).collect();
    }
    let mut files: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for fixed in &report.fixed {
        let jobs = files.entry(&fixed.path).or_default();
        jobs.extend(Some(fixed.job.as_str()).filter(|job| !job.is_empty()));
    }
    let line = |(path, jobs): (&str, BTreeSet<&str>)| {
        if jobs.is_empty() {
            return path.to_owned();
        }
        let noun = if jobs.len() == 1 { "job" } else { "jobs" };
        let jobs: Vec<String> = jobs.into_iter().map(|job| format!("`{job}`")).collect();
        format!("{path}: {noun} {}", jobs.join(", "))
    };
    files.into_iter().map(line).collect()
}

fn write_counts(out: &mut dyn Write, report: &Report, look: Look) -> io::Result<()> {
    let shown: Vec<_> = report.shown(look).map(|r| &r.finding).collect();
    let mut parts = Vec::new();
    let counts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Info]
        .into_iter()
        .filter_map(|severity| {
            let count = shown.iter().filter(|f| f.severity == severity).count();
            (count > 0).then(|| counted(count, severity.as_str()))
        })
        .collect();
    if !counts.is_empty() {
        let counts = counts.join(", ");
        parts.push(match report.fixed.is_empty() {
            true => format!("Found {counts}."),
            false => format!("{counts} left."),
        });
    } else if report.dry && !report.fixed.is_empty() {
        // What is left after a fix that was not made isn't a success.
    } else if report.undecided_jobs > 0 {
        // Said below.
    } else if report.problems.is_empty() && report.files > 0 {
        parts.push("All checks passed!".to_owned());
    } else if report.problems.is_empty() {
        parts.push("No workflow or action files found.".to_owned());
    }
    let fixable = |wanted| {
        shown
            .iter()
            .filter(|f| f.fix.as_ref().is_some_and(|fix| fix.applicability == wanted))
            .count()
    };
    let (safe, unsafe_) = (fixable(Applicability::Safe), fixable(Applicability::Unsafe));
    if safe > 0 {
        parts.push(format!("{safe} fixable with `--fix`."));
    }
    if unsafe_ > 0 {
        parts.push(format!("{unsafe_} fixable with `--fix --unsafe-fixes`."));
    }
    let hidden = report.findings.len() - shown.len();
    if hidden > 0 {
        parts.push(format!("{hidden} more with `-v`."));
    }
    if report.undecided_jobs > 0 {
        let more = if look.verbose { "" } else { " (`-v` says why)" };
        let jobs = counted(report.undecided_jobs, "job");
        parts.push(format!("{jobs} could not be decided{more}."));
    }
    if parts.is_empty() { Ok(()) } else { writeln!(out, "{}", parts.join(" ")) }
}

/// Problems, one block each, and under `-v` what could not be decided.
pub fn write_problems(out: &mut dyn Write, report: &Report, look: Look) -> io::Result<()> {
    let (red, reset) = if look.colour { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
    for problem in &report.problems {
        let place = problem.position.map_or(String::new(), |p| format!(":{}:{}", p.line, p.column));
        let path = report.problem_path(problem, Format::Full);
        writeln!(
            out,
            "{red}error{reset}: {}{place}: {}",
            printable_name(&path),
            one_line(&problem.message)
        )?;
        if let Some(help) = &problem.help {
            writeln!(out, "  help: {}", one_line(help))?;
        }
    }
    for (location, sources) in report.undecided.iter().filter(|_| look.verbose) {
        let (start, _) = sources.positions(location);
        let path = sources.as_typed(&location.path);
        writeln!(
            out,
            "{}:{}:{}: undecided: {}",
            printable_name(&path),
            start.line,
            start.column,
            one_line(&location.label)
        )?;
    }
    Ok(())
}

/// How often a check reports.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
pub struct Count {
    /// Id of the check.
    pub rule: &'static str,
    pub title: &'static str,
    pub findings: usize,
    /// Findings with a safe fix.
    pub fixable: usize,
}

/// How often each check reports, most frequent first.
pub fn statistics(report: &Report, look: Look) -> Vec<Count> {
    let mut counts: BTreeMap<&'static str, Count> = BTreeMap::new();
    for finding in report.shown(look).map(|r| &r.finding) {
        let title = checks::find(finding.rule).map_or("", |check| check.title.as_str());
        let new = Count { rule: finding.rule, title, findings: 0, fixable: 0 };
        let count = counts.entry(finding.rule).or_insert(new);
        count.findings += 1;
        count.fixable += usize::from(is_fixable(finding));
    }
    let mut counts: Vec<Count> = counts.into_values().collect();
    counts.sort_by_key(|count| (std::cmp::Reverse(count.findings), count.rule));
    counts
}

/// Whether `--fix` alone puts the finding right.
pub fn is_fixable(finding: &Finding) -> bool {
    finding.withheld.is_none()
        && finding.fix.as_ref().is_some_and(|fix| fix.applicability == Applicability::Safe)
}

/// The statistics as a table, and one of the repositories where there are several.
pub fn write_statistics(out: &mut dyn Write, report: &Report, look: Look) -> io::Result<()> {
    for Count { rule, title, findings, fixable } in statistics(report, look) {
        writeln!(out, "{findings:>5}  {fixable:>5} fixable  {rule:<30}  {title}")?;
    }
    if !report.repositories.is_empty() {
        writeln!(out, "\n jobs  findings  fixable  repository")?;
    }
    for Row { repository, jobs, findings, fixable } in &report.repositories {
        let repository = printable_name(repository);
        writeln!(out, "{jobs:>5}  {findings:>8}  {fixable:>7}  {repository}")?;
    }
    Ok(())
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::finding::FixDetails;
    use crate::output::sample;

    fn text(
        write: impl Fn(&mut dyn Write, &Report, Look) -> io::Result<()>,
        report: &Report,
        verbose: bool,
    ) -> String {
        let mut out = Vec::new();
        write(&mut out, report, Look { verbose, ..Look::default() }).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn several_infos_have_a_plural() {
        let mut report = sample::report();
        report.findings.retain(|r| r.finding.severity == Severity::Info);
        report.findings.push(report.findings[0].clone());
        assert_eq!(text(super::write, &report, true), "Found 2 infos.\n");
    }

    #[test]
    fn counts_what_is_shown() {
        let mut report = sample::report();
        assert_eq!(
            text(super::write, &report, false),
            "Found 1 error, 1 warning. 1 fixable with `--fix`. 2 more with `-v`.\n"
        );
        assert_eq!(
            text(super::write, &report, true),
            "Found 2 errors, 1 warning, 1 info. 1 fixable with `--fix`.\n"
        );
        report.findings.clear();
        assert_eq!(text(super::write, &report, false), "");
        report.problems.clear();
        assert_eq!(text(super::write, &report, false), "All checks passed!\n");
        let fixed = |job: &str| Fixed {
            path: "a/ci.yml".into(),
            rule: "nox/missing-cache",
            job: job.into(),
            message: "Cache `.nox`".into(),
            details: FixDetails::default(),
        };
        report.fixed = vec![fixed("tests"), fixed("lint"), fixed("lint")];
        assert_eq!(
            text(super::write, &report, false),
            "Fixed 3 findings:\n  a/ci.yml: jobs `lint`, `tests`\nAll checks passed!\n"
        );
        let mut out = Vec::new();
        super::write(&mut out, &report, Look { show_fixes: true, ..Look::default() }).unwrap();
        assert!(
            String::from_utf8(out)
                .unwrap()
                .contains("\n  a/ci.yml: tests: Cache `.nox` [nox/missing-cache]\n")
        );
        report.undecided_jobs = 2;
        assert!(
            text(super::write, &report, false)
                .ends_with("\n2 jobs could not be decided (`-v` says why).\n")
        );
        report.undecided_jobs = 0;
        report.dry = true;
        report.fixed = vec![fixed("")];
        assert_eq!(text(super::write, &report, false), "Would fix 1 finding:\n  a/ci.yml\n");
        (report.files, report.fixed) = (0, Vec::new());
        assert_eq!(text(super::write, &report, false), "No workflow or action files found.\n");
    }

    #[test]
    fn problems_name_place_and_remedy() {
        let expected =
            "error: .github/workflows/bad.yml:3:7: is no YAML\n  help: close the bracket\n";
        assert_eq!(text(write_problems, &sample::report(), false), expected);
    }

    #[test]
    fn statistics_count_per_check() {
        let table = text(write_statistics, &sample::report(), true);
        assert!(table.starts_with("    2      1 fixable  nox/missing-cache "), "{table}");
        assert_eq!(table.lines().count(), 3);
    }
}
