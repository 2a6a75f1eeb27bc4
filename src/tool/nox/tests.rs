//! Whole calls against noxfiles. All sources are made up, in the style of public ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::tool::{Answer, Argument, Files, Interpreter, Most, Reuse, Variable};

mod bodies;
mod bounds;
mod effects;
mod files;
mod imports;
mod names;
mod nested;

struct Tree(BTreeMap<&'static str, &'static str>);

impl Files for Tree {
    fn read(&self, path: &str) -> Option<Arc<str>> {
        self.0.get(path).map(|text| (*text).into())
    }

    fn is_tracked(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    fn tracked_under(&self, folder: &str) -> Vec<String> {
        let below = |path: &&&str| folder.is_empty() || path.starts_with(&format!("{folder}/"));
        self.0.keys().filter(below).map(|path| (*path).to_owned()).collect()
    }
}

fn call_in(
    files: &[(&'static str, &'static str)],
    folder: &str,
    line: &str,
    env: &[(&str, &str)],
) -> Run {
    let tree = Tree(files.iter().copied().collect());
    let word = |w: &str| match w.split_once('?') {
        Some((prefix, split)) => Argument::unknown(prefix, split == "*"),
        None => Argument::known(w.replace('_', " ").replace("~", "_")),
    };
    let args: Vec<Argument> = line.split_whitespace().map(word).collect();
    let env = |name: &str| match env.iter().find(|(n, _)| *n == name) {
        Some((_, "?")) => Variable::Unknown,
        Some((_, value)) => Variable::Set((*value).to_owned()),
        None => Variable::Unset,
    };
    let request = Request { args: &args, env: &env, folder, script: None, files: &tree };
    Nox::default().run(&request, Most::ANY).unwrap()
}

fn call(noxfile: &'static str, line: &str) -> Run {
    call_in(&[("noxfile.py", noxfile)], "", line, &[])
}

fn names(run: &Run) -> Vec<&str> {
    run.sessions.iter().map(|s| s.name.as_str()).collect()
}

const PLAIN: &str = r#"
import nox
@nox.session
def lint(session):
    session.install("ruff==0.5")
    session.run("ruff", "check")
@nox.session(python=["3.11", "3.12"], tags=["t"])
def tests(session):
    session.install("-r", "requirements.txt", ".")
@nox.session(python=False)
def tag(session):
    session.run("git", "tag", external=True)
@nox.session(default=False, reuse_venv=True, venv_backend="uv")
def docs(session):
    session.run_install("uv", "sync", "--frozen")
"#;

/// The selections were compared with what nox 2026.10.20 lists for the same lines.
#[test]
fn who_runs_and_whether_environments_are_made() {
    for (line, sessions, creates) in [
        ("", vec!["lint", "tests-3.11", "tests-3.12", "tag"], Answer::Yes),
        ("-s tag", vec!["tag"], Answer::No),
        ("-s tests", vec!["tests-3.11", "tests-3.12"], Answer::Yes),
        ("-s tests-3.12", vec!["tests-3.12"], Answer::Yes),
        ("-s lint -s tag", vec!["tag"], Answer::No),
        ("-t t", vec!["tests-3.11", "tests-3.12"], Answer::Yes),
        ("-k tests_and_not_3", vec!["tests-3.11", "tests-3.12"], Answer::Unknown),
        ("-k lint_or_docs", vec!["lint", "docs"], Answer::Yes),
        ("-k (_lint_or_tag_)_and_not_lint", vec!["tag"], Answer::No),
        ("-s tests -p 3.11", vec!["tests-3.11"], Answer::Yes),
        ("-s lint -P 3.13", vec!["lint-3.13"], Answer::Yes),
        ("-s tests -P 3.13", vec!["tests-3.13"], Answer::Yes),
        ("-s tag -P 3.13", vec!["tag-3.13"], Answer::Yes),
        ("-s lint --extra-python 3.13", vec!["lint"], Answer::Yes),
        ("-s tests-?", vec!["tests-3.11", "tests-3.12"], Answer::Yes),
        ("-s ?", vec!["lint", "tests-3.11", "tests-3.12", "tag", "docs"], Answer::Unknown),
        ("-s lint --no-venv", vec!["lint"], Answer::No),
        ("-s lint -fb none", vec!["lint"], Answer::No),
        ("-s lint -db none", vec!["lint"], Answer::No),
        ("-s docs -db none", vec!["docs"], Answer::Yes),
        ("-s lint --install-only", vec!["lint"], Answer::Yes),
        ("-s nothing", vec![], Answer::Unknown),
        ("-s", vec![], Answer::No),
        ("-l", vec![], Answer::No),
        ("--list --json", vec![], Answer::No),
        ("--version", vec![], Answer::No),
        ("--usage lint", vec![], Answer::No),
        ("lint", vec![], Answer::Unknown),
        ("-s lint ?*", vec![], Answer::Unknown),
    ] {
        let run = call(PLAIN, line);
        assert_eq!(run.creates_env, creates, "{line}: {run:#?}");
        if !matches!(line, "-s lint ?*" | "-k tests_and_not_3") {
            assert_eq!(names(&run), sessions, "{line}");
        }
        assert_eq!(run.env_dirs.is_empty(), creates == Answer::No || line == "lint", "{line}");
    }
}

#[test]
fn reuse_of_the_sessions_that_run() {
    for (line, reuse, refused, can_insert) in [
        ("-s lint", Reuse::Off, None, true),
        ("-s docs", Reuse::On, None, true),
        ("-s lint docs", Reuse::Mixed, None, true),
        ("-r -s lint docs", Reuse::On, None, true),
        ("-N -s lint", Reuse::Off, Some("-N"), false),
        ("-N -s docs", Reuse::On, Some("-N"), false),
        ("--reuse-venv=never -s docs", Reuse::Off, Some("--reuse-venv=never"), false),
        ("-s ?", Reuse::Unknown, None, true),
        ("-rs lint -- -N", Reuse::On, None, true),
        ("-s lint ?*", Reuse::Unknown, None, true),
    ] {
        let run = call(PLAIN, line);
        let got = (run.reuse, run.reuse_refused.as_deref(), run.can_insert_reuse_flag);
        assert_eq!(got, (reuse, refused, can_insert), "{line}");
    }
    let refusing = "import nox\n@nox.session(reuse_venv=False)\ndef a(session): pass\n";
    let run = call(refusing, "-r");
    assert_eq!((run.reuse, run.reuse_refused.as_deref()), (Reuse::Off, Some("reuse_venv=False")));
}

#[test]
fn options_of_the_noxfile() {
    let with = |options: &'static str, env: &[(&str, &str)]| {
        let text = format!(
            "import nox, os\nfrom nox import options\n{options}\n@nox.session\ndef a(session): session.install('x')\n"
        );
        call_in(&[("noxfile.py", Box::leak(text.into_boxed_str()))], "", "", env)
    };
    for (options, env, reuse) in [
        ("nox.options.reuse_existing_virtualenvs = True", vec![], Reuse::On),
        ("options.reuse_venv = 'yes'", vec![], Reuse::On),
        ("nox.options.reuse_venv = 'no'", vec![], Reuse::Off),
        ("nox.options.reuse_existing_virtualenvs = not os.environ.get('CI')", vec![], Reuse::Off),
        ("nox.options.reuse_existing_virtualenvs = 'CI' not in os.environ", vec![], Reuse::Off),
        ("if os.getenv('CI'):\n    nox.options.reuse_venv = 'yes'", vec![], Reuse::On),
        (
            "if os.environ.get('CI') == 'true':\n    pass\nelse:\n    nox.options.reuse_venv = 'yes'",
            vec![],
            Reuse::Off,
        ),
        (
            "if os.environ.get('CI'):\n    nox.options.reuse_venv = 'yes'",
            vec![("CI", "")],
            Reuse::Off,
        ),
        ("if os.environ.get('FAST'):\n    nox.options.reuse_venv = 'yes'", vec![], Reuse::Off),
        (
            "if os.environ.get('FAST'):\n    nox.options.reuse_venv = 'yes'",
            vec![("FAST", "?")],
            Reuse::Unknown,
        ),
        ("if os.environ['HOME']:\n    nox.options.reuse_venv = 'yes'", vec![], Reuse::Unknown),
        (
            "import sys\nif sys.platform != 'win32':\n    nox.options.reuse_venv = 'yes'",
            vec![],
            Reuse::Unknown,
        ),
        ("REUSE = True\nnox.options.reuse_existing_virtualenvs = REUSE", vec![], Reuse::On),
    ] {
        assert_eq!(with(options, &env).reuse, reuse, "{options} {env:?}");
    }
    for (options, creates, backends) in [
        ("nox.options.default_venv_backend = 'none'", Answer::No, vec![]),
        (
            "nox.options.default_venv_backend = 'uv|virtualenv'",
            Answer::Yes,
            vec!["uv", "virtualenv"],
        ),
        (
            "import sys\nif sys.argv:\n    nox.options.default_venv_backend = 'uv'",
            Answer::Yes,
            vec!["uv", "virtualenv"],
        ),
        (
            "import sys\nif sys.argv:\n    nox.options.default_venv_backend = 'none'",
            Answer::Unknown,
            vec!["none", "virtualenv"],
        ),
        ("nox.options.default_venv_backend = x()", Answer::Unknown, vec![]),
        ("nox.options.sessions = []", Answer::No, vec![]),
        ("nox.options.sessions = ['a']", Answer::Yes, vec!["virtualenv"]),
    ] {
        let run = with(options, &[]);
        assert_eq!(
            (run.creates_env, run.backend.names.iter().map(String::as_str).collect()),
            (creates, backends),
            "{options}"
        );
    }
    let run = with("", &[("NOX_DEFAULT_VENV_BACKEND", "uv")]);
    assert_eq!(run.backend.only(), Some("uv"));
    assert_eq!(with("", &[("NOXSESSION", "b")]).creates_env, Answer::Unknown);
}

