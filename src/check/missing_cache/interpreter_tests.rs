//! Which part of the key follows the Python; all workflows are made up.

use super::ID;
use crate::base::finding::{Applicability, Fix};
use crate::config::Config;
use crate::testing::{job, outcome};

const NOXFILE: &str = "import nox\n@nox.session\ndef tests(session):\n    session.install('-r', 'requirements.txt')\n";
const ENVIRONMENT: &str = "dependencies: [\"python=3.12\", nox]\n";

/// The fix of a job with these steps, beside a pinned requirement and this environment file.
fn fix_of(noxfile: &str, environment: &str, steps: &str) -> Fix {
    let workflow = job("runs-on: ubuntu-latest", &format!("- uses: actions/checkout@v5\n{steps}"));
    let files = [
        (".github/workflows/ci.yml", workflow.as_str()),
        ("noxfile.py", noxfile),
        ("requirements.txt", "pytest==8.0.0 --hash=sha256:aa\n"),
        ("environment.yml", environment),
    ];
    let mut findings = outcome(&files, &Config::default()).findings.into_iter();
    let finding = findings.find(|f| f.rule == ID).unwrap_or_else(|| panic!("{steps}"));
    finding.fix.unwrap_or_else(|| panic!("{steps}"))
}

fn text(fix: &Fix) -> String {
    fix.edits.iter().map(|edit| edit.content.as_str()).collect()
}

fn is_safe(fix: &Fix) -> bool {
    fix.applicability == Applicability::Safe
}

#[test]
fn a_python_whose_path_is_an_output() {
    let set_up = |id: &str, more: &str| {
        format!(
            "- uses: actions/setup-python@v6\n  id: {id}\n  with:\n    python-version: '3.12'\n{more}"
        )
    };
    let nox = "- run: ${{ steps.py.outputs.python-path }} -m nox -s tests\n";
    let quoted = "- run: |\n    \"${{ steps.py.outputs.python-path }}\" -m nox -s tests\n";
    let elsewhere = set_up("py", "    update-environment: false\n");
    for (steps, located) in [
        (format!("{}{nox}", set_up("py", "")), true),
        (format!("{}{quoted}", set_up("py", "")), true),
        (format!("{elsewhere}{nox}"), false),
        (format!("{}{}{nox}", set_up("py", ""), set_up("other", "")), false),
    ] {
        let fix = fix_of(NOXFILE, "", &steps);
        assert_eq!(is_safe(&fix), located, "{steps}");
        let (new, flag) = (text(&fix), "-r");
        assert_eq!(new.contains("env.pythonLocation"), located, "{steps}{new}");
        assert!(new.contains(flag), "{steps}{new}");
    }
    // Another step's output may be anything.
    let unknown = job(
        "runs-on: ubuntu-latest",
        &format!("- id: py\n  run: ./find-python\n- uses: actions/checkout@v5\n{nox}"),
    );
    let files = [(".github/workflows/ci.yml", unknown.as_str()), ("noxfile.py", NOXFILE)];
    assert!(outcome(&files, &Config::default()).findings.is_empty());
}

#[test]
fn a_python_inside_a_conda_environment() {
    let miniconda = "- uses: conda-incubator/setup-miniconda@v3\n  with:\n    environment-file: environment.yml\n";
    let micromamba =
        "- uses: mamba-org/setup-micromamba@v2\n  with:\n    environment-file: environment.yml\n";
    let floating = "# python=3.9\ndependencies:\n  - python\n  - nox\n";
    for (set_up, environment, run, part) in [
        (miniconda, ENVIRONMENT, "conda run -n t nox -s tests", "'environment.yml'"),
        (micromamba, ENVIRONMENT, "micromamba run -n t nox -s tests", "'environment.yml'"),
        (miniconda, floating, "conda run -n t nox -s tests", "conda run -n t python -VV;"),
        (
            micromamba,
            floating,
            "micromamba run -n t python -m nox -s tests",
            "micromamba run -n t python -VV;",
        ),
    ] {
        let fix = fix_of(NOXFILE, environment, &format!("{set_up}- run: {run}\n"));
        assert!(is_safe(&fix), "{run}");
        let new = text(&fix);
        assert!(new.contains(part), "{run}: {new}");
    }
    let computed = format!("{miniconda}- run: conda run -n \"$NAME\" nox -s tests\n");
    let fix = fix_of(NOXFILE, floating, &computed);
    assert!(!is_safe(&fix));
    // The key still tells systems apart.
    assert!(text(&fix).contains("runner.os"), "{}", text(&fix));
}

#[test]
fn the_folder_of_a_set_up_python_tells_the_system_too() {
    let set_up = "- uses: actions/setup-python@v6\n  with:\n    python-version: '3.12'\n";
    let noxfile = NOXFILE.replace("@nox.session", "@nox.session(python=['3.10', '3.12'])");
    let steps = format!("{set_up}- run: pip install 'nox[pbs]'\n- run: nox -s tests\n");
    let new = text(&fix_of(&noxfile, "", &steps));
    assert!(new.contains("env.pythonLocation") && new.contains("~/.local/share/nox"), "{new}");
    assert!(!new.contains("runner."), "{new}");
}

