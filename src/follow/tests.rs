//! Every wrapper, from a program to the scripts it leads to.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Ask, Followed, follow, size};
use crate::base::text::Text;
use crate::shell::{Expanded, Shell, commands, program};
use crate::tool::{Files, Variable};

mod mise;

struct Tracked(BTreeMap<&'static str, &'static str>);

impl Files for Tracked {
    fn read(&self, path: &str) -> Option<Arc<str>> {
        self.0.get(path).map(|text| Arc::from(*text))
    }

    fn is_tracked(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    fn tracked_under(&self, folder: &str) -> Vec<String> {
        self.0.keys().filter(|p| p.starts_with(folder)).map(|p| (*p).to_owned()).collect()
    }
}

fn followed(files: &[(&'static str, &'static str)], folder: &str, line: &str) -> Followed {
    asked(files, folder, line, follow)
}

fn sized(files: &[(&'static str, &'static str)], folder: &str, line: &str) -> usize {
    asked(files, folder, line, size)
}

fn asked<T>(
    files: &[(&'static str, &'static str)],
    folder: &str,
    line: &str,
    of: fn(&Ask<'_>) -> T,
) -> T {
    let files = Tracked(files.iter().copied().collect());
    let around = |name: &str| (name == "SESSION").then(|| "from-env".to_owned());
    let script = Expanded::new(line, &[]);
    let all = commands(&Shell::Bash, &script, &around);
    let unwrapped = program(all.last().expect("a command")).expect("a program");
    let vars = |name: &str| match unwrapped.env.iter().rev().find(|(own, _)| own == name) {
        Some((_, value)) => value.clone().map_or(Variable::Unknown, Variable::Set),
        None => around(name).map_or(Variable::Unset, Variable::Set),
    };
    of(&Ask { program: &unwrapped, folder, files: &files, root: "/checkout", vars: &vars })
}

/// `line: script` of each script, with its folder where that is not the root.
fn file_scripts(files: &[(&'static str, &'static str)], line: &str) -> Vec<String> {
    let text =
        |path: &str| files.iter().find(|(p, _)| *p == path).map(|(_, t)| *t).unwrap_or_default();
    let show = |file_script: &super::FileScript| {
        let position = Text::new(&file_script.path, text(&file_script.path).as_bytes().to_vec())
            .unwrap()
            .position(file_script.span.start);
        let folder = if file_script.folder.is_empty() {
            String::new()
        } else {
            format!(" in {}", file_script.folder)
        };
        let doubt = if file_script.conditional { " maybe" } else { "" };
        format!("{}: {}{folder}{doubt}", position.line, file_script.expanded().text().trim_end())
    };
    followed(files, "", line).file_scripts.iter().map(show).collect()
}

#[track_caller]
fn check(files: &[(&'static str, &'static str)], table: &[(&str, &[&str])]) {
    for (line, expected) in table {
        assert_eq!(file_scripts(files, line), *expected, "{line}");
    }
}

#[test]
fn scripts() {
    let files = [
        ("ci/run.sh", "#!/bin/bash\nnox \"$@\"\n"),
        ("env.sh", "nox -l\n"),
        ("tools/ci.py", "import subprocess\nsubprocess.run(['nox', '-s', 'x'], check=True)\n"),
        ("build.ps1", "nox"),
        ("data.bin", "nox"),
    ];
    check(
        &files,
        &[
            ("./ci/run.sh -s x", &["1: #!/bin/bash\nnox \"$@\""]),
            ("bash -eux ci/run.sh", &["1: #!/bin/bash\nnox \"$@\""]),
            (". ./env.sh", &["1: nox -l"]),
            ("source env.sh", &["1: nox -l"]),
            ("python tools/ci.py", &["2: nox -s x"]),
            ("uv run tools/ci.py", &["2: nox -s x"]),
            ("python -m tools.ci", &["2: nox -s x"]),
            ("./build.ps1", &["1: nox"]),
            ("/checkout/ci/run.sh", &["1: #!/bin/bash\nnox \"$@\""]),
            // Not there, outside, or a program of the machine.
            ("./missing.sh", &[]),
            ("bash ../ci/run.sh", &[]),
            ("/ci/run.sh", &[]),
            ("run.sh", &[]),
        ],
    );
    assert_eq!(followed(&files, "", "pwsh build.ps1").file_scripts[0].shell, Shell::PowerShell);
    assert_eq!(followed(&files, "", "./build.ps1").file_scripts[0].shell, Shell::PowerShell);
    assert_eq!(
        followed(&files, "ci", "./run.sh a").file_scripts[0].arguments,
        Some(vec![Some("a".to_owned())])
    );
}

#[test]
fn python_calls() {
    let file = "import os, subprocess, sys\n\
                def lint():\n    subprocess.check_call([sys.executable, '-m', 'nox', '-s', NAME])\n\
                def unused():\n    os.system('nox -s unused')\n\
                if sys.platform == 'linux':\n    subprocess.run('nox -s x', shell=True, cwd='docs')\n\
                subprocess.run(command)\nprint(['nox'])\n\
                if __name__ == '__main__':\n    lint()\n";
    check(
        &[("ci.py", file), ("docs/noxfile.py", "")],
        &[("python ci.py", &["3: python -m nox -s unknown_value", "7: nox -s x in docs maybe"])],
    );
}

#[test]
fn make() {
    let makefile = "NOX ?= uv run nox\nFLAGS := -s\nBAD = $(shell date)\nexport CI_MODE := 1\n\
                    .PHONY: all test\n\
                    all: test | lint\n\t@echo done\n\
                    test: ## run\n\t@$(NOX) $(FLAGS) ${SESSION} $$HOME $(BAD)\n\
                    lint:\n\t-cd docs && \\\n\t  nox\n\
                    test-%:\n\tnox -s tests-$*\n\
                    twice:\n\tfirst\ntwice:\n\tsecond\n\
                    sub:\n\t$(MAKE) -C docs lint\n\
                    loop: loop2\n\tnox\nloop2: loop\n\
                    ifdef X\nmaybe:\n\tnox\nendif\n";
    let files = [
        ("Makefile", makefile),
        ("docs/GNUmakefile", "lint:\n\tnox -s docs\n"),
        ("other.mk", "x:\n\tnox -s o\n"),
    ];
    let test = "9: uv run nox -s from-env $HOME unknown_value";
    check(
        &files,
        &[
            ("make test", &[test]),
            ("make", &[test, "11: cd docs && \\\n\t  nox", "7: echo done"]),
            ("make -j4 -s test NOX=nox SESSION=a", &["9: nox -s a $HOME unknown_value"]),
            ("make test-3.12", &["14: nox -s tests-3.12"]),
            ("make twice", &["18: second"]),
            ("make sub", &["20: make -C docs lint"]),
            ("make -C docs lint", &["2: nox -s docs in docs"]),
            ("make --directory=docs", &["2: nox -s docs in docs"]),
            ("make -f other.mk x", &["2: nox -s o"]),
            ("make loop", &["22: nox"]),
            ("make maybe", &["26: nox maybe"]),
            ("make -n test", &[]),
            ("make missing", &[]),
            ("make --unknown test", &[]),
            ("make -C nowhere test", &[]),
        ],
    );
    assert_eq!(followed(&files, "", "make twice").notes.len(), 1, "said: the last is taken");
    assert_eq!(
        followed(&files, "", "make test").file_scripts[0].env,
        [("CI_MODE".to_owned(), Some("1".to_owned()))]
    );
}

#[test]
fn just() {
    let justfile = "set shell := [\"bash\", \"-uc\"]\nsession := 'tests'\nalias t := test\n\
                    default: test (build \"x\") && after\n    @echo done\n\
                    test name=session *args:\n    nox -s {{name}} -- {{args}}\n\
                    build what:\n  echo {{what}}\nafter:\n  nox -s after\n\
                    script:\n    #!/usr/bin/env bash\n    set -e\n    nox -s s\n";
    check(
        &[("justfile", justfile), ("docs/x", "")],
        &[
            ("just test lint a b", &["7: nox -s lint -- a b"]),
            ("just t", &["7: nox -s tests --"]),
            ("just after build y", &["11: nox -s after", "9: echo y"]),
            ("just session=z script", &["13: #!/usr/bin/env bash\n    set -e\n    nox -s s"]),
            ("just --list", &[]),
            ("just missing", &[]),
        ],
    );
    let default = file_scripts(&[("justfile", justfile)], "just");
    assert_eq!(default.last().map(String::as_str), Some("11: nox -s after"));
}

#[test]
fn task() {
    let taskfile = "version: '3'\nvars: {SESSION: tests}\nenv:\n  A: b\ntasks:\n  default:\n    deps: [lint]\n    cmds:\n\
                    \x20     - nox -s {{.SESSION}} {{.CLI_ARGS}}\n      - task: docs\n  lint: nox -s lint\n\
                    \x20 docs:\n    dir: docs\n    cmd: nox -s {{.OTHER}}\n  loop:\n    deps: [loop]\n    cmds: [nox]\n";
    check(
        &[("Taskfile.yml", taskfile)],
        &[
            (
                "task -- -v",
                &["11: nox -s lint", "9: nox -s tests -v", "14: nox -s unknown_value in docs"],
            ),
            ("task docs OTHER=x", &["14: nox -s x in docs"]),
            ("task loop", &["17: nox"]),
            ("task --list", &[]),
        ],
    );
    assert_eq!(
        followed(&[("Taskfile.yml", taskfile)], "", "task lint").file_scripts[0].env.len(),
        1
    );
}

#[test]
fn folders_of_tasks() {
    let taskfile = "includes: {inner: {taskfile: sub/Taskfile.yml, dir: work}}\ntasks: {}\n";
    for (dir, folder) in [
        ("x", Some("work/x")),
        ("\"{{.ROOT_DIR}}/x\"", Some("x")),
        ("\"{{ .TASKFILE_DIR }}/x\"", Some("sub/x")),
        ("\"{{.USER_WORKING_DIR}}\"", Some("here")),
        ("\"{{.ROOT_DIR}}/{{.X}}\"", None),
        ("\"{{.OTHER}}/x\"", None),
        ("\"x/{{.OTHER}}\"", None),
    ] {
        let inner = format!("tasks: {{t: {{dir: {dir}, cmd: nox}}}}\n").leak();
        let files = [("Taskfile.yml", taskfile), ("sub/Taskfile.yml", inner)];
        let found = followed(&files, "here", "task inner:t");
        let folders: Vec<&str> = found.file_scripts.iter().map(|s| s.folder.as_str()).collect();
        assert_eq!(folders, Vec::from_iter(folder), "{dir}");
        assert_eq!(found.notes.is_empty(), folder.is_some(), "{dir}");
    }
}

#[test]
fn package_json() {
    let package = "{\n  \"scripts\": {\n    \"pretest\": \"echo\",\n    \"test\": \"nox -s \\\"x\\\"\",\n    \"lint\": \"nox -s lint\"\n  }\n}";
    check(
        &[("package.json", package)],
        &[
            ("npm run lint -- -v", &["5: nox -s lint -v"]),
            ("npm test", &["3: echo", "4: nox -s \"x\""]),
            ("yarn lint", &["5: nox -s lint"]),
            ("pnpm run lint", &["5: nox -s lint"]),
            ("npm lint", &[]),
            ("npm ci", &[]),
            ("yarn install", &[]),
        ],
    );
}

#[test]
fn python_tools() {
    let pyproject = "[tool.hatch.envs.default.scripts]\nall = [\"lint\", \"nox -s {args:tests}\"]\nlint = \"nox -s lint\"\n\
                     [tool.hatch.envs.docs.scripts]\nbuild = \"nox -s docs\"\n\
                     [tool.pdm.scripts]\ntest = {cmd = [\"nox\", \"-s\", \"a b\"]}\nboth = {composite = [\"test\", \"nox -s c\"]}\n\
                     [tool.poe.tasks]\nci = [\"lint\", {cmd = \"nox -s t\"}]\nlint = \"nox -s l\"\nsh = {shell = \"nox -s s\", cwd = \"docs\"}\n\
                     loop = [\"loop\"]\nref = {ref = \"ref\"}\n\
                     [tool.rye.scripts]\nr = {chain = [\"one\", \"one\"]}\none = \"nox\"\n\
                     [tool.pixi.tasks]\np = {cmd = \"nox\", depends-on = [\"q\"]}\nq = \"nox -s q\"\n";
    check(
        &[("pyproject.toml", pyproject), ("Pipfile", "[scripts]\nt = \"nox -s t\"\n")],
        &[
            ("hatch run lint", &["3: nox -s lint"]),
            ("hatch run all", &["3: nox -s lint", "2: nox -s tests"]),
            ("hatch run all x y", &["3: nox -s lint", "2: nox -s x y"]),
            ("hatch run docs:build", &["5: nox -s docs"]),
            ("hatch run docs:lint", &["3: nox -s lint"]),
            ("hatch run missing", &[]),
            ("pdm run test -v", &["7: nox -s 'a b' -v"]),
            ("pdm both", &["7: nox -s 'a b'", "8: nox -s c"]),
            ("pdm install", &[]),
            ("poe ci", &["11: nox -s l", "10: nox -s t"]),
            ("poetry run poe sh", &["12: nox -s s in docs"]),
            ("poe loop", &["13: loop"]),
            ("poe ref", &["14: ref"]),
            ("rye run r", &["17: nox", "17: nox"]),
            ("pixi run p", &["20: nox -s q", "19: nox"]),
            ("pipenv run t x", &["2: nox -s t x"]),
        ],
    );
}

#[test]
fn invoke_tox_and_pre_commit() {
    let tasks = "from invoke import task\n@task\ndef run_tests(c):\n    c.run('nox -s tests')\n@task\ndef docs(c):\n    c.run(f'nox -s {x}')\n@task(pre=[run_tests])\ndef all(c):\n    c.run('nox -s all')\n@task(default=True)\ndef first(c):\n    c.run('nox -l')\n    docs(c)\n";
    let tox = "[tox]\nenvlist = py{1,2}, lint\n[testenv]\ncommands = pytest {posargs}\n[testenv:lint]\ndeps = nox\ncommands =\n    - nox -s lint -- {posargs:-v}\n    nox -s {env:X}\n";
    let hooks = "repos:\n- repo: https://x.example\n  rev: v1\n  hooks: [{id: black}]\n- repo: local\n  hooks:\n  - id: nox\n    entry: nox -s\n    args: [lint]\n    language: system\n  - id: late\n    entry: nox -s late\n    stages: [pre-push]\n";
    check(
        &[("tasks.py", tasks), ("tox.ini", tox), (".pre-commit-config.yaml", hooks)],
        &[
            ("invoke run-tests", &["4: nox -s tests"]),
            ("python -m invoke run-tests", &["4: nox -s tests"]),
            ("inv docs", &["7: nox -s unknown_value"]),
            ("inv --list", &[]),
            ("inv all", &["4: nox -s tests", "10: nox -s all"]),
            ("inv", &["7: nox -s unknown_value", "13: nox -l"]),
            ("tox -e lint", &["8: nox -s lint -- -v", "9: nox -s unknown_value"]),
            ("tox run -elint -- -x", &["8: nox -s lint -- -x", "9: nox -s unknown_value"]),
            ("tox -e py312", &["4: pytest"]),
            ("tox", &["4: pytest", "4: pytest", "8: nox -s lint -- -v", "9: nox -s unknown_value"]),
            ("pre-commit run nox --all-files", &["8: nox -s lint"]),
            ("pre-commit run -a", &["8: nox -s lint maybe"]),
            ("pre-commit install", &[]),
        ],
    );
}

#[test]
fn tasks_of_invoke_that_run_others() {
    let tasks = r#"from invoke import call, task
@task
def lint(c):
    """Lint; see the tests task, or tests(c)."""
    c.run("ruff check src tests")  # not tests(c)
@task
def tests(c):
    c.run("nox -s tests")
@task
def run(c, tests=None):
    c.run("echo")
@task(help={"tests": "x"}, iterable=[tests])
def helped(c):
    c.run("true")
@task(lint, post=[call(tests, fast=True)])
def around(c):
    pass
@task
async def calls(c):
    if c.ci:
        tests(c)
"#;
    check(
        &[("tasks.py", tasks)],
        &[
            ("invoke lint", &["5: ruff check src tests"]),
            ("invoke run", &["11: echo"]),
            ("invoke helped", &["14: true"]),
            ("invoke around", &["5: ruff check src tests", "8: nox -s tests"]),
            ("invoke calls", &["8: nox -s tests"]),
            ("invoke", &[]),
        ],
    );
    let chain = |count: usize| {
        let task = |i: usize| format!("@task\ndef t{i}(c):\n    c.run('nox')\n    t{}(c)\n", i + 1);
        let text: &str = (0..count).map(task).collect::<String>().leak();
        followed(&[("tasks.py", text)], "", "inv t0")
    };
    assert_eq!(chain(150).file_scripts.len(), 150);
    let long = chain(5000);
    assert_eq!(long.file_scripts.len(), 200);
    assert_eq!(long.notes, ["tasks of `tasks.py` run more than 200 others"]);
}

#[test]
fn environments_of_tox() {
    let tox = "[tox]\nenvlist =\n    lint  # tests, too\n    # tests need docker\n; tests\n\n    py{1,2}\n[testenv]\ncommands = pytest\n[testenv:lint]\ncommands = ruff\n[testenv:tests]\ncommands = nox\n";
    let files = [("tox.ini", tox)];
    let (lint, py, tests) = ("11: ruff", "9: pytest", "13: nox");
    check(
        &files,
        &[
            ("tox", &[lint, py, py]),
            ("TOXENV=tests tox", &[tests]),
            ("export TOXENV=tests; tox", &[tests]),
            ("TOXENV=py{1,2},tests tox", &[py, py, tests]),
            ("TOX_ENV=tests TOXENV=lint tox", &[tests]),
            ("TOXENV= tox", &[lint, py, py]),
            ("TOXENV=tests tox -e lint", &[lint]),
            ("tox --skip-env lint", &[py, py]),
            ("tox --skip-env=py run", &[lint]),
            ("tox --skip-env 'lint|py1'", &[py]),
            ("tox -e lint,tests --skip-env lint -- --skip-env tests", &[tests]),
            ("TOX_SKIP_ENV=py tox", &[lint]),
            ("TOX_SKIP_ENV=py tox --skip-env lint", &[py, py]),
            ("TOX_SKIP_ENV= tox -e tests", &[tests]),
        ],
    );
    for line in [
        "TOXENV=$X tox",
        "TOXENV=ALL tox",
        "tox --skip-env $X",
        "tox --skip-env '.*3$'",
        "TOX_SKIP_ENV=$X tox -e tests",
    ] {
        assert_eq!(file_scripts(&files, line), [""; 0], "{line}");
        let said = "cachelint doesn't know which environments of `tox.ini` run";
        assert_eq!(followed(&files, "", line).notes, [said], "{line}");
    }
}

#[test]
fn hostile_files_end() {
    let deep = "a: b\nb: a c\nc: a\n\tnox\n";
    assert_eq!(file_scripts(&[("Makefile", deep)], "make a"), ["4: nox"]);
    let braces: &str = format!("[tox]\nenvlist = {}, b\n", "{a}".repeat(100_000)).leak();
    let tox: &str = format!("{braces}[testenv]\ncommands = nox\n").leak();
    assert_eq!(file_scripts(&[("tox.ini", tox)], "tox"), ["4: nox"]);
    for (path, line) in [
        ("Makefile", "make x"),
        ("justfile", "just x"),
        ("Taskfile.yml", "task x"),
        ("package.json", "npm run x"),
        ("pyproject.toml", "poe x"),
        ("tox.ini", "tox -e x"),
        (".pre-commit-config.yaml", "pre-commit run x"),
        ("tasks.py", "inv x"),
        ("mise.toml", "mise run x"),
    ] {
        for text in [
            "\u{0}",
            "x:\n\t",
            "[[[[[[",
            "{{{{",
            "x: &x [*x]",
            "$(((",
            "set shell := ",
            "[testenv:x]\ncommands",
            "é: ü",
        ] {
            followed(&[(path, text)], "", line);
        }
    }
}
