//! Names that would command a terminal, a runner or a Markdown page, in every output format. The
//! names are made up.

#![cfg(unix)]

#[path = "common/made_up.rs"]
mod made_up;

use std::fs;
use std::io::{Cursor, Write};
use std::process::Output;

use tempfile::TempDir;

/// Colour and cursor commands, line breaks, workflow commands of both kinds, a table cell, code,
/// HTML, a mention, code that only seems to end, and a turned direction of writing.
const NAME: &str = "x\u{1b}[2J\u{9b}1m\n::error file=a::b\r\n##[error]z\n\u{a0}::error::c\u{2028} | `c` <img src=x> @all \
                    ``` <img src=y> ` \u{202e}%0A";
/// One for the first job, three for the cache of the second, one for the third.
const FINDINGS: usize = 5;

/// In quotes, with an escape for each character that YAML doesn't take as it is.
fn yaml(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    let escaped = |c: char| match c {
        ' '..='~' => c.to_string(),
        c => format!("\\u{:04x}", u32::from(c)),
    };
    quoted.chars().map(escaped).collect()
}

/// Two jobs with a finding each and one broken file, all of them named like that.
fn repository() -> TempDir {
    let name = yaml(NAME);
    let python = NAME.replace('\u{1b}', "\\x1b").replace('\n', "\\n").replace('\r', "\\r");
    let steps = "    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v6\n";
    // A shell reads lone backticks as a command.
    let session = yaml(NAME.split("``").next().unwrap_or_default());
    let uncached = format!("{steps}      - name: {name}\n        run: nox -s {session}\n");
    let cached = format!(
        "{steps}      - name: {name}\n        uses: actions/cache@v6\n        with:\n          path: .nox\n          \
         key: {}\n      - run: nox\n",
        yaml(&NAME.replace(',', ""))
    );
    let workflow = format!(
        "on: push\njobs:\n  {name}:\n    name: {name}\n    strategy:\n      matrix:\n        v: [{name}, a]\n{uncached}  \
         second:\n    name: {name}\n{cached}  third:\n{steps}      - run: make t\n"
    );
    let file = NAME.replace('/', "");
    let noxfile = format!(
        "import nox\n\n@nox.session(name=\"{python}\")\ndef t(session):\n    session.install('pytest')\n"
    );
    made_up::repository(&[
        (format!(".github/workflows/{file}.yml").as_str(), workflow.as_str()),
        (format!(".github/workflows/broken {file}.yml").as_str(), "jobs: [\n"),
        ("noxfile.py", noxfile.as_str()),
        ("Makefile", "t:\n\tnox\n"),
    ])
}

fn run(folder: &TempDir, args: &[&str]) -> Output {
    made_up::run(folder.path(), args)
}

/// Nothing that a terminal or, where `is_log`, a runner obeys.
fn assert_harmless(what: &str, bytes: &[u8], is_log: bool) {
    let text = std::str::from_utf8(bytes).unwrap();
    let bad = |c: &char| (c.is_control() && *c != '\n') || ['\u{202e}', '\u{2028}'].contains(c);
    let bad = text.chars().find(bad);
    assert_eq!(bad, None, "{what}: {text}");
    if is_log {
        let command = text.lines().find(|l| l.trim_start().starts_with("::") || l.contains("##["));
        assert_eq!(command, None, "{what}: {text}");
    }
}