/// The fix of a job with this matrix and these steps, whose only session asks for this Python.
fn fix_of_matrix(python: &str, matrix: &str, steps: &str) -> Fix {
    let noxfile = NOXFILE.replace("@nox.session", &format!("@nox.session({python})"));
    let head = format!("runs-on: ubuntu-latest\nstrategy: {{matrix: {matrix}}}");
    let workflow = job(&head, &format!("- uses: actions/checkout@v5\n{steps}"));
    let files = [
        (".github/workflows/ci.yml", workflow.as_str()),
        ("noxfile.py", &noxfile),
        ("requirements.txt", "pytest==8.0.0 --hash=sha256:aa\n"),
    ];
    let mut findings = outcome(&files, &Config::default()).findings.into_iter();
    findings.find(|f| f.rule == ID).unwrap().fix.unwrap_or_else(|| panic!("{steps}"))
}

const SET_UP: &str =
    "- uses: actions/setup-python@v6\n  with: {python-version: '${{ matrix.python }}'}\n";

#[test]
fn names_without_a_minor_version_are_the_python_that_is_set_up() {
    let nox = format!("{SET_UP}- run: pip install nox uv\n- run: nox -s tests\n");
    for (python, matrix, located) in [
        ("python='3'", "{python: ['3.12', '3.13t']}", true),
        ("python='3', venv_backend='uv'", "{python: ['3.12']}", true),
        ("python='pypy3'", "{python: [pypy-3.10, pypy3.11]}", true),
        ("python='pypy3'", "{python: [pypy-3.10, '3.12']}", false),
        ("python='3.11'", "{python: ['3.12']}", false),
    ] {
        let new = text(&fix_of_matrix(python, matrix, &nox));
        assert_eq!(new.contains("env.pythonLocation"), located, "{python} {matrix}: {new}");
        assert_eq!(new.contains("-VV"), !located, "{python} {matrix}: {new}");
    }
}

/// `pipx run` has a Python of its own, which the probe asks for, whatever else is set up.
#[test]
fn a_python_that_no_session_runs_on_tells_no_legs_apart() {
    for (run, named) in [
        ("pipx run nox -s tests", false),
        ("pipx run nox -s tests -- ${{ matrix.python }}", false),
        ("pipx run --python python3.12 nox -s tests", false),
        ("pipx run nox -s tests\n  env: {PIP_CONSTRAINT: 'c-${{ matrix.python }}.txt'}", true),
        ("uvx --python ${{ matrix.python }} nox -s tests", false),
    ] {
        let steps = format!("{SET_UP}- run: {run}\n");
        let new = text(&fix_of_matrix("", "{python: ['3.12', '3.13']}", &steps));
        assert_eq!(new.contains("${{ matrix.python }}-"), named, "{run}: {new}");
    }
}

/// Where nobody knows which Python it is, all that an earlier step is told may decide it.
#[test]
fn what_chooses_an_unknown_python_stands_in_the_key() {
    let image = "- uses: docker/build-push-action@v6\n  with:\n    tags: ci\n    build-args: PYTHON=${{ matrix.python }}\n";
    let started = format!(
        "{image}- run: docker run -v $PWD:/src -w /src ci nox -s tests\n- run: echo ${{{{ matrix.later }}}}\n"
    );
    let pyenv = "- run: |\n    eval \"$(pyenv init -)\"\n    pyenv shell ${{ matrix.python }}\n    python -m nox -s tests\n";
    let conda = "- run: |\n    source conda.sh\n    conda activate py${{ matrix.python }}\n    nox -s tests\n";
    for steps in [started.as_str(), pyenv, conda] {
        let matrix = "{python: ['3.12', '3.13'], later: [a, b]}";
        let fix = fix_of_matrix("", matrix, steps);
        assert!(!is_safe(&fix), "{steps}");
        let new = text(&fix);
        assert!(new.contains("-${{ matrix.python }}-"), "{steps}: {new}");
        assert!(!new.contains("matrix.later"), "{steps}: {new}");
    }
}

#[test]
fn a_noxfile_run_by_its_path_gets_the_python_that_its_first_line_asks_for() {
    let steps = "- uses: actions/checkout@v6\n- uses: astral-sh/setup-uv@v7\n  with: {python-version: '3.13'}\n- run: ./noxfile.py -s t\n";
    let workflow = job("runs-on: ubuntu-latest", steps);
    let versions = "VERSIONS = open('versions.txt').read().split()\n";
    for (line, decorator, asked, folder) in [
        (
            "env -S uv run --script --python 3.12",
            "@nox.session",
            "uv python find --system 3.12",
            true,
        ),
        (
            "env -S uv run --script",
            "@nox.session(python='3.11')",
            "uv python find --system 3.11",
            true,
        ),
        (
            "env -S uv run --python 3.12",
            "@nox.session(python=VERSIONS)",
            "uv python find --system)",
            true,
        ),
        ("env python3", "@nox.session", "python3 -VV", false),
    ] {
        let noxfile = format!(
            "#!/usr/bin/{line}\nimport nox\nnox.options.default_venv_backend = 'uv'\n{versions}{decorator}\n\
             def t(session):\n    session.install('ruff==0.14.0')\n"
        );
        let files = [
            (".github/workflows/ci.yml", workflow.as_str()),
            ("noxfile.py", noxfile.as_str()),
            ("versions.txt", "3.11\n3.12\n"),
        ];
        let findings = outcome(&files, &Config::default()).findings;
        let edits = findings.iter().flat_map(|f| &f.fix).flat_map(|fix| &fix.edits);
        let text: String = edits.map(|edit| edit.content.as_str()).collect();
        assert!(text.contains(asked), "{line} {decorator}: {text}");
        assert_eq!(text.contains("UV_PYTHON_INSTALL_DIR"), folder, "{line} {decorator}: {text}");
    }
}
