//! The binary as its users run it, in an environment that holds nothing but what a test says.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use tempfile::TempDir;

const CI: &str = ".github/workflows/ci.yml";
const CLEAN: &str = "on: push\njobs: {}\n";
/// Reported by a check that needs no analysis, and has a safe fix.
const UNUSED: &str = "on: push # cachelint: ignore[missing-cache] é\njobs: {}\n";

fn repository(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(".git")).unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cachelint"));
    command.env_clear().current_dir(folder).args(args);
    command
}

fn ran(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn run(folder: &TempDir, args: &[&str]) -> Ran {
    ran(command(folder.path(), args))
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
        (b"on: push\nname: \xff\n", "error: .github/workflows/bad.yml:2:1: not UTF-8"),
        (&large, "error: .github/workflows/bad.yml: larger than"),
        (b"on: push\njobs: [a\n", "error: .github/workflows/bad.yml:"),
        (b"on: push\n---\njobs: {}\n", "error: .github/workflows/bad.yml:"),
        (
            "\u{feff}\u{feff}on: push\n".as_bytes(),
            "error: .github/workflows/bad.yml:1:1: begins with two byte order marks",
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
fn fixing_changes_what_it_says_and_is_done_after_once() {
    for (old, new) in [
        (UNUSED.to_owned(), CLEAN.to_owned()),
        (UNUSED.replace('\n', "\r\n"), CLEAN.replace('\n', "\r\n")),
        (format!("\u{feff}{}", UNUSED.trim_end()), format!("\u{feff}{}", CLEAN.trim_end())),
    ] {
        let folder = repository(&[(CI, old.as_bytes())]);
        let ran = run(&folder, &["--fix"]);
        let said = format!("Fixed 1 finding:\n  {CI}\nAll checks passed!\n");
        assert_eq!(ran.out, said, "{}", ran.err);
        assert_eq!(content(&folder, CI), new);
        assert_eq!(run(&folder, &["--fix"]).out, "All checks passed!\n");
    }
}

#[test]
fn a_byte_order_mark_inside_is_refused() {
    let text = "# cachelint: ignore[nox/missing-cache] reason\n\u{feff}on: push\njobs: {}\n";
    let folder = repository(&[(CI, text.as_bytes())]);
    let ran = run(&folder, &["--fix"]);
    assert!(
        ran.code == 2 && ran.err.contains("ci.yml:2:1: character U+FEFF"),
        "{}{}",
        ran.out,
        ran.err
    );
    assert_eq!(content(&folder, CI), text);
}

/// Applies `patch` with git in a folder of the repository.
fn apply(folder: &Path, patch: &str) {
    let mut git = std::process::Command::new("git");
    git.args(["apply", "--whitespace=nowarn", "-"]).current_dir(folder);
    let mut git = git.stdin(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut git.stdin.take().unwrap(), patch.as_bytes()).unwrap();
    assert!(git.wait().unwrap().success(), "{patch}");
}

#[test]
fn the_printed_diff_makes_git_write_the_same_bytes() {
    let old = UNUSED.replace('\n', "\r\n");
    let json = |out: &str| {
        let whole: serde_json::Value = serde_json::from_str(out).unwrap();
        assert_eq!(whole["fixed"][0]["rule"], "cachelint/unused-ignore");
        assert_eq!(whole["findings"], serde_json::json!([]));
        whole["changes"][0]["patch"].as_str().unwrap().to_owned()
    };
    // From where it is printed: at the root, above the file, and above the repository.
    for (at, header, args) in [
        ("a/repo", CI, &["--diff"][..]),
        ("a/repo", CI, &["--diff", "--output-format", "json"]),
        ("a/repo/.github", "workflows/ci.yml", &["--diff"]),
        ("a", "repo/.github/workflows/ci.yml", &["--diff", "repo"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a/repo").join(CI);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, &old).unwrap();
        fs::create_dir(folder.path().join("a/repo/.git")).unwrap();
        let at = folder.path().join(at);
        let ran = ran(command(&at, args));
        let said = format!("Would fix 1 finding:\n  {header}\n");
        let patch = if args.len() > 2 { json(&ran.out) } else { ran.out };
        assert!(args.len() > 2 || ran.err == said, "{}", ran.err);
        assert!(patch.starts_with(&format!("--- a/{header}\n+++ b/{header}\n")), "{patch}");
        fs::remove_dir(folder.path().join("a/repo/.git")).unwrap();
        apply(&at, &patch);
        assert_eq!(fs::read_to_string(&file).unwrap(), CLEAN.replace('\n', "\r\n"));
    }
}

#[test]
fn a_diff_beside_the_changed_folder_says_where_to_apply_it() {
    let folder = repository(&[(CI, UNUSED.as_bytes()), ("sub/x", b"")]);
    let ran = ran(command(&folder.path().join("sub"), &["--diff"]));
    assert!(ran.err.contains("note: apply the patch with `git -C .. apply`"), "{}", ran.err);
    assert!(ran.out.starts_with(&format!("--- a/{CI}\n")), "{}", ran.out);
    fs::remove_dir(folder.path().join(".git")).unwrap();
    apply(folder.path(), &ran.out);
    assert_eq!(content(&folder, CI), CLEAN);
}

#[test]
fn fix_and_diff_together_apply_and_print() {
    let folder = repository(&[(CI, UNUSED.as_bytes())]);
    let ran = run(&folder, &["--fix", "--diff"]);
    assert!(ran.out.contains("\n+on: push\n"), "{}", ran.out);
    assert_eq!(content(&folder, CI), CLEAN);
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
    let fixed = pipe(&["-", "--fix", "--stdin-filename", CI]);
    assert_eq!((fixed.code, fixed.out.as_str()), (0, CLEAN));
    assert!(fixed.err.contains("Fixed 1 finding:"), "{}", fixed.err);
    assert!(pipe(&["-", "--diff"]).out.starts_with("--- a/stdin.yml\n"));
}

#[test]
fn settings_come_from_the_repository_unless_told_otherwise() {
    let ignoring: &[u8] = b"[tool.cachelint]\nignore = ['unused-ignore']\n";
    let folder =
        repository(&[(CI, UNUSED.as_bytes()), ("pyproject.toml", ignoring), ("none.toml", b"")]);
    assert_eq!(run(&folder, &[]).code, 0);
    assert_eq!(run(&folder, &["--isolated"]).code, 1);
    assert_eq!(run(&folder, &["--config", "none.toml"]).code, 1);
    fs::write(folder.path().join("pyproject.toml"), "[tool.cachelint]\nignor = []\n").unwrap();
    let ran = run(&folder, &[]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("error: pyproject.toml:2:1: "), "{}", ran.err);
    assert!(ran.err.contains("did you mean `ignore`?"), "{}", ran.err);
}

#[test]
fn paths_are_shown_from_the_current_folder() {
    let folder = repository(&[(CI, UNUSED.as_bytes()), ("sub/x", b"")]);
    let ran = ran(command(&folder.path().join("sub"), &["--output-format", "concise"]));
    assert!(ran.out.starts_with("../.github/workflows/ci.yml:1:10: "), "{}", ran.out);
    assert_eq!(run(&folder, &["--show-files"]).out, format!("workflow  {CI}\n"));
}

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
}

#[test]
fn an_output_file_that_cannot_be_written_stops_the_run_before_it_fixes() {
    let folder = repository(&[(CI, UNUSED.as_bytes())]);
    let ran = run(&folder, &["--fix", "--output-file", "no/such/file"]);
    assert!(ran.err.starts_with("error: no/such/file: cannot be written"), "{}", ran.err);
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
fn bad_settings_are_one_message_with_place_and_remedy_and_nothing_is_done() {
    let table = [
        (
            "[tool.cachelint]\nselct = []\n",
            "error: pyproject.toml:2:1: unknown field `selct`",
            "did you mean `select`?",
        ),
        (
            "[tool.cachelint]\nreuse = 'of'\n",
            "error: pyproject.toml:2:9: unknown variant `of`",
            "`insert`",
        ),
        (
            "[tool.cachelint]\nignore = ['E501']\n",
            "error: pyproject.toml:2:10: there is no check `E501`",
            "`cachelint rule` lists them all",
        ),
        ("[tool.cachelint\n", "error: pyproject.toml:1:16: unclosed table", "--isolated"),
    ];
    for (settings, message, remedy) in table {
        let folder =
            repository(&[(CI, UNUSED.as_bytes()), ("pyproject.toml", settings.as_bytes())]);
        let ran = run(&folder, &["--fix"]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{settings}");
        assert!(ran.err.starts_with(message) && ran.err.contains(remedy), "{}", ran.err);
        assert_eq!(ran.err.matches("error: ").count(), 1, "{}", ran.err);
        assert_eq!(content(&folder, CI), UNUSED);
        assert!(
            run(&folder, &["--output-format", "github"])
                .out
                .starts_with("::error file=pyproject.toml,line=")
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

#[cfg(unix)]
#[test]
fn links_are_neither_followed_out_of_the_repository_nor_written_through() {
    let outside = repository(&[("other.yml", UNUSED.as_bytes())]);
    let folder = repository(&[
        ("kept.yml", UNUSED.as_bytes()),
        (".github/workflows/a.yml", CLEAN.as_bytes()),
    ]);
    let link = |target: &Path, name: &str| {
        std::os::unix::fs::symlink(target, folder.path().join(name)).unwrap()
    };
    link(&outside.path().join("other.yml"), ".github/workflows/out.yml");
    link(&folder.path().join("kept.yml"), ".github/workflows/in.yml");
    let ran = run(&folder, &["--fix"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("out.yml: is a symbolic link to "), "{}", ran.err);
    assert!(
        ran.err.contains("in.yml: is a symbolic link, which is not followed when writing"),
        "{}",
        ran.err
    );
    assert_eq!(content(&outside, "other.yml"), UNUSED);
    assert_eq!(content(&folder, "kept.yml"), UNUSED);
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
    assert!(ran.code == 2 && ran.err.contains("no/such/file: cannot be written"), "{}", ran.err);
    assert_eq!(content(&folder, CI), UNUSED, "nothing is fixed in a run that cannot say so");
}

#[test]
fn settings_that_no_fix_could_follow_are_refused_before_anything_is_written() {
    let table = [
        ("cache-action: actions/cache\n", "1:15: `cache-action`: `actions/cache` has no version"),
        ("key-parts: ['v1,v2']\n", "1:14: `key-parts`: `v1,v2` contains a comma"),
        ("\nkey-files: [noxfil.py]\n", "2:13: `key-files`: `noxfil.py` matches no file"),
    ];
    for (settings, message) in table {
        let files: &[(&str, &[u8])] = &[
            (CI, UNUSED.as_bytes()),
            (".github/cachelint.yml", settings.as_bytes()),
            ("noxfile.py", b""),
        ];
        let folder = repository(files);
        let ran = run(&folder, &["--fix"]);
        assert_eq!(ran.code, 2, "{settings}");
        let expected = format!("error: .github/cachelint.yml:{message}");
        assert!(ran.err.starts_with(&expected), "{}", ran.err);
        assert_eq!(content(&folder, CI), UNUSED);
    }
}

#[test]
fn checks_are_chosen_by_how_their_names_begin_and_files_left_out_by_pattern() {
    let folder = repository(&[(CI, UNUSED.as_bytes())]);
    let table: &[(&[&str], i32)] = &[
        (&["--select", "nox"], 0),
        (&["--select", "all"], 1),
        (&["--ignore", "unused"], 0),
        (&["--ignore", "all"], 0),
        (&["--exclude", "ci.yml"], 0),
        (&["--exclude", ".github/"], 0),
        (&["--exclude", "*.yaml"], 1),
        (&["--exclude", "ci.yml", CI], 0),
    ];
    for (args, code) in table {
        assert_eq!(run(&folder, args).code, *code, "{args:?}");
    }
    fs::write(folder.path().join(".github/cachelint.yml"), "exclude: ['.github/workflows/c*']\n")
        .unwrap();
    assert_eq!(run(&folder, &[]).code, 0);
}

#[test]
fn whoever_types_the_subcommand_of_ruff_is_told_how_it_is_done_here() {
    let folder = repository(&[(CI, CLEAN.as_bytes())]);
    let ran = run(&folder, &["check", "."]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("help: cachelint needs no subcommand"), "{}", ran.err);
}

#[test]
fn a_second_settings_file_is_ignored_aloud() {
    let settings: &[u8] = b"[tool.cachelint]\nignore = ['nox']\n";
    let files: &[(&str, &[u8])] = &[
        (CI, UNUSED.as_bytes()),
        (".github/cachelint.yml", b"ignore: [unused-ignore]\n"),
        ("pyproject.toml", settings),
    ];
    let folder = repository(files);
    let ran = run(&folder, &[]);
    assert_eq!(ran.code, 0);
    assert_eq!(
        ran.err,
        "warning: ignoring the settings in pyproject.toml, because .github/cachelint.yml exists\n"
    );
    assert_eq!(run(&folder, &["-q"]).err, "");
    fs::write(folder.path().join("pyproject.toml"), "# cachelint\n[tool.nox]\n").unwrap();
    assert_eq!(run(&folder, &[]).err, "");
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
fn findings_after_a_diff_are_those_of_the_text_on_disk() {
    let text = "# cachelint: ignore[missing-cache]\n# one\non: push # cachelint: ignore[nonsense]\njobs: {}\n";
    let folder = repository(&[(CI, text.as_bytes())]);
    let ran = run(&folder, &["--diff", "--output-format", "concise"]);
    assert!(ran.out.contains("\n-# cachelint: ignore[missing-cache]\n"), "{}", ran.out);
    assert!(ran.err.starts_with(&format!("{CI}:3:10: ")), "{}", ran.err);
    assert!(
        ran.err.contains("Would fix 1 finding:") && ran.err.contains("Left: 1 warning."),
        "{}",
        ran.err
    );
    let ran = run(&folder, &["--fix", "--show-fixes", "--output-format", "concise"]);
    assert!(ran.out.contains("[cachelint/unused-ignore]\n"), "{}", ran.out);
    assert!(ran.out.starts_with(&format!("{CI}:2:10: ")), "{}", ran.out);
}
