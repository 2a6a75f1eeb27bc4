use super::*;
use crate::base::finding::Severity;
use crate::edit::{apply::apply, verify::verify};

const CI: &str = "\
on: push
jobs:
  lint:  # HEADER
    # ABOVE-STEPS
    steps:
      - uses: actions/checkout@v6  # FIRST
      # ABOVE
      # and more
      - name: Run  # INSIDE
        run: |  # BLOCK
          # SCRIPT
          nox  # SCRIPT-END
        env:
          A: \"# QUOTED\"  # ENV
      # BELOW

  # ABOVE-JOB
  test:
    steps:
      - run: nox
";

fn finding(text: &Text, job: &str, needle: &str) -> Finding {
    let start = text.as_str().find(needle).unwrap();
    Finding {
        rule: "nox/missing-cache",
        severity: Severity::Error,
        message: "m".into(),
        help: "h".into(),
        primary: Location {
            path: "ci.yml".into(),
            span: Span::new(start, start + needle.len()),
            label: "l".into(),
        },
        related: Vec::new(),
        job: job.into(),
        notes: Vec::new(),
        remedy: None,
        fix: None,
        no_fix_reason: None,
        withheld: None,
    }
}

/// `CI` with a comment in place of `mark`, checked with findings in both jobs.
fn run(mark: &str, comment: &str) -> (Text, Suppressed) {
    let mut content = CI.replacen(&format!("# {mark}\n"), &format!("{comment}\n"), 1);
    if mark == "QUOTED" {
        content = CI.replacen("# QUOTED", comment, 1);
    }
    assert_ne!(content, CI, "{mark}");
    let text = Text::new("ci.yml", content.into_bytes()).unwrap();
    let tree = crate::yaml::parse(&text).unwrap();
    let findings = vec![finding(&text, "lint", "name: Run"), finding(&text, "test", "- run: nox")];
    let result = suppress("ci.yml", &text, &tree, findings, |_| true);
    (text, result)
}

fn kept(result: &Suppressed) -> Vec<(&str, &str)> {
    result.kept.iter().map(|f| (f.rule, f.job.as_str())).collect()
}

const LINT: (&str, &str) = ("nox/missing-cache", "lint");
const TEST: (&str, &str) = ("nox/missing-cache", "test");

#[test]
fn a_comment_counts_where_it_concerns_the_finding() {
    let comment = "# cachelint: ignore[missing-cache] cold on purpose";
    for mark in ["HEADER", "ABOVE", "INSIDE", "BLOCK", "ENV"] {
        let (_, result) = run(mark, comment);
        assert_eq!(kept(&result), [TEST], "{mark}");
        assert_eq!(result.suppressed.len(), 1, "{mark}");
    }
    assert_eq!(kept(&run("ABOVE-JOB", comment).1), [LINT]);
}

#[test]
fn a_comment_elsewhere_is_reported_as_unused() {
    let comment = "# cachelint: ignore[missing-cache]";
    for mark in ["FIRST", "ABOVE-STEPS", "BELOW"] {
        let (_, result) = run(mark, comment);
        assert_eq!(kept(&result), [LINT, TEST, (checks::id::UNUSED_IGNORE, "lint")], "{mark}");
    }
}

#[test]
fn what_only_looks_like_a_comment_is_text() {
    for mark in ["SCRIPT", "SCRIPT-END", "QUOTED"] {
        let (_, result) = run(mark, "# cachelint: ignore[missing-cache]");
        assert_eq!(kept(&result), [LINT, TEST], "{mark}");
    }
}

#[test]
fn another_check_is_not_suppressed_and_a_check_that_did_not_run_is_not_unused() {
    let (text, result) = run("INSIDE", "# cachelint: ignore[wrong-path]");
    assert_eq!(kept(&result), [LINT, TEST, (checks::id::UNUSED_IGNORE, "lint")]);
    let tree = crate::yaml::parse(&text).unwrap();
    let result = suppress("ci.yml", &text, &tree, Vec::new(), |check| check != "nox/wrong-path");
    assert!(result.kept.is_empty());
}

