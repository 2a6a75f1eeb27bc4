//! What the checks see of whole workflows: as text, through wrappers, and in every shell.

use std::path::Path;

use cachelint::config::Config;
use cachelint::discover::discover;
use cachelint::finding::Finding;
use cachelint::lint::{Outcome, lint};
use cachelint::output::{Look, timeline};

/// Checks a repository that has these files.
fn checked(files: &[(&str, &str)]) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    check_folder(folder.path())
}

fn check_folder(folder: &Path) -> Outcome {
    std::fs::create_dir_all(folder.join(".git")).unwrap();
    let discovery = discover(&[folder.to_owned()], None);
    let repository = &discovery.repositories[0];
    lint(&repository.root, &repository.files, &Config::default())
}

fn shown(outcome: &Outcome) -> String {
    let mut out = Vec::new();
    timeline::write(&mut out, &outcome.timelines, Look { verbose: true, ..Look::default() }).unwrap();
    String::from_utf8(out).unwrap()
}

fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from).into_iter().map(Result::unwrap).filter(|e| e.file_type().is_file()) {
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(entry.path(), target).unwrap();
    }
}

#[test]
fn timelines_of_public_workflows() {
    for name in ["citric", "frequenz-channels", "pybamm", "towncrier", "webgrid"] {
        let folder = tempfile::tempdir().unwrap();
        copy(&Path::new("tests/fixtures/timeline").join(name), folder.path());
        insta::assert_snapshot!(name, shown(&check_folder(folder.path())));
    }
}

fn workflow(steps: &str) -> String {
    format!(
        "on: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v6\n      - uses: actions/setup-python@v6\n{steps}"
    )
}

const NOXFILE: &str = "import nox\n\n@nox.session\ndef tests(session):\n    session.install('pytest')\n\n@nox.session\ndef lint(session):\n    session.install('ruff')\n";

/// The places that each call of nox was reached by: `file:line`.
fn ways(outcome: &Outcome) -> Vec<String> {
    let events = outcome.timelines.iter().flat_map(|t| &t.events).filter(|e| e.kind == "run");
    events
        .map(|e| {
            let places: Vec<String> = e.places.iter().map(ToString::to_string).collect();
            format!("{} {}", places.join(" > "), e.text)
        })
        .collect()
}

#[test]
fn wrappers_are_followed_through_several_files() {
    let makefile = "test:\n\tcd ci && ./run.sh tests\nloop:\n\t$(MAKE) loop\n\tnox -s lint\n";
    let script = "#!/usr/bin/env bash\nset -e\ncd ..\nNOXSESSION=$1 nox\n";
    let all = "#!/bin/bash\nset -eo pipefail\nHERE=$(cd -- \"$(dirname \"${BASH_SOURCE[0]}\")\" &> /dev/null && pwd)\n\
               shift\ncd \"$HERE\"\n./run.sh \"$@\"\n";
    let table: [(&str, &[&str]); 9] = [
        ("ci/all.sh first lint", &["ci.yml:8 > all.sh:6 > run.sh:4 `NOXSESSION=$1 nox`"]),
        ("make test", &["ci.yml:8 > Makefile:2 > run.sh:4 `NOXSESSION=$1 nox`"]),
        ("make loop", &["ci.yml:8 > Makefile:5 `nox -s lint`"]),
        ("cd ci && ./run.sh lint", &["ci.yml:8 > run.sh:4 `NOXSESSION=$1 nox`"]),
        ("bash -c 'make test'", &["ci.yml:8 > Makefile:2 > run.sh:4 `NOXSESSION=$1 nox`"]),
        ("docker run -v $PWD:/io image make test", &["ci.yml:8 > Makefile:2 > run.sh:4 `NOXSESSION=$1 nox`"]),
        ("docker run image make test", &[]),
        ("cd elsewhere && make test", &[]),
        ("make -n test", &[]),
    ];
    for (command, expected) in table {
        let workflow = workflow(&format!("      - run: {command}\n"));
        let files = [
            (".github/workflows/ci.yml", workflow.as_str()),
            ("Makefile", makefile),
            ("ci/run.sh", script),
            ("ci/all.sh", all),
            ("noxfile.py", NOXFILE),
        ];
        let outcome = checked(&files);
        assert_eq!(ways(&outcome), expected, "{command}");
        let session = if command.contains("lint") { "sessions lint" } else { "sessions tests" };
        for event in
            outcome.timelines.iter().flat_map(|t| &t.events).filter(|e| e.kind == "run" && !command.contains("loop"))
        {
            assert!(event.details.iter().any(|d| d == session), "{command}: {:?}", event.details);
        }
    }
}

