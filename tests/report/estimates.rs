//! What a cache would save, by logs of runs without one.

use cachelint::report::ReportArgs;
use serde_json::{Value, json};

use super::runners::on_text;
use super::{as_json, job, on, text};

#[test]
fn estimates_what_a_cache_would_save_before_there_is_one() {
    let args = ReportArgs {
        runs_per_month: Some(600),
        ..on(&["github-uncached.txt", "github-uncached-lint.txt"])
    };
    let report = as_json(&args);
    let [tests, lint] = [&report["jobs"][0]["estimate"], &report["jobs"][1]["estimate"]];
    assert_eq!((&tests["build_seconds"], &tests["pays"]), (&json!(40.0), &json!(true)));
    assert_eq!((&lint["build_seconds"], &lint["pays"]), (&json!(1.0), &json!(false)));
    let about = tests["saves_about"].as_f64().unwrap();
    assert!((25.0..36.0).contains(&about), "{about}");
    assert_eq!(report["workflow"]["slowest"]["job"], "tests");
    let text = text(&args).unwrap();
    assert!(
        text.contains("builds for 40 s; a cache would save about 29 s a run (23–35)"),
        "{text}"
    );
    assert!(text.contains("builds for 1.0 s; leave it"), "{text}");
    assert!(text.contains("288 minutes a month"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn a_build_ends_with_the_first_command_that_installs_nothing() {
    let job = job("github-build-and-test.txt");
    let sessions = &job["runs"][0]["builds"];
    assert_eq!(
        (&sessions[0]["build_seconds"], &sessions[0]["seconds"]),
        (&json!(12.0), &json!(30.0))
    );
    // Lines that were printed late, all at once, tell nothing of when the work was done.
    assert_eq!(
        (&sessions[1]["build_seconds"], &sessions[1]["seconds"]),
        (&Value::Null, &json!(20.0))
    );
    assert_eq!(job["estimate"], Value::Null);
}

/// The fix replaces a cache of uv's packages, so what restoring them takes isn't lost; and what is imported is compiled
/// already.
#[test]
fn estimates_beside_a_cache_of_packages() {
    const HIT: &str = "Cache restored from key: ";
    const MISS: &str = "Cache not found for input keys: ";
    let line = |tenths: u32, text: &str| {
        format!("2026-11-20T10:00:{:02}.{}000000Z {text}\n", tenths / 10, tenths % 10)
    };
    let run = |key: &str, restore: &str, backend: &str| {
        let mut text = line(0, "Current runner version: '2.331.0'");
        text += &line(5, "Complete job name: tests");
        text += &line(10, "##[group]Run actions/cache@v5");
        text += &line(10, "with:");
        text += &line(
            10,
            &format!("  path: ~/.cache/{}", if key.starts_with("uv") { "uv" } else { "pip" }),
        );
        text += &line(10, &format!("  key: {key}"));
        text += &line(10, "##[endgroup]");
        text += &line(60, &format!("{restore}{key}"));
        text += &line(70, "##[group]Run nox");
        text += &line(70, "##[endgroup]");
        text += &line(75, "nox > Running session tests");
        text += &line(
            75,
            &format!("nox > Creating virtual environment ({backend}) using python3 in .nox/tests"),
        );
        text += &line(80, "nox > uv pip install -r requirements.txt");
        text += &line(105, "nox > pytest");
        text += &line(185, "nox > Session tests was successful in 11 seconds.");
        text += &line(190, "Post job cleanup.");
        text +=
            &line(195, &format!("Cache hit occurred on the primary key {key}, not saving cache."));
        text += &line(200, "Cleaning up orphan processes");
        let report = on_text(&text);
        report["jobs"][0]["estimate"].clone()
    };
    let about = |estimate: &Value| estimate["saves_about"].as_f64().unwrap();
    let replaced = run("uv-Linux-0123", HIT, "uv");
    assert_eq!(replaced["packages_seconds"], 5.0);
    assert_eq!(replaced["pays"], true);
    // 3 s of building and some of compiling; restoring takes as long as before.
    assert!((3.0..5.5).contains(&about(&replaced)), "{replaced:#}");
    // Another installer's packages stay where they are, and so does what restoring them takes.
    for (key, backend) in [("pip-Linux-0123", "uv"), ("uv-Linux-0123", "virtualenv")] {
        let beside = run(key, HIT, backend);
        assert_eq!(beside["packages_seconds"], Value::Null, "{key}, {backend}");
        assert!(about(&beside) < about(&replaced) - 1.0, "{key}, {backend}: {beside:#}");
    }
    // Nothing restored: the step goes all the same.
    let missed = run("uv-Linux-0123", MISS, "uv");
    assert!(about(&missed) > about(&run("pip-Linux-0123", MISS, "uv")) + 1.0, "{missed:#}");
    // Waiting for a service that was down isn't saved.
    let failed = run("uv-Linux-0123", "##[warning]Failed to restore: 503 for ", "uv");
    assert!(about(&failed) < about(&missed) - 1.0, "{failed:#}");
}
