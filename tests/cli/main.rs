//! The binary as its users run it, in an environment that holds nothing but what a test says.

mod fixing;
#[path = "../common/made_up.rs"]
mod made_up;
mod output;
mod settings;

use std::fs;
use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use tempfile::TempDir;

const CI: &str = ".github/workflows/ci.yml";
const CLEAN: &str = "on: push\njobs: {}\n";
/// Reported by a check that needs no analysis, and has a safe fix.
const UNUSED: &str = "on: push # cachelint: ignore[missing-cache] é\njobs: {}\n";

fn repository(files: &[(&str, &[u8])]) -> TempDir {
    made_up::repository(files)
}

struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cachelint"));
    command.env_clear().current_dir(folder).args(args);
    command
}

fn ran(mut command: Command) -> Ran {
    Ran::of(command.output().unwrap())
}

fn run(folder: &TempDir, args: &[&str]) -> Ran {
    Ran::of(made_up::run(folder.path(), args))
}

fn content(folder: &TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join(name)).unwrap()
}

#[test]
fn nothing_to_do() {
    let folder = repository(&[(CI, CLEAN.as_bytes())]);
    for args in [&[][..], &["."], &[CI], &["--fix"], &["--diff"]] {
        let ran = run(&folder, args);
        assert_eq!(ran.code, 0, "{args:?} {}{}", ran.out, ran.err);
    }
    assert_eq!(run(&folder, &[]).out, "All checks passed!\n");
    assert_eq!(run(&folder, &["-q"]).out, "");
    assert_eq!(run(&folder, &["--output-format", "json"]).out, "[]\n");
    let empty = repository(&[]);
    assert_eq!(run(&empty, &[]).out, "No workflow or action files found.\n");
}

#[test]
fn what_cannot_be_checked_is_said_with_its_place_and_the_rest_is_checked() {
    let large = [b"# ".as_slice(), &vec![b'x'; 5 * 1024 * 1024]].concat();
    let table: &[(&[u8], &str)] = &[
        (b"on: push\nname: \xff\n", "error: .github/workflows/bad.yml:2:1: isn't UTF-8"),
        (&large, "error: .github/workflows/bad.yml: is larger than"),
        (b"on: push\njobs: [a\n", "error: .github/workflows/bad.yml:"),
        (b"on: push\n---\njobs: {}\n", "error: .github/workflows/bad.yml:"),
        (
            "\u{feff}\u{feff}on: push\n".as_bytes(),
            "error: .github/workflows/bad.yml:1:1: starts with two byte order marks",
        ),
        (b"a: *nowhere\n", "error: .github/workflows/bad.yml:"),
    ];
    for (bad, message) in table {
        let folder = repository(&[(CI, UNUSED.as_bytes()), (".github/workflows/bad.yml", bad)]);
        let ran = run(&folder, &["--output-format", "concise"]);
        assert_eq!(ran.code, 2, "{message}");
        assert!(ran.err.starts_with(message), "{}", ran.err);
        assert!(ran.out.contains("ci.yml:1:10: warning[cachelint/unused-ignore]"), "{}", ran.out);
        assert_eq!(run(&folder, &["--fix"]).code, 2);
        assert_eq!(fs::read(folder.path().join(".github/workflows/bad.yml")).unwrap(), *bad);
        assert_eq!(content(&folder, CI), CLEAN, "the good file is still fixed");
    }
}

#[test]
fn a_missing_path_is_exit_2_and_the_others_are_checked() {
    let folder = repository(&[(CI, UNUSED.as_bytes())]);
    let ran = run(&folder, &["missing.yml", "/dev/null", CI]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("error: missing.yml: no such file or folder"), "{}", ran.err);
    assert!(ran.err.contains("/dev/null: is neither a file nor a folder"), "{}", ran.err);
    assert!(ran.out.contains("Found 1 warning. 1 fixable with `--fix`."), "{}", ran.out);
    assert_eq!(run(&folder, &["--exit-zero", "missing.yml"]).code, 2);
}

#[test]
fn a_file_given_twice_is_checked_once() {
    let folder = repository(&[(CI, UNUSED.as_bytes()), ("noxfile.py", b"")]);
    for args in [
        &[CI, CI, "./.github/../.github/workflows/ci.yml", "."][..],
        &["noxfile.py", CI],
        &["noxfile.py"],
    ] {
        let ran = run(&folder, args);
        assert!(ran.out.contains("Found 1 warning."), "{args:?} {}", ran.out);
    }
}

