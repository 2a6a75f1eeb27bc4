//! Names that would command a terminal, a runner or a Markdown page, in every output format. The
//! names are made up.

#![cfg(unix)]

#[path = "common/made_up.rs"]
mod made_up;

use std::fs;
use std::process::Output;

use tempfile::TempDir;

/// Colour and cursor commands, line breaks, workflow commands of both kinds, a table cell, code,
/// HTML, a mention, and a turned direction of writing.
const NAME: &str = "x\u{1b}[2J\n::error file=a::b\r\n##[error]z | `c` <img src=x> @all \u{202e}%0A";
/// One for the first job, three for the cache of the second.
const FINDINGS: usize = 4;

fn yaml(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// Two jobs with a finding each and one broken file, all of them named like that.
fn repository() -> TempDir {
    let name = yaml(NAME);
    let python = NAME.replace('\u{1b}', "\\x1b").replace('\n', "\\n").replace('\r', "\\r");
    let steps = "    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v6\n";
    let uncached = format!("{steps}      - name: {name}\n        run: nox -s {name}\n");
    let cached = format!(
        "{steps}      - name: {name}\n        uses: actions/cache@v6\n        with:\n          path: .nox\n          \
         key: {}\n      - run: nox\n",
        yaml(&NAME.replace(',', ""))
    );
    let workflow = format!(
        "on: push\njobs:\n  {name}:\n    name: {name}\n    strategy:\n      matrix:\n        v: [{name}, a]\n{uncached}  \
         second:\n    name: {name}\n{cached}"
    );
    let file = NAME.replace('/', "");
    let noxfile = format!(
        "import nox\n\n@nox.session(name=\"{python}\")\ndef t(session):\n    session.install('pytest')\n"
    );
    made_up::repository(&[
        (format!(".github/workflows/{file}.yml").as_str(), workflow.as_str()),
        (format!(".github/workflows/broken {file}.yml").as_str(), "jobs: [\n"),
        ("noxfile.py", noxfile.as_str()),
    ])
}

fn run(folder: &TempDir, args: &[&str]) -> Output {
    made_up::run(folder.path(), args)
}

/// Nothing that a terminal or, where `is_log`, a runner obeys.
fn assert_harmless(what: &str, bytes: &[u8], is_log: bool) {
    let text = std::str::from_utf8(bytes).unwrap();
    let bad = text.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
    assert_eq!(bad, None, "{what}: {text}");
    if is_log {
        let command = text.lines().find(|l| l.trim_start().starts_with("::") || l.contains("##["));
        assert_eq!(command, None, "{what}: {text}");
    }
}

#[test]
fn formats_for_people() {
    let folder = repository();
    let table: &[&[&str]] = &[
        &[],
        &["-v"],
        &["--output-format", "concise", "-v"],
        &["--output-format", "markdown", "-v"],
        &["--output-format", "pull-request"],
        &["--output-format", "pull-request", "--diff"],
        &["--statistics"],
        &["--show-timeline"],
        &["--show-files"],
        &["--fix"],
    ];
    for args in table {
        let output = run(&folder, args);
        assert!(!output.stdout.is_empty(), "{args:?} prints nothing");
        assert_harmless(&format!("{args:?}"), &output.stdout, true);
        assert_harmless(&format!("{args:?}, errors"), &output.stderr, true);
    }
    // A patch has to fit, so its lines stand as they are.
    assert_harmless("beside a patch", &run(&repository(), &["--diff"]).stderr, true);
}

#[test]
fn annotations() {
    let output = run(&repository(), &["--output-format", "github"]);
    assert_harmless("annotations", &output.stdout, false);
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let begins = ["::error file=", "::warning file=", "::notice file="];
    assert!(lines.iter().all(|l| begins.iter().any(|begin| l.starts_with(begin))), "{text}");
    assert_eq!(lines.iter().filter(|l| l.contains("title=cachelint nox/")).count(), FINDINGS);
    for line in lines {
        // Neither a property nor the message ends early.
        let (properties, _) = line[2..].split_once("::").unwrap();
        assert!(properties.contains(",title=cachelint"), "{line}");
        assert!(properties.contains("%3A%3Aerror file=a%3A%3Ab%0D%0A##[error]z"), "{line}");
    }
}

#[test]
fn formats_for_programs() {
    let folder = repository();
    let parsed = |format: &str| -> serde_json::Value {
        let output = run(&folder, &["--output-format", format]);
        assert_harmless(
            format,
            &String::from_utf8(output.stdout.clone()).unwrap().replace('\u{202e}', "").into_bytes(),
            false,
        );
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let json = parsed("json");
    let jobs: Vec<&str> =
        json.as_array().unwrap().iter().filter_map(|finding| finding["job"].as_str()).collect();
    assert_eq!(jobs.len(), FINDINGS, "{json:#}");
    assert!(jobs.contains(&NAME), "a program gets the name as it is: {jobs:?}");
    let sarif = parsed("sarif");
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), FINDINGS);
    for result in results {
        let place = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        let uri = place.as_str().unwrap();
        assert!(uri.is_ascii() && !uri.contains([' ', '|', '`', '<', '\n']), "{uri}");
    }
}

#[test]
fn a_page() {
    let folder = repository();
    let output = run(&folder, &["--summary-file", "summary.md", "-q"]);
    assert_eq!(output.status.code(), Some(2), "a file is broken");
    let page = fs::read(folder.path().join("summary.md")).unwrap();
    assert_harmless("page", &page, true);
    let page = String::from_utf8(page).unwrap();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with('|')).collect();
    for row in &rows {
        let cells = row.replace("\\|", "").matches('|').count() - 1;
        assert!([2, 6].contains(&cells), "{row}");
        // Outside of code, nothing is HTML or a mention.
        let outside: String = row.split('`').step_by(2).collect();
        assert!(!outside.contains("<img") && !outside.contains("@all"), "{row}");
    }
    assert!(rows.iter().any(|row| row.contains("nox/missing-cache")), "{page}");
}
