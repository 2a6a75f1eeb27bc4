//! What the bodies of sessions put into their environments. All sources are made up, in the style
//! of public ones.

use super::*;

#[test]
fn a_session_that_only_calls_nox_installs_nothing() {
    let matrix = r#"
import json, nox
@nox.session
def matrix(session):
    listed = session.run("nox", "-l", "--json", silent=True)
    print(json.loads(listed))
"#;
    let run = call(matrix, "-s matrix");
    assert_eq!((run.creates_env, run.installs_anything), (Answer::Yes, Answer::No));

    let outer = r#"
import nox
@nox.session
def outer(session):
    session.run("nox", "-s", INNER)
@nox.session
def inner(session):
    session.install("ruff")
@nox.session
def bare(session):
    session.run("git", "status", external=True)
"#;
    for (inner, installs) in [
        ("'inner'", Answer::Yes),
        ("'bare'", Answer::No),
        ("unknown()", Answer::Unknown),
        ("'inner', cwd=unknown()", Answer::Yes),
    ] {
        let text = outer.replace("INNER", inner);
        let run = call(Box::leak(text.into_boxed_str()), "-s outer");
        assert_eq!((run.creates_env, run.installs_anything), (Answer::Yes, installs), "{inner}");
    }
}

#[test]
fn files_read_by_a_session_that_installs_nothing_do_not_count() {
    let noxfile = r#"
import nox, pathlib
@nox.session
def lint(session):
    session.install(*pathlib.Path("lint.txt").read_text().splitlines())
@nox.session
def changelog(session):
    for entry in pathlib.Path("changelog.d").glob("*"):
        print(entry.read_text())
"#;
    let files = [("noxfile.py", noxfile), ("lint.txt", "ruff==1"), ("changelog.d/1.md", "")];
    let run = call_in(&files, "", "-s lint changelog", &[]);
    assert_eq!(run.install_files, ["lint.txt"]);
}

#[test]
fn texts_for_people_say_nothing_of_installs() {
    let noxfile = r#"
import nox, pathlib
@nox.session
def build(session):
    for name in ["README.md", "LICENSE", "tools.list"]:
        pathlib.Path(name).read_text()
    session.install("-r", "requirements.txt")
"#;
    let files = [
        ("noxfile.py", noxfile),
        ("README.md", ""),
        ("LICENSE", ""),
        ("tools.list", ""),
        ("requirements.txt", ""),
    ];
    assert_eq!(
        call_in(&files, "", "-s build", &[]).install_files,
        ["requirements.txt", "tools.list"]
    );
}

#[test]
fn sessions_that_only_notify_others() {
    let noxfile = r#"
import nox
@nox.session(python="3")
def lint(session):
    session.notify("lint-code-{}".format(session.python))
@nox.session(python="3", name="lint-code")
def lint_code(session):
    session.install("pylint")
@nox.session
def some(session):
    session.notify(NAME)
@nox.session(python=False)
def outer(session):
    session.notify("{0}-3".format("lint-code"))
"#;
    for (line, sessions, creates, installs) in [
        ("-s lint", vec!["lint", "lint-code"], Answer::Yes, Answer::Yes),
        ("-s some", vec!["some"], Answer::Yes, Answer::Unknown),
        ("-s outer", vec!["outer"], Answer::Unknown, Answer::Unknown),
    ] {
        let run = call(noxfile, line);
        assert_eq!(
            (names(&run), run.creates_env, run.installs_anything),
            (sessions, creates, installs),
            "{line}"
        );
    }
}

#[test]
fn statements_that_the_grammar_cannot_read() {
    let noxfile = r#"
import nox
@nox.session
def lint(session):
    args = *(session.posargs or ("--show-diff-on-failure",)), "--all-files"
    session.install("-r", "lint.txt")
    args = "run", *[*args]
    session.run("pre-commit", *args)
@nox.session
def broken(session):
    broken = = 1
    session.install("-r", "lint.txt")
"#;
    let files = [("noxfile.py", noxfile), ("lint.txt", "ruff==0.9.1 --hash=sha256:aa")];
    let lint = call_in(&files, "", "-s lint", &[]);
    assert_eq!(
        (lint.install_files.as_slice(), lint.unlocked),
        (&["lint.txt".to_owned()][..], false)
    );
    assert!(call_in(&files, "", "-s broken", &[]).unlocked);
}

