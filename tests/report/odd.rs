//! Logs that are right and still not what one expects.

use cachelint::report::ReportArgs;
use serde_json::{Value, json};

use super::runners::on_text;
use super::{as_json, causes, job, log, median, on};

fn read(name: &str) -> String {
    std::fs::read_to_string(log(name)).unwrap()
}

/// The log with lines put before the first one that holds `mark`, at the time of that line.
fn with_lines(name: &str, mark: &str, lines: &[&str]) -> String {
    let text = read(name);
    let start = text[..text.find(mark).unwrap()].rfind('\n').unwrap() + 1;
    let (before, after) = text.split_at(start);
    let stamp = &after[..28];
    let added: String = lines.iter().map(|line| format!("{stamp} {line}\n")).collect();
    format!("{before}{added}{after}")
}

/// The log without the lines that hold `mark`.
fn without_lines(text: &str, mark: &str) -> String {
    text.lines().filter(|line| !line.contains(mark)).map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_group_that_a_session_prints_is_no_step_on_github() {
    let printed = ["##[group]Run the tests of a plugin", "a test", "##[endgroup]"];
    let text = with_lines("github-uncached.txt", "Session tests was", &printed);
    let (found, expected) = (on_text(&text)["jobs"][0].clone(), job("github-uncached.txt"));
    for field in ["nox_seconds", "estimate", "job_seconds"] {
        assert_eq!(found[field], expected[field], "{field}");
    }
    // Once the runner has stopped the step, the next one begins, whatever the session was about to say.
    let all = read("github-uncached.txt");
    let (start, _) = all.split_at(all.find("2026-11-20T10:00:25.5").unwrap());
    let rest = [
        "##[error]Process completed with exit code 137.",
        "##[group]Run actions/cache@v6",
        "with:",
        "  path: .nox",
        "  key: nox-a",
        "##[endgroup]",
        "Cache restored from key: nox-a",
        "Cleaning up orphan processes",
    ];
    let rest = rest.map(|line| format!("2026-11-20T10:00:30.0000000Z {line}\n")).concat();
    let found = on_text(&format!("{start}{rest}"))["jobs"][0].clone();
    assert_eq!(found["nox_seconds"], Value::Null);
    assert_eq!(
        (&found["outcomes"], &found["restores"]),
        (&json!({"failed": 1}), &json!({"hit": 1}))
    );
}

#[test]
fn a_step_that_took_too_long_failed() {
    let lines = ["##[error]The action 'Run nox' has timed out after 10 minutes."];
    let text = with_lines("github-uncached.txt", "Post job cleanup.", &lines);
    assert_eq!(on_text(&text)["jobs"][0]["outcomes"], json!({"failed": 1}));
    let lines = [
        "##[error]Failed to restore cache entry. Exiting as fail-on-cache-miss is set. Input key: nox-a",
    ];
    let text = with_lines("github-uncached.txt", "##[group]Run nox", &lines);
    assert_eq!(on_text(&text)["jobs"][0]["outcomes"], json!({"unknown": 1}));
}

/// The session says that it took 20 seconds, its lines are an hour apart.
#[test]
fn a_clock_that_was_set_forward_tells_no_seconds() {
    let text = read("github-uncached.txt");
    let at = text.find("2026-11-20T10:00:25.5").unwrap();
    let set = format!("{}{}", &text[..at], text[at..].replace("T10:", "T11:"));
    for took in ["20 seconds", "a minute"] {
        let found = on_text(&set.replacen("20 seconds", took, 1))["jobs"][0].clone();
        assert_eq!((&found["job_seconds"], &found["estimate"]), (&Value::Null, &Value::Null));
        assert_ne!(found["nox_seconds_from"], "timestamps");
    }
    let long = set.replacen("20 seconds", "an hour", 1);
    assert_eq!(on_text(&long)["jobs"][0]["nox_seconds_from"], "timestamps");
}

#[test]
fn a_restore_that_failed_is_one_cache_that_missed() {
    let text = with_lines(
        "github-miss.txt",
        "Cache not found for input keys",
        &["##[warning]Failed to restore: Cache service responded with 503"],
    );
    let text = text.replace("Cache saved with key: ", "##[warning]Failed to save: 503 for ");
    let found = &on_text(&without_lines(&text, "Cache saved successfully"))["jobs"][0];
    assert_eq!(found["restores"], json!({"restore failed": 1}));
    assert_eq!(found["saves"], json!({"not saved: failed": 1}));
    assert_eq!(causes(found), ["restore-failed", "save-failed"]);
    // That the service was slow to fail is nothing that a cache saves.
    let saves = |job: &Value| job["estimate"]["saves_about"].as_f64().unwrap();
    assert!(saves(found) < saves(&job("github-uncached.txt")) + 1.0, "{found:#}");
}

/// `actions/cache/save` is a step of its own before the end of the job.
#[test]
fn a_cache_that_a_step_of_its_own_saves_is_one_cache() {
    let key = "nox-tests-Linux-X64-/opt/hostedtoolcache/Python/3.12.11/x64-aaaa-bbbb";
    let echo = format!("  key: {key}");
    let save = |last: &str| {
        let lines = [
            "##[group]Run actions/cache/save@v5",
            "with:",
            "  path: .nox",
            &echo,
            "##[endgroup]",
            "Sent 25000000 of 25000000 (100.0%), 40.0 MBs/sec",
            last,
        ];
        let text = with_lines("github-hit.txt", "Post job cleanup.", &lines);
        on_text(&without_lines(&text, "Cache hit occurred"))["jobs"][0].clone()
    };
    // It isn't another job that was faster: the key was there when this one restored it.
    let found = save(&format!(
        "Failed to save: Unable to reserve cache with key {key}, another job may be creating this cache. More details: Cache already exists."
    ));
    assert_eq!(found["restores"], json!({"hit": 1}));
    assert_eq!(found["saves"], json!({"not saved: key already there": 1}));
    assert_eq!(causes(&found), Vec::<&str>::new());
    let saved = save(&format!("Cache saved with key: {key}"));
    assert_eq!((&saved["restores"], &saved["saves"]), (&json!({"hit": 1}), &json!({"saved": 1})));
}

#[test]
fn jobs_of_act_may_have_brackets_in_their_names() {
    let text = read("act-cache-2.txt");
    let expected = job("act-cache-2.txt");
    for name in ["CI/[nightly] tests", "CI/tests [3.12, a/b]", "CI/[a] b [c]"] {
        let renamed = text.replace("[CI/tests]", &format!("[{name}   ]"));
        let report = on_text(&renamed);
        assert_eq!(report["jobs"].as_array().unwrap().len(), 1, "{name}: {report:#}");
        assert_eq!(report["jobs_without_nox"], json!([]), "{name}");
        let found = &report["jobs"][0];
        assert_eq!(found["job"], name);
        for field in ["nox_seconds", "restores", "saves", "outcomes"] {
            assert_eq!(found[field], expected[field], "{name}: {field}");
        }
    }
}

/// With `NOX_ENVDIR`; only the tool's own lines say where environments are.
#[test]
fn environments_may_lie_in_another_folder() {
    for (path, folder) in [
        (".venvs", ".venvs"),
        ("./.venvs/", ".venvs"),
        (".venvs/tests", ".venvs"),
        (".venvs", "/home/runner/work/r/r/.venvs"),
        ("~/.venvs", "/home/runner/.venvs"),
    ] {
        let text = read("github-hit.txt")
            .replace("  path: .nox", &format!("  path: {path}"))
            .replace(" .nox/", &format!(" {folder}/"))
            .replace("nox-tests-Linux", "venvs-Linux");
        let found = &on_text(&text)["jobs"][0];
        assert_eq!(found["restores"], json!({"hit": 1}), "{path}, {folder}");
    }
    let other = read("github-hit.txt")
        .replace("  path: .nox", "  path: venvs")
        .replace(" .nox/", " .venvs/")
        .replace("nox-tests-Linux", "other-Linux");
    assert_eq!(on_text(&other)["jobs"][0]["restores"], json!({}));
}

/// The file of `nox --report` doesn't know caches.
#[test]
fn the_tool_alone_gives_no_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, seconds: f64| {
        let path = folder.path().join(name);
        let report = json!({"result": 1, "sessions": [
            {"name": "tests", "result": "success", "duration": seconds}
        ]});
        std::fs::write(&path, serde_json::to_string_pretty(&report).unwrap()).unwrap();
        path
    };
    let args = ReportArgs {
        before: vec![file("a.json", 40.0)],
        after: vec![file("b.json", 5.0)],
        ..ReportArgs::default()
    };
    let difference = &as_json(&args)["differences"][0];
    assert_eq!(
        difference["verdict"],
        "nox took 35 s less; the file that `nox --report` writes says nothing about caches, so no \
         verdict"
    );
    assert_eq!(difference["net_gain_seconds"], Value::Null);
    let wrong = as_json(&ReportArgs { paths: vec![file("c.json", -5.0)], ..ReportArgs::default() });
    assert_eq!(median(&wrong["jobs"][0], "nox_seconds"), None);
}

