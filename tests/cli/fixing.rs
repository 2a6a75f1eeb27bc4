//! Fixes that are written, and the patches that are printed.

use std::fs;
use std::path::Path;

use crate::{CI, CLEAN, UNUSED, command, content, ran, repository, run};

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
        ran.err.contains("in.yml: is a symbolic link, which cachelint doesn't write through"),
        "{}",
        ran.err
    );
    assert_eq!(content(&outside, "other.yml"), UNUSED);
    assert_eq!(content(&folder, "kept.yml"), UNUSED);
}

#[test]
fn findings_after_a_diff_are_those_of_the_text_on_disk() {
    let text = "# cachelint: ignore[missing-cache]\n# one\non: push # cachelint: ignore[nonsense]\njobs: {}\n";
    let folder = repository(&[(CI, text.as_bytes())]);
    let ran = run(&folder, &["--diff", "--output-format", "concise"]);
    assert!(ran.out.contains("\n-# cachelint: ignore[missing-cache]\n"), "{}", ran.out);
    assert!(ran.err.starts_with(&format!("{CI}:3:10: ")), "{}", ran.err);
    assert!(
        ran.err.contains("Would fix 1 finding:") && ran.err.contains("1 warning left."),
        "{}",
        ran.err
    );
    let ran = run(&folder, &["--fix", "--show-fixes", "--output-format", "concise"]);
    assert!(ran.out.contains("[cachelint/unused-ignore]\n"), "{}", ran.out);
    assert!(ran.out.starts_with(&format!("{CI}:2:10: ")), "{}", ran.out);
}
