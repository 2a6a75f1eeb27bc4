//! Steps that may run nox and can't be followed: each is said.

use crate::config::Config;
use crate::engine::lint::Outcome;
use crate::testing::{self, NOXFILE, job};

fn of(steps: &str, files: &[(&str, &str)]) -> Outcome {
    let workflow = job("runs-on: ubuntu-latest", &format!("- uses: actions/checkout@v6\n{steps}"));
    let mut all = vec![(".github/workflows/ci.yml", workflow.as_str()), ("noxfile.py", NOXFILE)];
    all.extend(files);
    testing::outcome(&all, &Config::default())
}

/// Each of these, made into steps, leaves the job undecided or not.
fn each(cases: &[(&str, bool)], files: &[(&str, &str)], steps: impl Fn(&str) -> String) {
    for (case, open) in cases {
        let found = of(&steps(case), files);
        assert_eq!(found.undecided_jobs, usize::from(*open), "{case}: {:?}", found.undecided);
    }
}

#[test]
fn scripts_named_for_nox_that_are_not_there() {
    let cases = [
        (".buildkite/run-nox.sh", true),
        ("bash tools/run_nox.sh --all", true),
        ("./ci/install-nox.sh", false),
        ("./ci/test.sh", false),
    ];
    each(&cases, &[], |run| format!("- run: {run}\n"));
}

#[test]
fn commands_that_may_run_nox_elsewhere() {
    let cases = [
        ("ssh host 'cd app && nox -s tests'", true),
        ("vagrant ssh -c 'nox -s tests'", true),
        ("gh pr comment --body 'please run nox -s tests'", false),
        ("git commit -m 'run nox -s tests'", false),
        ("ssh host 'pip install nox'", false),
    ];
    each(&cases, &[], |run| format!("- run: \"{run}\"\n"));
}

#[test]
fn scripts_that_the_step_writes_itself() {
    let heredoc = "- run: |\n    cat > ci.sh <<'EOF'\n    nox -s tests\n    EOF\n    bash ci.sh\n";
    let cases = [
        (heredoc, true),
        ("- run: |\n    echo 'nox -s tests' > ./ci.sh\n    ./ci.sh\n", true),
        ("- run: |\n    echo 'pytest' > ./ci.sh\n    ./ci.sh\n", false),
        ("- run: |\n    echo 'nox -s tests' > ci.sh\n    cat ci.sh\n", false),
    ];
    each(&cases, &[], str::to_owned);
}

#[test]
fn actions_in_other_languages_and_images() {
    let docker = "runs: {using: docker, image: Dockerfile, args: ['nox', '-s', 'tests']}\n";
    let node = "runs: {using: node20, main: index.js}\n";
    let spawns = "require('child_process').execFileSync('nox', ['-s', 'tests'])\n";
    let own = "- uses: ./ci/a\n";
    let image = |args: &str| format!("- uses: docker://python:3.13\n  with: {args}\n");
    for (steps, action, index, open) in [
        (own, docker, "", true),
        (own, node, spawns, true),
        (own, node, "console.log(1)\n", false),
        (&image("{entrypoint: nox, args: -s tests}"), node, "", true),
        (&image("{args: sh -c 'nox -s tests'}"), node, "", true),
        (&image("{args: pip install nox}"), node, "", false),
    ] {
        let files = [("ci/a/action.yml", action), ("ci/a/index.js", index)];
        let found = of(&format!("- run: pip install nox\n{steps}"), &files);
        let said = format!("{steps}{action}{index}: {:?}", found.undecided);
        assert_eq!(found.undecided_jobs, usize::from(open), "{said}");
    }
}

#[test]
fn inputs_that_name_a_script() {
    let script = ("ci/all.sh", "exec nox -s tests\n");
    let cases = [
        ("{run: ./ci/all.sh}", true),
        ("{command: bash ci/all.sh -v}", true),
        ("{additional_files: ci/all.sh}", false),
        ("{script: 'await exec.exec(\"nox\", [\"-s\", \"tests\"])'}", true),
        ("{run: ./ci/other.sh}", false),
    ];
    each(&cases, &[script], |with| format!("- uses: acme/vm@v1\n  with: {with}\n"));
}

#[test]
fn what_a_container_throws_away_is_said() {
    let found = of("- run: docker run --rm image nox -s tests\n", &[]);
    assert_eq!((found.findings.len(), found.undecided_jobs), (0, 0));
    let said = |label: &str| label.contains("in a container of its own");
    assert!(found.undecided.iter().any(|u| said(&u.label)), "{:?}", found.undecided);
}

#[test]
fn actions_that_run_the_commands_of_a_file() {
    let hook = |entry: &str| {
        format!("repos:\n- repo: local\n  hooks: [{{id: x, entry: {entry}, language: system}}]\n")
    };
    for (entry, open) in [("nox -s tests", true), ("ruff check noxfile.py", false)] {
        let config = hook(entry);
        let files = [(".pre-commit-config.yaml", config.as_str())];
        let found = of("- run: pip install nox\n- uses: pre-commit/action@v3.0.1\n", &files);
        assert_eq!(found.undecided_jobs, usize::from(open), "{entry}: {:?}", found.undecided);
    }
}

#[test]
fn a_script_that_is_named_is_said() {
    let script = ("ci/all.sh", "exec nox -s tests\n");
    for (steps, said) in [
        ("- run: mytool --file ci/all.sh\n", true),
        ("- uses: acme/x@v1\n  with: {file: ci/all.sh}\n", true),
        ("- run: shellcheck ci/all.sh\n", false),
        ("- run: chmod +x ci/all.sh\n", false),
        ("- run: mytool --file ci/other.sh\n", false),
    ] {
        let found = of(&format!("- run: pip install nox\n{steps}"), &[script]);
        assert_eq!(found.undecided_jobs, 0, "{steps}");
        assert_eq!(!found.undecided.is_empty(), said, "{steps}: {:?}", found.undecided);
    }
}

#[test]
fn the_folder_alone_is_no_call() {
    let cases =
        [("import shutil; shutil.rmtree('.nox')", false), ("run_it(['nox', '-s', 'tests'])", true)];
    each(&cases, &[], |line| format!("- shell: python\n  run: |\n    {line}\n"));
}