#[test]
fn the_environment_folder_lies_beside_the_noxfile() {
    let file = "import nox\n@nox.session\ndef a(session): session.install('x')\n";
    let own = "import nox\nnox.options.envdir = '.cache/nox'\n@nox.session\ndef a(session): session.install('x')\n";
    let script = "# /// script\n# dependencies = [\"nox\", \"tomlkit\"]\n# ///\nimport nox\n@nox.session\ndef a(session): pass\n";
    let files = [
        ("noxfile.py", file),
        ("sub/noxfile.py", file),
        ("own/noxfile.py", own),
        ("s/noxfile.py", script),
    ];
    for (folder, line, dirs) in [
        ("", "", vec![".nox"]),
        ("sub", "", vec!["sub/.nox"]),
        ("", "-f sub/noxfile.py", vec!["sub/.nox"]),
        ("sub/deep", "-f ../noxfile.py", vec!["sub/.nox"]),
        ("", "--envdir envs -f sub/noxfile.py", vec!["sub/envs"]),
        ("own", "", vec!["own/.cache/nox"]),
        ("own", "--envdir=x", vec!["own/x"]),
        ("", "--envdir /tmp/x", vec!["/tmp/x"]),
        ("", "--envdir ../x", vec![]),
        ("", "--envdir ?", vec![]),
        ("", "-f $X/noxfile.py", vec![]),
        ("s", "", vec!["s/.nox"]),
        ("", "-f s/noxfile.py", vec![".nox/_nox_script_mode", "s/.nox"]),
    ] {
        let dirs: Vec<String> = dirs.into_iter().map(str::to_owned).collect();
        assert_eq!(call_in(&files, folder, line, &[]).env_dirs, dirs, "{folder} {line}");
    }
    let missing = call_in(&files, "none", "-s a", &[]);
    assert_eq!(
        (missing.creates_env, missing.creates_by_default, missing.reuse),
        (Answer::Unknown, true, Reuse::Unknown)
    );
}

