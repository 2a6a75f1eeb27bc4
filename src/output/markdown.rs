//! Tables in Markdown, for a job summary or a comment; jobs of a file that have the same finding in
//! one row.

use std::io::{self, Write};

use super::group::groups;
use super::{Format, Look, Report, Row, markdown_cell, summary};
use crate::rules::checks;

pub fn write(out: &mut dyn Write, report: &Report, look: Look) -> io::Result<()> {
    writeln!(out, "## cachelint\n")?;
    let shown = groups(report.shown(look));
    if !shown.is_empty() {
        writeln!(out, "| Severity | Check | Where | Job | What | Fix |")?;
        writeln!(out, "| --- | --- | --- | --- | --- | --- |")?;
    }
    for group in &shown {
        let reported = group.first();
        let finding = &reported.finding;
        let fix = match (&finding.fix, &finding.no_fix_reason, &finding.withheld) {
            (_, _, Some(reason)) => format!("withheld: {reason}"),
            (Some(fix), _, _) => fix.message.clone(),
            (None, reason, _) => reason.clone().unwrap_or_default(),
        };
        let lines: Vec<String> =
            group.findings.iter().map(|r| r.start().line.to_string()).collect();
        let place = format!("{}:{}", reported.typed_path(), lines.join(", "));
        let jobs: Vec<&str> = group.findings.iter().map(|r| r.finding.job.as_str()).collect();
        let jobs = jobs.join(", ");
        let cells =
            [finding.severity.as_str(), finding.rule, &place, &jobs, &finding.message, &fix];
        let mut cells = cells.map(markdown_cell);
        if let Some(url) = checks::find(finding.rule).and_then(checks::Check::url) {
            cells[1] = format!("[{}]({url})", cells[1]);
        }
        writeln!(out, "| {} |", cells.join(" | "))?;
    }
    if !report.problems.is_empty() {
        writeln!(out, "\n| Not checked | Why |\n| --- | --- |")?;
    }
    for problem in &report.problems {
        let place = problem.position.map_or(String::new(), |p| format!(":{}:{}", p.line, p.column));
        let help = problem.help.as_ref().map_or(String::new(), |help| format!("; {help}"));
        let place = format!("{}{place}", report.problem_path(problem, Format::Markdown));
        writeln!(
            out,
            "| {} | {} |",
            markdown_cell(&place),
            markdown_cell(&format!("{}{help}", problem.message))
        )?;
    }
    if !report.repositories.is_empty() {
        writeln!(out, "\n| Repository | Jobs | Findings | Fixable |\n| --- | --- | --- | --- |")?;
    }
    for Row { repository, jobs, findings, fixable } in &report.repositories {
        writeln!(out, "| {} | {jobs} | {findings} | {fixable} |", markdown_cell(repository))?;
    }
    writeln!(out)?;
    summary::write_markdown(out, report, look)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::sample;

    #[test]
    fn tables_with_what_counts() {
        let mut out = Vec::new();
        write(&mut out, &sample::report(), Look::default()).unwrap();
        let expected = "\
## cachelint

| Severity | Check | Where | Job | What | Fix |
| --- | --- | --- | --- | --- | --- |
| warning | nox/interpreter-not-in-key | .github/workflows/ci.yml:5 | tests | job `tests` rebuilds, 100%: its environments | flow style |
| error | nox/missing-cache | .github/workflows/ci.yml:6 | tests | job `tests` rebuilds, 100%: its environments | Cache `.nox` before this step |

| Not checked | Why |
| --- | --- |
| .github/workflows/bad.yml:3:7 | is no YAML; close the bracket |

Found 1 error, 1 warning. 1 fixable with `--fix`. 2 more with `-v`.
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
