//! A report with everything that can go wrong in one, for the tests of the formats.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Report, Reported, Sources};
use crate::base::finding::{Applicability, Edit, Finding, Fix, Location, Problem, Severity};
use crate::base::text::{Position, Span, Text};

pub const CI: &str = "on: push\njobs:\n  tests:\n    steps:\n      - uses: actions/checkout@v6\n      - run: echo é; nox\n";

fn location(text: &str, needle: &str, label: &str) -> Location {
    let start = text.find(needle).unwrap();
    let span = Span::new(start, start + needle.len());
    Location { path: ".github/workflows/ci.yml".into(), span, label: label.into() }
}

fn finding(rule: &'static str, severity: Severity, primary: Location) -> Finding {
    Finding {
        rule,
        severity,
        message: "job `tests` rebuilds, 100%:\nits environments".into(),
        help: "A cache would help.".into(),
        primary,
        related: Vec::new(),
        job: "tests".into(),
        notes: Vec::new(),
        remedy: None,
        fix: None,
        no_fix_reason: None,
        withheld: None,
    }
}

/// An error with a fix, a warning without, an info, a withheld error, and a file that could not be
/// read.
pub fn report() -> Report {
    let text = Text::new(".github/workflows/ci.yml", CI.as_bytes().to_vec()).unwrap();
    let texts = BTreeMap::from([(".github/workflows/ci.yml".to_owned(), Arc::new(text))]);
    let sources = Arc::new(Sources::new(Path::new("/repo"), Path::new("/repo"), texts));
    let step = CI.find("      - run").unwrap();

    let mut error =
        finding("nox/missing-cache", Severity::Error, location(CI, "nox", "builds environments"));
    error.related.push(location(CI, "tests", "in this job"));
    error.notes.push("Saves about 40 s a run.".into());
    error.fix = Some(Fix {
        applicability: Applicability::Safe,
        message: "Cache `.nox` before this step".into(),
        path: ".github/workflows/ci.yml".into(),
        edits: vec![Edit {
            span: Span::at(step),
            content: "      - uses: actions/cache@v6\n".into(),
        }],
        changes: Vec::new(),
    });
    let mut warning =
        finding("nox/interpreter-not-in-key", Severity::Warning, location(CI, "- uses", "here"));
    warning.no_fix_reason = Some("flow style".into());
    let info = finding("nox/missing-restore-keys", Severity::Info, location(CI, "run", "here"));
    let mut withheld =
        finding("nox/missing-cache", Severity::Error, location(CI, "on: push", "here"));
    withheld.withheld = Some("the job publishes".into());

    let findings = [withheld, warning, info, error];
    let mut report = Report {
        findings: findings
            .into_iter()
            .map(|finding| Reported { finding, sources: sources.clone() })
            .collect(),
        problems: vec![Problem {
            path: PathBuf::from("/repo/.github/workflows/bad.yml"),
            position: Some(Position { line: 3, column: 7 }),
            message: "is no YAML".into(),
            help: Some("close the bracket".into()),
        }],
        files: 2,
        current: PathBuf::from("/repo"),
        ..Report::default()
    };
    report.sort();
    report
}
