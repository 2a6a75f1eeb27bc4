//! SARIF 2.1.0 for code scanning: rules with help, fixes, and fingerprints that survive line moves.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::{Format, Report, Reported, Sources, printable, write_json};
use crate::base::finding::{Fix, Location, Problem, Severity};
use crate::rules::checks::{self, Check};

/// GitHub shows so many places of a result.
const MAX_PLACES: usize = 100;
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [SarifRun<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifRun<'a> {
    tool: SarifTool<'a>,
    column_kind: &'static str,
    invocations: [SarifInvocation; 1],
    results: Vec<SarifResult<'a>>,
}

#[derive(Serialize)]
struct SarifTool<'a> {
    driver: Driver<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver<'a> {
    name: &'static str,
    semantic_version: &'static str,
    rules: Vec<SarifRule<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifRule<'a> {
    id: &'a str,
    short_description: Message,
    full_description: Message,
    help: Help,
    #[serde(skip_serializing_if = "Option::is_none")]
    help_uri: Option<String>,
    default_configuration: Configuration,
}

#[derive(Serialize)]
struct Help {
    text: String,
    markdown: String,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct Message {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifInvocation {
    execution_successful: bool,
    tool_execution_notifications: Vec<Notification>,
}

#[derive(Serialize)]
struct Notification {
    level: &'static str,
    message: Message,
    locations: [SarifLocation; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult<'a> {
    rule_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    level: &'static str,
    message: Message,
    locations: [SarifLocation; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<SarifLocation>,
    partial_fingerprints: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<SarifFix>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifLocation {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: SarifArtifact,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifArtifact {
    uri: String,
    uri_base_id: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    start_column: usize,
    end_line: usize,
    end_column: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifFix {
    description: Message,
    artifact_changes: [ArtifactChange; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactChange {
    artifact_location: SarifArtifact,
    replacements: Vec<Replacement>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Replacement {
    deleted_region: Region,
    inserted_content: Message,
}

pub fn write(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let mut seen = BTreeMap::new();
    let run = SarifRun {
        tool: SarifTool {
            driver: Driver {
                name: "cachelint",
                semantic_version: env!("CARGO_PKG_VERSION"),
                rules: checks::all().iter().map(rule).collect(),
            },
        },
        column_kind: "unicodeCodePoints",
        invocations: [SarifInvocation {
            execution_successful: report.problems.is_empty(),
            tool_execution_notifications: report
                .problems
                .iter()
                .map(|p| notification(report, p))
                .collect(),
        }],
        results: report.findings.iter().map(|r| result(r, &mut seen)).collect(),
    };
    write_json(out, &Log { schema: SCHEMA, version: "2.1.0", runs: [run] })
}

fn rule(check: &Check) -> SarifRule<'_> {
    SarifRule {
        id: &check.id,
        short_description: message(&check.title),
        full_description: message(&check.what),
        help: Help { text: format!("{}\n\n{}", check.why, check.how), markdown: check.markdown() },
        help_uri: check.url(),
        default_configuration: Configuration { level: level(check.severity) },
    }
}

/// `seen` counts findings that have everything but their line in common.
fn result<'a>(reported: &'a Reported, seen: &mut BTreeMap<String, usize>) -> SarifResult<'a> {
    let Reported { finding, sources } = reported;
    let identity = format!("{}\0{}\0{}", finding.rule, finding.primary.path, finding.job);
    let number = seen.entry(identity.clone()).or_default();
    *number += 1;
    let fingerprint = format!("{:016x}:{number}", fnv1a(identity.as_bytes()));
    let mut text = format!("{}\n\n{}", finding.message, finding.help);
    if let Some(reason) = &finding.withheld {
        text += &format!("\n\nWithheld: {reason}");
    }
    let related =
        finding.related.iter().take(MAX_PLACES).enumerate().map(|(index, place)| SarifLocation {
            id: Some(index + 1),
            message: Some(message(&place.label)),
            ..location(place, sources)
        });
    SarifResult {
        rule_id: finding.rule,
        rule_index: checks::all().iter().position(|c| c.id == finding.rule),
        level: if finding.withheld.is_some() { "note" } else { level(finding.severity) },
        message: message(&text),
        locations: [location(&finding.primary, sources)],
        related_locations: related.collect(),
        partial_fingerprints: BTreeMap::from([("checkPathJob/v1", fingerprint)]),
        fixes: finding.fix.iter().map(|fix| sarif_fix(fix, sources)).collect(),
    }
}

fn sarif_fix(fix: &Fix, sources: &Sources) -> SarifFix {
    let replacements = fix.edits.iter().map(|edit| Replacement {
        deleted_region: region(
            &Location { path: fix.path.clone(), span: edit.span, label: String::new() },
            sources,
        ),
        inserted_content: Message { text: edit.content.clone() },
    });
    let change = ArtifactChange {
        artifact_location: artifact(&fix.path),
        replacements: replacements.collect(),
    };
    SarifFix { description: message(&fix.message), artifact_changes: [change] }
}

fn notification(report: &Report, problem: &Problem) -> Notification {
    let position = problem.position.map(|p| Region {
        start_line: p.line,
        start_column: p.column,
        end_line: p.line,
        end_column: p.column,
    });
    let place = PhysicalLocation {
        artifact_location: artifact(&report.problem_path(problem, Format::Sarif)),
        region: position,
    };
    Notification {
        level: "error",
        message: message(&problem.message),
        locations: [SarifLocation { id: None, physical_location: place, message: None }],
    }
}

fn location(place: &Location, sources: &Sources) -> SarifLocation {
    let physical_location = PhysicalLocation {
        artifact_location: artifact(&place.path),
        region: Some(region(place, sources)),
    };
    SarifLocation { id: None, physical_location, message: None }
}

fn region(place: &Location, sources: &Sources) -> Region {
    let (start, end) = sources.positions(place);
    Region {
        start_line: start.line,
        start_column: start.column,
        end_line: end.line,
        end_column: end.column,
    }
}

/// Code scanning wants paths relative to the repository root.
fn artifact(path: &str) -> SarifArtifact {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                uri.push(char::from(byte))
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    SarifArtifact { uri, uri_base_id: "%SRCROOT%" }
}

/// `[text](target)` would be a link, and a name is data.
fn message(text: &str) -> Message {
    Message { text: printable(text).replace("](", "] (") }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

/// A hash that is the same in every release, which the standard library does not promise of its
/// own.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::text::Span;
    use crate::output::sample;

    fn log(report: &Report) -> serde_json::Value {
        let mut out = Vec::new();
        write(&mut out, report).unwrap();
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn results_have_rules_fixes_and_places() {
        let log = log(&sample::report());
        let run = &log["runs"][0];
        assert_eq!(log["version"], "2.1.0");
        let result = &run["results"][3];
        let index = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], "nox/missing-cache");
        assert_eq!(result["level"], "error");
        assert_eq!(run["results"][0]["level"], "note", "withheld");
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], ".github/workflows/ci.yml");
        assert_eq!(place["region"]["startColumn"], 22);
        let replacement = &result["fixes"][0]["artifactChanges"][0]["replacements"][0];
        assert_eq!(replacement["deletedRegion"]["endColumn"], 1);
        assert_eq!(replacement["insertedContent"]["text"], "      - uses: actions/cache@v6\n");
        assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    }

    #[test]
    fn a_name_is_no_link() {
        let mut report = sample::report();
        report.findings[3].finding.message = "job `[x](https://y.example)`".into();
        let log = log(&report);
        let text = log["runs"][0]["results"][3]["message"]["text"].as_str().unwrap();
        assert!(text.starts_with("job `[x] (https://y.example)`"), "{text}");
    }

    #[test]
    fn fingerprints_survive_line_moves_and_differ_otherwise() {
        let prints = |report: &Report| -> Vec<String> {
            let log = log(report);
            let results = log["runs"][0]["results"].as_array().unwrap().clone();
            results
                .iter()
                .map(|r| r["partialFingerprints"]["checkPathJob/v1"].to_string())
                .collect()
        };
        let mut report = sample::report();
        let before = prints(&report);
        for reported in &mut report.findings {
            reported.finding.primary.span = Span::new(0, 1);
        }
        assert_eq!(prints(&report), before);
        let distinct: std::collections::BTreeSet<&String> = before.iter().collect();
        assert_eq!(distinct.len(), before.len());
        report.findings[3].finding.job = "other".into();
        assert_ne!(prints(&report), before);
    }

    #[test]
    fn paths_are_uris() {
        assert_eq!(artifact("a b/é%.yml").uri, "a%20b/%C3%A9%25.yml");
    }
}
