//! What settings do to a fix, end to end.

#[path = "common/made_up.rs"]
mod made_up;

use std::fs;
use std::process::Output;

use tempfile::TempDir;

const CI: &str = ".github/workflows/ci.yml";
const NOXFILE: &str =
    "import nox\n\n@nox.session\ndef tests(session):\n    session.install('pytest==8.4.2')\n";
const HEAD: &str = "on: push\njobs:\n  tests:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v6\n      - uses: actions/setup-python@v6\n        with:\n          python-version: '3.13'\n";
const NOX: &str = "      - run: nox -s tests\n";

fn repository(workflow: &str, settings: &str) -> TempDir {
    made_up::repository(&[
        (CI, workflow),
        ("noxfile.py", NOXFILE),
        (".github/cachelint.yml", settings),
        ("cache/action.yml", "inputs:\n  path: {}\n  key: {}\nruns: {using: node24, main: x.js}\n"),
    ])
}

fn run(folder: &TempDir, args: &[&str]) -> Output {
    made_up::run(folder.path(), args)
}

fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn fixed(folder: &TempDir) -> (Output, String) {
    let output = run(folder, &["--fix", "--output-format", "concise"]);
    (output, fs::read_to_string(folder.path().join(CI)).unwrap())
}

#[test]
fn reuse_report_inserts_the_step_and_leaves_the_commands() {
    let folder = repository(&format!("{HEAD}{NOX}"), "reuse: report\n");
    let shown = run(&folder, &[]);
    let said = out(&shown).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("add `-r` to its commands yourself"), "{said}");
    let (output, text) = fixed(&folder);
    assert!(text.contains("uses: actions/cache@v6\n") && text.ends_with(NOX), "{text}");
    // The command is left to the user, and the next check says so.
    assert!(out(&output).contains("nox/cache-not-reused"), "{}", out(&output));
    assert_eq!(output.status.code(), Some(1));
    fs::write(folder.path().join(CI), text.replace("nox -s", "nox -r -s")).unwrap();
    assert_eq!(run(&folder, &[]).status.code(), Some(0));
}

#[test]
fn a_retired_action_gets_no_version_of_another_one() {
    let cache = "      - uses: actions/cache@v2\n        with:\n          path: .nox\n          key: nox-${{ env.pythonLocation }}-${{ hashFiles('noxfile.py', '.github/workflows/ci.yml') }}\n";
    let workflow = format!("{HEAD}{cache}      - run: nox -r -s tests\n");
    for (settings, expected) in [
        ("{}\n", "actions/cache@v6"),
        ("cache-action: actions/cache@v5\n", "actions/cache@v5"),
        ("cache-action: example-org/store@v1\n", "actions/cache@v6"),
        ("cache-action: ./cache\n", "actions/cache@v6"),
    ] {
        let (output, text) = fixed(&repository(&workflow, settings));
        let used = text.lines().find_map(|line| line.trim().strip_prefix("- uses: actions/cache@"));
        assert_eq!(
            used.map(|v| format!("actions/cache@{v}")).as_deref(),
            Some(expected),
            "{settings}{}",
            out(&output)
        );
    }
}

#[test]
fn no_fix_writes_a_key_that_is_too_long() {
    for length in [100, 400] {
        let id = "j".repeat(length);
        let workflow = format!("{HEAD}{NOX}").replace("  tests:\n", &format!("  {id}:\n"));
        let folder = repository(&workflow, "{}\n");
        let (output, text) = fixed(&folder);
        assert_eq!(text != workflow, length == 100, "{length}: {}", out(&output));
        let shown = run(&folder, &[]);
        assert_eq!(
            out(&shown).contains("the key would be too long"),
            length == 400,
            "{}",
            out(&shown)
        );
    }
}