/// A session that calls nox again.
#[test]
fn a_session_in_a_session_counts_once() {
    let line =
        |seconds: u32, text: &str| format!("2026-11-20T10:00:{seconds:02}.0000000Z {text}\n");
    let text = [
        line(
            0,
            "runner-1(version:v11.1.2) received task 41 of job tests, be triggered by event: push",
        ),
        line(1, "nox > Running session all"),
        line(1, "nox > nox -s tests"),
        line(2, "nox > Running session tests"),
        line(2, "nox > Creating virtual environment (uv) using python3 in .nox/tests"),
        line(22, "nox > pytest"),
        line(30, "nox > Session tests was successful in 28 seconds."),
        line(30, "nox > Ran 1 session in 28 seconds:"),
        line(31, "nox > Session all was successful in 30 seconds."),
        line(32, "⭐ Run Complete job"),
        line(33, "🏁  Job succeeded"),
    ];
    let found = &on_text(&text.concat())["jobs"][0];
    assert_eq!(
        (median(found, "nox_seconds"), &found["nox_seconds_from"]),
        (Some(30.0), &json!("timestamps"))
    );
    assert_eq!(found["estimate"]["build_seconds"], 20.0);
    // Without times, by its own words.
    let plain: String =
        text[1..9].iter().map(|line| format!("{}\n", line[29..].trim_end())).collect();
    assert_eq!(median(&on_text(&plain)["jobs"][0], "nox_seconds"), Some(30.0));
}

