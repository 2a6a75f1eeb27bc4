//! Archives, folders, standard input, and input that isn't a log at all.

use std::io::{Cursor, Write};

use cachelint::report::{ReportArgs, ReportError, ReportFormat, run};
use serde_json::{Value, json};

use super::{as_json, between, log, median, text};

fn zipped(members: &[(&str, &str)]) -> tempfile::NamedTempFile {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, fixture) in members {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(&std::fs::read(log(fixture)).unwrap()).unwrap();
    }
    let mut file = tempfile::Builder::new().suffix(".zip").tempfile().unwrap();
    file.write_all(&zip.finish().unwrap().into_inner()).unwrap();
    file
}

#[test]
fn reads_an_archive_packed_and_unpacked() {
    let members = [
        ("0_tests.txt", "github-hit.txt"),
        ("tests/1_Set up job.txt", "github-miss.txt"),
        ("tests/system.txt", "unknown.txt"),
        ("1_lint.txt", "github-uncached-lint.txt"),
    ];
    let zip = zipped(&members);
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("tests")).unwrap();
    for (name, fixture) in members {
        std::fs::copy(log(fixture), folder.path().join(name)).unwrap();
    }
    for path in [zip.path(), folder.path()] {
        let report = as_json(&ReportArgs { paths: vec![path.to_owned()], ..ReportArgs::default() });
        let jobs = report["jobs"].as_array().unwrap();
        let names: Vec<&Value> = jobs.iter().map(|job| &job["job"]).collect();
        assert_eq!(names, ["tests", "lint"], "{}", path.display());
        assert_eq!(
            jobs[0]["restores"],
            json!({"hit": 1}),
            "the whole job's log is read, not its steps'"
        );
    }
}

#[test]
fn puts_the_steps_of_an_archive_together_where_whole_logs_are_missing() {
    let all = std::fs::read_to_string(log("github-hit.txt")).unwrap();
    let (first, second) = all.split_at(all.find("2026-11-20T10:00:08").unwrap());
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("tests")).unwrap();
    std::fs::write(folder.path().join("tests/1_Set up job.txt"), first).unwrap();
    std::fs::write(folder.path().join("tests/10_nox.txt"), second).unwrap();
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in [("tests/10_nox.txt", second), ("tests/1_Set up job.txt", first)] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    let file = folder.path().join("packed.zip");
    std::fs::write(&file, zip.finish().unwrap().into_inner()).unwrap();
    let report = as_json(&ReportArgs { paths: vec![file], ..ReportArgs::default() });
    assert_eq!(report["jobs"].as_array().unwrap().len(), 1);
    assert_eq!(median(&report["jobs"][0], "nox_seconds"), Some(4.0));
}

/// An archive of files with this text.
fn packed(members: &[(&str, &[u8])]) -> tempfile::NamedTempFile {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    let mut file = tempfile::Builder::new().suffix(".zip").tempfile().unwrap();
    file.write_all(&zip.finish().unwrap().into_inner()).unwrap();
    file
}

fn on_path(path: &std::path::Path) -> ReportArgs {
    ReportArgs { paths: vec![path.to_owned()], ..ReportArgs::default() }
}

#[test]
fn reads_archives_in_an_archive() {
    let inner = |fixture| std::fs::read(zipped(&[("0_tests.txt", fixture)]).path()).unwrap();
    let file = packed(&[
        ("run-1.zip", &inner("github-hit.txt")),
        ("of/others/run-2.zip", &inner("github-miss.txt")),
    ]);
    let report = as_json(&on_path(file.path()));
    assert_eq!(report["jobs"][0]["restores"], json!({"hit": 1, "miss": 1}));
}

/// Whoever packs logs by hand has other names in the archive than GitHub, and notes beside the logs.
#[test]
fn reads_logs_that_somebody_packed() {
    let read = |name| std::fs::read(log(name)).unwrap();
    let file = packed(&[
        ("logs/", b""),
        ("logs/tests-41.log", &read("forgejo-tests-41.log")),
        ("logs/notes.txt", b"what I saw"),
        ("logs/report.md", b"nothing"),
        ("__MACOSX/logs/._tests-41.log", &[0, 5, 22, 7]),
    ]);
    let report = as_json(&on_path(file.path()));
    assert_eq!(report["jobs"][0]["job"], "tests");
    let by_windows = packed(&[("logs\\0_tests.txt", &read("github-hit.txt"))]);
    assert_eq!(as_json(&on_path(by_windows.path()))["jobs"][0]["restores"], json!({"hit": 1}));
    let notes = packed(&[("notes.txt", b"what I saw")]);
    let error = text(&on_path(notes.path())).unwrap_err().to_string();
    assert!(error.contains("notes.txt: isn't a run log"), "{error}");
}

