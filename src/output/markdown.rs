//! Tables in Markdown, for a job summary or a comment.

use std::io::{self, Write};

use super::{Look, Report, markdown_cell, summary};
use crate::rules::checks;

pub fn write(out: &mut dyn Write, report: &Report, look: Look) -> io::Result<()> {
    writeln!(out, "## cachelint\n")?;
    let mut shown = report.shown(look).peekable();
    if shown.peek().is_some() {
        writeln!(out, "| Severity | Check | Where | Job | What | Fix |")?;
        writeln!(out, "| --- | --- | --- | --- | --- | --- |")?;
    }
    for reported in shown {
        let finding = &reported.finding;
        let fix = match (&finding.fix, &finding.no_fix_reason, &finding.withheld) {
            (_, _, Some(reason)) => format!("withheld: {reason}"),
            (Some(fix), _, _) => fix.message.clone(),
            (None, reason, _) => reason.clone().unwrap_or_default(),
        };
        let place = format!("{}:{}", reported.path(), reported.start().line);
        let cells =
            [finding.severity.as_str(), finding.rule, &place, &finding.job, &finding.message, &fix];
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
        let help = problem.help.as_ref().map_or(String::new(), |help| format!(". {help}"));
        let place = format!("{}{place}", report.problem_path(problem));
        writeln!(
            out,
            "| {} | {} |",
            markdown_cell(&place),
            markdown_cell(&format!("{}{help}", problem.message))
        )?;
    }
    writeln!(out)?;
    summary::write(out, report, look)
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
| .github/workflows/bad.yml:3:7 | is no YAML. close the bracket |

Found 1 error, 1 warning. 1 fixable with `--fix`. 2 more with `-v`.
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