#[test]
fn a_malformed_comment_is_reported() {
    let (_, result) = run("INSIDE", "# cachelint: ignore");
    assert_eq!(kept(&result), [LINT, TEST, (checks::id::INVALID_IGNORE, "lint")]);
}

#[test]
fn only_a_comment_without_any_use_is_said_to_ignore_nothing() {
    for (checks, wanted) in [
        ("wrong-path", "`nox/wrong-path` reports nothing here, so this comment ignores nothing"),
        (
            "wrong-path, constant-key",
            "`nox/wrong-path`, `nox/constant-key` report nothing here, so this comment ignores nothing",
        ),
        (
            "missing-cache, wrong-path",
            "`nox/wrong-path` reports nothing here, so this comment needn't name it",
        ),
        (
            "missing-cache, wrong-path, constant-key",
            "`nox/wrong-path`, `nox/constant-key` report nothing here, so this comment needn't name them",
        ),
    ] {
        let (_, result) = run("INSIDE", &format!("# cachelint: ignore[{checks}]"));
        assert_eq!(result.kept.last().unwrap().message, wanted);
    }
}

#[test]
fn the_fix_takes_out_what_is_unused_and_nothing_else() {
    let table = [
        ("INSIDE", "# cachelint: ignore[wrong-path] x", CI.replace("  # INSIDE", "")),
        ("BELOW", "# cachelint: ignore[wrong-path]", CI.replace("      # BELOW\n", "")),
        (
            "BLOCK",
            "# cachelint: ignore[wrong-path] # zizmor: ignore[x]",
            CI.replace("# BLOCK", "# zizmor: ignore[x]"),
        ),
        (
            "BLOCK",
            "# zizmor: ignore[x] # cachelint: ignore[wrong-path]",
            CI.replace("# BLOCK", "# zizmor: ignore[x]"),
        ),
        (
            "INSIDE",
            "# cachelint: ignore[wrong-path, missing-cache, constant-key] x",
            CI.replace("# INSIDE", "# cachelint: ignore[missing-cache] x"),
        ),
        (
            "INSIDE",
            "# cachelint: ignore[missing-cache,wrong-path,constant-key]",
            CI.replace("# INSIDE", "# cachelint: ignore[missing-cache]"),
        ),
        (
            "INSIDE",
            "# cachelint: ignore[wrong-path, constant-key, missing-cache]",
            CI.replace("# INSIDE", "# cachelint: ignore[missing-cache]"),
        ),
    ];
    for (mark, comment, expected) in table {
        let (text, result) = run(mark, comment);
        let fix = result.kept.last().and_then(|f| f.fix.clone()).unwrap();
        let fixed = apply(text.as_str(), &fix.edits).unwrap();
        assert_eq!(fixed, expected, "{comment}");
        assert_eq!(verify(text.as_str(), &fixed, &fix.changes), Ok(()));
    }
}

#[test]
fn the_last_line_leaves_the_end_of_the_file_as_it_was() {
    for newline in ["\n", "\r\n"] {
        let kept = format!("on: push{newline}jobs:{newline}  a:{newline}    runs-on: x");
        for (end, expected) in [("", kept.clone()), (newline, format!("{kept}{newline}"))] {
            let content = format!("{kept}{newline}    # cachelint: ignore[missing-cache]{end}");
            let text = Text::new("ci.yml", content.into_bytes()).unwrap();
            let result =
                suppress("ci.yml", &text, &crate::yaml::parse(&text).unwrap(), Vec::new(), |_| {
                    true
                });
            let fix = result.kept[0].fix.clone().unwrap();
            assert_eq!(apply(text.as_str(), &fix.edits).unwrap(), expected);
        }
    }
}

#[test]
fn a_composite_action_is_one_scope() {
    let content = "runs:  # cachelint: ignore[missing-cache] slow\n  using: composite\n  steps:\n    - run: nox\n";
    let text = Text::new("action.yml", content.as_bytes().to_vec()).unwrap();
    let tree = crate::yaml::parse(&text).unwrap();
    let mut one = finding(&text, "(composite)", "run: nox");
    one.primary.path = "action.yml".into();
    let result = suppress("action.yml", &text, &tree, vec![one], |_| true);
    assert_eq!((result.kept.len(), result.suppressed.len()), (0, 1));
}
