//! What the checks see of whole workflows: as text, through wrappers, and in every shell.

use std::path::Path;

use cachelint::base::finding::Finding;
use cachelint::config::Config;
use cachelint::engine::lint::{Details, Outcome, lint};
use cachelint::output::{Look, timeline};
use cachelint::repo::discover::discover;

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
    lint(&repository.root, &repository.files, &Config::default(), Details::ALL)
}

fn shown(outcome: &Outcome) -> String {
    let mut out = Vec::new();
    timeline::write(&mut out, &outcome.timelines, Look { verbose: true, ..Look::default() })
        .unwrap();
    String::from_utf8(out).unwrap()
}

fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from)
        .into_iter()
        .map(Result::unwrap)
        .filter(|e| e.file_type().is_file())
    {
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
        (
            "docker run -v $PWD:/io image make test",
            &["ci.yml:8 > Makefile:2 > run.sh:4 `NOXSESSION=$1 nox`"],
        ),
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
        for event in outcome
            .timelines
            .iter()
            .flat_map(|t| &t.events)
            .filter(|e| e.kind == "run" && !command.contains("loop"))
        {
            assert!(event.details.iter().any(|d| d == session), "{command}: {:?}", event.details);
        }
    }
}

#[test]
fn a_call_may_stand_in_a_variable_that_the_script_names() {
    for (steps, calls) in [
        ("      - {run: $RUN, env: {RUN: nox -s tests}}\n", 1),
        ("      - {run: 'echo \"RUN=nox -s tests\" >> $GITHUB_ENV'}\n      - run: $RUN\n", 1),
        (
            "      - {run: $RUN, env: {RUN: pytest}}\n      - {run: pytest, env: {RUN: nox -s tests}}\n",
            0,
        ),
    ] {
        let outcome =
            checked(&[("noxfile.py", NOXFILE), (".github/workflows/ci.yml", &workflow(steps))]);
        assert_eq!(ways(&outcome).len(), calls, "{steps}");
    }
}

#[test]
fn files_that_include_others_are_read_with_them() {
    let files = [
        ("noxfile.py", NOXFILE),
        ("Makefile", "include mk/*.mk\nall: ci\n"),
        ("mk/ci.mk", "include Makefile\nci:\n\tnox -s lint\n"),
        ("justfile", "import 'ci/base.just'\nmod docs\n"),
        ("ci/base.just", "import '../justfile'\nlint:\n  nox -s lint\n"),
        ("docs/mod.just", "build: check\ncheck:\n  nox -f ../noxfile.py -s lint\n"),
        (
            "Taskfile.yml",
            "version: '3'\nincludes:\n  ci: ./ci\n  docs: {taskfile: docs/Taskfile.yml, dir: docs}\ntasks:\n  all: {deps: ['ci:lint']}\n",
        ),
        (
            "ci/Taskfile.yml",
            "includes: {up: ../Taskfile.yml}\ntasks:\n  lint: [{task: own}]\n  own: {cmds: [nox -s lint]}\n",
        ),
        ("docs/Taskfile.yml", "tasks:\n  build: [nox -f ../noxfile.py -s lint]\n"),
        ("env.sh", "export NOXSESSION=lint\nSESSION=lint\ncd ci\n"),
        ("step.sh", "echo \"NOXSESSION=lint\" >> $GITHUB_ENV\n"),
        (
            ".pre-commit-config.yaml",
            "repos:\n- repo: local\n  hooks:\n  - {id: lint, entry: nox -s lint, language: system}\n",
        ),
    ];
    let table: [(&str, &[&str]); 11] = [
        ("make ci", &["ci.yml:8 > ci.mk:3 `nox -s lint`"]),
        ("make", &["ci.yml:8 > ci.mk:3 `nox -s lint`"]),
        ("just lint", &["ci.yml:8 > base.just:3 `nox -s lint`"]),
        ("just docs build", &["ci.yml:8 > mod.just:3 `nox -f ../noxfile.py -s lint`"]),
        ("just docs::check", &["ci.yml:8 > mod.just:3 `nox -f ../noxfile.py -s lint`"]),
        ("task all", &["ci.yml:8 > Taskfile.yml:4 `nox -s lint`"]),
        ("task docs:build", &["ci.yml:8 > Taskfile.yml:2 `nox -f ../noxfile.py -s lint`"]),
        ("source env.sh && cd .. && nox", &["ci.yml:8 `nox`"]),
        (". ./env.sh; cd ..; nox -s $SESSION", &["ci.yml:8 `nox -s $SESSION`"]),
        ("./step.sh\n      - run: nox", &["ci.yml:9 `nox`"]),
        ("pre-commit run lint", &["ci.yml:8 > .pre-commit-config.yaml:4 `nox -s lint`"]),
    ];
    for (command, expected) in table {
        let ci = workflow(&format!("      - run: {command}\n"));
        let all: Vec<(&str, &str)> =
            files.into_iter().chain([(".github/workflows/ci.yml", ci.as_str())]).collect();
        let outcome = checked(&all);
        assert_eq!(ways(&outcome), expected, "{command}");
        let timeline = &outcome.timelines[0];
        assert_eq!(timeline.env_dirs, [".nox"], "{command}");
        let run = timeline.events.iter().find(|e| e.kind == "run").unwrap();
        assert!(
            run.details.iter().any(|d| d.starts_with("sessions lint")),
            "{command}: {:?}",
            run.details
        );
    }
}

