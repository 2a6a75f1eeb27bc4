//! Table tests of `nox/missing-cache`; all workflows are made up.

use super::ID;
use crate::base::finding::{Applicability, Finding, Severity};
use crate::config::Config;
use crate::testing::{NOXFILE, findings, fixed, job, outcome, safe_fix};

const SETUP: &str = "- uses: actions/checkout@v5\n- uses: actions/setup-python@v6\n  with:\n    python-version: '3.12'\n- run: pip install nox\n";

/// The lines of the inserted step's `with:` that begin with this key, and what follows in a block.
fn inserted<'t>(new: &'t str, key: &str) -> Vec<&'t str> {
    let mut lines = new.lines().map(str::trim).skip_while(|l| {
        !l.starts_with("uses: actions/cache@") && !l.starts_with("- uses: actions/cache@")
    });
    let Some(first) = lines.find_map(|l| l.strip_prefix(&format!("{key}: "))) else {
        return Vec::new();
    };
    if first != "|" {
        return vec![first];
    }
    lines
        .take_while(|l| !l.contains(": ") || l.contains("${{"))
        .filter(|l| !l.starts_with("- "))
        .collect()
}

fn fix_of(workflow: &str) -> String {
    let found = findings(ID, workflow);
    fixed(workflow, safe_fix(&found))
}

fn only(workflow: &str) -> Finding {
    let mut found = findings(ID, workflow);
    assert_eq!(found.len(), 1, "{found:#?}\n{workflow}");
    found.remove(0)
}

#[test]
fn what_can_change_at_any_time_or_must_be_new_gets_no_automatic_fix() {
    for (install, job_name, automatic) in [
        ("'git+https://github.com/a/b@main'", "t", false),
        ("'b @ git+https://github.com/a/b@main'", "t", false),
        ("'git+https://github.com/a/b@0123456789abcdef0123456789abcdef01234567'", "t", true),
        ("'--pre', 'pytest'", "t", false),
        ("'-U', 'pytest'", "t", false),
        ("'-U', 'pip'", "t", true),
        ("'pytest'", "t", true),
        ("'pytest'", "test-latest-deps", false),
    ] {
        let noxfile = format!(
            "import nox\n@nox.session\ndef tests(session):\n    session.install({install})\n"
        );
        let workflow = job("runs-on: ubuntu-latest", &format!("{SETUP}- run: nox -s tests\n"))
            .replace("\n  tests:", &format!("\n  {job_name}:"));
        let files =
            [(".github/workflows/ci.yml", workflow.as_str()), ("noxfile.py", noxfile.as_str())];
        let found = outcome(&files, &Config::default()).findings;
        let fix = found.iter().find(|f| f.rule == ID).and_then(|f| f.fix.as_ref());
        let safe = fix.is_some_and(|fix| fix.applicability == Applicability::Safe);
        assert_eq!(safe, automatic, "{install} {job_name}");
    }
}

#[test]
fn the_flag_goes_into_the_input_that_is_run() {
    let retry = "- uses: nick-fields/retry@v3\n  with:\n    timeout_minutes: 5\n    command: nox -s tests\n";
    let new = fix_of(&job("runs-on: ubuntu-latest", &format!("{SETUP}{retry}")));
    assert!(new.contains("command: nox -r -s tests\n"), "{new}");
    let folded = retry.replace("nox -s", "|\n      nox --version\n      nox -s");
    let new = fix_of(&job("runs-on: ubuntu-latest", &format!("{SETUP}{folded}")));
    assert!(new.contains("nox --version\n") && new.contains("nox -r -s tests\n"), "{new}");
}

#[test]
fn archives_are_counted_by_what_makes_them_several() {
    let callee = format!("{SETUP}- run: nox -s ${{{{ inputs.s }}}}\n");
    let callee = job("runs-on: ubuntu-latest", &callee)
        .replace("on: push", "on:\n  workflow_call:\n    inputs: {s: {type: string}}");
    let call = |id: &str, session: &str| {
        format!("  {id}:\n    uses: ./.github/workflows/ci.yml\n    with: {{s: {session}}}\n")
    };
    let callers = format!("on: push\njobs:\n{}{}", call("a", "tests"), call("b", "lint"));
    let noxfile =
        NOXFILE.to_owned() + "\n@nox.session\ndef lint(session):\n    session.install('ruff')\n";
    let files = [
        (".github/workflows/ci.yml", callee.as_str()),
        (".github/workflows/a.yml", callers.as_str()),
        ("noxfile.py", noxfile.as_str()),
    ];
    let found = outcome(&files, &Config::default()).findings;
    let notes = &found.iter().find(|f| f.rule == ID).unwrap().notes;
    let says = |n: &String| n.contains("each of the 2 jobs that call this workflow");
    assert!(notes.iter().any(says), "{notes:?}");
}

