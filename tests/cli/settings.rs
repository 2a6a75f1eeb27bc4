//! Where settings come from, and what is said of wrong ones.

use std::fs;

use crate::{CI, UNUSED, content, repository, run};

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
fn bad_settings_are_one_message_with_place_and_remedy_and_nothing_is_done() {
    let table = [
        (
            "[tool.cachelint]\nselct = []\n",
            "error: pyproject.toml:2:1: there is no setting `selct`",
            "did you mean `select`?",
        ),
        (
            "[tool.cachelint]\nreuse = 'of'\n",
            "error: pyproject.toml:2:9: `reuse`: `of` isn't one of",
            "`insert`",
        ),
        (
            "[tool.cachelint]\nignore = ['E501']\n",
            "error: pyproject.toml:2:10: `ignore`: there is no check `E501`",
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
