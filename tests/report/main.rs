//! `cachelint report` on logs of every runner and of everything that can go wrong.

mod estimates;
mod inputs;
mod linter;
mod odd;
mod runners;

use std::path::{Path, PathBuf};

use cachelint::report::{ReportArgs, ReportError, ReportFormat, ReportOutcome, run};
use serde_json::{Value, json};

fn log(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/logs").join(name)
}

fn on(names: &[&str]) -> ReportArgs {
    ReportArgs { paths: names.iter().map(|name| log(name)).collect(), ..ReportArgs::default() }
}

fn between(before: &[&str], after: &[&str]) -> ReportArgs {
    let logs = |names: &[&str]| names.iter().map(|name| log(name)).collect();
    ReportArgs { before: logs(before), after: logs(after), ..ReportArgs::default() }
}

fn text(args: &ReportArgs) -> Result<String, ReportError> {
    let mut out = Vec::new();
    run(args, &mut std::io::empty(), &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

fn as_json(args: &ReportArgs) -> Value {
    let args = ReportArgs { output_format: ReportFormat::Json, ..args.clone() };
    serde_json::from_str(&text(&args).unwrap_or_else(|e| panic!("{e}"))).unwrap()
}

/// The only job of the report.
fn job(name: &str) -> Value {
    let report = as_json(&on(&[name]));
    assert_eq!(report["jobs"].as_array().unwrap().len(), 1, "{name}");
    report["jobs"][0].clone()
}

fn causes(job: &Value) -> Vec<&str> {
    job["causes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|trouble| trouble["cause"].as_str().unwrap())
        .collect()
}

fn median(job: &Value, field: &str) -> Option<f64> {
    job[field]["median"].as_f64().map(|seconds| (seconds * 100.0).round() / 100.0)
}

struct Expected {
    outcome: &'static str,
    restore: &'static str,
    save: &'static str,
    /// Restore, save, nox.
    seconds: [Option<f64>; 3],
    causes: &'static [&'static str],
}

#[test]
fn tells_what_each_cache_did_and_why() {
    let all = [
        (
            "github-hit.txt",
            Expected {
                outcome: "passed",
                restore: "hit",
                save: "already-there",
                seconds: [Some(2.0), None, Some(4.0)],
                causes: &[],
            },
        ),
        (
            "github-miss.txt",
            Expected {
                outcome: "passed",
                restore: "miss",
                save: "saved",
                seconds: [Some(0.5), Some(3.0), Some(40.0)],
                causes: &[],
            },
        ),
        (
            "github-partial.txt",
            Expected {
                outcome: "passed",
                restore: "restore-key",
                save: "saved",
                seconds: [Some(2.0), Some(2.0), Some(6.0)],
                causes: &["older-key"],
            },
        ),
        (
            "github-race.txt",
            Expected {
                outcome: "passed",
                restore: "miss",
                save: "race",
                seconds: [Some(0.5), None, Some(20.0)],
                causes: &["race"],
            },
        ),
        (
            "github-read-only.txt",
            Expected {
                outcome: "passed",
                restore: "miss",
                save: "read-only",
                seconds: [Some(0.5), None, Some(20.0)],
                causes: &["read-only"],
            },
        ),
        (
            "github-nothing-there.txt",
            Expected {
                outcome: "passed",
                restore: "miss",
                save: "nothing-there",
                seconds: [Some(0.5), None, Some(20.0)],
                causes: &["nothing-there"],
            },
        ),
        (
            "github-failing.txt",
            Expected {
                outcome: "failed",
                restore: "miss",
                save: "job-failed",
                seconds: [Some(0.5), None, Some(40.0)],
                causes: &["job-failed"],
            },
        ),
        (
            "github-recreated.txt",
            Expected {
                outcome: "passed",
                restore: "hit",
                save: "already-there",
                seconds: [Some(2.0), None, Some(45.0)],
                causes: &["reuse-off", "exact-yet-recreated"],
            },
        ),
        (
            "github-colour-crlf.txt",
            Expected {
                outcome: "passed",
                restore: "hit",
                save: "already-there",
                seconds: [Some(2.0), None, Some(4.0)],
                causes: &["partly-recreated", "exact-yet-recreated"],
            },
        ),
        (
            "github-interpreter-gone.txt",
            Expected {
                outcome: "failed",
                restore: "hit",
                save: "already-there",
                seconds: [Some(2.0), None, Some(1.5)],
                causes: &["interpreter-gone"],
            },
        ),
        (
            "github-truncated.txt",
            Expected {
                outcome: "unknown",
                restore: "hit",
                save: "unknown",
                seconds: [Some(2.0), None, None],
                causes: &["truncated"],
            },
        ),
        (
            "github-other-cache.txt",
            Expected {
                outcome: "passed",
                restore: "hit",
                save: "already-there",
                seconds: [Some(2.0), None, Some(4.0)],
                causes: &[],
            },
        ),
        (
            "gh-run-view-unknown-steps.txt",
            Expected {
                outcome: "passed",
                restore: "hit",
                save: "already-there",
                seconds: [Some(2.0), None, Some(4.0)],
                causes: &[],
            },
        ),
        // where the log does not tell where the step begins, an upper bound
        (
            "forgejo-tests-42.log",
            Expected {
                outcome: "passed",
                restore: "hit",
                save: "already-there",
                seconds: [Some(2.0), None, Some(2.0)],
                causes: &[],
            },
        ),
        (
            "forgejo-tests-41.log",
            Expected {
                outcome: "passed",
                restore: "miss",
                save: "saved",
                seconds: [Some(6.0), Some(2.0), Some(20.0)],
                causes: &[],
            },
        ),
    ];
    for (name, expected) in all {
        let job = job(name);
        let run = &job["runs"][0];
        assert_eq!(run["outcome"], expected.outcome, "{name}");
        assert_eq!(run["caches"].as_array().unwrap().len(), 1, "{name}");
        assert_eq!(run["caches"][0]["restore"], expected.restore, "{name}");
        assert_eq!(run["caches"][0]["save"], expected.save, "{name}");
        let seconds =
            ["restore_seconds", "save_seconds", "nox_seconds"].map(|field| median(&job, field));
        assert_eq!(seconds, expected.seconds, "{name}");
        assert_eq!(causes(&job), expected.causes, "{name}");
    }
}

#[test]
fn names_environments_sessions_keys_and_sizes() {
    let job = job("github-colour-crlf.txt");
    assert_eq!(job["job"], "tests");
    assert_eq!(job["environments_reused"], json!(["tests"]));
    assert_eq!(job["environments_created"], json!(["lint"]));
    assert_eq!(job["archive_bytes"], 25_000_000);
    assert_eq!(job["runs"][0]["sessions"], json!([["tests", "success"], ["lint", "success"]]));
    let key = "nox-tests-Linux-X64-/opt/hostedtoolcache/Python/3.12.11/x64-aaaa-bbbb";
    assert_eq!(job["runs"][0]["caches"][0]["key"], key);
    assert_eq!(job["runs"][0]["caches"][0]["restored_key"], key);
    assert_eq!(job["interpreters"], json!(["CPython (3.12.11)"]));
}

#[test]
fn passes_over_the_environment_of_script_mode() {
    let job = job("script-mode.txt");
    assert_eq!(job["environments_reused"], json!([]));
    assert_eq!(job["environments_created"], json!(["tests"]));
}

#[test]
fn leaves_other_caches_out_but_counts_their_archives() {
    let report = as_json(&on(&["github-other-cache.txt"]));
    let run = &report["jobs"][0]["runs"][0];
    assert_eq!(run["other_caches"][0]["key"], "pre-commit-1");
    assert_eq!(run["other_caches"].as_array().unwrap().len(), 1, "what a test prints is no cache");
    assert_eq!(report["storage"]["archives"], 2);
    assert_eq!(report["storage"]["archives_of_unknown_size"], 1);
    assert_eq!(report["storage"]["quota_bytes"], 10_737_418_240_u64);
}

#[test]
fn separates_the_jobs_of_one_text() {
    let report = as_json(&on(&["gh-run-view.txt"]));
    let names: Vec<&Value> =
        report["jobs"].as_array().unwrap().iter().map(|job| &job["job"]).collect();
    assert_eq!(names, ["tests (3.12)", "lint"]);
    assert_eq!(report["jobs"][0]["restores"], json!({"hit": 1}));
    assert_eq!(causes(&report["jobs"][1]), ["no-nox-cache"]);
}

#[test]
fn untangles_interleaved_jobs_of_act() {
    let report = as_json(&on(&["act-interleaved.txt"]));
    let [tests, lint] = [&report["jobs"][0], &report["jobs"][1]];
    assert_eq!((&tests["job"], &lint["job"]), (&json!("CI/tests"), &json!("CI/lint")));
    assert_eq!(tests["outcomes"], json!({"passed": 1}));
    assert_eq!(lint["outcomes"], json!({"failed": 1}));
    // the key of the entry is not that of the step, though only the post step tells the latter
    assert_eq!(tests["runs"][0]["caches"][0]["restore"], "restore-key");
    assert_eq!(median(tests, "restore_seconds"), Some(1.8));
    assert_eq!(median(tests, "save_seconds"), Some(0.9));
    assert_eq!(tests["archive_bytes"], 25_165_824);
    assert_eq!(
        (median(tests, "nox_seconds"), &tests["nox_seconds_from"]),
        (Some(1.2), &json!("steps"))
    );
    // the step's name goes on over the end of its line
    assert_eq!(median(lint, "nox_seconds"), Some(2.5));
    assert_eq!(report["storage"]["quota_bytes"], Value::Null);
}

#[test]
fn reads_what_act_really_prints() {
    for (name, nox) in [("act-real.txt", 8.77), ("act-real.jsonl", 11.06)] {
        let report = as_json(&on(&[name]));
        let job = &report["jobs"][0];
        assert_eq!(job["job"], "CI/Unit tests", "{name}");
        assert_eq!(job["outcomes"], json!({"passed": 1}), "{name}");
        assert_eq!(job["environments_created"], json!(["tests", "lint", "skipme"]), "{name}");
        assert_eq!(job["runs"][0]["sessions"].as_array().unwrap().len(), 6, "{name}");
        assert_eq!(median(job, "nox_seconds"), Some(nox), "{name}");
        let mut others = report["jobs_without_nox"].as_array().unwrap().clone();
        others.sort_by_key(|name| name.to_string());
        assert_eq!(others, ["CI/fails-1", "CI/fails-2"], "{name}");
    }
}

#[test]
fn follows_a_cache_through_real_runs_of_act() {
    for (name, restore, save, environments) in [
        ("act-cache-1.txt", "miss", "saved", "environments_created"),
        ("act-cache-2.txt", "hit", "already-there", "environments_reused"),
        ("act-cache-3.txt", "restore-key", "saved", "environments_reused"),
    ] {
        let job = job(name);
        assert_eq!(job["runs"][0]["caches"][0]["restore"], restore, "{name}");
        assert_eq!(job["runs"][0]["caches"][0]["save"], save, "{name}");
        assert_eq!(job[environments], json!(["tests", "lint"]), "{name}");
        assert!(median(&job, "restore_seconds").is_some_and(|seconds| seconds > 1.0), "{name}");
    }
    let report = as_json(&between(&["act-cache-1.txt"], &["act-cache-2.txt"]));
    // act's server writes keys in small letters; they are the same key all the same
    assert_eq!(report["storage"]["archives"], 1);
    assert_eq!(report["differences"][0]["passes"], "still");
}

#[test]
fn reads_the_report_of_nox() {
    let job = job("nox-report.json");
    assert_eq!(
        (median(&job, "nox_seconds"), &job["nox_seconds_from"]),
        (Some(0.06), &json!("report"))
    );
    assert_eq!(job["runs"][0]["sessions"], json!([["tests", "success"]]));
    assert_eq!(job["job_seconds"], Value::Null);
}

#[test]
fn says_what_a_change_is_worth() {
    let report =
        as_json(&between(&["github-uncached.txt"], &["github-miss.txt", "github-hit.txt"]));
    let difference = &report["differences"][0];
    // 40 s of nox become 4 s, and 2 s to restore; the run that fills the cache does not count
    assert_eq!(difference["verdict"], "saves 34 s a run (one pair of runs)");
    assert_eq!(difference["net_gain_seconds"].as_f64().unwrap().round(), 34.0);
    assert_eq!(difference["nox_seconds_saved"].as_f64().unwrap().round(), 36.0);
    assert_eq!(difference["passes"], "still");
    assert_eq!(difference["after"]["restores"], json!({"hit": 1, "miss": 1}));
    assert_eq!(
        (median(&difference["after"], "nox_seconds"), &difference["after"]["runs_counted"]),
        (Some(4.0), &json!(1))
    );
    assert_eq!(report["total"]["jobs_still_passing"], 1);
}

#[test]
fn gives_each_verdict_in_words() {
    for (before, after, verdict) in [
        (
            "github-uncached.txt",
            "github-recreated.txt",
            "restored, then built again: add -r to save about 42 s a run",
        ),
        (
            "github-uncached.txt",
            "github-miss.txt",
            "nothing restored yet, so no verdict; another run would tell",
        ),
        ("github-uncached.txt", "github-hit-failing.txt", "no longer passes"),
        ("github-uncached.txt", "github-uncached.txt", "no cache before or after (+0.0 s)"),
        (
            "github-hit.txt",
            "github-uncached.txt",
            "took 34 s more in one pair of runs; 3 runs of each would settle it",
        ),
        ("github-uncached.txt", "github-truncated.txt", "the logs don't say how long it took"),
        // 20 s of nox and 2 s of saving become 2 s of nox, at most 2 s of restoring, 0.2 s after it
        ("forgejo-tests-41.log", "forgejo-tests-42.log", "saves 18 s a run (one pair of runs)"),
    ] {
        let report = as_json(&between(&[before], &[after]));
        assert_eq!(report["differences"][0]["verdict"], verdict, "{before} {after}");
    }
}

#[test]
fn takes_the_median_of_several_runs_and_shows_the_spread() {
    let args = on(&["github-miss.txt", "github-hit.txt", "github-partial.txt"]);
    let job = &as_json(&args)["jobs"][0];
    assert_eq!(job["nox_seconds"]["runs"], 3);
    assert_eq!(
        ["least", "median", "most"].map(|f| job["nox_seconds"][f].as_f64().unwrap().round()),
        [4.0, 6.0, 40.0]
    );
    // 40 s without, 4 + 2 and 6 + 2 + 2 s with the cache
    assert_eq!(job["net_gain_seconds"].as_f64().unwrap().round(), 32.0);
    assert!(text(&args).unwrap().contains("6.0 s (4.0–40.0)"));
}

/// The report on a log and on the same a day later.
fn twice(name: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(log(name)).unwrap();
    std::fs::write(folder.path().join("1.txt"), &text).unwrap();
    std::fs::write(folder.path().join("2.txt"), text.replace("2026-11-20", "2026-11-21")).unwrap();
    let paths = vec![folder.path().to_owned()];
    as_json(&ReportArgs { paths, ..ReportArgs::default() })
}

#[test]
fn names_what_several_runs_have_in_common() {
    let older = twice("github-partial.txt");
    assert_eq!(causes(&older["jobs"][0]), ["older-key-always"]);
    let never = twice("github-race.txt");
    assert_eq!(causes(&never["jobs"][0]), ["nothing-restored", "race"]);
}

#[test]
fn fails_the_comparison_when_a_job_no_longer_passes() {
    let outcome = |after| {
        run(&between(&["github-uncached.txt"], &[after]), &mut std::io::empty(), &mut Vec::new())
            .unwrap()
    };
    assert_eq!(outcome("github-hit-failing.txt"), ReportOutcome::NoLongerPasses);
    assert_eq!(outcome("github-hit.txt"), ReportOutcome::Reported);
    let report = as_json(&between(&["github-uncached.txt"], &["github-hit-failing.txt"]));
    assert_eq!(report["differences"][0]["sessions_changed"], json!(["lint: success, now failed"]));
}

#[test]
fn makes_no_number_up() {
    let table = text(&on(&["github-truncated.txt"])).unwrap();
    for label in ["  nox ", "  whole job ", "  net gain ", "  post step "] {
        assert!(!table.contains(label), "{table}");
    }
    let job = job("github-truncated.txt");
    for field in ["nox_seconds", "job_seconds", "save_seconds", "net_gain_seconds"] {
        assert_eq!(job[field], Value::Null, "{field}");
    }
}

#[test]
fn prints_markdown_for_a_pull_request() {
    let args = between(&["github-uncached.txt"], &["github-hit.txt"]);
    let text = text(&ReportArgs { output_format: ReportFormat::Markdown, ..args }).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("| job | verdict | net gain | passes | cache |"));
    assert!(lines[1].starts_with("| --- | --- |"));
    assert!(lines[2].starts_with(
        "| `tests` | saves 34 s a run (one pair of runs) | +33.9 s | yes | hit | 40.0 s | 4.0 s | 2.0 s | 0.1 s | 46.5 s | 13.7 s |"
    ));
    assert!(text.contains("- cache: 23.8 MiB in 1 archive; 0.2 % of GitHub's 10.0 GiB"));
}

#[test]
fn names_in_logs_are_data() {
    let args = on(&["hostile-names.txt"]);
    for output_format in [ReportFormat::Table, ReportFormat::Markdown, ReportFormat::Json] {
        let text = text(&ReportArgs { output_format, ..args.clone() }).unwrap();
        assert!(!text.contains("##["), "{text}");
        assert!(!text.lines().any(|line| line.trim_start().starts_with("::")), "{text}");
        if output_format != ReportFormat::Json {
            assert!(!text.contains(['\u{202e}', '\u{7}']), "{text}");
        }
        if output_format == ReportFormat::Markdown {
            assert!(
                !text.replace("`::error::x <img src=x> @all\\|y????`", "").contains("<img"),
                "{text}"
            );
            assert!(
                !text.replace("`::error::x <img src=x> @all\\|y????`", "").contains("@all"),
                "{text}"
            );
        }
    }
}

#[test]
fn attributes_caches_of_packages() {
    let job = job("github-packages.txt");
    let run = &job["runs"][0];
    assert_eq!(run["package_caches"][0]["key"], "setup-uv-1-x86_64-abc");
    assert_eq!(run["caches"].as_array().unwrap().len(), 1);
    assert_eq!(median(&job, "package_cache_seconds"), Some(3.5));
}

#[test]
fn fails_for_a_slower_job_only_when_asked() {
    let args = between(&["github-hit.txt"], &["github-uncached.txt"]);
    let outcome = |args: &ReportArgs| run(args, &mut std::io::empty(), &mut Vec::new()).unwrap();
    assert_eq!(outcome(&args), ReportOutcome::Reported);
    assert_eq!(outcome(&ReportArgs { fail_if_slower: true, ..args }), ReportOutcome::Slower);
}
