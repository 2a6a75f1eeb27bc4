//! One line per finding: `path:line:col: severity[rule] message`.

use std::io::{self, Write};

use super::{Look, Report, one_line, summary};
use crate::base::finding::Severity;

pub fn write(out: &mut dyn Write, report: &Report, look: Look) -> io::Result<()> {
    for reported in report.shown(look) {
        let finding = &reported.finding;
        let (start, path) = (reported.start(), reported.typed_path());
        let (on, off) = match finding.severity {
            _ if !look.colour => ("", ""),
            Severity::Error => ("\x1b[1;31m", "\x1b[0m"),
            Severity::Warning => ("\x1b[1;33m", "\x1b[0m"),
            Severity::Info => ("\x1b[1;36m", "\x1b[0m"),
        };
        write!(out, "{}:{}:{}: ", super::printable_name(&path), start.line, start.column)?;
        write!(out, "{on}{}[{}]{off} ", finding.severity.as_str(), finding.rule)?;
        write!(out, "{}", one_line(&finding.message))?;
        match &finding.withheld {
            Some(reason) => writeln!(out, " (withheld: {})", one_line(reason))?,
            None => writeln!(out)?,
        }
    }
    summary::write(out, report, look)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::sample;

    #[test]
    fn one_line_each() {
        let mut out = Vec::new();
        write(&mut out, &sample::report(), Look { verbose: true, ..Look::default() }).unwrap();
        let expected = "\
.github/workflows/ci.yml:1:1: error[nox/missing-cache] job `tests` rebuilds, 100%: its environments (withheld: the job publishes)
.github/workflows/ci.yml:5:7: warning[nox/interpreter-not-in-key] job `tests` rebuilds, 100%: its environments
.github/workflows/ci.yml:6:9: info[nox/missing-restore-keys] job `tests` rebuilds, 100%: its environments
.github/workflows/ci.yml:6:22: error[nox/missing-cache] job `tests` rebuilds, 100%: its environments
Found 2 errors, 1 warning, 1 info. 1 fixable with `--fix`.
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn only_what_counts_unless_verbose() {
        let mut out = Vec::new();
        write(&mut out, &sample::report(), Look::default()).unwrap();
        assert_eq!(String::from_utf8(out).unwrap().lines().count(), 3);
    }
}
