//! Files that decide what is installed. All sources are made up, in the style of public ones.

use super::*;

#[test]
fn files_that_decide_what_is_installed() {
    let text = r#"
import nox
from pathlib import Path
import helpers
HERE = Path(__file__).parent
NAME = "dev"
@nox.session
def literal(session): session.install("ruff==1", "mypy")
@nox.session
def pinned(session): session.install("ruff==1")
@nox.session
def project(session): session.install("-e", ".[test]", "-c", "constraints.txt")
@nox.session
def reqs(session): session.install("-r", f"requirements/{NAME}.txt")
@nox.session
def joined(session): session.install("-r", str(HERE / "docs" / "requirements.txt"))
@nox.session
def computed(session): session.install("-r", helpers.name())
@nox.session
def exact(session): session.run_install("uv", "sync", external=True)
@nox.session
def helped(session): helpers.setup(session)
@nox.session
def group(session): session.install("--group=test")
@nox.session
def nothing(session): session.run("git", "status", external=True)
@nox.session
def chained(session): session.notify("pinned")
"#;
    let files = [
        ("noxfile.py", text),
        ("helpers.py", "def setup(session):\n    session.install('-r', 'docs/requirements.txt')\n"),
        ("pyproject.toml", ""),
        ("uv.lock", ""),
        ("constraints.txt", ""),
        ("requirements/dev.txt", "-r base.txt\npytest\n"),
        ("requirements/base.txt", ""),
        ("docs/requirements.txt", ""),
    ];
    for (session, expected, unpinned, exact, installs) in [
        ("literal", vec![], true, false, Answer::Yes),
        ("pinned", vec![], false, false, Answer::Yes),
        (
            "project",
            vec!["constraints.txt", "pyproject.toml", "uv.lock"],
            false,
            false,
            Answer::Yes,
        ),
        ("reqs", vec!["requirements/base.txt", "requirements/dev.txt"], false, false, Answer::Yes),
        ("joined", vec!["docs/requirements.txt"], false, false, Answer::Yes),
        (
            "computed",
            vec![
                "constraints.txt",
                "pyproject.toml",
                "requirements/base.txt",
                "requirements/dev.txt",
                "uv.lock",
            ],
            false,
            false,
            Answer::Yes,
        ),
        ("exact", vec!["pyproject.toml", "uv.lock"], false, true, Answer::Yes),
        ("group", vec!["pyproject.toml", "uv.lock"], false, false, Answer::Yes),
        ("nothing", vec![], false, false, Answer::No),
        ("chained", vec![], false, false, Answer::Yes),
    ] {
        let run = call_in(&files, "", &format!("-s {session}"), &[]);
        assert_eq!(run.install_files, expected, "{session}");
        assert_eq!(
            (run.unpinned, run.exact_installer, run.installs_anything),
            (unpinned, exact, installs),
            "{session}"
        );
        assert_eq!(run.definition_files, ["helpers.py", "noxfile.py"], "{session}");
    }
}
