//! `cachelint --logs`: the linter reports and fixes what pays by the logs.

use std::process::{Command, Output};

use super::log;

const WORKFLOW: &str = "\
on: push
jobs:
  tests:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v6
      - uses: actions/setup-python@v6
        with: {python-version: '3.12.11'}
      - run: pip install nox
      - run: nox -s tests
  lint:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v6
      - uses: actions/setup-python@v6
        with: {python-version: '3.12.11'}
      - run: pip install nox
      - run: nox -s lint
";
const NOXFILE: &str = "\
import nox

@nox.session
def tests(session):
    session.install('-r', 'requirements.txt')
    session.run('pytest')

@nox.session
def lint(session):
    session.install('-r', 'requirements.txt')
    session.run('ruff', 'check')
";

fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let workflows = folder.path().join(".github/workflows");
    std::fs::create_dir_all(&workflows).unwrap();
    std::fs::write(workflows.join("ci.yml"), WORKFLOW).unwrap();
    std::fs::write(folder.path().join("noxfile.py"), NOXFILE).unwrap();
    std::fs::write(folder.path().join("requirements.txt"), "pytest==9.0.0\n").unwrap();
    folder
}

fn lint(folder: &tempfile::TempDir, args: &[&str], logs: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cachelint"));
    command.args(args).current_dir(folder.path());
    for name in logs {
        command.arg("--logs").arg(log(name));
    }
    command.arg(".").output().unwrap()
}

fn findings(folder: &tempfile::TempDir, logs: &[&str]) -> Vec<(String, String, bool)> {
    let output = lint(folder, &["--output-format", "json", "--select", "missing-cache"], logs);
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    found
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (text(&f["job"]), text(&f["severity"]), f["fix"].is_object()))
        .collect()
}

#[test]
fn what_does_not_pay_is_an_info_without_fix() {
    let folder = repository();
    let logs = ["github-uncached.txt", "github-uncached-lint.txt"];
    let found = |job: &str, severity: &str, fix| (job.to_owned(), severity.to_owned(), fix);
    assert_eq!(
        findings(&folder, &[]),
        [found("tests", "error", true), found("lint", "error", true)]
    );
    assert_eq!(
        findings(&folder, &logs),
        [found("tests", "error", true), found("lint", "info", false)]
    );
    assert_eq!(
        findings(&folder, &["github-uncached.txt"]),
        [found("tests", "error", true), found("lint", "error", false)],
        "what the logs do not tell is not fixed"
    );
}

#[test]
fn fixes_only_what_pays() {
    let folder = repository();
    lint(&folder, &["--fix"], &["github-uncached.txt", "github-uncached-lint.txt"]);
    let fixed = std::fs::read_to_string(folder.path().join(".github/workflows/ci.yml")).unwrap();
    let (tests, lint) = fixed.split_once("  lint:").unwrap();
    assert!(tests.contains("path: .nox") && !lint.contains("path: .nox"), "{fixed}");
}

#[test]
fn says_how_many_seconds_it_is_about() {
    let output = lint(&repository(), &[], &["github-uncached.txt", "github-uncached-lint.txt"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("a cache would save about 29 s"), "{text}");
}

#[test]
fn logs_that_cannot_be_read_end_the_run() {
    let output = lint(&repository(), &[], &["unknown.txt"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("isn't a run log"));
}

#[test]
fn the_text_of_a_pull_request() {
    let folder = repository();
    let logs = ["github-uncached.txt", "github-uncached-lint.txt"];
    let output = lint(&folder, &["--diff", "--output-format", "pull-request"], &logs);
    let text = String::from_utf8(output.stdout).unwrap();
    for wanted in [
        "## Cache nox environments in CI\n",
        "| `tests` | `.github/workflows/ci.yml` | Restore `.nox` from a cache",
        "- `tests`: according to the logs, this job spends 40 s building on every run; a cache would save about 29 s\n",
        "### What the key means\n",
        "- `tests`: `nox-",
        "### What can go wrong\n",
        "### How to undo it\n\nRevert the commit.",
    ] {
        assert!(text.contains(wanted), "{wanted}\n{text}");
    }
    // The job that a cache does not pay for is left alone, and the patch is the pull request's own.
    assert!(!text.contains("| `lint` |") && !text.contains("\n+++ "), "{text}");
    // Without `--diff` it says what `--fix` would do.
    let plain = lint(&folder, &["--output-format", "pull-request"], &logs);
    assert_eq!(String::from_utf8(plain.stdout).unwrap(), text);
    lint(&folder, &["--fix"], &logs);
    let done = lint(&folder, &["--output-format", "pull-request"], &logs);
    assert_eq!(done.stdout, b"cachelint has nothing to change here.\n");
}

#[test]
fn names_in_a_pull_request_are_data() {
    let folder = repository();
    let path = folder.path().join(".github/workflows/ci.yml");
    let hostile = "\"x`|<img src=y>\\n::error::z\"";
    std::fs::write(&path, WORKFLOW.replace("  tests:", &format!("  {hostile}:"))).unwrap();
    let output = lint(&folder, &["--diff", "--output-format", "pull-request"], &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    let row = text.lines().find(|line| line.contains("img")).unwrap_or_default();
    assert!(row.starts_with("| `x'"), "{text}");
    assert!(!text.contains("\n::error"), "{text}");
}