#[test]
fn what_creates_environments_is_found_and_what_does_not_is_not() {
    for (command, found) in [
        ("nox", true),
        ("nox -s tests", true),
        ("python -m nox -s tests", true),
        ("uvx nox -s tests", true),
        ("cd . && nox -s tests 2>&1 | tee log", true),
        ("nox --list", false),
        ("nox --version", false),
        ("nox --no-venv -s tests", false),
        ("pip install nox", false),
        ("echo nox -s tests", false),
        ("# nox -s tests\ntrue", false),
        ("emacs-nox --version", false),
    ] {
        let steps = format!("{SETUP}- run: |\n    {}\n", command.replace('\n', "\n    "));
        let workflow = job("runs-on: ubuntu-latest", &steps);
        assert_eq!(!findings(ID, &workflow).is_empty(), found, "{command}");
    }
}

#[test]
fn a_cache_meant_for_the_environments_is_left_to_other_checks() {
    for (path, found) in [
        (".nox", false),
        ("./.nox/", false),
        ("${{ github.workspace }}/.nox", false),
        (".nox/**", false),
        ("sub/.nox", false),
        ("~/.cache/pip", true),
        (".nox/tests", false),
        (".nox/other", true),
        (".nox/.cache", true),
        (".tox", true),
    ] {
        let cache = format!("- uses: actions/cache@v4\n  with:\n    path: {path}\n    key: k\n");
        let workflow = job("runs-on: ubuntu-latest", &format!("{SETUP}{cache}- run: nox -r\n"));
        assert_eq!(!findings(ID, &workflow).is_empty(), found, "{path}");
    }
}

#[test]
fn the_key_names_what_an_environment_depends_on() {
    let new = fix_of(&job("runs-on: ubuntu-latest", &format!("{SETUP}- run: nox -s tests\n")));
    let key = "nox-tests-${{ env.pythonLocation }}-\
               ${{ hashFiles('noxfile.py', 'pyproject.toml', '.github/*/ci.yml') }}";
    assert_eq!(inserted(&new, "key"), [key]);
    // Where pip installs, an older archive would cost more than a miss.
    assert!(inserted(&new, "restore-keys").is_empty());
    assert_eq!(inserted(&new, "path"), [".nox"]);
    assert!(new.contains("- run: nox -r -s tests\n"));
}

#[test]
fn legs_are_told_apart_by_what_the_job_uses() {
    let matrix = "runs-on: ${{ matrix.os }}\nstrategy:\n  matrix:\n    os: [ubuntu-22.04, ubuntu-24.04]\n    python: ['3.12', '3.13']\n    shard: [1, 2]";
    let steps = "- uses: actions/checkout@v5\n- uses: actions/setup-python@v6\n  with:\n    python-version: ${{ matrix.python }}\n\
                 - run: nox -r -s tests -- --shard ${{ matrix.shard }}\n";
    let key = inserted(&fix_of(&job(matrix, steps)), "key")[0].to_owned();
    assert!(key.contains("${{ env.pythonLocation }}-${{ matrix.os }}-${{ hash"), "{key}");
    assert!(
        !key.contains("matrix.shard"),
        "what the session is told builds no other environment: {key}"
    );
    let matrix = matrix.replace("shard: [1, 2]", "arch: [x64, x86]");
    let steps = steps.replace("python }}\n", "python }}\n    architecture: ${{ matrix.arch }}\n");
    let key = inserted(&fix_of(&job(&matrix, &steps)), "key")[0].to_owned();
    assert!(!key.contains("matrix.arch"), "the folder of the interpreter tells it: {key}");
}

