"""Reads the text that act prints: jobs, steps with their seconds, what the caches and nox did."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

ANSI = re.compile(r"\x1b\[[0-9;]*m")
LINE = re.compile(r"^\[(?P<job>[^\]]+)\] (?P<text>.*)$")
START = re.compile(r"^⭐ Run (?P<stage>Pre|Main|Post) (?P<name>.*)$")
END = re.compile(r"^\s*(?P<mark>✅|❌)\s+(?:Success|Failure) - (?:Pre|Main|Post) .*?(?: \[(?P<took>[^\]]+)\])?$")
# The seconds of a step whose name has several lines come after the last of them.
REST_OF_END = re.compile(r"^.*\[(?P<took>[0-9.]+[^\]]*)\]$")
GO_DURATION = re.compile(r"(?P<number>[0-9.]+)(?P<unit>h|ms|µs|ns|m|s)")
UNIT_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}
CREATED = re.compile(r"^nox > Creating virtual environment .* in \.nox/(\S+)$")
REUSED = re.compile(r"^nox > Re-?using existing virtual environment at \.nox/(\S+?)\.?$")
TESTS = re.compile(r"(\d+ (?:passed|failed)(?:, \d+ (?:passed|failed))*) in ")
SIZE = re.compile(r"^Cache Size: .*\((\d+) B\)$")
# Steps that a fix adds beside the cache step: what they take counts as nox's time.
ADDED = re.compile(r"^(?:Get the (?:week|Python version)|Delete outdated environments|echo \"(?:python|week)=|for package in|rm -rf \.nox)")
SESSION = re.compile(r"^nox > Session (\S+) (was successful|failed)")


def seconds(took: str | None) -> float:
    """Seconds of a duration as Go prints it (`1m2.5s`, `22.1ms`)."""
    parts = GO_DURATION.finditer(took or "")
    return sum(float(part["number"]) * UNIT_SECONDS[part["unit"]] for part in parts)


@dataclass
class Step:
    """One stage of one step and what it printed, without colours."""

    stage: str
    name: str
    lines: list[str] = field(default_factory=list)
    seconds: float = 0.0
    passed: bool = False

    def after(self, prefix: str) -> list[str]:
        """What follows `prefix` on the lines that begin with it."""
        return [line[len(prefix):] for line in self.lines if line.startswith(prefix)]

    @property
    def archives(self) -> list[int]:
        """Bytes of the archives that the step unpacked or packed."""
        return [int(match[1]) for line in self.lines if (match := SIZE.match(line))]

    @property
    def restores(self) -> bool:
        """Whether the step looked for a cache."""
        return any(self.after(mark) for mark in ("Cache restored from key", "Cache not found for input keys"))

    @property
    def saves(self) -> bool:
        """Whether the step is the post half of a cache."""
        return any(self.after(mark) for mark in ("Cache saved with key", "Cache hit occurred on the primary key"))


@dataclass
class Job:
    """One job or matrix leg of a run."""

    name: str
    steps: list[Step] = field(default_factory=list)
    passed: bool = False

    def _found(self, pattern: re.Pattern[str]) -> list[str]:
        lines = (line for step in self.steps for line in step.lines)
        return [match[1] for line in lines if (match := pattern.search(line))]

    def _keys(self, prefix: str) -> list[str]:
        return [rest.lower() for step in self.steps for rest in step.after(prefix)]

    @property
    def created(self) -> list[str]:
        """Environments that nox built, by name."""
        return self._found(CREATED)

    @property
    def reused(self) -> list[str]:
        """Environments that nox took as they were, by name."""
        return self._found(REUSED)

    @property
    def restored(self) -> list[str]:
        """Keys that caches were restored from; act's server answers in lower case, so all keys are read so."""
        return self._keys("Cache restored from key: ")

    @property
    def missed(self) -> list[str]:
        """Exact keys under which nothing was found."""
        return [keys.split(", ")[0] for keys in self._keys("Cache not found for input keys: ")]

    @property
    def saved(self) -> list[str]:
        """Keys that were saved at the end."""
        return self._keys("Cache saved with key: ")

    @property
    def kept(self) -> list[str]:
        """Keys that were not saved because the hit was exact."""
        keys = self._keys("Cache hit occurred on the primary key ")
        return [key.removesuffix(", not saving cache.") for key in keys]

    @property
    def archive_bytes(self) -> int:
        """Size of the archives that were restored or, where nothing was, of those that were saved."""
        restored = sum(size for step in self.steps if step.restores for size in step.archives)
        return restored or sum(size for step in self.steps for size in step.archives)

    @property
    def results(self) -> list[str]:
        """What the sessions proved: pytest's counts and nox's verdicts."""
        verdicts = [f"{name} {verdict}" for step in self.steps for line in step.lines
                    for name, verdict in SESSION.findall(line)]
        return self._found(TESTS) + verdicts

    @property
    def nox_seconds(self) -> float:
        """Seconds of the steps in which nox ran a session, and of those that prepare it."""
        ours = (step for step in self.steps if step.after("nox > Running session") or ADDED.search(step.name))
        return sum(step.seconds for step in ours)

    @property
    def restore_seconds(self) -> float:
        """Seconds of the steps that looked for a cache."""
        return sum(step.seconds for step in self.steps if step.restores)

    @property
    def save_seconds(self) -> float:
        """Seconds of the post steps of caches."""
        return sum(step.seconds for step in self.steps if step.saves)


def parse(text: str) -> dict[str, Job]:
    """The jobs of a run by their name; lines of jobs that ran at once may be interleaved."""
    jobs: dict[str, Job] = {}
    # Steps of a composite action lie inside its step, so each job has a stack of open steps.
    running: dict[str, list[Step]] = {}
    unfinished: Step | None = None
    for raw in text.splitlines():
        match = LINE.match(ANSI.sub("", raw))
        if match is None:
            if unfinished is not None and (rest := REST_OF_END.match(raw)):
                unfinished.seconds, unfinished = seconds(rest["took"]), None
            continue
        unfinished = None
        name = match["job"].strip()
        job, steps = jobs.setdefault(name, Job(name)), running.setdefault(name, [])
        line = match["text"].strip()
        if start := START.match(line):
            steps.append(Step(start["stage"], start["name"]))
            job.steps.append(steps[-1])
        elif (end := END.match(line)) and steps:
            step = steps.pop()
            step.seconds, step.passed = seconds(end["took"]), end["mark"] == "✅"
            unfinished = None if end["took"] else step
        elif line.startswith("| ") and steps:
            steps[-1].lines.append(line[2:].rstrip())
        elif "Job succeeded" in line:
            job.passed = True
    return jobs