/// What a Markdown page shows as text: as many backticks end code as begin it.
fn outside_of_code(page: &str) -> String {
    let (mut outside, mut rest) = (String::new(), page.replace("\\`", ""));
    while let Some(at) = rest.find('`') {
        outside.push_str(&rest[..at]);
        let ticks = rest[at..].chars().take_while(|c| *c == '`').count();
        let after = &rest[at + ticks..];
        let runs = after.match_indices('`').filter(|(at, _)| !after[..*at].ends_with('`'));
        let run = |at: usize| after[at..].chars().take_while(|c| *c == '`').count();
        let end = runs.map(|(at, _)| at).find(|at| run(*at) == ticks);
        rest = after[end.map_or(0, |end| end + ticks)..].to_owned();
    }
    outside + &rest
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

/// Each format with each option that adds to what is printed, and with each that changes files.
#[test]
fn every_format_with_every_option() {
    let people = ["full", "concise", "markdown", "pull-request"];
    let programs = ["json", "sarif", "github"];
    let looking: &[&[&str]] =
        &[&["--show-fixes", "-v"], &["--statistics", "-v"], &["--unsafe-fixes", "--no-fix"]];
    let changing: &[&[&str]] = &[
        &["--fix", "-v", "--show-fixes"],
        &["--fix", "--unsafe-fixes", "--statistics"],
        &["--add-ignore", "a reason", "-v"],
        &["--add-ignore", "a reason", "--statistics"],
    ];
    let unchanged = repository();
    for format in people.iter().chain(&programs) {
        for (options, changes) in
            looking.iter().map(|o| (o, false)).chain(changing.iter().map(|o| (o, true)))
        {
            let own;
            let folder = if changes {
                own = repository();
                &own
            } else {
                &unchanged
            };
            let args = [&["--output-format", format], *options].concat();
            let output = run(folder, &args);
            let what = format!("{args:?}");
            assert!(matches!(output.status.code(), Some(0..=2)), "{what}");
            assert_harmless(&format!("{what}, errors"), &output.stderr, true);
            if people.contains(format) {
                assert_harmless(&what, &output.stdout, true);
            } else {
                // Annotations are commands, but none in a document is.
                assert_harmless(&what, &output.stdout, *format != "github");
            }
        }
    }
}

/// What is written into files beside the output.
#[test]
fn files_for_people() {
    for format in ["full", "concise", "markdown", "pull-request"] {
        let folder = repository();
        let args =
            ["--output-format", format, "--output-file", "out.txt", "--summary-file", "page.md"];
        let output = run(&folder, &[&args[..], &["--statistics", "-v"]].concat());
        assert_harmless(format, &[output.stdout, output.stderr].concat(), true);
        for file in ["out.txt", "page.md"] {
            let written = fs::read(folder.path().join(file)).unwrap();
            assert!(!written.is_empty());
            assert_harmless(&format!("{format}, {file}"), &written, true);
        }
    }
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
        assert!(properties.contains("%3A%3Aerror file=a%3A%3Ab%0D%0A##[error]z%0A"), "{line}");
    }
}

#[test]
fn formats_for_programs() {
    let folder = repository();
    let parsed = |format: &str| -> serde_json::Value {
        let output = run(&folder, &["--output-format", format]);
        assert_harmless(format, &output.stdout, true);
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
        let outside = outside_of_code(row);
        assert!(!outside.contains("<img") && !outside.contains("@all"), "{row}");
    }
    assert!(rows.iter().any(|row| row.contains("nox/missing-cache")), "{page}");
}

/// What is said about arguments, settings and files that cannot be used.
#[test]
fn errors() {
    let folder = repository();
    for args in [
        &[NAME][..],
        &["--config", NAME],
        &["--logs", NAME],
        &["--select", NAME],
        &["--output-format", NAME],
        &["--add-ignore", NAME],
        &["--output-file", NAME],
        &["--summary-file", NAME],
        &["--exclude", NAME],
        &["rule", NAME],
        &["report", NAME],
        &["report", "--before", NAME, "--after", NAME],
        &["completions", NAME],
    ] {
        let output = run(&folder, args);
        assert_harmless(&format!("{args:?}"), &[output.stdout, output.stderr].concat(), true);
    }
    let name = yaml(NAME);
    for settings in [
        format!("{name}: 1\n"),
        format!("ignore: [{name}]\n"),
        format!("exclude: [{name}]\n"),
        format!("severity: {{missing-cache: {name}}}\n"),
        format!("reuse: {name}\n"),
        format!("cache-action: {name}\n"),
        format!("key-files: [{name}]\n"),
        format!("a: &a {name}\nb: *{NAME}\n"),
    ] {
        fs::write(folder.path().join(".github/cachelint.yml"), &settings).unwrap();
        for args in [&["-v"][..], &["--fix"]] {
            let output = run(&folder, args);
            assert_harmless(&settings, &[output.stdout, output.stderr].concat(), true);
        }
    }
}

