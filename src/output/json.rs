//! One JSON array of all findings, with what a program needs to apply their fixes, as
//! `schemas/findings.json` says.

use std::io::{self, Write};

use serde::Serialize;

use super::{Fixed, Report, Reported, Sources, write_json};
use crate::base::finding::{Applicability, Fix, Location, Severity};
use crate::rules::checks;

/// One finding. Lines and columns count from 1, columns in characters; the end is after the
/// last character.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Finding"))]
pub(crate) struct JsonFinding<'a> {
    /// Id of the check, such as `nox/missing-cache`.
    rule: &'a str,
    /// Address of the check's page; null if the build doesn't know it.
    url: Option<String>,
    severity: Severity,
    /// One sentence: what is wrong.
    message: &'a str,
    /// Why it matters and what to do, one paragraph.
    help: &'a str,
    /// Relative to the current folder, with `/`.
    path: String,
    /// Job id, or `(composite)`.
    job: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    fix: Option<JsonFix<'a>>,
    /// Why there is no fix, when there is none.
    no_fix_reason: Option<&'a str>,
    /// Why the finding does not count for the exit code; null if it does.
    withheld: Option<&'a str>,
}

/// What `--fix` would do. All edits are in one file; their positions refer to its original text.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Fix"))]
struct JsonFix<'a> {
    applicability: Applicability,
    /// Imperative title.
    message: &'a str,
    /// Given only if the fix edits another file than the one with the finding.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// Non-overlapping, sorted by start.
    edits: Vec<JsonEdit<'a>>,
}

/// Replaces a range by `content`; an empty range inserts.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Edit"))]
struct JsonEdit<'a> {
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    content: &'a str,
}

/// What fixes changed or would change, and what is left, as one object.
#[derive(Serialize)]
struct JsonFixed<'a> {
    fixed: &'a [Fixed],
    changes: &'a [JsonChange],
    findings: Vec<JsonFinding<'a>>,
}

/// A changed file.
#[derive(Debug, Serialize)]
pub struct JsonChange {
    /// As in the patch.
    pub path: String,
    /// For `git apply`.
    pub patch: String,
}

/// As [`write`], with what was fixed.
pub fn write_fixed(out: &mut dyn Write, report: &Report, changes: &[JsonChange]) -> io::Result<()> {
    let findings = report.findings.iter().map(json_finding).collect();
    let whole = JsonFixed { fixed: &report.fixed, changes, findings };
    write_json(out, &whole)
}

pub fn write(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let findings: Vec<JsonFinding> = report.findings.iter().map(json_finding).collect();
    write_json(out, &findings)
}

fn json_finding(reported: &Reported) -> JsonFinding<'_> {
    let Reported { finding, sources } = reported;
    let (start, end) = sources.positions(&finding.primary);
    JsonFinding {
        rule: finding.rule,
        url: checks::find(finding.rule).and_then(checks::Check::url),
        severity: finding.severity,
        message: &finding.message,
        help: &finding.help,
        path: reported.path(),
        job: &finding.job,
        line: start.line,
        column: start.column,
        end_line: end.line,
        end_column: end.column,
        fix: finding.fix.as_ref().map(|fix| json_fix(fix, &finding.primary, sources)),
        no_fix_reason: finding.no_fix_reason.as_deref(),
        withheld: finding.withheld.as_deref(),
    }
}

fn json_fix<'a>(fix: &'a Fix, primary: &Location, sources: &Sources) -> JsonFix<'a> {
    let edits = fix.edits.iter().map(|edit| {
        let place = Location { path: fix.path.clone(), span: edit.span, label: String::new() };
        let (start, end) = sources.positions(&place);
        JsonEdit {
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
            content: &edit.content,
        }
    });
    JsonFix {
        applicability: fix.applicability,
        message: &fix.message,
        path: (fix.path != primary.path).then(|| sources.display(&fix.path)),
        edits: edits.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::sample;

    #[test]
    fn has_every_promised_key() {
        let mut out = Vec::new();
        write(&mut out, &sample::report()).unwrap();
        let array: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let expected = serde_json::json!({
            "rule": "nox/missing-cache",
            "url": checks::find("missing-cache").unwrap().url(),
            "severity": "error",
            "message": "job `tests` rebuilds, 100%:\nits environments",
            "help": "A cache would help.",
            "path": ".github/workflows/ci.yml",
            "job": "tests",
            "line": 6, "column": 22, "end_line": 6, "end_column": 25,
            "fix": {
                "applicability": "safe",
                "message": "Cache `.nox` before this step",
                "edits": [{
                    "line": 6, "column": 1, "end_line": 6, "end_column": 1, "content": "      - uses: actions/cache@v6\n"
                }],
            },
            "no_fix_reason": null,
            "withheld": null,
        });
        assert_eq!(array[3], expected);
        assert_eq!(array.as_array().unwrap().len(), 4);
        assert_eq!(array[0]["withheld"], "the job publishes");
        assert_eq!(array[1]["no_fix_reason"], "flow style");
    }

    #[test]
    fn a_fix_in_another_file_names_it_and_nothing_is_an_empty_array() {
        let mut report = sample::report();
        report.findings[3].finding.fix.as_mut().unwrap().path = "action.yml".into();
        let mut out = Vec::new();
        write(&mut out, &report).unwrap();
        let array: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(array[3]["fix"]["path"], "action.yml");
        out.clear();
        write(&mut out, &Report::default()).unwrap();
        assert_eq!(out, b"[]\n");
    }
}
