//! Names of sessions whose parameters are computed. All sources are made up, in the style of public
//! ones.

use super::*;

#[test]
fn a_version_in_the_name_is_that_of_the_session() {
    let noxfile = r#"
import nox
@nox.session(python=["3.11", "3.12"])
@nox.parametrize("part", parts())
def tests(session, part):
    session.install(".")
@nox.session
@nox.parametrize(["python", "part"], pairs())
def typing(session, part):
    session.install(".")
"#;
    for (line, sessions) in [
        ("-s tests-3.12(core)", vec!["tests-3.12"]),
        ("-s tests-3.12", vec!["tests-3.12"]),
        ("-s tests(core)", vec!["tests-3.11", "tests-3.12"]),
        ("-s tests-3.13(core)", vec![]),
        ("-s tests-3.12(?", vec!["tests-3.12"]),
        ("-s tests-?", vec!["tests-3.11", "tests-3.12"]),
        ("-s typing-3.13(core)", vec!["typing"]),
        ("-s typing -p 3.13", vec!["typing"]),
        ("-s tests -p 3.12", vec!["tests-3.12"]),
    ] {
        assert_eq!(names(&call(noxfile, line)), sessions, "{line}");
    }
}

#[test]
fn each_of_several_decorators_makes_a_session() {
    let noxfile = r#"
import nox
@nox.session
@nox.session(name="tests-main", reuse_venv=True)
@nox.session(name="tests-wheel", python=False)
def tests(session):
    session.install(".")
"#;
    for (line, sessions, creates) in [
        ("-s tests", vec!["tests"], Answer::Yes),
        ("-s tests-main", vec!["tests-main"], Answer::Yes),
        ("-s tests-wheel", vec!["tests-wheel"], Answer::No),
        ("", vec!["tests-wheel", "tests-main", "tests"], Answer::Yes),
    ] {
        let run = call(noxfile, line);
        assert_eq!((names(&run), run.creates_env), (sessions, creates), "{line}");
    }
}

#[test]
fn required_sessions_of_the_same_python() {
    let noxfile = r#"
import nox
@nox.session(python=["3.11", "3.12"])
def build(session):
    session.install("build")
@nox.session(python=["3.11", "3.12"], requires=["build-{python}"])
def tests(session):
    session.install(".")
"#;
    for (line, sessions) in [
        ("-s tests-3.12", vec!["tests-3.12", "build-3.12"]),
        ("-s tests", vec!["tests-3.11", "tests-3.12", "build-3.12", "build-3.11"]),
    ] {
        assert_eq!(names(&call(noxfile, line)), sessions, "{line}");
    }
}

#[test]
fn a_decorator_of_the_noxfile_takes_the_parameters_below_it() {
    let noxfile = r#"
import nox
PARTS = [nox.param(value, id=name) for name, value in [("core", "."), ("all", ".[all]")]]
def session(python="3.14", **kwargs):
    def decorate(function):
        return nox.session(python=python, **kwargs)(function)
    return decorate
@session(python=["3.13", "3.14"])
@nox.parametrize("part", PARTS)
def tests(session, part):
    session.install(part)
@session()
def lint(session):
    session.install("ruff")
"#;
    for (line, sessions) in [
        ("-s tests-3.14(core)", vec!["tests-3.14(core)"]),
        ("-s tests-3.13", vec!["tests-3.13(core)", "tests-3.13(all)"]),
        ("-s tests-3.14(more)", vec![]),
        ("-s lint", vec!["lint"]),
    ] {
        assert_eq!(names(&call(noxfile, line)), sessions, "{line}");
    }
}
