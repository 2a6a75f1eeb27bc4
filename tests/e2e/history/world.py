"""The world of one history: its repository, index, interpreters, runner and cache service, which commits change."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from . import pythons
from .index import Index, wheel
from .runner import Event, Machine, Result, run
from .service import CacheService
from .tools import Tools, interpreters

FIX_SECONDS = 60
AUTHOR = ["-c", "user.name=history", "-c", "user.email=history@example.invalid"]
# The interpreters of the histories: the one of setup-python at first, and the one that is raised to.
LOW, HIGH = "3.12", "3.13"
# Two weeks, as `date +%G-%V` and the like print them.
CLOCK = '#!/bin/sh\nexec /bin/date -d "$(cat {file})" "$@"\n'
MONDAYS = ("2026-11-16", "2026-11-23", "2026-11-30")


class NoInterpreter(Exception):
    """The machine has no interpreter of the wanted minor versions."""


@dataclass
class World:
    """What commits change. Files are texts by path; None takes a file away."""

    tools: Tools
    folder: Path
    cachelint: Path
    files: dict[str, str] = field(default_factory=dict)
    workflow: str = ".github/workflows/ci.yml"
    pythons: list[str] = field(default_factory=list)
    image: str = ""
    image_place: str = "image"
    week: int = 0
    workspace: str = "work/weather/weather"
    event: Event = field(default_factory=Event)
    # Interpreters that are there, by place.
    made: dict[Path, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.real = interpreters()
        if LOW not in self.real or HIGH not in self.real:
            raise NoInterpreter(f"Python {LOW} and {HIGH} are needed, found: {', '.join(self.real)}")
        self.full = {minor: pythons.real_version(self.real[minor]) for minor in (LOW, HIGH)}
        self.pythons = list(self.full.values())
        self.image = self.full[LOW]
        self.index = Index(self.folder / "index")
        self.index.take(self.tools.wheels)
        for version in ("1.0", "2.0", "3.0"):
            self.release("alpha", version, needs=("beta",))
            self.release("gamma", version)
        for version in ("1.0", "2.0"):
            self.release("beta", version)
        self.caches = CacheService(self.folder / "caches")
        programs = self.folder / "programs"
        programs.mkdir()
        (programs / "uv").symlink_to(self.tools.venv / "bin" / "uv")
        (programs / "uvx").symlink_to(self.tools.venv / "bin" / "uvx")
        (programs / "date").write_text(CLOCK.format(file=self.folder / "today"))
        (programs / "date").chmod(0o755)

    def release(self, name: str, version: str, **more: object) -> None:
        """Publishes a package on the index."""
        wheel(self.index.folder, name, version, **more)  # type: ignore[arg-type]

    def remote(self, text: str) -> None:
        """Commits `remote.py` in the repository that `git+` installs come from."""
        folder = self.folder / "remote"
        if not folder.exists():
            folder.mkdir()
            _git(folder, "init", "--quiet", "--initial-branch=main")
        files = {"remote.py": text, "pyproject.toml": project("remote")}
        for name, content in files.items():
            (folder / name).write_text(content)
        _git(folder, "add", "--all")
        _git(folder, "commit", "--quiet", "--message", "change")

    def edit(self, path: str, old: str, new: str) -> None:
        """Replaces a text in a file; that it is there is asserted."""
        assert old in self.files[path], f"{path} does not contain {old!r}"
        self.files[path] = self.files[path].replace(old, new)

    def lint(self, *arguments: str) -> str:
        """Lets cachelint look at the repository as it is now."""
        tree = self.folder / "repository"
        shutil.rmtree(tree, ignore_errors=True)
        for path, text in self.files.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_text(text)
        _git(tree, "init", "--quiet", "--initial-branch=main")
        _git(tree, "add", "--all", "--force")
        done = subprocess.run(
            [str(self.cachelint), *arguments], cwd=tree, timeout=FIX_SECONDS,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )
        if done.returncode not in (0, 1):
            raise AssertionError(f"cachelint could not do its job: {done.stdout}{done.stderr}")
        return done.stdout

    def fix(self, *more: str) -> dict[str, str]:
        """The files of the repository as cachelint fixes them."""
        self.lint("--fix", *more)
        tree = self.folder / "repository"
        return {path: (tree / path).read_text() for path in self.files}

    def reasons(self) -> list[str]:
        """Why cachelint does not fix it: what its findings say."""
        reasons: list[str] = []
        for finding in json.loads(self.lint("--output-format", "json", "-v") or "[]"):
            reason = finding.get("no_fix_reason") or finding.get("withheld")
            if reason is None and (finding.get("fix") or {}).get("applicability") == "unsafe":
                reason = "the fix is unsafe"
            reasons.append(f"{finding['rule']}: {reason if isinstance(reason, str) else json.dumps(reason)}")
        return sorted(set(reasons))

    def run(self, files: dict[str, str], caches: CacheService) -> list[Result]:
        """Runs the workflow of these files on new machines that share nothing but the cache service."""
        tree = self.folder / "checkout"
        shutil.rmtree(tree, ignore_errors=True)
        for path, text in files.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_text(text)
        (self.folder / "today").write_text(MONDAYS[self.week])
        available = {version: self.folder / "toolcache" / "Python" / version / "x64" for version in self.pythons}
        image = self.folder / "images" / self.image_place
        self._provide({**{target: version for version, target in available.items()}, image: self.image})
        machine = Machine(
            workspace=self.folder / self.workspace, home=self.folder / "home", pythons=available, image=image,
            first=[self.folder / "programs"], last=[Path("/usr/local/bin"), Path("/usr/bin"), Path("/bin")],
            variables={
                "PIP_INDEX_URL": self.index.url, "PIP_TRUSTED_HOST": "127.0.0.1", "UV_DEFAULT_INDEX": self.index.url,
                "PIP_DISABLE_PIP_VERSION_CHECK": "1", "UV_PYTHON_DOWNLOADS": "never", "GIT_ALLOW_PROTOCOL": "file",
            },
        )
        return run(tree, self.workflow, machine, caches, self.event)

    def fresh(self, files: dict[str, str]) -> list[Result]:
        """The same without any cache."""
        return self.run(files, CacheService(self.folder / "nothing"))

    def close(self) -> None:
        """Takes the world away."""
        self.index.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _provide(self, wanted: dict[Path, str]) -> None:
        """Makes the interpreters that are wanted now, and takes away the others."""
        for target, version in self.made.items():
            if wanted.get(target) != version:
                shutil.rmtree(target)
        for target, version in wanted.items():
            if self.made.get(target) != version:
                pythons.make(self.tools, self._real(version), version, target)
        self.made = wanted

    def _real(self, version: str) -> Path:
        return self.real[".".join(version.split(".")[:2])]


def project(name: str, *, needs: tuple[str, ...] = (), extra: str = "") -> str:
    """A pyproject.toml of a project that hatchling builds from one module or package."""
    listed = ", ".join(f'"{need}"' for need in needs)
    return (
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n\n'
        f'[project]\nname = "{name}"\nversion = "1"\ndependencies = [{listed}]\n{extra}\n'
        f'[tool.hatch.build.targets.wheel]\ninclude = ["{name}.py", "{name}/**"]\n'
    )


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *AUTHOR, *arguments], cwd=folder, check=True, capture_output=True, timeout=60)


# What a history does: the world at first, then one change a commit.
Change = Callable[[World], None]
