//! Names of sessions whose parameters are computed. All sources are made up, in the style of public ones.

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
    ] {
        assert_eq!(names(&call(noxfile, line)), sessions, "{line}");
    }
}