#[test]
fn exit_codes() {
    let table: &[(&[&str], i32)] = &[
        (&[], 1),
        (&["--exit-zero"], 0),
        (&["--fail-on", "error"], 0),
        (&["--fail-on", "warning"], 1),
        (&["--fail-on", "info"], 1),
        (&["--fail-on", "never"], 0),
        (&["--fail-on", "never", "--diff"], 0),
        (&["--fail-on", "never", "missing.yml"], 2),
        (&["--fail-on", "error", "--exit-zero"], 2),
        (&["--fail-on", "findings"], 2),
        (&["--diff"], 1),
        (&["--ignore", "unused-ignore"], 0),
        (&["--select", "missing-cache"], 0),
        (&["--fix", "--no-fix"], 1),
        (&["--fix"], 0),
        (&["--fix", "--diff"], 0),
        (&["--fix", "--exit-non-zero-on-fix"], 1),
        (&["--select", "mising-cache"], 2),
        (&["--nonsense"], 2),
        (&["--config", "missing.toml"], 2),
        (&["--output-file", "no/such/folder"], 2),
    ];
    for (args, code) in table {
        let folder = repository(&[(CI, UNUSED.as_bytes())]);
        let ran = run(&folder, args);
        assert_eq!(ran.code, *code, "{args:?} {}{}", ran.out, ran.err);
    }
}

#[test]
fn an_info_is_shown_where_it_counts_and_a_warning_where_it_does_not() {
    let info: &[u8] = b"[tool.cachelint.severity]\nunused-ignore = 'info'\n";
    let folder = repository(&[(CI, UNUSED.as_bytes()), ("pyproject.toml", info)]);
    for form in ["full", "concise", "github", "markdown"] {
        let shown = |args: &[&str]| {
            let ran = run(&folder, &[&["--output-format", form], args].concat());
            (ran.code, ran.out.contains("cachelint/unused-ignore"))
        };
        assert_eq!(shown(&[]), (0, false), "{form}");
        assert_eq!(shown(&["--fail-on", "info"]), (1, true), "{form}");
        assert_eq!(shown(&["--fail-on", "error", "--isolated"]), (0, true), "{form}");
    }
    assert!(run(&folder, &["-q", "--fail-on", "info"]).out.contains("Found 1 info."));
}

#[test]
fn a_file_that_is_neither_workflow_nor_action_stands_for_its_repository() {
    let files: &[(&str, &[u8], bool)] = &[
        ("environment.yml", b"name: x\ndependencies: [python]\n", true),
        ("docker-compose.yml", b"services:\n  a: {image: b}\n", true),
        (".pre-commit-config.yaml", b"repos: []\n", true),
        ("azure-pipelines.yml", b"jobs:\n  - job: a\n", true),
        ("list.yml", b"- a\n", true),
        ("broken.yml", b"a: [\n", true),
        (".github/cachelint.yml", b"{}\n", false),
        ("noxfile.py", b"", false),
    ];
    for (name, content, noted) in files {
        let folder = repository(&[(CI, UNUSED.as_bytes()), (name, content)]);
        let ran = run(&folder, &["--output-format", "concise", name]);
        assert!(
            ran.code == 1 && ran.out.starts_with(CI) && ran.out.contains("Found 1 warning."),
            "{name}: {}",
            ran.out
        );
        let note = format!("note: {name} is neither a workflow nor an action");
        assert_eq!(
            (ran.err.starts_with(&note), ran.err.is_empty()),
            (*noted, !noted),
            "{}",
            ran.err
        );
        assert_eq!(run(&folder, &["-q", name]).err, "");
        assert_eq!(run(&folder, &["--fix", name, CI]).code, 0);
        assert_eq!(fs::read(folder.path().join(name)).unwrap(), *content);
        assert_eq!(self::content(&folder, CI), CLEAN);
    }
    let lone = tempfile::tempdir().unwrap();
    fs::write(lone.path().join("environment.yml"), "name: x\n").unwrap();
    let ran = run(&lone, &["environment.yml"]);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (0, "No workflow or action files found.\n"),
        "{}",
        ran.err
    );
}

