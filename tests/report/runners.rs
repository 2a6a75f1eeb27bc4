//! Logs of real runs, whose seconds act told for each step, and the words of other actions than actions/cache.

use std::io::Write;

use cachelint::report::{ReportArgs, ReportFormat, run};
use serde_json::{Value, json};

use super::{as_json, between, causes, job, log, median};

/// Totals count only what is settled, and say so where nothing is.
#[test]
fn says_when_nothing_is_settled() {
    let args = between(&["forgejo-e2e-1-unfixed.log"], &["forgejo-e2e-3-lock.log"]);
    let text = super::text(&args).unwrap();
    assert!(text.contains("in total: no settled verdict yet; 1 of 1 jobs pass"), "{text}");
}

fn gain(before: &[&str], after: &[&str]) -> (f64, Value) {
    let report = as_json(&between(before, after));
    let difference = report["differences"][0].clone();
    (difference["net_gain_seconds"].as_f64().unwrap(), difference)
}

/// A report on a log that is written here.
pub fn on_text(text: &str) -> Value {
    let mut file = tempfile::Builder::new().suffix(".txt").tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    as_json(&ReportArgs { paths: vec![file.path().to_owned()], ..ReportArgs::default() })
}

#[test]
fn counts_what_the_runner_counted() {
    // Of the steps that run nox, restore, save, and prepare: 18.0 s unfixed; 12.3 + 3.1 + 13.2 + 12.7 s after.
    let (seconds, difference) = gain(&["act-e2e-1-unfixed.jsonl"], &["act-e2e-3-lock.jsonl"]);
    assert!((seconds + 23.3).abs() < 0.1, "{seconds}");
    assert_eq!(median(&difference["after"], "preparation_seconds"), Some(3.08));
    // The same runs as Forgejo logs them, which does not tell where a step begins. The machine was busy, so the
    // steps that no log shows took a second more or less.
    let (seconds, _) = gain(&["forgejo-e2e-1-unfixed.log"], &["forgejo-e2e-3-lock.log"]);
    assert!((seconds + 23.3).abs() < 1.0, "{seconds}");
    let (seconds, difference) = gain(&["forgejo-e2e-1-unfixed.log"], &["forgejo-e2e-2-again.log"]);
    assert!((seconds - 2.9).abs() < 1.0, "{seconds}");
    assert_eq!(difference["after"]["restores"], json!({"hit": 1}));
}

#[test]
fn what_an_older_key_brings_is_built_again_on_purpose() {
    let (_, difference) = gain(&["forgejo-e2e-1-unfixed.log"], &["forgejo-e2e-3-lock.log"]);
    assert_eq!(difference["after"]["restores"], json!({"restored by a restore key": 1}));
    assert_eq!(causes(&difference["after"]), ["older-key-rebuilt", "older-key"]);
    let verdict = difference["verdict"].as_str().unwrap();
    assert!(verdict.starts_with("took 24 s more in one pair of runs"), "{verdict}");
}

#[test]
fn a_group_that_a_step_prints_is_no_step_on_forgejo() {
    let text = std::fs::read_to_string(log("forgejo-e2e-2-again.log")).unwrap();
    let (before, after) = text.split_at(text.find("2026-11-29T10:28:07.4511").unwrap());
    let report =
        on_text(&format!("{before}2026-11-29T10:28:07.4510000Z ##[group]Run tests\n{after}"));
    assert_eq!(report["jobs"][0]["restores"], json!({"hit": 1}));
    assert_eq!(median(&report["jobs"][0], "nox_seconds"), Some(3.86));
}

#[test]
fn what_a_session_prints_is_no_cache_on_forgejo() {
    let text = std::fs::read_to_string(log("forgejo-e2e-1-unfixed.log")).unwrap();
    let end = text.lines().position(|line| line.contains("was successful")).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    let stamp = &lines[end][..28];
    let printed = format!("{stamp} Cache restored from key: nox-of-a-test");
    lines.insert(end, &printed);
    assert_eq!(on_text(&lines.join("\n"))["jobs"][0]["restores"], json!({}));
}