#[test]
fn values_that_a_key_cannot_hold() {
    let dynamic = "runs-on: ubuntu-latest\nstrategy:\n  matrix:\n    session: ${{ fromJSON(needs.x.outputs.y) }}";
    let steps = format!("{SETUP}- run: nox -r -s ${{{{ matrix.session }}}}\n");
    assert!(inserted(&fix_of(&job(dynamic, &steps)), "key")[0].contains("-${{ matrix.session }}-"));
    let commas = "runs-on: ubuntu-latest\nstrategy:\n  matrix:\n    extras: ['a,b', 'a,c']";
    let steps = format!("{SETUP}- run: EXTRAS=${{{{ matrix.extras }}}} nox -r -s tests\n");
    assert!(
        inserted(&fix_of(&job(commas, &steps)), "key")[0].contains("-${{ strategy.job-index }}-")
    );
    let unknown = "runs-on: ubuntu-latest\nstrategy:\n  matrix:\n    extras: ['a,b', 'a,c']\n    include: ${{ fromJSON(needs.x.outputs.y) }}";
    let finding = only(&job(unknown, &steps));
    assert!(finding.fix.is_none() && finding.no_fix_reason.unwrap().contains("commas"));
}

/// What is known of legs must be in the key, also where another of their values is computed while
/// the workflow runs.
#[test]
fn legs_of_a_matrix_that_is_known_in_part() {
    for (second, found) in [
        ("{name: lint, args: \"\"}", Ok("matrix.nox.name")),
        ("{name: tests, args: \"(a, b)\"}", Err("commas")),
        ("{name: tests, args: \"\"}", Ok("matrix.python")),
    ] {
        let matrix = format!(
            "runs-on: ubuntu-latest\nstrategy:\n  matrix:\n    python: ${{{{ fromJSON(needs.x.outputs.pythons) }}}}\n    nox: [{{name: tests, args: \"\"}}, {second}]"
        );
        let steps = format!(
            "{SETUP}- run: nox -s '${{{{ matrix.nox.name }}}}-${{{{ matrix.python }}}}${{{{ matrix.nox.args }}}}'\n"
        );
        let finding = only(&job(&matrix, &steps));
        match (found, &finding.fix) {
            (Ok(path), Some(fix)) => {
                assert!(fix.edits[0].content.contains(path), "{second}: {}", fix.edits[0].content)
            }
            (Err(reason), None) => {
                assert!(
                    finding.no_fix_reason.as_deref().is_some_and(|r| r.contains(reason)),
                    "{second}: {finding:?}"
                );
            }
            _ => panic!("{second}: {finding:#?}"),
        }
    }
}

#[test]
fn the_step_stands_where_it_works() {
    let other = "- uses: actions/checkout@v5\n- run: nox -s tests\n- uses: actions/setup-python@v6\n- run: nox -s tests\n";
    let twice = "- uses: actions/checkout@v5\n- run: nox -s tests\n- uses: actions/checkout@v5\n- run: nox -s tests\n";
    let kept = "- uses: actions/checkout@v5\n- run: nox -s tests\n- uses: actions/checkout@v5\n  with:\n    clean: false\n- run: nox -s tests\n";
    for (steps, reason) in
        [(other, Some("another interpreter")), (twice, Some("second checkout")), (kept, None)]
    {
        let finding = only(&job("runs-on: ubuntu-latest", steps));
        match reason {
            Some(reason) => assert!(finding.no_fix_reason.unwrap().contains(reason)),
            None => assert!(finding.fix.is_some()),
        }
    }
    let new = fix_of(&job(
        "runs-on: ubuntu-latest",
        &format!("{SETUP}- if: github.ref == 'refs/heads/main'\n  run: nox -r\n"),
    ));
    assert!(
        new.contains("- if: github.ref == 'refs/heads/main'\n        uses: actions/cache@"),
        "{new}"
    );
}

#[test]
fn publishing_and_untrusted_runs_are_left_to_people() {
    let steps = format!("{SETUP}- run: nox -s tests\n");
    let with =
        |on: &str, steps: &str| job("runs-on: ubuntu-latest", steps).replacen("on: push", on, 1);
    let upload = format!("{steps}- run: twine upload dist/*\n");
    assert!(only(&with("on: push", &upload)).withheld.unwrap().contains("package index"));
    assert!(
        only(&with("on: pull_request_target", &steps))
            .withheld
            .unwrap()
            .contains("pull_request_target")
    );
    assert_eq!(findings(ID, &with("on: release", &steps)).len(), 0);
    assert_eq!(findings(ID, &with("on:\n  push:\n    tags: ['v*']", &steps)).len(), 0);
    let both = only(&with("on:\n  push:\n    branches: [main]\n    tags: ['v*']", &steps));
    let lookup = "lookup-only: ${{ startsWith(github.ref, 'refs/tags/') }}";
    assert!(both.fix.unwrap().edits.iter().any(|e| e.content.contains(lookup)));
    let branch = only(&with("on:\n  push:\n    branches: ['release/*']", &steps));
    assert_eq!(branch.fix.unwrap().applicability, Applicability::Unsafe);
}

