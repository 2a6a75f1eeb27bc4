//! Annotations of a workflow run: workflow commands on standard output, worst first: only ten of a
//! kind are shown.

use std::io::{self, Write};

use super::{Format, Look, Report, printable};
use crate::base::finding::Severity;
use crate::rules::checks;

pub fn write(out: &mut dyn Write, report: &Report, look: Look) -> io::Result<()> {
    for problem in &report.problems {
        let path = property(&report.problem_path(problem, Format::Github));
        let place = problem
            .position
            .map_or(String::new(), |p| format!(",line={},col={}", p.line, p.column));
        let message = [Some(&problem.message), problem.help.as_ref()]
            .into_iter()
            .flatten()
            .cloned()
            .collect::<Vec<_>>();
        writeln!(out, "::error file={path}{place},title=cachelint::{}", data(&message.join("\n")))?;
    }
    let mut shown: Vec<_> = report.shown(look).collect();
    shown.sort_by_key(|r| std::cmp::Reverse((r.finding.withheld.is_none(), r.finding.severity)));
    for reported in shown {
        let finding = &reported.finding;
        let command = match finding.severity {
            _ if finding.withheld.is_some() => "notice",
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "notice",
        };
        let (start, end) = reported.sources.positions(&finding.primary);
        write!(
            out,
            "::{command} file={},line={},endLine={}",
            property(&reported.path()),
            start.line,
            end.line
        )?;
        // Columns over several lines make the service drop the annotation.
        if start.line == end.line {
            write!(out, ",col={},endColumn={}", start.column, end.column)?;
        }
        // Whoever reads an annotation has no shell with cachelint at hand.
        let page = checks::find(finding.rule)
            .and_then(checks::Check::url)
            .map_or(String::new(), |url| format!("\nMore: {url}"));
        let message = format!("{}\n{}{page}", finding.message, finding.help);
        writeln!(
            out,
            ",title={}::{}",
            property(&format!("cachelint {}", finding.rule)),
            data(&message)
        )?;
    }
    Ok(())
}

/// Escaped as the value of a command.
fn data(text: &str) -> String {
    printable(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escaped as a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::sample;

    fn lines(report: &Report, verbose: bool) -> Vec<String> {
        let mut out = Vec::new();
        write(&mut out, report, Look { verbose, ..Look::default() }).unwrap();
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn worst_first_and_escaped() {
        let lines = lines(&sample::report(), true);
        let kinds: Vec<&str> = lines.iter().filter_map(|l| l.split([':', ' ']).nth(2)).collect();
        assert_eq!(kinds, ["error", "error", "warning", "notice", "notice"]);
        let page = checks::find("missing-cache").and_then(checks::Check::url);
        let page = page.map_or(String::new(), |url| format!("%0AMore: {url}"));
        let expected = "::error file=.github/workflows/ci.yml,line=6,endLine=6,col=22,endColumn=25,\
                        title=cachelint nox/missing-cache::job `tests` rebuilds, 100%25:%0Aits environments%0AA cache would help.";
        assert_eq!(lines[1], format!("{expected}{page}"));
        assert_eq!(
            lines[0],
            "::error file=.github/workflows/bad.yml,line=3,col=7,title=cachelint::is no YAML%0Aclose the bracket"
        );
    }

    #[test]
    fn a_hostile_name_cannot_start_a_command() {
        let mut report = sample::report();
        report.findings[3].finding.message = "x\r\n::set-env name=A::b\u{1b}[2J".into();
        report.problems[0].path = "a,line=1::b\n::error ::c".into();
        let lines = lines(&report, true);
        assert_eq!(lines.len(), 5);
        for line in lines {
            assert!(
                ["::error file=", "::warning file=", "::notice file="]
                    .iter()
                    .any(|c| line.starts_with(c)),
                "{line}"
            );
            assert!(!line.contains('\u{1b}') && !line.contains('\r'), "{line}");
        }
        assert_eq!(property("a,b::c%\n"), "a%2Cb%3A%3Ac%25%0A");
    }
}