#[test]
fn legs_that_are_the_sessions_nox_lists_build_what_any_of_them_builds() {
    let noxfile = format!(
        "{NOXFILE}\n@nox.session(python=False)\ndef ui(session): session.run('npm', 'test')\n"
    );
    for (list, expected) in [
        ("nox --list --json", Some(true)),
        ("nox --list --json -s tests lint", Some(true)),
        ("nox --list --json -s ui", None),
        ("nox --list --json -s lint); b=$(nox --json -l -s ui", None),
        ("nox --list --json -s $WHICH", None),
    ] {
        let ci = format!(
            "on: push\njobs:\n  list:\n    runs-on: ubuntu-latest\n    outputs: {{all: '${{{{ steps.a.outputs.all }}}}'}}\n    steps:\n      \
             - uses: actions/checkout@v6\n      - id: a\n        run: echo all=$({list} | jq -c .) >> $GITHUB_OUTPUT\n  \
             test:\n    needs: list\n    runs-on: ubuntu-latest\n    strategy:\n      matrix:\n        session: ${{{{ fromJSON(needs.list.outputs.all) }}}}\n    \
             steps:\n      - uses: actions/checkout@v6\n      - run: nox -s \"${{{{ matrix.session }}}}\"\n"
        );
        let outcome = checked(&[(".github/workflows/ci.yml", &ci), ("noxfile.py", &noxfile)]);
        let test = outcome.timelines.iter().find(|t| t.job == "test").unwrap();
        assert_eq!(test.creates_env, expected, "{list}: {test:#?}");
    }
}

#[test]
fn a_container_without_the_workspace_keeps_nothing() {
    let ci = workflow("      - run: docker run image nox -s tests\n");
    let outcome = checked(&[(".github/workflows/ci.yml", &ci), ("noxfile.py", NOXFILE)]);
    assert_eq!(outcome.timelines[0].creates_env, Some(false));
    assert!(outcome.findings.is_empty(), "{:?}", outcome.findings);
}

#[test]
fn cibuildwheel_throws_away_what_nox_builds_in_it() {
    let project = "[tool.cibuildwheel]\nbefore-build = ['pip install nox', 'nox -s lint']\n";
    let by_action = "      - uses: pypa/cibuildwheel@v3\n        env: {CIBW_TEST_COMMAND_LINUX: nox -s tests}\n";
    for (steps, runner, project, expected) in [
        (by_action, "ubuntu-latest", "", Some((Some(false), "`nox -s tests`"))),
        (by_action, "windows-latest", "", None),
        (
            "      - run: uvx cibuildwheel\n",
            "ubuntu-latest",
            project,
            Some((Some(false), "`nox -s lint`")),
        ),
        (
            "      - run: pipx run cibuildwheel==3.0\n",
            "macos-latest",
            project,
            Some((None, "`nox -s lint`")),
        ),
    ] {
        let ci = workflow(steps).replace("ubuntu-latest", runner);
        let files = [
            (".github/workflows/ci.yml", ci.as_str()),
            ("noxfile.py", NOXFILE),
            ("pyproject.toml", project),
        ];
        let outcome = checked(&files);
        let seen = outcome
            .timelines
            .first()
            .map(|t| (t.creates_env, t.events.last().unwrap().text.as_str()));
        assert_eq!(seen, expected, "{steps} {runner}");
        assert!(outcome.findings.is_empty(), "{:?}", outcome.findings);
    }
}