#[test]
fn standard_input() {
    let folder = repository(&[]);
    let pipe = |args: &[&str]| {
        let mut command = command(folder.path(), args);
        command.write_stdin(UNUSED);
        ran(command)
    };
    let checked = pipe(&["-", "--stdin-filename", CI, "--output-format", "concise"]);
    assert_eq!(checked.code, 1);
    assert!(checked.out.starts_with(&format!("{CI}:1:10: warning")), "{}", checked.out);
    let nameless = pipe(&["-", "--fix"]);
    assert_eq!((nameless.code, nameless.out.as_str()), (2, ""));
    assert!(nameless.err.contains("needs `--stdin-filename`"), "{}", nameless.err);
    let pathless = pipe(&["--stdin-filename", CI]);
    assert_eq!((pathless.code, pathless.out.as_str()), (2, ""));
    assert!(pathless.err.contains("add `-` to the paths"), "{}", pathless.err);
    let fixed = pipe(&["-", "--fix", "--stdin-filename", CI]);
    assert_eq!((fixed.code, fixed.out.as_str()), (0, CLEAN));
    assert!(fixed.err.contains("Fixed 1 finding:"), "{}", fixed.err);
    assert!(pipe(&["-", "--diff"]).out.starts_with("--- a/stdin.yml\n"));
}

#[test]
fn the_rule_pages() {
    let folder = repository(&[]);
    assert!(run(&folder, &["rule", "missing-cache"]).out.starts_with("# nox/missing-cache\n"));
    let all = run(&folder, &["rule", "--all", "--output-format", "json"]);
    let all: serde_json::Value = serde_json::from_str(&all.out).unwrap();
    assert!(all.as_array().unwrap().len() > 10);
    let unknown = run(&folder, &["rule", "mising-cache"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("did you mean `missing-cache`?"), "{}", unknown.err);
    let list = run(&folder, &["rule"]);
    assert!(list.code == 0 && list.out.starts_with("nox/missing-cache "), "{}", list.out);
    assert!(run(&folder, &["completions"]).out.contains("cachelint completions bash\n"));
    let bash = run(&folder, &["completions", "bash"]).out;
    assert!(bash.contains("cachelint") && bash.contains("missing-cache"), "{bash}");
}

#[test]
fn reports_on_logs_or_says_why_not() {
    let folder = repository(&[("log.txt", b"hello\n")]);
    let ran = run(&folder, &["report", "missing.txt"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.starts_with("error: missing.txt"), "{}", ran.err);
    assert_eq!(run(&folder, &["report", "log.txt"]).code, 2);
    assert_eq!(run(&folder, &["report"]).code, 2);
    // A shell hands over every log that a pattern finds.
    let logs = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/logs");
    let [uncached, miss, hit] =
        ["uncached", "miss", "hit"].map(|name| format!("{logs}/github-{name}.txt"));
    let ran = run(&folder, &["report", "--before", &uncached, "--after", &miss, &hit]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("saves 34 s a run"), "{}", ran.out);
}

#[test]
fn a_subcommand_of_another_linter_is_answered_with_what_to_type() {
    let folder = repository(&[(CI, CLEAN.as_bytes())]);
    for (word, help) in [
        ("check", "help: cachelint needs no subcommand"),
        ("fix", "help: `cachelint --fix` applies fixes"),
        ("explain", "help: `cachelint rule CHECK` explains a check"),
    ] {
        let ran = run(&folder, &[word, "."]);
        assert_eq!(ran.code, 2);
        assert!(ran.err.contains(help), "{}", ran.err);
        fs::write(folder.path().join(word), "").unwrap();
        assert_eq!(run(&folder, &[word]).code, 0, "a file of this name is checked");
    }
}

#[test]
fn a_folder_above_several_repositories_stands_for_all_of_them() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["one", "two"] {
        let workflow = folder.path().join(name).join(CI);
        fs::create_dir_all(workflow.parent().unwrap()).unwrap();
        fs::create_dir(folder.path().join(name).join(".git")).unwrap();
        fs::write(workflow, if name == "one" { UNUSED } else { CLEAN }).unwrap();
    }
    let found = run(&folder, &["."]);
    assert!(found.code == 1 && found.out.contains("Found 1 warning."), "{}", found.out);
    let table = run(&folder, &["--statistics"]).out;
    assert!(
        table.contains(" jobs  findings  fixable  repository\n    0         1        1  one\n"),
        "{table}"
    );
    let markdown = run(&folder, &["--output-format", "markdown"]).out;
    assert!(markdown.contains("| one | 0 | 1 | 1 |\n| two | 0 | 0 | 0 |\n"), "{markdown}");
    let json = run(&folder, &["--statistics", "--output-format", "json"]).out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["checks"][0]["findings"], 1);
    assert_eq!(json["repositories"][1]["repository"], "two");
}