#[test]
fn severity_follows_what_a_cache_can_gain() {
    let uv = "- uses: actions/checkout@v5\n- uses: astral-sh/setup-uv@v7\n- run: uvx nox -db uv -s tests\n";
    assert_eq!(only(&job("runs-on: ubuntu-latest", uv)).severity, Severity::Warning);
    let pip = format!("{SETUP}- run: nox -s tests\n");
    assert_eq!(only(&job("runs-on: ubuntu-latest", &pip)).severity, Severity::Error);
    for (on, rare) in [
        ("on:\n  schedule:\n    - cron: '0 0 * * *'", true),
        ("on: workflow_dispatch", true),
        ("on:\n  push: {tags: ['*']}\n  repository_dispatch: null", true),
        ("on: [release, workflow_dispatch]", true),
        ("on: [push, workflow_dispatch]", false),
        ("on: [pull_request, release]", false),
        ("on: [workflow_call, workflow_dispatch]", false),
    ] {
        let finding = only(&job("runs-on: ubuntu-latest", &pip).replacen("on: push", on, 1));
        let expected = if rare { Severity::Info } else { Severity::Error };
        assert_eq!((finding.severity, finding.fix.is_some()), (expected, !rare), "{on}");
    }
}

#[test]
fn a_wish_not_to_reuse_is_respected() {
    let finding = only(&job("runs-on: ubuntu-latest", &format!("{SETUP}- run: nox -N -s tests\n")));
    assert!(finding.withheld.unwrap().contains("-N") && finding.fix.is_none());
}

#[test]
fn settings_shape_the_step() {
    let settings = Config {
        restore_keys: false,
        key_parts: vec!["${{ vars.EPOCH }}".into()],
        key_files: vec!["tools.txt".into()],
        cache_action: Some("example/cache@v1".into()),
        ..Config::default()
    };
    let workflow = job("runs-on: ubuntu-latest", &format!("{SETUP}- run: nox -s tests\n"));
    let files = [
        (".github/workflows/ci.yml", workflow.as_str()),
        ("noxfile.py", NOXFILE),
        ("pyproject.toml", ""),
    ];
    let outcome = outcome(&files, &settings);
    let new = fixed(&workflow, safe_fix(&outcome.findings));
    assert!(new.contains("uses: example/cache@v1\n") && !new.contains("restore-keys"), "{new}");
    assert!(
        new.contains("-${{ vars.EPOCH }}-${{ steps.nox.outputs.week }}-${{ hashFiles(")
            && new.contains("'pyproject.toml', 'tools.txt', '.github/*/ci.yml') }}"),
        "{new}"
    );
}

#[test]
fn key_files_stand_in_the_checkout() {
    let settings = Config {
        key_files: vec!["tools/*.txt".into(), "!tools/b.txt".into()],
        ..Config::default()
    };
    let steps = "- uses: actions/checkout@v6\n  with: {path: source}\n- run: nox -s tests\n  working-directory: source\n";
    let workflow = job("runs-on: ubuntu-latest", steps);
    let files = [(".github/workflows/ci.yml", workflow.as_str()), ("noxfile.py", NOXFILE)];
    let new = fixed(&workflow, safe_fix(&outcome(&files, &settings).findings));
    assert!(new.contains("'source/tools/*.txt', '!source/tools/b.txt'"), "{new}");
}

#[test]
fn an_action_that_sets_up_python_gets_the_step_inside_once_for_all_its_users() {
    let action = "name: t\nruns:\n  using: composite\n  steps:\n    - uses: actions/setup-python@v6\n    - run: nox -s tests\n      shell: bash\n";
    let uses =
        job("runs-on: ubuntu-latest", "- uses: actions/checkout@v5\n- uses: ./.github/actions/t\n");
    let named = |name: &str| format!("name: {name}\n{uses}");
    let files = [
        (".github/workflows/a.yml", named("A")),
        (".github/workflows/b.yml", named("B")),
        (".github/actions/t/action.yml", action.to_owned()),
        ("noxfile.py", NOXFILE.to_owned()),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(p, t)| (*p, t.as_str())).collect();
    let found = outcome(&files, &Config::default()).findings;
    assert_eq!(found.len(), 2);
    let fixes: Vec<_> = found.iter().map(|f| f.fix.as_ref().unwrap()).collect();
    assert_eq!(fixes[0].edits, fixes[1].edits);
    assert_eq!(fixes[0].path, ".github/actions/t/action.yml");
    let new = fixed(action, fixes[0]);
    assert!(new.contains("key: nox-${{ github.job }}-"), "{new}");
    assert!(
        new.contains("'.github/*/a.yml', '.github/*/b.yml', '.github/actions/t/action.yml'"),
        "{new}"
    );
    // Other repositories use an action in the root, and run something else with it.
    let uses = job("runs-on: ubuntu-latest", "- uses: actions/checkout@v5\n- uses: ./\n");
    let published = [
        (".github/workflows/a.yml", uses.as_str()),
        ("action.yml", action),
        ("noxfile.py", NOXFILE),
    ];
    let found = outcome(&published, &Config::default()).findings;
    assert!(found[0].fix.is_none() && found[0].no_fix_reason.is_some(), "{found:?}");
}

