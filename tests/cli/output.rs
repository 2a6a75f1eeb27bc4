//! Where findings go, and how they are written there.

use std::fs;
use std::path::Path;

use crate::{CI, CLEAN, UNUSED, command, content, ran, repository, run};

#[test]
fn findings_go_to_the_output_file() {
    let folder = repository(&[(CI, UNUSED.as_bytes())]);
    let ran = run(&folder, &["--output-format", "sarif", "-o", "report.sarif"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(content(&folder, "report.sarif").contains("\"version\": \"2.1.0\""));
}

#[test]
fn colour_only_when_asked_for() {
    let folder = repository(&[(CI, UNUSED.as_bytes())]);
    assert!(!run(&folder, &[]).out.contains('\u{1b}'));
    assert!(run(&folder, &["--color", "always"]).out.contains('\u{1b}'));
    let with = |name: &str, args: &[&str]| {
        let mut command = command(folder.path(), args);
        command.env(name, "1");
        ran(command).out.contains('\u{1b}')
    };
    assert!(with("FORCE_COLOR", &[]) && !with("NO_COLOR", &[]));
    assert!(with("CLICOLOR_FORCE", &[]) && !with("CLICOLOR_FORCE", &["--color", "never"]));
    assert!(!with("FORCE_COLOR", &["--color", "never"]));
}

#[test]
fn an_output_file_that_cannot_be_written_stops_the_run_before_it_fixes() {
    let folder = repository(&[(CI, UNUSED.as_bytes())]);
    let ran = run(&folder, &["--fix", "--output-file", "no/such/file"]);
    assert!(ran.err.starts_with("error: no/such/file: can't be written"), "{}", ran.err);
    assert!(
        ran.err.ends_with("\n  help: create its folder first\n") && ran.out.is_empty(),
        "{}",
        ran.err
    );
    assert!(run(&folder, &["-o", ".github"]).err.ends_with("\n  help: name a file in it\n"));
    assert_eq!(content(&folder, CI), UNUSED);
    fs::write(folder.path().join("kept.txt"), "kept").unwrap();
    for (output, left) in [("new.txt", None), ("kept.txt", Some("kept"))] {
        assert_eq!(run(&folder, &["-o", output, "--summary-file", "no/such/file"]).code, 2);
        assert_eq!(
            fs::read_to_string(folder.path().join(output)).ok().as_deref(),
            left,
            "no half output"
        );
    }
}

#[test]
fn no_name_in_a_workflow_becomes_a_command_of_the_runner() {
    let name = "\"x\\n::error file=a::b\\r\\n::stop-commands::y%0A##[add-mask]z\\u2028\\e[2J\"";
    let steps = "runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v6\n      - run: pipx run nox\n";
    let hostile = format!("on: push\njobs:\n  {name}:\n    name: {name}\n    {steps}");
    let noxfile = b"import nox\n@nox.session\ndef t(s):\n    s.install('a')\n";
    let folder = repository(&[
        (CI, hostile.as_bytes()),
        ("noxfile.py", noxfile),
        ("::error ::a/action.yml", b"["),
    ]);
    let ran = run(&folder, &["--output-format", "github"]);
    let lines: Vec<&str> = ran.out.split('\n').filter(|l| !l.is_empty()).collect();
    assert!(
        lines[0].starts_with("::error file=%3A%3Aerror %3A%3Aa/action.yml,line="),
        "{}",
        ran.out
    );
    assert!(
        lines[1].starts_with(&format!("::error file={CI},line=")) && lines.len() == 2,
        "{}",
        ran.out
    );
    assert!(
        lines[1].contains("x%0A::error file=a::b%0D%0A::stop-commands::y%250A##[add-mask]z"),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains(['\r', '\u{1b}']), "{}", ran.out);
}

#[test]
fn one_run_writes_findings_and_appends_a_summary() {
    let folder = repository(&[(CI, UNUSED.as_bytes()), ("summary.md", b"before\n")]);
    let ran = run(&folder, &["--output-format", "github", "--summary-file", "summary.md"]);
    assert!(
        ran.code == 1 && ran.out.starts_with("::warning file=.github/workflows/ci.yml,"),
        "{}",
        ran.out
    );
    let summary = content(&folder, "summary.md");
    assert!(
        summary.starts_with("before\n## cachelint\n") && summary.contains("| warning |"),
        "{summary}"
    );

    let ran = run(&folder, &["--fix", "--summary-file", "no/such/file"]);
    assert!(ran.code == 2 && ran.err.contains("no/such/file: can't be written"), "{}", ran.err);
    assert_eq!(content(&folder, CI), UNUSED, "nothing is fixed in a run that cannot say so");
}

#[test]
fn paths_are_shown_from_the_current_folder() {
    let folder = repository(&[(CI, UNUSED.as_bytes()), ("sub/x", b"")]);
    let ran = ran(command(&folder.path().join("sub"), &["--output-format", "concise"]));
    assert!(ran.out.starts_with("../.github/workflows/ci.yml:1:10: "), "{}", ran.out);
    assert_eq!(run(&folder, &["--show-files"]).out, format!("workflow  {CI}\n"));
}

#[test]
fn paths_are_shown_as_they_were_typed() {
    let folder = repository(&[(CI, UNUSED.as_bytes())]);
    let absolute = fs::canonicalize(folder.path()).unwrap().join(CI);
    let absolute = absolute.to_str().unwrap();
    let shown = |path: &str| run(&folder, &["--output-format", "concise", path]).out;
    assert!(shown(absolute).starts_with(&format!("{absolute}:1:10: ")), "{}", shown(absolute));
    assert!(shown(".").starts_with(&format!("{CI}:1:10: ")));
    assert!(shown("./.github").starts_with(&format!("{CI}:1:10: ")));
}

#[test]
fn everything_for_people_shows_an_absolute_path_as_it_was_typed() {
    let folder = repository(&[(CI, UNUSED.as_bytes()), (".github/workflows/bad.yml", b"a: [")]);
    let root = fs::canonicalize(folder.path()).unwrap();
    let root = root.to_str().unwrap();
    let from = |args: &[&str]| ran(command(Path::new("/"), &[args, &[root]].concat()));
    let workflow = format!("{root}/{CI}");
    assert!(from(&[]).err.starts_with(&format!("error: {root}/.github/workflows/bad.yml:1:4: ")));
    assert!(from(&["--show-files"]).out.contains(&workflow));
    assert!(from(&["--output-format", "markdown"]).out.contains(&format!("| {workflow}:1 |")));
    for fixed in [from(&["--diff", "--show-fixes"]).err, from(&["--diff"]).err] {
        assert!(fixed.contains(&format!("  {workflow}")), "{fixed}");
    }
    // For programs, paths are relative to the current folder.
    let json = from(&["--output-format", "json"]).out;
    assert!(json.contains(&workflow[1..]) && !json.contains(&workflow), "{json}");
    for format in ["github", "sarif"] {
        let printed = from(&["--output-format", format]).out;
        let bad = format!("{root}/.github/workflows/bad.yml");
        assert!(printed.contains(&bad[1..]) && !printed.contains(&bad), "{printed}");
    }
    let missing = ran(command(Path::new("/"), &["/no/such/file"]));
    assert_eq!(missing.err, "error: /no/such/file: no such file or folder\n");
}

#[test]
fn the_list_of_files_goes_to_the_output_file_too() {
    let folder = repository(&[(CI, CLEAN.as_bytes())]);
    let ran = run(&folder, &["--show-files", "--output-file", "files.txt"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""));
    assert_eq!(content(&folder, "files.txt"), format!("workflow  {CI}\n"));
}