const GITHUB: &str = "\
2026-11-20T10:00:00.0000000Z Current runner version: '2.331.0'
2026-11-20T10:00:00.9000000Z Complete job name: tests
2026-11-20T10:00:01.0000000Z ##[group]Run SETUP
2026-11-20T10:00:01.0000000Z ##[endgroup]
2026-11-20T10:00:20.0000000Z Trying to restore cache from GitHub Actions cache with key: KEY
RESTORE2026-11-20T10:00:30.0000000Z ##[group]Run nox
2026-11-20T10:00:30.0000000Z ##[endgroup]
2026-11-20T10:00:31.0000000Z nox > Running session tests
2026-11-20T10:00:31.0000000Z nox > Creating virtual environment (uv) using python3 in .nox/tests
2026-11-20T10:00:41.0000000Z nox > pytest
2026-11-20T10:00:51.0000000Z nox > Session tests was successful in 20 seconds.
2026-11-20T10:00:52.0000000Z Post job cleanup.
2026-11-20T10:00:54.0000000Z SAVE
2026-11-20T10:00:54.1000000Z Post job cleanup.
2026-11-20T10:00:55.0000000Z Cleaning up orphan processes
";

/// As setup-uv (2026-08-20) and setup-python (2026-07-19) word it in their sources.
#[test]
fn knows_the_words_of_setup_uv_and_setup_python() {
    let uv = "setup-uv-2-x86_64-unknown-linux-gnu-ubuntu-24.04-3.12-pruned-abc";
    let python = "setup-python-Linux-x64-24.04-Ubuntu-python-3.12.11-pip-abc";
    let hit = |key: &str, last: &str| {
        format!(
            "2026-11-20T10:00:20.4000000Z Cache hit for: {key}\n\
             2026-11-20T10:00:22.0000000Z Cache Size: ~80 MB (83886080 B)\n\
             2026-11-20T10:00:23.0000000Z Cache restored successfully\n\
             2026-11-20T10:00:23.0000000Z {last}{key}\n"
        )
    };
    let line = |text: &str| format!("2026-11-20T10:00:23.0000000Z {text}\n");
    let restored_by_uv = "cache restored from GitHub Actions cache with key: ";
    for (setup, key, restore, save, restored, saved) in [
        (
            "astral-sh/setup-uv@v8",
            uv,
            hit(uv, restored_by_uv),
            format!("Cache hit occurred on key {uv}, not saving cache."),
            "hit",
            "already-there",
        ),
        (
            "astral-sh/setup-uv@v8",
            uv,
            line(&format!("No GitHub Actions cache found for key: {uv}")),
            format!("uv cache saved with key: {uv}"),
            "miss",
            "saved",
        ),
        (
            "actions/setup-python@v6",
            python,
            hit(python, "Cache restored from key: "),
            format!("Cache hit occurred on the primary key {python}, not saving cache."),
            "hit",
            "already-there",
        ),
        (
            "actions/setup-python@v6",
            python,
            line("pip cache is not found"),
            format!("Cache saved with the key: {python}"),
            "miss",
            "saved",
        ),
    ] {
        let text = GITHUB
            .replace("SETUP", setup)
            .replace("RESTORE", &restore)
            .replace("SAVE", &save)
            .replace("KEY", key);
        let report = on_text(&text);
        let caches = &report["jobs"][0]["runs"][0]["package_caches"];
        assert_eq!(caches.as_array().unwrap().len(), 1, "{setup}, {save}: {report:#}");
        let cache = &caches[0];
        assert_eq!(
            (&cache["restore"], &cache["save"]),
            (&json!(restored), &json!(saved)),
            "{setup}"
        );
        assert_eq!(cache["key"], key);
        // Installing Python or uv is no part of it; the step at the end is.
        assert_eq!((&cache["restore_seconds"], &cache["post_seconds"]), (&json!(3.0), &json!(2.0)));
    }
}

