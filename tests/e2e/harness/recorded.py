"""Runs of act with its JSON output, each line with the time at which it came, and the logs that other runners make of it.

GitHub's and Forgejo's runners can't run here. What their logs look like is known (actions/runner; reporter.go of
forgejo-runner, which is act with another way to report), so their logs are made from real lines and real times.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any

from .forge import RUN_SECONDS, Forge


@dataclass(frozen=True)
class Line:
    """A line of act's JSON, and when it came, in nanoseconds since 1970."""

    stamp: int
    data: dict[str, Any]

    @property
    def text(self) -> str:
        """What the line says."""
        return str(self.data.get("msg", "")).rstrip("\n")

    @property
    def step(self) -> tuple[str, str]:
        """Stage and id of the step that the line is of."""
        return str(self.data.get("stage", "")), "/".join(self.data.get("stepID") or [])

    def at(self, text: str) -> str:
        """The text with the time before it, as GitHub and Forgejo write it."""
        seconds, rest = divmod(self.stamp, 10**9)
        moment = datetime.fromtimestamp(seconds, timezone.utc)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest // 100:07}Z {text}\n"


def record(forge: Forge, workflow: str, label: str, names: Iterable[str]) -> tuple[Path, dict[str, list[Line]]]:
    """Runs jobs of a workflow, each with a home of its own, as on a hosted runner.

    Returns the file with act's JSON as it was printed, and the lines of each job.
    """
    file = forge.log_file(label, ".jsonl")
    jobs: dict[str, list[Line]] = {}
    with file.open("wb") as sink:
        for name in names:
            _record_job(forge, [*forge.command(workflow), "--json", "--job", name], sink, jobs)
    assert jobs, f"act ran no job of {workflow}; see {file}"
    return file, jobs


def _record_job(forge: Forge, command: list[str], sink: IO[bytes], jobs: dict[str, list[Line]]) -> None:
    end = time.monotonic() + RUN_SECONDS
    with forge.started(command, subprocess.PIPE) as act:
        assert act.stdout is not None
        for raw in act.stdout:
            sink.write(raw)
            assert time.monotonic() < end, f"act takes too long: {' '.join(command)}"
            try:
                data = json.loads(raw)
            except ValueError:
                continue
            if "job" in data:
                jobs.setdefault(data["job"].strip().split("/")[-1], []).append(Line(time.time_ns(), data))


def as_github(jobs: dict[str, list[Line]], folder: Path) -> None:
    """The logs of the jobs as in an unpacked log archive of GitHub."""
    folder.mkdir(parents=True)
    for number, (job, lines) in enumerate(jobs.items()):
        out = [lines[0].at("Current runner version: '2.331.0'"), lines[0].at(f"Complete job name: {job}")]
        for line in lines:
            stage, text = line.data.get("stage"), line.text
            if line.data.get("raw_output"):
                out += [line.at(part) for part in text.split("\n")]
            elif text.startswith("⭐ Run Main "):
                out += [line.at("##[group]Run " + text.removeprefix("⭐ Run Main ").split("\n")[0]), line.at("##[endgroup]")]
            elif text.startswith("⭐ Run Post "):
                out.append(line.at("Post job cleanup."))
            elif line.data.get("stepResult") == "failure" and stage == "Main":
                out.append(line.at("##[error]Process completed with exit code 1."))
        out.append(lines[-1].at("Cleaning up orphan processes"))
        (folder / f"{number}_{job}.txt").write_text("".join(out))


def as_forgejo(jobs: dict[str, list[Line]], folder: Path, task: int) -> None:
    """The logs of the jobs as Forgejo hands them out: between the first output and the end of the steps only output."""
    folder.mkdir(parents=True)
    for number, (job, lines) in enumerate(jobs.items()):
        mains = [line.step for line in lines if line.data.get("stage") == "Main"]
        first, last = mains[0], mains[-1]
        begun = ended = False
        about = f"runner(version:v12.1.2) received task {task + number} of job {job}, be triggered by event: push"
        out = [lines[0].at(about), lines[0].at("workflow prepared")]
        for line in lines:
            raw = bool(line.data.get("raw_output"))
            if (raw and line.step[0] == "Main") or not begun or ended:
                out += [line.at(part) for part in line.text.split("\n")]
            result = "stepResult" in line.data
            begun |= line.step == first and (raw or result)
            ended |= line.step == last and result
        (folder / f"{job}-{task + number}.log").write_text("".join(out))
