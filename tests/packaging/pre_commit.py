#!/usr/bin/env python3
"""Tries the hooks with a real pre-commit in throw-away repositories: failing, fixing and clean runs.

    tests/packaging/pre_commit.py --pre-commit …/bin/pre-commit

Each hook is built from the last commit of this repository as a user's machine would: `pre-commit try-repo` for every run,
`pre-commit run` once. The builds share target/ci/hooks and leave optimisation out: it is the packaging that is tried here,
not the speed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
WORKFLOW = """\
on: push
jobs:
  tests:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v6
      - uses: actions/setup-python@v6
      - run: pip install nox
      - run: nox -s tests
"""
NOXFILE = """\
import nox

@nox.session
def tests(session):
    session.install("-r", "requirements.txt")
    session.run("pytest")
"""
CI = ".github/workflows/ci.yml"
# More than one command line takes, so that pre-commit has to pass them in batches.
MANY = [f".github/workflows/{'x' * 100}-{number:04}.yml" for number in range(1500)]


HOOKS = ("cachelint", "cachelint-fix", "cachelint-rust", "cachelint-fix-rust")


class Failed(Exception):
    """What a hook did is not what its users are promised."""


class Repository:
    """A git repository in which hooks run."""

    def __init__(self, folder: Path, pre_commit: str, home: str) -> None:
        self.folder = folder
        self.pre_commit = pre_commit
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
            "GIT_CONFIG_GLOBAL": os.devnull,
            "NO_COLOR": "1",
            "PRE_COMMIT_HOME": home,
            "CARGO_TARGET_DIR": str(ROOT / "target/ci/hooks"),
            "CARGO_PROFILE_RELEASE_LTO": "off",
            "CARGO_PROFILE_RELEASE_OPT_LEVEL": "0",
        }
        self.run("git", "init", "-q")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """The result of a command in the repository, without input."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=1200,
        )

    def write(self, files: dict[str, str]) -> None:
        """Writes files and has git track them."""
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        self.run("git", "add", "-A").check_returncode()

    def read(self, name: str) -> str:
        """The text of a file."""
        return (self.folder / name).read_text()

    def try_repo(self, hook: str, *options: str) -> str:
        """What a hook says, with `FAILED` or `PASSED` as the first word; builds it anew."""
        return said(self.run(self.pre_commit, "try-repo", str(ROOT), hook, *options))

    def configured(self, hook: str, *options: str) -> str:
        """The same in the way users run it, which builds it once for all calls."""
        revision = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=ROOT, text=True).strip()
        hooks = "".join(f"      - id: {name}\n" for name in HOOKS)
        config = f"repos:\n  - repo: {ROOT}\n    rev: {revision}\n    hooks:\n{hooks}"
        self.write({".pre-commit-config.yaml": config})
        return said(self.run(self.pre_commit, "run", hook, *options))


def said(done: subprocess.CompletedProcess[str]) -> str:
    """The outcome of a run, and its output."""
    return f"{'FAILED' if done.returncode else 'PASSED'}\n{done.stdout}"


def expect(said: str, *wanted: str) -> None:
    """All of `wanted` are in what was said."""
    missing = [words for words in wanted if words not in said]
    if missing:
        raise Failed(f"missing: {missing}\n{said}")


Run = Callable[..., str]


def check(fresh: Repository, run: Run, check_hook: str, fix_hook: str) -> None:
    """A check fails and changes nothing, a fix changes the file and fails, then the check is content."""
    fresh.write({CI: WORKFLOW, "noxfile.py": NOXFILE, "requirements.txt": "pytest==8.4.2\n"})
    expect(run(fresh, check_hook, "--files", CI), "FAILED", "exit code: 1", "nox/missing-cache", CI)
    if fresh.read(CI) != WORKFLOW:
        raise Failed("the check changed a file")
    expect(run(fresh, fix_hook, "--files", CI), "FAILED", "files were modified by this hook", "Fixed 1 finding:")
    expect(fresh.read(CI), "actions/cache@", "nox -r -s tests")
    fresh.run("git", "add", "-A").check_returncode()
    expect(run(fresh, check_hook, "--all-files"), "PASSED", "Passed")


def other_files_and_batches(fresh: Repository, run: Run, check_hook: str, fix_hook: str) -> None:
    """A changed noxfile alone leads to the workflows; files without a say in caching to none; batches to one result."""
    fresh.write({CI: WORKFLOW, "noxfile.py": NOXFILE, "requirements.txt": "pytest==8.4.2\n", "README.md": ""})
    expect(run(fresh, check_hook, "--files", "noxfile.py"), "FAILED", "nox/missing-cache", CI)
    expect(run(fresh, check_hook, "--files", "README.md"), "PASSED", "(no files to check)Skipped")
    fresh.write(dict.fromkeys(MANY, "on: push\njobs: {}\n"))
    output = run(fresh, fix_hook, "--all-files")
    expect(output, "FAILED", "files were modified by this hook")
    if output.count("Fixed 1 finding:") != 1 or fresh.read(CI).count("actions/cache@") != 1:
        raise Failed(f"not fixed exactly once\n{output}")


def main() -> int:
    """Runs everything, prints a line for each, returns 1 if something failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pre-commit", default="pre-commit")
    options = parser.parse_args()
    failed = 0
    python, rust = HOOKS[:2], HOOKS[2:]
    with tempfile.TemporaryDirectory() as home:
        for name, scenario, run, hooks in [
            ("the wheel, tried", check, Repository.try_repo, python),
            ("the wheel, other files and batches", other_files_and_batches, Repository.configured, python),
            ("built with cargo", check, Repository.configured, rust),
        ]:
            with tempfile.TemporaryDirectory() as folder:
                try:
                    scenario(Repository(Path(folder), options.pre_commit, home), run, *hooks)
                    print(f"ok {name}", flush=True)
                except (Failed, subprocess.SubprocessError) as error:
                    failed += 1
                    print(f"FAILED {name}: {error}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