#[test]
fn runs_that_did_not_pass_do_not_count_where_others_did() {
    let difference = gain(&["github-uncached.txt", "github-failing.txt"], &["github-hit.txt"]).1;
    assert_eq!(difference["before"]["runs_counted"], 1);
    let alone = gain(&["github-uncached.txt"], &["github-hit.txt"]).1;
    assert_eq!(difference["net_gain_seconds"], alone["net_gain_seconds"]);
}

/// In a terminal act prints what steps print without the name of the job.
#[test]
fn reads_what_act_prints_in_a_terminal() {
    let piped = std::fs::read_to_string(log("act-cache-2.txt")).unwrap();
    let shown: String = piped
        .lines()
        .map(|line| match line.split_once("]   | ") {
            Some((_, output)) => format!("\u{1b}[35m|\u{1b}[0m {output}\n"),
            None => format!("\u{1b}[35m{line}\u{1b}[0m\n"),
        })
        .collect();
    let mut out = Vec::new();
    let args = ReportArgs {
        paths: vec!["-".into()],
        output_format: ReportFormat::Json,
        ..ReportArgs::default()
    };
    run(&args, &mut shown.as_bytes(), &mut out).unwrap();
    let report: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(report["jobs"][0]["restores"], job("act-cache-2.txt")["restores"]);
    assert_eq!(
        median(&report["jobs"][0], "nox_seconds"),
        median(&job("act-cache-2.txt"), "nox_seconds")
    );
}

/// The last words of forgejo-runner when a job takes too long.
#[test]
fn a_job_that_took_too_long_on_forgejo_was_cancelled() {
    let text = std::fs::read_to_string(log("forgejo-e2e-1-unfixed.log")).unwrap();
    let words = "The runner cancelled the job because it exceeds the maximum run time";
    let lines: Vec<&str> = text.lines().filter(|line| !line.contains("🏁")).collect();
    let stamp = &lines[lines.len() - 1][..28];
    let cut = format!("{}\n{stamp} {words}\n", lines.join("\n"));
    assert_eq!(on_text(&cut)["jobs"][0]["outcomes"], json!({"cancelled": 1}));
}

#[test]
fn what_a_step_prints_does_not_change_whose_log_it_is() {
    let text = std::fs::read_to_string(log("github-hit.txt")).unwrap();
    let at = text.find("2026-11-20T10:00:03.0").unwrap();
    let (before, after) = text.split_at(at);
    let printed = "2026-11-20T10:00:02.9000000Z ✅ Success - all is well\n\
                   2026-11-20T10:00:02.9000000Z ⭐ Run Post act in a step\n";
    let report = on_text(&format!("{before}{printed}{after}"));
    let expected = job("github-hit.txt");
    for field in ["restores", "restore_seconds", "post_seconds", "nox_seconds", "job_seconds"] {
        assert_eq!(report["jobs"][0][field], expected[field], "{field}");
    }
}

/// A cache of packages before, which the fix replaces: all that comes before the tool is compared.
#[test]
fn compares_with_a_cache_of_packages_on_forgejo() {
    let text = std::fs::read_to_string(log("forgejo-e2e-1-unfixed.log")).unwrap();
    let at = text.lines().position(|line| line.contains("Running session tests")).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let stamp = lines[at][..28].to_owned();
    lines.insert(at, format!("{stamp} Cache restored from key: uv-Linux-0123"));
    let mut file = tempfile::Builder::new().suffix(".log").tempfile().unwrap();
    file.write_all(lines.join("\n").as_bytes()).unwrap();
    let args = ReportArgs {
        before: vec![file.path().to_owned()],
        after: vec![log("forgejo-e2e-2-again.log")],
        ..ReportArgs::default()
    };
    // What is restored came out of the same seconds before the tool's first line.
    let (without, _) = gain(&["forgejo-e2e-1-unfixed.log"], &["forgejo-e2e-2-again.log"]);
    let gained = as_json(&args)["differences"][0]["net_gain_seconds"].as_f64().unwrap();
    assert!((gained - without).abs() < 0.01, "{gained} {without}");
}