#[test]
fn folders_of_parametrized_sessions() {
    let file = r#"
import nox
@nox.session(python=["3.11"])
def multi(session): pass
@nox.session
@nox.parametrize("django", ["1.9", "2.0"])
def par(session, django): pass
@nox.session
@nox.parametrize("b", [1], ids=["one"])
@nox.parametrize("a", [True])
def two(session, a, b): pass
@nox.session
@nox.parametrize("python,x", [("3.11", 1)])
def py(session, x): pass
@nox.session(name="Some Name")
def long(session): pass
"#;
    let run = call(file, "");
    let got: Vec<_> = run.sessions.iter().map(|s| (s.name.as_str(), s.folder.as_deref())).collect();
    assert_eq!(
        got,
        [
            ("multi-3.11", Some("multi-3-11")),
            ("par(django='1.9')", Some("par-django-1-9")),
            ("par(django='2.0')", Some("par-django-2-0")),
            ("two(a=True, one)", Some("two-a-true-one")),
            ("py(python='3.11', x=1)", Some("py-python-3-11-x-1")),
            ("Some Name", Some("some-name")),
        ]
    );
    assert_eq!(run.sessions[4].python, Interpreter::Named("3.11".to_owned()));
    assert_eq!(names(&call(file, "-s py-3.11")), Vec::<&str>::new());
    assert_eq!(names(&call(file, "-s par(django=\"2.0\")")), ["par(django='2.0')"]);
}