#[test]
fn a_log_that_is_given_twice_is_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let zip = zipped(&[("0_tests.txt", "github-hit.txt")]);
    std::fs::copy(zip.path(), folder.path().join("logs.zip")).unwrap();
    std::fs::create_dir_all(folder.path().join("logs/tests")).unwrap();
    std::fs::copy(log("github-hit.txt"), folder.path().join("logs/0_tests.txt")).unwrap();
    std::fs::write(folder.path().join("logs/tests/1_Set up job.txt"), "").unwrap();
    let report = as_json(&on_path(folder.path()));
    assert_eq!(report["jobs"][0]["restores"], json!({"hit": 1}));
    // The same words at other times are another run.
    let later = std::fs::read_to_string(log("github-hit.txt")).unwrap();
    let later = later.replace("2026-11-20", "2026-11-21");
    std::fs::write(folder.path().join("later.txt"), later).unwrap();
    let report = as_json(&on_path(folder.path()));
    assert_eq!(report["jobs"][0]["restores"], json!({"hit": 2}));
}

#[cfg(unix)]
#[test]
fn a_link_to_a_log_is_read() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(log("github-hit.txt"), folder.path().join("latest.txt")).unwrap();
    let report = as_json(&on_path(folder.path()));
    assert_eq!(report["jobs"][0]["restores"], json!({"hit": 1}));
}

#[test]
fn reads_standard_input_once() {
    let args = ReportArgs {
        paths: vec!["-".into()],
        output_format: ReportFormat::Json,
        ..ReportArgs::default()
    };
    let mut input = std::fs::File::open(log("gh-run-view.txt")).unwrap();
    let mut out = Vec::new();
    run(&args, &mut input, &mut out).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&out).unwrap()["jobs"][0]["job"], "tests (3.12)");
    let twice =
        ReportArgs { before: vec!["-".into()], after: vec!["-".into()], ..ReportArgs::default() };
    assert!(matches!(text(&twice), Err(ReportError::StdinTwice)));
}

#[test]
fn says_what_was_expected_of_bad_input() {
    let utf16: Vec<u8> =
        "\u{feff}nox > Running session a\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    for (path, message) in [
        (log("unknown.txt"), "isn't a run log that cachelint knows"),
        (log("no-nox.txt"), "docs: no job has a line from nox"),
        (log("missing.txt"), "missing.txt: "),
        (file("utf16.txt", &utf16), "UTF-16"),
        (file("broken.zip", b"PK\x03\x04 no archive"), "broken.zip: "),
        (file("report.json", b"{\"result\": 1, \"sessions\": 3}"), "isn't a run log"),
        (file("nothing.txt", b""), "nothing.txt: is empty"),
        (
            file("packed.log.gz", b"\x1f\x8b\x08\x00"),
            "compressed; unpack it first, for example with `gunzip`",
        ),
        (file("packed.log.zst", b"\x28\xb5\x2f\xfd"), "`unzstd`"),
        (file("binary.txt", &[0, 159, 146, 150, 10, 27, 91]), "isn't a run log"),
        (folder.path().join("empty"), "no log file in this folder"),
    ] {
        let error =
            text(&ReportArgs { paths: vec![path.clone()], ..ReportArgs::default() }).unwrap_err();
        assert!(error.to_string().contains(message), "{}: {error}", path.display());
    }
    let zip = zipped(&[("notes.md", "unknown.txt")]);
    let error = text(&ReportArgs { paths: vec![zip.path().to_owned()], ..ReportArgs::default() })
        .unwrap_err();
    assert!(error.to_string().contains("it contains no log"), "{error}");
}

#[test]
fn refuses_to_compare_different_workflows() {
    let error =
        text(&between(&["github-uncached.txt"], &["gh-run-view.txt"])).unwrap_err().to_string();
    assert!(error.contains("no job in common") && error.contains("tests (3.12), lint"), "{error}");
    assert!(matches!(text(&ReportArgs::default()), Err(ReportError::Usage)));
}

#[cfg(unix)]
#[test]
fn neither_a_pipe_nor_a_device_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [pipe, "/dev/zero".into()] {
        let error = text(&ReportArgs { paths: vec![path], ..ReportArgs::default() }).unwrap_err();
        assert!(error.to_string().contains("neither a file nor a folder"), "{error}");
    }
}
