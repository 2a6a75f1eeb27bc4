//! What closes a report for people: the count, what `--fix` could do, and what kept files from
//! being checked.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::{Look, Report, printable, printable_name};
use crate::base::finding::{Applicability, Severity};
use crate::rules::checks;

/// `Found 3 errors, 1 warning. 3 fixable with --fix.`
pub fn write(out: &mut dyn Write, report: &Report, look: Look) -> io::Result<()> {
    let shown: Vec<_> = report.shown(look).map(|r| &r.finding).collect();
    let mut parts = Vec::new();
    if report.fixed > 0 {
        let done = if report.dry { "Would fix" } else { "Fixed" };
        parts.push(format!("{done} {}.", counted(report.fixed, "finding")));
    }
    let counts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Info]
        .into_iter()
        .filter_map(|severity| {
            let count = shown.iter().filter(|f| f.severity == severity).count();
            (count > 0).then(|| {
                if severity == Severity::Info {
                    format!("{count} info")
                } else {
                    counted(count, severity.as_str())
                }
            })
        })
        .collect();
    if !counts.is_empty() {
        parts.push(format!("Found {}.", counts.join(", ")));
    } else if report.dry && report.fixed > 0 {
        // What is left after a fix that was not made is no success.
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
        let more = if look.verbose { "" } else { " (`-v`)" };
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
        let path = report.problem_path(problem);
        writeln!(
            out,
            "{red}error{reset}: {}{place}: {}",
            printable_name(&path),
            printable(&problem.message)
        )?;
        if let Some(help) = &problem.help {
            writeln!(out, "  help: {}", printable(help))?;
        }
    }
    for (location, sources) in report.undecided.iter().filter(|_| look.verbose) {
        let (start, _) = sources.positions(location);
        let path = sources.display(&location.path);
        writeln!(
            out,
            "{}:{}:{}: not decided: {}",
            printable_name(&path),
            start.line,
            start.column,
            printable(&location.label)
        )?;
    }
    Ok(())
}

/// How often each check reports, most frequent first.
pub fn write_statistics(out: &mut dyn Write, report: &Report, look: Look) -> io::Result<()> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for reported in report.shown(look) {
        *counts.entry(reported.finding.rule).or_default() += 1;
    }
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(rule, count)| (std::cmp::Reverse(*count), *rule));
    for (rule, count) in counts {
        let title = checks::find(rule).map_or("", |check| check.title.as_str());
        writeln!(out, "{count:>5}  {rule:<30}  {title}")?;
    }
    Ok(())
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        report.fixed = 2;
        assert_eq!(text(super::write, &report, false), "Fixed 2 findings. All checks passed!\n");
        report.undecided_jobs = 2;
        let open = "Fixed 2 findings. 2 jobs could not be decided (`-v`).\n";
        assert_eq!(text(super::write, &report, false), open);
        report.undecided_jobs = 0;
        report.dry = true;
        assert_eq!(text(super::write, &report, false), "Would fix 2 findings.\n");
        (report.files, report.fixed) = (0, 0);
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
        assert!(table.starts_with("    2  nox/missing-cache "), "{table}");
        assert_eq!(table.lines().count(), 3);
    }
}
