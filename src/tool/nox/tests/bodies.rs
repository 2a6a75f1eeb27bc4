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