#[test]
fn decorators_loops_and_other_modules() {
    let files = [
        (
            "noxfile.py",
            r#"
import functools
import nox
import nox as tool
from nox_poetry import session as poetry
from ci.more import *
uv = functools.partial(nox.session, venv_backend="uv", reuse_venv=True)
@uv(python="3.12")
def partial(session): session.install("x")
@poetry
def poetic(session): session.install(".")
@tool.session(name="renamed", requires=["other"])
def aliased(session): pass
for kind in ["a", "b"]:
    @nox.session(name=f"loop-{kind}")
    def _loop(session): session.install("x")
nox.session(lambda s: None)
"#,
        ),
        ("ci/more.py", "import nox\n@nox.session(venv_backend='none')\ndef other(session): pass\n"),
        ("poetry.lock", ""),
        ("pyproject.toml", ""),
    ];
    for (line, sessions, creates, reuse) in [
        ("-s partial", vec!["partial"], Answer::Yes, Reuse::On),
        ("-s poetic", vec!["poetic"], Answer::Yes, Reuse::Off),
        ("-s renamed", vec!["renamed", "other"], Answer::Yes, Reuse::Off),
        ("-s loop-b", vec!["loop-b"], Answer::Yes, Reuse::Off),
        ("-s other", vec!["other"], Answer::No, Reuse::Off),
        ("-s aliased", vec![], Answer::Unknown, Reuse::Unknown),
    ] {
        let run = call_in(&files, "", line, &[]);
        assert_eq!((names(&run), run.creates_env, run.reuse), (sessions, creates, reuse), "{line}");
    }
    assert_eq!(
        call_in(&files, "", "-s poetic", &[]).install_files,
        ["poetry.lock", "pyproject.toml"]
    );
    for hidden in [
        "from elsewhere import *",
        "import antsibull_nox\nantsibull_nox.load_antsibull_nox_toml()",
        "@made(1)\ndef f(s): pass",
    ] {
        let text = format!("import nox\n{hidden}\n@nox.session\ndef a(session): pass\n");
        let run = call_in(&[("noxfile.py", Box::leak(text.into_boxed_str()))], "", "", &[]);
        assert!(!run.sessions_known && !run.undecided.is_empty(), "{hidden}: {run:?}");
    }
}

#[test]
fn sessions_of_a_package_beside_the_noxfile_with_a_decorator_of_its_own() {
    const NOXFILE: &str = "import pathlib, runpy\nfor f in pathlib.Path('ci').glob('*.nox.py'):\n    runpy.run_path(str(f))\n";
    const COMMON: &str = r#"
import nox
nox.options.default_venv_backend = "uv"
def session(**kwargs):
    def decorator(func):
        name = func.__name__.replace("_", "-")
        reuse = kwargs.pop("reuse_venv", True)
        return nox.session(name=name, reuse_venv=reuse, **kwargs)(func)
    return decorator
def sync(session, /, *groups):
    session.run_install("uv", "sync", "--locked")
"#;
    const TESTS: &str = r#"
from ci import nox
@nox.session()
def all_tests(session):
    nox.sync(session, "test")
@nox.session(reuse_venv=False, python=["3.12"])
def lint(session):
    nox.sync(session)
"#;
    let files = [
        ("noxfile.py", NOXFILE),
        ("ci/nox.py", COMMON),
        ("ci/tests.nox.py", TESTS),
        ("uv.lock", ""),
    ];
    for (line, names_, reuse) in
        [("-s all-tests", vec!["all-tests"], Reuse::On), ("-s lint", vec!["lint-3.12"], Reuse::Off)]
    {
        let run = call_in(&files, "", line, &[]);
        assert_eq!(
            (names(&run), run.reuse, run.sessions_known),
            (names_, reuse, true),
            "{line}: {run:?}"
        );
        assert_eq!(run.definition_files, ["ci/nox.py", "ci/tests.nox.py", "noxfile.py"]);
        assert!(run.install_files.contains(&"uv.lock".to_owned()), "{run:?}");
    }
}

#[test]
fn the_repository_of_nox_itself_has_a_package_of_that_name() {
    let files = [
        ("noxfile.py", PLAIN),
        ("nox/__init__.py", "from nox.registry import session_decorator as session\n"),
    ];
    let run = call_in(&files, "", "-s lint", &[]);
    assert_eq!(
        (names(&run), run.creates_env, run.sessions_known),
        (vec!["lint"], Answer::Yes, true)
    );
}

#[test]
fn hostile_noxfiles_end() {
    let deep: &'static str = Box::leak(
        format!("import nox\nx = {}1{}\n", "(".repeat(5_000), ")".repeat(5_000)).into_boxed_str(),
    );
    let endless = "import nox\ndef f(session): f(session)\n@nox.session\ndef a(session): f(session)\nwhile True: pass\n";
    let wide: &'static str = Box::leak(
        format!(
            "import nox\nl = {:?}\n{}    x = l\n",
            vec![1; 100],
            (0..8).map(|d| format!("{}for i{d} in l:\n", " ".repeat(d))).collect::<String>()
        )
        .into_boxed_str(),
    );
    for text in [deep, endless, wide, "def", "\u{0}", ""] {
        call(text, "");
    }
}