#[test]
fn sessions_out_of_sight_install_what_nobody_knows() {
    let foreign = "import nox\nfrom company.tools import nox as shared\nshared.configure(\"lib\")\n\
                   @nox.session\ndef own(session):\n    session.install('-r', 'own.txt')\n";
    let files = [("noxfile.py", foreign), ("own.txt", "ruff==0.9.1 --hash=sha256:aa")];
    for (line, seen) in [("-s own", true), ("-s tests", false), ("", false)] {
        let run = call_in(&files, "", line, &[]);
        assert_eq!((run.unlocked, run.unfollowed.is_some()), (!seen, !seen), "{line}: {run:?}");
    }
}

/// A helper may give sessions tags that stand nowhere as text.
#[test]
fn tags_out_of_sight_are_those_of_any_session() {
    let noxfile = r#"
import nox
nox.options.tags = ["py-tests"]
@nox.session(python="3.12")
def tests(session):
    session.install("pytest")
@nox.session(tags=["style"])
def lint(session):
    session.install("-r", "lint.txt")
"#;
    let files = [("noxfile.py", noxfile), ("lint.txt", "ruff==0.9.1 --hash=sha256:aa")];
    for (line, expected, unlocked) in [
        ("-t py-tests", vec!["tests", "lint"], true),
        ("-t style", vec!["lint"], false),
        ("-t py-tests -p 3.12", vec!["tests"], true),
    ] {
        let run = call_in(&files, "", line, &[]);
        assert_eq!((names(&run), run.unlocked), (expected, unlocked), "{line}");
        assert_eq!(run.creates_env, Answer::Yes, "{line}");
    }
}

#[test]
fn an_installer_that_takes_no_versions_takes_the_newest() {
    let noxfile = r#"
import nox
@nox.session
def lint(session):
    session.install("-r", "lint.txt")
    for line in ["ruff check .", "mypy --install-types --non-interactive src"]:
        session.run(*line.split())
@nox.session
def plain(session):
    session.install("-r", "lint.txt")
    session.run("mypy", "src")
"#;
    let files = [("noxfile.py", noxfile), ("lint.txt", "ruff==0.9.1 --hash=sha256:aa")];
    for (line, unlocked) in [("-s lint", true), ("-s plain", false)] {
        assert_eq!(call_in(&files, "", line, &[]).unlocked, unlocked, "{line}");
    }
}

/// nox asks whether its input is a terminal.
#[test]
fn what_a_session_does_for_people_does_not_happen_on_a_runner() {
    let noxfile = r#"
import nox
@nox.session(python=["3.12"])
def tests(session):
    session.install("-r", "tests.txt")
    try:
        session.run("pytest")
    finally:
        if session.interactive:
            session.notify("coverage")
@nox.session
def coverage(session):
    session.install("-r", "coverage.txt")
@nox.session
def docs(session):
    if session.interactive:
        session.install("-r", "serve.txt")
    else:
        session.install("-r", "docs.txt")
"#;
    let lists = ["tests.txt", "coverage.txt", "serve.txt", "docs.txt"].map(|list| (list, ""));
    let files: Vec<_> = lists.into_iter().chain([("noxfile.py", noxfile)]).collect();
    for (line, sessions, lists) in
        [("-s tests", ["tests-3.12"], ["tests.txt"]), ("-s docs", ["docs"], ["docs.txt"])]
    {
        let run = call_in(&files, "", line, &[]);
        assert_eq!(
            (names(&run), run.install_files.as_slice()),
            (sessions.to_vec(), &lists.map(str::to_owned)[..])
        );
    }
}

/// A body is parsed apart from its noxfile, and a mistake can end it early.
#[test]
fn a_body_with_a_mistake_may_do_anything() {
    let noxfile = "import nox\n@nox.session\ndef tests(session):\n    session.install('-r','a.txt    session.run('pytest')\n";
    let run = call(noxfile, "-s tests");
    assert_ne!(run.installs_anything, Answer::No);
    assert!(!run.undecided.is_empty());
}
