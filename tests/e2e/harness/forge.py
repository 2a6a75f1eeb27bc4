"""A forge in a folder: a repository, act as its runner, a cache server that outlives the runs."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from . import log
from .tools import HERE, Tools

RUN_SECONDS = 1200
# Refs that the fixtures and cachelint's fixes name; act maps each to a folder.
STAND_INS = {"cache": ("v4", "v5", "v6"), "setup-python": ("v5", "v6"), "upload-artifact": ("v3", "v4", "v5", "v6")}
# Settings of the machine that would change what Python, nox, uv and the runner do.
FOREIGN = ("PYTHON", "NOX", "UV_", "VIRTUAL", "CONDA", "GITHUB_", "RUNNER_", "ACTIONS_", "ACT_", "FORCE_", "NO_COLOR")
AUTHOR = ["-c", "user.name=e2e", "-c", "user.email=e2e@example.invalid"]


@dataclass(frozen=True)
class Run:
    """One finished run."""

    label: str
    text: str
    jobs: dict[str, log.Job]

    @property
    def nox_seconds(self) -> float:
        """Seconds inside nox, all jobs together."""
        return sum(job.nox_seconds for job in self.jobs.values())

    @property
    def restore_seconds(self) -> float:
        """Seconds of looking for caches and unpacking them, all jobs together."""
        return sum(job.restore_seconds for job in self.jobs.values())

    @property
    def save_seconds(self) -> float:
        """Seconds of packing and uploading caches, all jobs together."""
        return sum(job.save_seconds for job in self.jobs.values())


class Forge:
    """One repository with its own cache server; every run gets a runner without a past."""

    def __init__(self, tools: Tools, folder: Path, project: Path, logs: Path):
        """Copies `project` into a new repository under `folder`; run logs go to `logs`."""
        self.tools = tools
        self.folder = folder
        self.logs = logs
        self.repository = folder / "repository"
        self._count = 0
        for old in (folder, logs):
            shutil.rmtree(old, ignore_errors=True)
        shutil.copytree(project, self.repository, symlinks=True)
        if not (self.repository / ".git").exists():
            self.git("init", "--quiet", "--initial-branch=main")
            self.commit("start")

    def git(self, *arguments: str) -> str:
        """Output of a git command in the repository."""
        done = subprocess.run(
            ["git", *AUTHOR, *arguments], cwd=self.repository, timeout=60, check=True,
            capture_output=True, text=True,
        )
        return done.stdout

    def commit(self, message: str) -> None:
        """Commits whatever changed."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)

    def edit(self, path: str, old: str, new: str) -> None:
        """Replaces `old` in a file of the repository and commits; that `old` is there is asserted."""
        file = self.repository / path
        text = file.read_text()
        assert old in text, f"{path} does not contain {old!r}"
        file.write_text(text.replace(old, new))
        self.commit(f"change {path}")

    def write(self, path: str, text: str) -> None:
        """Writes a file of the repository and commits."""
        file = self.repository / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        self.commit(f"write {path}")

    def run(self, workflow: str, label: str, *, job: str | None = None, at_once: int = 1) -> Run:
        """Runs a workflow on a runner whose home and workspace are new; only the cache server remembers."""
        command = self.command(workflow, at_once)
        if job is not None:
            command += ["--job", job]
        # A file, not a pipe: what a run printed before a time-out is what explains it.
        file = self.log_file(label, ".log")
        with file.open("wb") as sink, self.started(command, sink) as act:
            act.wait(RUN_SECONDS)
        text = file.read_text(errors="replace")
        run = Run(label, text, log.parse(text))
        assert run.jobs, f"act ran no job of {workflow}; see {file}"
        return run

    def command(self, workflow: str, at_once: int = 1) -> list[str]:
        """act's command line for a run of a workflow."""
        command = [
            self.tools.program("act"), "push", "--workflows", self._on_the_host(workflow),
            "--platform", "ubuntu-latest=-self-hosted", "--platform", "docker=-self-hosted",
            "--action-cache-path", str(self.folder / "act"), "--action-offline-mode",
            "--cache-server-path", str(self.folder / "caches"), "--cache-server-addr", "127.0.0.1",
            "--concurrent-jobs", str(at_once),
        ]
        for name, refs in STAND_INS.items():
            for ref in refs:
                command += ["--local-repository", f"actions/{name}@{ref}={self.tools.actions / name}"]
        for name, value in self._variables().items():
            command += ["--env", f"{name}={value}"]
        return command

    def log_file(self, label: str, extension: str) -> Path:
        """The file for the log of the next run."""
        self.logs.mkdir(parents=True, exist_ok=True)
        self._count += 1
        return self.logs / f"{self._count:02}-{label}{extension}"

    @contextlib.contextmanager
    def started(self, command: list[str], sink: int | IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
        """act with a new home; what it started does not outlive it, whether it ended, hung or ran out of time."""
        for part in ("home", "act"):
            shutil.rmtree(self.folder / part, ignore_errors=True)
        (self.folder / "home").mkdir()
        path = os.pathsep.join([str(HERE / "shim"), self.tools.program(""), os.environ["PATH"]])
        # A hosted runner has none of these settings; without compiled files, say, imports cost every run anew.
        clean = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        environment = {**clean, "HOME": str(self.folder / "home"), "PATH": path}
        act = subprocess.Popen(
            command, cwd=self.repository, env=environment, stdin=subprocess.DEVNULL,
            stdout=sink, stderr=subprocess.STDOUT, start_new_session=True,
        )
        try:
            yield act
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(act.pid, signal.SIGKILL)
            act.wait()

    def _variables(self) -> dict[str, str]:
        return {
            "CI": "true",
            "E2E_NOX": self.tools.program("nox"),
            "E2E_PYTHON_LOCATION": str(self.tools.venv),
            # Tools that look for their caches in the home must find the new one.
            "HOME": str(self.folder / "home"),
        }

    def _on_the_host(self, workflow: str) -> str:
        """The workflow without `container:` lines: without a container engine, the jobs run on the host."""
        file = self.repository / workflow
        lines = file.read_text().splitlines(keepends=True)
        kept = [line for line in lines if not line.strip().startswith("container:")]
        if kept == lines:
            return workflow
        copy = self.folder / "workflows" / workflow.replace("/", "-")
        copy.parent.mkdir(exist_ok=True)
        copy.write_text("".join(kept))
        return str(copy)