/// The fix replaces a cache that nothing in the log tells the content of.
#[test]
fn a_cache_that_only_one_side_has_counts() {
    let cached = |key: &str| {
        let restored = [
            "Cache Size: ~24 MB (25000000 B)".to_owned(),
            format!("Cache restored from key: {key}"),
        ];
        let mut text = read("act-cache-1.txt");
        let at = text.find("[CI/tests] ⭐ Run Main Run nox").unwrap();
        let lines: String =
            restored.iter().map(|line| format!("[CI/tests]   | {line}\n")).collect();
        let step = format!(
            "[CI/tests] ⭐ Run Main Restore what was there\n{lines}[CI/tests]   ✅  Success - Main Restore what was there [9s]\n"
        );
        text.insert_str(at, &step);
        text
    };
    let folder = tempfile::tempdir().unwrap();
    for (key, note) in [("my-stuff-1", true), ("my-deps-1", false)] {
        let before = folder.path().join(format!("{key}.txt"));
        std::fs::write(&before, cached(key)).unwrap();
        let gained = |before: std::path::PathBuf| {
            let args = ReportArgs {
                before: vec![before],
                after: vec![log("act-cache-2.txt")],
                ..ReportArgs::default()
            };
            (
                as_json(&args)["differences"][0]["net_gain_seconds"].as_f64().unwrap(),
                super::text(&args).unwrap(),
            )
        };
        let (without, _) = gained(log("act-cache-1.txt"));
        let (with, text) = gained(before);
        assert!((with - without - 9.0).abs() < 0.01, "{key}: {with} {without}");
        let said = text.contains("other caches, counted, since only one side has them: my-stuff-1");
        assert_eq!(said, note, "{text}");
    }
}

/// Two workflows may have a job of the same name, and GitHub's logs don't name the workflow.
#[test]
fn runs_of_different_workflows_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let text = read("github-uncached.txt");
    std::fs::write(folder.path().join("ci.txt"), &text).unwrap();
    let nightly = text
        .replace("2026-11-20", "2026-11-21")
        .replace(".nox/tests", ".nox/all")
        .replace(".nox/lint", ".nox/slow");
    std::fs::write(folder.path().join("nightly.txt"), nightly).unwrap();
    let paths = vec![folder.path().to_owned()];
    let report = as_json(&ReportArgs { paths, ..ReportArgs::default() });
    assert_eq!(causes(&report["jobs"][0]), ["no-nox-cache", "nothing-in-common"]);
}

/// A matrix of many legs fills no screen with their names.
#[test]
fn a_note_about_all_jobs_names_none() {
    let folder = tempfile::tempdir().unwrap();
    let text = read("github-uncached.txt");
    for leg in 0..5 {
        let named = text.replace("job name: tests", &format!("job name: tests ({leg}, a/b)"));
        std::fs::write(folder.path().join(format!("{leg}.txt")), named).unwrap();
    }
    let paths = vec![folder.path().to_owned()];
    let text = super::text(&ReportArgs { paths, ..ReportArgs::default() }).unwrap();
    assert!(text.contains("all 5 jobs: no cache of nox's environments"), "{text}");
    assert_eq!(text.matches("tests (3, a/b)").count(), 1, "{text}");
}

#[test]
fn a_job_that_has_a_cache_in_some_runs_has_one() {
    let both = as_json(&on(&["github-uncached.txt", "github-hit.txt"]));
    assert_eq!(causes(&both["jobs"][0]), Vec::<&str>::new());
}

#[test]
fn two_attempts_of_one_job_are_two_runs() {
    let report = as_json(&on(&["gh-two-attempts.txt"]));
    assert_eq!(report["jobs"].as_array().unwrap().len(), 1);
    assert_eq!(report["jobs"][0]["job"], "tests (a/b)");
    assert_eq!(report["jobs"][0]["runs"].as_array().unwrap().len(), 2);
}

#[test]
fn a_clock_that_was_set_back_tells_no_seconds_of_the_job() {
    let job = job("github-clock-set-back.txt");
    assert_eq!(job["job_seconds"], Value::Null);
    assert_eq!(job["estimate"], Value::Null);
}
