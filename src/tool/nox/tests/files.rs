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

#[test]
fn installs_in_another_folder() {
    let files = |body: &str| {
        let body = body.replace('\n', "\n    ");
        let noxfile = format!(
            "import contextlib\nimport os\nimport nox\nfrom pathlib import Path\nHERE = Path(__file__).parent\n\
             @nox.session\ndef t(session):\n    {body}\n"
        );
        let noxfile: &'static str = Box::leak(noxfile.into_boxed_str());
        let tree = [
            ("noxfile.py", noxfile),
            ("pyproject.toml", "[project]\n"),
            ("req.txt", "ruff==1\n"),
            ("sub/pyproject.toml", "[project]\n"),
            ("sub/uv.lock", ""),
            ("sub/req.txt", "ruff==1\n"),
            ("poetry.lock", ""),
            ("other/setup.py", ""),
        ];
        call_in(&tree, "", "-s t", &[])
    };
    let sub = ["sub/pyproject.toml", "sub/uv.lock"].as_slice();
    for (body, expected, followed) in [
        ("session.install('.')", ["poetry.lock", "pyproject.toml"].as_slice(), true),
        ("os.chdir('sub')\nsession.install('.')", sub, true),
        ("os.chdir(HERE / 'sub')\nsession.install('.')", sub, true),
        ("session.chdir('other')\nos.chdir(HERE / 'sub')\nsession.install('.')", sub, true),
        ("session.chdir('sub')\nsession.run('uv', 'sync', external=True)", sub, true),
        ("with contextlib.chdir('sub'):\n    session.install('.')", sub, true),
        ("session.chdir('sub')\nsession.install('--group=test')", sub, true),
        ("session.chdir('sub')\nsession.install('-r', 'req.txt')", &["sub/req.txt"], true),
        ("session.chdir('sub')\nsession.install('-r', HERE / 'req.txt')", &["req.txt"], true),
        (
            "with session.chdir('sub'):\n    pass\nsession.install('-r', 'req.txt')",
            &["req.txt"],
            true,
        ),
        ("session.chdir('sub')\nsession.install('-e', '../other')", &["other/setup.py"], true),
        // Nobody knows what is in these.
        (
            "session.chdir(session.create_tmp())\nsession.install('.')",
            &["poetry.lock", "pyproject.toml"],
            false,
        ),
        ("session.chdir('requests')\nsession.install('.')", &[], false),
        ("session.install('-e', './requests')", &[], false),
        ("session.install('-r', 'made.txt')", &[], false),
        (
            "root = os.getcwd()\nsession.cd(session.create_tmp())\nsession.cd(root)\nsession.install('.')",
            &["poetry.lock", "pyproject.toml"],
            true,
        ),
        // What is written from a lock follows that.
        (
            "session.run('poetry', 'export', '-o', 'made.txt')\nsession.install('-r', 'made.txt')",
            &["poetry.lock", "pyproject.toml"],
            true,
        ),
        (
            "session.run('poetry', 'export', '-o', unknown())\nsession.install('-r', unknown())",
            &["poetry.lock", "pyproject.toml"],
            true,
        ),
        (
            "session.run('uv', 'export', '-o', 'made.txt')\nsession.install('-r', 'made.txt')",
            &[],
            false,
        ),
        // A name is the same everywhere.
        ("session.chdir(session.create_tmp())\nsession.install('ruff==1')", &[], true),
    ] {
        let run = files(body);
        assert_eq!(run.install_files, expected, "{body}");
        assert_eq!(run.unfollowed.is_none(), followed, "{body}: {:?}", run.unfollowed);
    }
}