/// An input that nobody knows here is in the key only where it can decide what is built.
#[test]
fn inputs_in_the_environment_of_a_call() {
    let plain = "import nox\n@nox.session\ndef tests(session):\n    session.install('x')\n";
    let reading = format!("import os\nCHANGED = os.environ.get('CHANGED')\n{plain}");
    for (noxfile, variable, run, named, safe) in [
        (plain, "CHANGED", "nox -r -s tests", false, true),
        (plain, "CHANGED", "nox -r -s tests -- $CHANGED", false, true),
        (plain, "PIP_INDEX_URL", "nox -r -s tests", true, false),
        (reading.as_str(), "CHANGED", "nox -r -s tests", true, false),
        (plain, "NAME", "nox -r -s $NAME", true, true),
        (plain, "NOXSESSION", "nox -r", true, false),
    ] {
        let steps =
            format!("{SETUP}- run: {run}\n  env:\n    {variable}: ${{{{ inputs.given }}}}\n");
        let workflow = job("runs-on: ubuntu-latest", &steps).replacen(
            "on: push",
            "on:\n  workflow_call:\n    inputs:\n      given: {type: string}",
            1,
        );
        let files = [(".github/workflows/ci.yml", workflow.as_str()), ("noxfile.py", noxfile)];
        let found = outcome(&files, &Config::default()).findings;
        let fix = found.iter().find(|f| f.rule == ID).and_then(|f| f.fix.as_ref()).unwrap();
        let key = fixed(&workflow, fix);
        let case = format!("{variable}: {run}\n{key}");
        assert_eq!(inserted(&key, "key")[0].contains("inputs.given"), named, "{case}");
        assert_eq!(fix.applicability == Applicability::Safe, safe, "{case}");
    }
}

/// Environments link into the interpreters that uv downloads.
#[test]
fn interpreters_of_a_uv_that_a_script_installs() {
    let noxfile = "import nox\nnox.options.default_venv_backend = 'uv|virtualenv'\n@nox.session(python='3.14')\n\
                   def tests(session):\n    session.install('x')\n";
    let python = "- uses: actions/setup-python@v6\n  with:\n    python-version: '3.14'\n";
    let (exporting, silent) =
        ("- uses: astral-sh/setup-uv@v7\n", "- uses: hynek/setup-cached-uv@v2\n");
    for (setup, install, kept) in [
        (exporting, "uv tool install nox", false),
        (silent, "uv tool install nox", true),
        ("", "pipx install nox uv", true),
        ("", "pip install 'nox[uv]'", true),
        ("", "pip install nox", false),
        ("", "pip install nox ./uvtools", false),
        (python, "pipx install nox uv", false),
    ] {
        let workflow = job(
            "runs-on: ubuntu-latest",
            &format!("- uses: actions/checkout@v5\n{setup}- run: {install}\n- run: nox -r\n"),
        );
        let files = [(".github/workflows/ci.yml", workflow.as_str()), ("noxfile.py", noxfile)];
        let new = fixed(&workflow, safe_fix(&outcome(&files, &Config::default()).findings));
        assert_eq!(
            inserted(&new, "path").contains(&"~/.local/share/uv/python"),
            kept,
            "{setup}{install}: {new}"
        );
        assert_eq!(
            new.contains("${{ env.UV_PYTHON_INSTALL_DIR }}"),
            setup == exporting,
            "{setup}{install}: {new}"
        );
    }
}