fn zipped(members: &[(String, String)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in members {
        zip.start_file(name.as_str(), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Jobs, steps, sessions, keys and members of archives, in logs that are read and in some that are
/// not.
#[test]
fn reports() {
    const TIME: &str = "2026-01-01T00:00:00.0000000Z";
    let name = NAME.replace(['\n', '\r'], " ");
    let file = NAME.replace('/', "");
    let lines = |session: &str| {
        [
            format!("nox > Running session {session}"),
            format!(
                "nox > Creating virtual environment (virtualenv) using python3 in .nox/{session}"
            ),
            "##[group]Run actions/cache@v5".to_owned(),
            "with:".to_owned(),
            format!("  key: {session}"),
            "  path: .nox".to_owned(),
            format!("Cache not found for input keys: {session}"),
            format!("nox > Session {session} was successful in 3 seconds."),
        ]
    };
    let github = |session: &str| lines(session).map(|line| format!("{TIME} {line}\n")).concat();
    let gh = lines(&name).map(|line| format!("{name}\t{name}\t{TIME} {line}\n")).concat();
    let act = lines(&name).map(|line| {
        let record = serde_json::json!({
            "job": NAME, "jobID": NAME, "step": NAME, "stage": "Main", "level": "info",
            "msg": line, "time": "2026-01-01T00:00:00Z",
        });
        format!("{record}\n")
    });
    let unknown = "no log at all\n".to_owned();
    let inputs: [(String, Vec<u8>); 9] = [
        ("gh.txt".to_owned(), gh.into_bytes()),
        ("act.json".to_owned(), act.concat().into_bytes()),
        ("jobs.zip".to_owned(), zipped(&[(format!("0_{file}.txt"), github(&name))])),
        (
            "steps.zip".to_owned(),
            zipped(&[
                (format!("{file}/1_Set up job.txt"), github(&name)),
                (format!("{file}/2_{file}.txt"), github("b")),
            ]),
        ),
        ("unknown.zip".to_owned(), zipped(&[(format!("0_{file}.txt"), unknown.clone())])),
        ("none.zip".to_owned(), zipped(&[(format!("{file}.dat"), unknown.clone())])),
        (format!("{file}.txt"), github("a").into_bytes()),
        (format!("unknown {file}.txt"), unknown.into_bytes()),
        (format!("{file}.zip"), b"PK\x03\x04 broken".to_vec()),
    ];
    let folder = tempfile::tempdir().unwrap();
    let mut read = 0;
    for (input, bytes) in &inputs {
        fs::write(folder.path().join(input), bytes).unwrap();
        for way in [
            &["report", input, "--output-format", "table"][..],
            &["report", input, "--output-format", "markdown"],
            &["report", input, "--output-format", "json"],
            &["report", "--before", input, "--after", input],
            &["report", "--before", input, "--after", input, "--output-format", "markdown"],
            &["--logs", input],
        ] {
            let Output { status, stdout, stderr } = run(&folder, way);
            assert_harmless(&format!("errors of {way:?}"), &stderr, true);
            read += usize::from(status.success() && !stdout.is_empty());
            if way.contains(&"json") {
                assert_harmless(input, &stdout, true);
                continue;
            }
            assert_harmless(&format!("{way:?}"), &stdout, true);
            if way.contains(&"markdown") {
                let page = String::from_utf8(stdout).unwrap();
                let outside = outside_of_code(&page);
                assert!(!outside.contains("<img") && !outside.contains("@all"), "{page}");
            }
        }
    }
    assert!(read > 15, "only {read} logs were reported on");
}