fn missing_cache(outcome: &Outcome) -> &Finding {
    outcome
        .findings
        .iter()
        .find(|f| f.rule == "nox/missing-cache")
        .expect("nox runs without a cache")
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
    let place =
        finding.related.iter().find(|l| l.path == "Makefile").expect("the Makefile is named");
    assert_eq!(&outcome.texts["Makefile"].as_str()[place.span.range()], "nox -s tests");
    assert!(finding.fix.is_none());
    assert!(
        finding.no_fix_reason.as_deref().is_some_and(|r| r.contains("`Makefile`, line 2")),
        "{:?}",
        finding.no_fix_reason
    );
    // Where the call reuses already, the step alone is the fix, and the Makefile is part of the
    // key.
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
        (
            "pwsh",
            "ubuntu-latest",
            "$ErrorActionPreference = 'stop'\n& nox -s tests",
            "& nox -r -s tests",
        ),
        ("powershell", "windows-latest", "if ($true) { nox -s tests }", "nox -r -s tests }"),
        (
            "cmd",
            "windows-latest",
            "call nox.exe -s tests && echo ok",
            "call nox.exe -r -s tests && echo ok",
        ),
        (
            "cmd",
            "windows-latest",
            "@echo off\nnox -s tests || exit /b 1",
            "nox -r -s tests || exit /b 1",
        ),
        (
            "bash -c \"exec bash {0}\"",
            "ubuntu-latest",
            "python -m nox -s tests",
            "python -m nox -r -s tests",
        ),
    ];
    for (shell, runner, script, expected) in table {
        let script = script.replace('\n', "\n          ");
        let steps = format!("      - shell: {shell}\n        run: |\n          {script}\n");
        let text = workflow(&steps).replace("ubuntu-latest", runner);
        let outcome = checked(&[(".github/workflows/ci.yml", &text), ("noxfile.py", NOXFILE)]);
        let finding = missing_cache(&outcome);
        let fix =
            finding.fix.as_ref().unwrap_or_else(|| panic!("{shell}: {:?}", finding.no_fix_reason));
        let new = cachelint::edit::apply::apply(&text, &fix.edits).unwrap();
        assert!(new.contains(expected.lines().last().unwrap()), "{shell}:\n{new}");
    }
}

/// Every way to call nox is decided or said; nothing is passed over in silence.
#[test]
fn ways_to_call_nox_are_decided_or_said() {
    let noxfile =
        "import nox\n@nox.session\ndef lint(session):\n    session.install('ruff==0.14.0')\n";
    let retry = |with: &str| format!("uses: nick-fields/retry@v3\n        with: {{{with}}}");
    for (step, decided, said) in [
        ("run: $(which nox) -s lint".to_owned(), true, false),
        ("run: NOX=$(command -v nox); $NOX -s lint".to_owned(), true, false),
        ("run: cd \"$(git rev-parse --show-toplevel)\" && nox -s lint".to_owned(), true, false),
        ("run: for s in lint; do nox -s $s; done".to_owned(), true, false),
        (retry("command: nox -s lint, max_attempts: 3"), true, false),
        ("uses: CodSpeedHQ/action@v4\n        with: {run: nox -s lint}".to_owned(), true, false),
        ("uses: devcontainers/ci@v0.3\n        with: {runCmd: nox -s lint}".to_owned(), true, false),
        (retry("command: pytest, note: nox"), false, false),
        ("uses: some/runner@v1\n        with: {script: nox -s lint}".to_owned(), false, true),
        ("uses: some/installer@v1\n        with: {packages: nox uv}".to_owned(), false, false),
        ("run: $TASK -s lint\n        env: {TASK: '${{ vars.TASK }}'}".to_owned(), false, true),
        ("run: echo lint | xargs run nox -s".to_owned(), false, true),
        ("run: |\n          import subprocess\n          subprocess.run(['nox', '-s', 'lint'])\n        shell: python".to_owned(), true, false),
        ("run: pip install nox -c constraints.txt".to_owned(), false, false),
    ] {
        let workflow = format!(
            "on: push\njobs:\n  t:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v6\n      - uses: actions/setup-python@v6\n        with: {{python-version: '3.13'}}\n      - run: pip install nox\n      - {step}\n"
        );
        let outcome = checked(&[(".github/workflows/ci.yml", &workflow), ("noxfile.py", noxfile)]);
        let found = outcome.findings.iter().any(|f| f.rule == "nox/missing-cache");
        assert_eq!(found, decided, "{step}");
        assert_eq!(outcome.undecided_jobs, usize::from(said), "{step}: {:?}", outcome.undecided);
    }
}
