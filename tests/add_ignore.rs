//! `--add-ignore`: a comment for each finding that is left, written as safely as a fix.

#[path = "common/made_up.rs"]
mod made_up;

use std::fs;

use tempfile::TempDir;

use made_up::run;

const CI: &str = ".github/workflows/ci.yml";
const NOXFILE: &str =
    "import nox\n\n@nox.session\ndef tests(session):\n    session.install('pytest==8.4.2')\n";
const HEAD: &str = "on: push\njobs:\n  tests:\n    runs-on: ubuntu-latest\n    steps:\n";

fn repository(files: &[(&str, &str)]) -> TempDir {
    made_up::repository([("noxfile.py", NOXFILE)].iter().chain(files))
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn read(folder: &TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join(name)).unwrap()
}

/// `after` without the lines that only it has and that are ignore comments.
fn without_comments(after: &str) -> String {
    let own = |line: &&str| !line.trim_start().starts_with("# cachelint: ignore[nox/");
    after.split_inclusive('\n').filter(own).collect()
}

#[test]
fn each_finding_gets_a_comment_and_is_gone() {
    let plain = "      - uses: actions/checkout@v6\n      - run: nox -s tests\n";
    let cached = "      - uses: actions/checkout@v6\n      - uses: actions/cache@v2\n        with:\n          \
                  path: .nox\n          key: nox\n      - run: nox -s tests\n";
    let block = "      - uses: actions/checkout@v6\n      - run: |+\n          echo one\n\n      # why\n      - \
                 name: Test\n        run: |\n          nox -s tests\n";
    let table: &[(&str, String, usize)] = &[
        ("a step", format!("{HEAD}{plain}"), 1),
        ("CRLF", format!("{HEAD}{plain}").replace('\n', "\r\n"), 1),
        ("no line break at the end", format!("{HEAD}{plain}").trim_end().to_owned(), 1),
        ("a block scalar above", format!("{HEAD}{block}"), 1),
        ("several checks of one step", format!("{HEAD}{cached}"), 1),
        (
            "flow style",
            "on: push\njobs:\n  # ours\n  tests:\n    runs-on: ubuntu-latest\n    steps: [{run: nox -s tests}]\n".to_owned(),
            1,
        ),
        (
            "two jobs that share their steps",
            format!("{HEAD}{plain}").replace("steps:", "steps: &s")
                + "  again:\n    runs-on: ubuntu-latest\n    steps: *s\n",
            1,
        ),
    ];
    for (name, workflow, comments) in table {
        let folder = repository(&[(CI, workflow)]);
        assert_eq!(run(folder.path(), &[]).status.code(), Some(1), "{name}: nothing to ignore");
        let output = run(folder.path(), &["--add-ignore=cold on purpose"]);
        let after = read(&folder, CI);
        assert_eq!(output.status.code(), Some(0), "{name}: {}\n{after}", text(&output.stdout));
        assert_eq!(without_comments(&after), *workflow, "{name}");
        assert_eq!(after.matches("] cold on purpose").count(), *comments, "{name}\n{after}");
        let plain = run(folder.path(), &[]);
        assert_eq!(text(&plain.stdout), "All checks passed!\n", "{name}\n{after}");
        run(folder.path(), &["--add-ignore"]);
        assert_eq!(read(&folder, CI), after, "{name}: the second run added something");
    }
}

#[test]
fn a_job_on_one_line_gets_its_comment_there() {
    let workflow =
        "on: push\njobs: {tests: {runs-on: ubuntu-latest, steps: [{run: nox -s tests}]}}\n";
    let folder = repository(&[(CI, workflow)]);
    assert_eq!(run(folder.path(), &["--add-ignore"]).status.code(), Some(0));
    let comment = "  # cachelint: ignore[nox/missing-cache]\n";
    assert_eq!(read(&folder, CI), workflow.trim_end().to_owned() + comment);
}

#[test]
fn an_action_gets_its_comment() {
    let action = "name: x\ndescription: x\nruns:\n  using: composite\n  steps:\n    - run: nox -s tests\n      shell: bash\n";
    let folder = repository(&[("action.yml", action)]);
    assert_eq!(run(folder.path(), &["--add-ignore"]).status.code(), Some(0));
    let after = read(&folder, "action.yml");
    assert!(
        after.contains("\n    # cachelint: ignore[nox/missing-cache]\n    - run: nox"),
        "{after}"
    );
}

#[test]
fn a_patch_is_only_printed() {
    let workflow = format!("{HEAD}      - run: nox -s tests\n");
    let folder = repository(&[(CI, &workflow)]);
    let output = run(folder.path(), &["--add-ignore", "--diff"]);
    assert_eq!(output.status.code(), Some(1));
    let patch = text(&output.stdout);
    assert!(patch.contains("\n+      # cachelint: ignore[nox/missing-cache]\n"), "{patch}");
    assert!(text(&output.stderr).contains("Would add ignore comments for 1 finding:"));
    assert_eq!(read(&folder, CI), workflow);
}

#[test]
fn what_is_not_shown_is_not_ignored() {
    let workflow = format!("{HEAD}      - run: nox -s tests\n")
        .replace("on: push", "on: {schedule: [{cron: '1 2 3 * *'}]}");
    let folder = repository(&[(CI, &workflow)]);
    run(folder.path(), &["--add-ignore"]);
    assert_eq!(read(&folder, CI), workflow, "an info is not shown without -v");
    run(folder.path(), &["--add-ignore", "-v"]);
    assert!(read(&folder, CI).contains("ignore[nox/missing-cache]"));

    let unused = "on: push # cachelint: ignore[missing-cache]\njobs: {}\n";
    let folder = repository(&[(CI, unused)]);
    let output = run(folder.path(), &["--add-ignore"]);
    assert_eq!(read(&folder, CI), unused, "a comment is not ignored by another one");
    assert!(text(&output.stdout).contains("1 fixable with `--fix`."), "{}", text(&output.stdout));
}

#[test]
fn what_cannot_be_done_is_refused() {
    let folder = repository(&[(CI, &format!("{HEAD}      - run: nox -s tests\n"))]);
    for args in [&["--add-ignore", "--fix"][..], &["--add-ignore=a\nb"], &["--add-ignore", "-"]] {
        let output = run(folder.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", text(&output.stdout));
        assert!(text(&output.stderr).starts_with("error: "), "{args:?}");
    }
}