fn missing_cache(outcome: &Outcome) -> &Finding {
    outcome.findings.iter().find(|f| f.rule == "nox/missing-cache").expect("nox runs without a cache")
}

#[test]
fn a_finding_behind_a_wrapper_shows_the_way_and_why_it_is_not_fixed() {
    let ci = workflow("      - run: make test\n");
    let outcome = checked(&[
        (".github/workflows/ci.yml", &ci),
        ("Makefile", "test:\n\t@nox -s tests\n"),
        ("noxfile.py", NOXFILE),
    ]);
    let finding = missing_cache(&outcome);
    let place = finding.related.iter().find(|l| l.path == "Makefile").expect("the Makefile is named");
    assert_eq!(&outcome.texts["Makefile"].as_str()[place.span.range()], "nox -s tests");
    assert!(finding.fix.is_none());
    assert!(
        finding.no_fix_reason.as_deref().is_some_and(|r| r.contains("another file")),
        "{:?}",
        finding.no_fix_reason
    );
    // Where the call reuses already, the step alone is the fix, and the Makefile is part of the key.
    let outcome = checked(&[
        (".github/workflows/ci.yml", &ci),
        ("Makefile", "test:\n\t@nox -r -s tests\n"),
        ("noxfile.py", NOXFILE),
    ]);
    let fix = missing_cache(&outcome).fix.as_ref().expect("nothing stands in the way");
    assert!(fix.edits[0].content.contains("'Makefile'"), "{}", fix.edits[0].content);
}

#[test]
fn the_reuse_flag_is_inserted_in_every_shell() {
    let table = [
        ("bash -el {0}", "ubuntu-latest", "nox -s tests", "nox -r -s tests"),
        ("bash", "windows-latest", "set -e\nnox -s tests", "set -e\nnox -r -s tests"),
        ("sh", "ubuntu-latest", "exec nox -s tests", "exec nox -r -s tests"),
        ("pwsh", "ubuntu-latest", "$ErrorActionPreference = 'stop'\n& nox -s tests", "& nox -r -s tests"),
        ("powershell", "windows-latest", "if ($true) { nox -s tests }", "nox -r -s tests }"),
        ("cmd", "windows-latest", "call nox.exe -s tests && echo ok", "call nox.exe -r -s tests && echo ok"),
        ("cmd", "windows-latest", "@echo off\nnox -s tests || exit /b 1", "nox -r -s tests || exit /b 1"),
        ("bash -c \"exec bash {0}\"", "ubuntu-latest", "python -m nox -s tests", "python -m nox -r -s tests"),
    ];
    for (shell, runner, script, expected) in table {
        let script = script.replace('\n', "\n          ");
        let steps = format!("      - shell: {shell}\n        run: |\n          {script}\n");
        let text = workflow(&steps).replace("ubuntu-latest", runner);
        let outcome = checked(&[(".github/workflows/ci.yml", &text), ("noxfile.py", NOXFILE)]);
        let finding = missing_cache(&outcome);
        let fix = finding.fix.as_ref().unwrap_or_else(|| panic!("{shell}: {:?}", finding.no_fix_reason));
        let new = cachelint::edit::apply::apply(&text, &fix.edits).unwrap();
        assert!(new.contains(expected.lines().last().unwrap()), "{shell}:\n{new}");
    }
}
