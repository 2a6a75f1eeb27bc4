"""The projects whose runs `report.py` compares: three jobs with one or two sessions each.

The figures in rules/logs.yaml were chosen by runs of FITTED; runs of HELD_OUT only check them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

# A small pin that moves: what a lock file update looks like to the environment.
PINS = ("click==8.1.7", "click==8.1.8")
JOBS = ("tests", "checks", "docs")


@dataclass(frozen=True)
class Project:
    """A repository without its workflow."""

    # The sessions of each job of JOBS.
    sessions: tuple[str, ...]
    noxfile: str
    requirements: str
    # uv takes as long for these as pip does without them.
    more_for_uv: str
    others: dict[str, str]

    def write(self, folder: Path, backend: str) -> None:
        """Writes its files."""
        (folder / "noxfile.py").write_text(self.noxfile)
        more = self.more_for_uv if backend == "uv" else ""
        (folder / "requirements.txt").write_text(f"{self.requirements}{PINS[0]}\n{more}")
        (folder / "pyproject.toml").write_text('[project]\nname = "reported"\nversion = "1"\n')
        (folder / ".gitignore").write_text(".nox/\n.mypy_cache/\n")
        for name, text in self.others.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)


FITTED = Project(
    ("tests", "lint typecheck", "docs"),
    '''import nox


@nox.session
def tests(session):
    session.install("-r", "requirements.txt")
    session.run("python", "-c", "import numpy, pandas, time; time.sleep(2)")


@nox.session
def lint(session):
    session.install("ruff==0.12.0")
    session.run("ruff", "check", "noxfile.py")


@nox.session
def typecheck(session):
    session.install("mypy==1.16.1", "requests==2.32.3")
    session.run("mypy", "noxfile.py", "--ignore-missing-imports", success_codes=[0, 1])


@nox.session
def docs(session):
    session.run("python", "-c", "import time; time.sleep(1)")
    session.install("sphinx==8.2.3", "rich==14.0.0")
    session.run("python", "-c", "import sphinx, rich, time; time.sleep(1)")
    session.install("requests==2.32.3")
    session.run("python", "-c", "import requests")
    session.notify("lint")
''',
    "numpy==2.2.6\npandas==2.3.1\n",
    "scikit-learn==1.7.1\nmatplotlib==3.10.3\n",
    {},
)
HELD_OUT = Project(
    ("unit", "style quality", "site"),
    '''import nox


@nox.session
def unit(session):
    session.install("-r", "requirements.txt")
    session.run("pytest", "-q", "test_app.py")


@nox.session
def style(session):
    session.install("black==25.1.0")
    session.run("black", "--quiet", "--check", "noxfile.py", success_codes=[0, 1])


@nox.session
def quality(session):
    session.install("pylint==3.3.7", "hypothesis==6.135.0")
    session.run("pylint", "--disable=all", "--enable=syntax-error", "noxfile.py")


@nox.session
def site(session):
    session.install("mkdocs-material==9.6.14")
    session.run("mkdocs", "build", "--quiet", "--site-dir", "build")
''',
    "fastapi==0.115.12\nsqlalchemy==2.0.41\nhttpx==0.28.1\npytest==8.4.1\nmatplotlib==3.10.3\n",
    "scipy==1.15.3\nopenpyxl==3.1.5\n",
    {
        "test_app.py": (
            "import fastapi\nimport fastapi.testclient\nimport matplotlib.pyplot\nimport sqlalchemy.orm\n\n\n"
            "def test_app():\n    app = fastapi.FastAPI()\n\n    @app.get('/')\n    def root():\n        return 1\n\n"
            "    assert fastapi.testclient.TestClient(app).get('/').json() == 1\n"
        ),
        "mkdocs.yml": "site_name: reported\ntheme:\n  name: material\ndocs_dir: pages\n",
        "pages/index.md": "# Reported\n",
    },
)
