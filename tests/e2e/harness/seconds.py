"""What a run paid for its environments, from the durations that act gives for each step.

Written without the code of `cachelint report`, so that the two can be compared. Counted are the steps that ran nox,
those that restored or saved a cache, and those that only one of two workflows has: what a fix added.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from . import log

CACHE_WORDS = ("Cache restored from key", "Cache not found for input keys", "Cache saved with key", "Cache hit occurred on")


@dataclass
class Step:
    """One stage of a step: how long it took, whether it ran nox, whether it was about a cache."""

    name: str
    seconds: float = 0.0
    nox: bool = False
    cache: bool = False

    def printed(self, text: str) -> None:
        """Takes a line that the step printed."""
        plain = log.ANSI.sub("", text)
        self.nox |= plain.startswith("nox > Running session ")
        self.cache |= plain.startswith(CACHE_WORDS)


Steps = dict[tuple[str, str], Step]


def of_json(file: Path) -> dict[str, Steps]:
    """The steps of each job, by stage and id."""
    jobs: dict[str, Steps] = {}
    for raw in file.read_text(errors="replace").splitlines():
        try:
            line = json.loads(raw)
        except ValueError:
            continue
        if "job" not in line or "stepID" not in line:
            continue
        steps = jobs.setdefault(line["job"].strip().split("/")[-1], {})
        step = steps.setdefault((line["stage"], "/".join(line["stepID"])), Step(line["step"].strip()))
        if line.get("raw_output"):
            step.printed(line["msg"].rstrip("\n"))
        if "stepResult" in line:
            step.seconds = line.get("executionTime", 0) / 1e9
    return jobs


def of_text(file: Path) -> dict[str, Steps]:
    """As `of_json`, of act's text."""
    jobs: dict[str, Steps] = {}
    for name, job in log.parse(file.read_text(errors="replace")).items():
        steps = jobs.setdefault(name.split("/")[-1], {})
        for number, parsed in enumerate(job.steps):
            step = steps[parsed.stage, str(number)] = Step(parsed.name, parsed.seconds)
            for line in parsed.lines:
                step.printed(line)
    return jobs


def of_stamps(file: Path) -> Steps:
    """The steps of one job by GitHub's time stamps, each from the last line of the step before to its own.

    So what the runner does before a step counts too: act runs a program to compute `hashFiles` in a key.
    """
    steps: Steps = {}
    step = None
    before = last = 0.0
    for raw in file.read_text(errors="replace").splitlines():
        stamp, _, text = raw.partition(" ")
        moment = datetime.fromisoformat(stamp[:26] + "+00:00").timestamp()
        post = text == "Post job cleanup."
        if post or text.startswith("##[group]Run "):
            before = moment if post else last
            step = steps["", str(len(steps))] = Step("post" if post else text)
        elif step is not None and text != "Cleaning up orphan processes":
            step.printed(text)
            step.seconds = moment - before
        last = moment
    return steps


def paid(steps: Steps, other: Steps) -> float:
    """Seconds that a job paid for its environments; `other` is the same job in the other workflow."""
    known = {step.name for step in other.values()}
    return sum(step.seconds for step in steps.values() if step.nox or step.cache or step.name not in known)