/// A list of the matrix holds the label: legs on two images of one system are told apart.
#[test]
fn labels_inside_lists_of_the_matrix() {
    for (platforms, index) in [
        ("[['x86_64', 'ubuntu-22.04'], ['i686', 'ubuntu-24.04']]", true),
        ("[['x86_64', 'ubuntu-24.04'], ['i686', 'ubuntu-24.04']]", false),
        ("[['x86_64', 'ubuntu-24.04'], ['aarch64', 'ubuntu-24.04-arm']]", false),
    ] {
        let matrix = format!(
            "runs-on: ${{{{ matrix.platform[1] }}}}\nstrategy:\n  matrix:\n    platform: {platforms}"
        );
        let new = fix_of(&job(&matrix, &format!("{SETUP}- run: nox -r -s tests\n")));
        let key = inserted(&new, "key")[0];
        assert_eq!(key.contains("strategy.job-index"), index, "{platforms}: {key}");
    }
}

/// Where sessions also take a Python that an earlier step set up, a step asks for all of them, and
/// for the one that the matrix names.
#[test]
fn a_python_of_the_matrix_beside_others() {
    let noxfile = "import nox\n@nox.session(python=['3.10', '3.12', '3.13'])\n\
                   def tests(session):\n    session.install('x')\n@nox.session(python='3.10')\n\
                   def old(session):\n    session.install('x')\n";
    let matrix = "runs-on: ubuntu-latest\nstrategy:\n  matrix:\n    python: ['3.12', '3.13']";
    let steps = "- uses: actions/checkout@v5\n\
                 - uses: actions/setup-python@v6\n  with:\n    python-version: '3.10'\n\
                 - uses: actions/setup-python@v6\n  with:\n    python-version: ${{ matrix.python }}\n\
                 - run: pip install nox\n- run: nox -s tests-${{ matrix.python }} old\n";
    let workflow = job(matrix, steps);
    let files = [(".github/workflows/ci.yml", workflow.as_str()), ("noxfile.py", noxfile)];
    let new = fixed(&workflow, safe_fix(&outcome(&files, &Config::default()).findings));
    assert!(!inserted(&new, "key")[0].contains("matrix.python"), "{new}");
    for command in ["  python -VV", "  python3.10 -VV"] {
        assert!(new.contains(command), "{new}");
    }
}

/// Which Python a session takes is computed: the one that is set up, or that of pipx.
#[test]
fn a_python_that_is_computed() {
    let noxfile = "import nox\nPYTHONS = nox.project.python_versions(nox.project.load_toml())\n\
                   @nox.session(python=PYTHONS)\ndef tests(session):\n    session.install('x')\n";
    let steps = "- uses: actions/checkout@v5\n\
                 - uses: actions/setup-python@v6\n  with:\n    python-version: '3.12'\n\
                 - run: pipx run nox -s tests\n  env:\n    NOXFORCEPYTHON: '3.12'\n";
    let workflow = job("runs-on: ubuntu-latest", steps);
    let files = [(".github/workflows/ci.yml", workflow.as_str()), ("noxfile.py", noxfile)];
    let found = outcome(&files, &Config::default()).findings;
    let new = fixed(&workflow, found.iter().find_map(|f| f.fix.as_ref()).unwrap());
    let asked = new.contains("python -VV") && new.contains("PIPX_DEFAULT_PYTHON");
    assert!(asked || inserted(&new, "key")[0].contains("env.pythonLocation"), "{new}");
}

#[test]
fn the_step_that_asks_gets_an_id_that_no_other_step_has() {
    let noxfile = NOXFILE.replace("'.'", "'pytest'");
    for (other, id) in [("", "nox"), ("- id: nox\n  run: nox -l\n", "nox-key")] {
        let steps = format!("- uses: actions/checkout@v5\n{other}- run: pipx run nox -s tests\n");
        let workflow = job("runs-on: ubuntu-latest", &steps);
        let files =
            [(".github/workflows/ci.yml", workflow.as_str()), ("noxfile.py", noxfile.as_str())];
        let found = outcome(&files, &Config::default()).findings;
        let new = fixed(&workflow, safe_fix(&found));
        // Without restore keys, one output tells the interpreter and the week.
        let key = format!("nox-tests-${{{{ steps.{id}.outputs.key }}}}-${{{{ hashFiles(");
        assert!(inserted(&new, "key")[0].starts_with(&key), "{new}");
        assert!(new.contains(&format!("- id: {id}\n        run: echo \"key=$({{ ")), "{new}");
        assert!(new.contains("uname -sm; date +%G-%V; "), "{new}");
    }
}
