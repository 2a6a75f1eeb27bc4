#!/usr/bin/env python3
"""Holds `cachelint report` against the runner's own durations, with logs of real runs.

    tests/e2e/report.py --binary target/release/cachelint            make the runs, then compare
    tests/e2e/report.py --binary … --compare                         compare again with the logs of the last runs

Logs and tables go to target/e2e/report, or to the folder that CACHELINT_E2E_CACHE names.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness import recorded, seconds, tools  # noqa: E402
from harness.forge import Forge  # noqa: E402
from harness.reported import FITTED, HELD_OUT, JOBS, PINS, Project  # noqa: E402
from harness.scenarios import Setting  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent.parent
WORKFLOW = ".github/workflows/ci.yml"
# Most that net gains may differ by, and below which their sign is noise.
SECONDS_APART, SIGN_FROM = 0.5, 1.0
# Most that an estimate may be wrong by: whichever is more.
SHARE_WRONG, SECONDS_WRONG = 0.3, 2.0
CACHE = """      - name: Cache packages
        uses: actions/cache@v6
        with:
          path: ~/.cache/uv
          key: uv-${{ runner.os }}-${{ github.job }}-${{ hashFiles('requirements.txt') }}
          restore-keys: uv-${{ runner.os }}-${{ github.job }}-
"""
# Project, backend, and the cache step that the workflow has already.
SETUPS = {
    "uv": (FITTED, "uv", ""),
    "pip": (FITTED, "virtualenv", ""),
    "uv, packages cached": (FITTED, "uv", CACHE),
    "held out, uv": (HELD_OUT, "uv", ""),
    "held out, pip": (HELD_OUT, "virtualenv", ""),
    "held out, uv, packages cached": (HELD_OUT, "uv", CACHE),
}


def workflow(project: Project, backend: str, cache: str) -> str:
    """One job for each entry of JOBS."""
    text = f"name: CI\non: [push]\n\nenv:\n  NOX_DEFAULT_VENV_BACKEND: {backend}\n\njobs:\n"
    for job, sessions in zip(JOBS, project.sessions):
        text += (
            f"  {job}:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v6\n"
            '      - uses: actions/setup-python@v6\n        with:\n          python-version: "3.x"\n'
            f"{cache}      - name: Run nox\n        run: nox -s {sessions}\n"
        )
    return text


@dataclass(frozen=True)
class Setup:
    """One setup of SETUPS: the unfixed and the fixed workflow, each with act's text and with its JSON."""

    name: str
    folder: Path

    def logs(self, shape: str, state: str) -> list[Path]:
        """The logs of all runs in a state, in a shape: json, text, github, forgejo."""
        return sorted((self.folder / shape / state).iterdir())


def make(setting: Setting, folder: Path, name: str, rounds: int) -> None:
    """Makes all runs of a setup."""
    project, backend, cache = SETUPS[name]
    short = name.replace(", ", "-").replace(" ", "-")
    source = setting.work / f"report-{short}"
    for old in (source, folder):
        shutil.rmtree(old, ignore_errors=True)
    (source / ".github" / "workflows").mkdir(parents=True)
    (source / WORKFLOW).write_text(workflow(project, backend, cache))
    project.write(source, backend)
    forges = {}
    for shape in ("json", "text"):
        for kind in ("unfixed", "fixed"):
            where = f"report-{short}-{shape}-{kind}"
            forges[shape, kind] = Forge(setting.tools, setting.work / where, source, setting.logs / where)
        setting.fix(forges[shape, "fixed"])

    def run(state: str, kind: str, number: int) -> None:
        file, jobs = recorded.record(forges["json", kind], WORKFLOW, state, JOBS)
        for shape in ("json", "text"):
            (folder / shape / state).mkdir(parents=True, exist_ok=True)
        shutil.copy(file, folder / "json" / state / f"{number}.jsonl")
        recorded.as_github(jobs, folder / "github" / state / str(number))
        recorded.as_forgejo(jobs, folder / "forgejo" / state / str(number), 100 * number)
        if number > 1:
            # act's text is the same from run to run.
            return
        (folder / "text" / state / f"{number}.log").write_text(by_job(forges["text", kind], state))

    if cache:
        # The package cache is filled before anything is compared.
        for shape in ("json", "text"):
            by_job(forges[shape, "unfixed"], "filling")
    run("first", "fixed", 1)
    # In turns, so that a busy minute of the machine falls on both.
    for number in range(1, rounds + 1):
        run("unfixed", "unfixed", number)
        run("again", "fixed", number)
    for shape in ("json", "text"):
        for kind in ("unfixed", "fixed"):
            forges[shape, kind].edit("requirements.txt", *PINS)
    run("lock", "fixed", 1)


def by_job(forge: Forge, label: str) -> str:
    """act's text of all jobs, each with a home of its own, as on a hosted runner."""
    runs = [forge.run(WORKFLOW, label, job=job) for job in JOBS]
    failed = [job.name for run in runs for job in run.jobs.values() if not job.passed]
    assert not failed, f"{label}: {failed}"
    return "".join(run.text for run in runs)


def report(binary: Path, *arguments: str | Path) -> dict[str, Any]:
    """The report as JSON."""
    command = [str(binary), "report", "--output-format", "json", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode in (0, 1) and done.stdout, f"{' '.join(command)}\n{done.stderr}"
    return json.loads(done.stdout)


def job_of(name: str) -> str:
    """The job's own name: act puts that of the workflow before it."""
    return name.split("/")[-1]


def paid(setup: Setup, shape: str, state: str, other: str) -> dict[str, float]:
    """The independent figures: medians over the runs in a state, per job; `other` is the other side's state.

    A Forgejo log can't show where steps begin, so its report counts what lies between them too.
    """
    def by_clock(folder: Path) -> dict[str, seconds.Steps]:
        return {file.stem.partition("_")[2]: seconds.of_stamps(file) for file in folder.iterdir()}

    source, read = {
        "text": ("text", seconds.of_text), "forgejo": ("github", by_clock),
    }.get(shape, ("json", seconds.of_json))
    runs = [read(file) for file in setup.logs(source, state)]
    others = read(setup.logs(source, other)[0])
    return {job: statistics.median(seconds.paid(run[job], others[job]) for run in runs) for job in JOBS}


PAIRS = (("unfixed", "first"), ("unfixed", "again"), ("unfixed", "lock"), ("first", "again"))
SHAPES = ("json", "text", "github", "forgejo")


def compare_gains(binary: Path, setup: Setup) -> tuple[list[list[str]], int]:
    """Rows of table A, and how many of them disagree."""
    rows, wrong = [], 0
    for before, after in PAIRS:
        for shape in SHAPES:
            sides = [
                [f"--{side}={log}" for log in setup.logs(shape, state)]
                for side, state in (("before", before), ("after", after))
            ]
            said = {job_of(d["job"]): d for d in report(binary, *sides[0], *sides[1])["differences"]}
            one, two = paid(setup, shape, before, after), paid(setup, shape, after, before)
            for job in JOBS:
                gain, told = one[job] - two[job], said[job]["net_gain_seconds"]
                bad = told is None or abs(gain - told) > SECONDS_APART or (abs(gain) > SIGN_FROM and gain * told < 0)
                wrong += bad
                told_text = "–" if told is None else f"{told:+.2f}"
                rows.append([setup.name, f"{before} → {after}", shape, job, f"{gain:+.2f}", told_text,
                             said[job]["verdict"], "**no**" if bad else "yes"])
    return rows, wrong


def compare_estimates(binary: Path, setup: Setup) -> tuple[list[list[str]], int]:
    """Rows of table B, and how many estimates are too far off."""
    rows, wrong = [], 0
    one, two = paid(setup, "json", "unfixed", "again"), paid(setup, "json", "again", "unfixed")
    for shape in ("json", "github", "forgejo"):
        said = {job_of(line["job"]): line["estimate"] for line in report(binary, *setup.logs(shape, "unfixed"))["jobs"]}
        for job in JOBS:
            gain, estimate = one[job] - two[job], said[job]
            about = estimate["saves_about"]
            bad = abs(about - gain) > max(SHARE_WRONG * abs(gain), SECONDS_WRONG)
            wrong += bad
            rows.append([setup.name, shape, job, f"{one[job]:.1f}", f"{estimate['build_seconds']:.1f}",
                         f"{about:.1f} ({estimate['saves_at_least']:.1f} to {estimate['saves_at_most']:.1f})",
                         f"{gain:.1f}", "**no**" if bad else "yes"])
    return rows, wrong


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def main() -> int:
    """Exit code: 0 all agree, 1 something doesn't, 2 the tools are not there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, required=True, help="the cachelint whose report is checked")
    parser.add_argument("--compare", action="store_true", help="make no runs")
    parser.add_argument("--setup", choices=SETUPS, action="append", help="only this setup")
    parser.add_argument("--rounds", type=int, default=3, help="runs that are compared, of each kind (default 3)")
    chosen = parser.parse_args()
    base = Path(os.environ.get("CACHELINT_E2E_CACHE", ROOT / "target" / "e2e")).resolve()
    binary = chosen.binary.resolve()
    setups = [Setup(name, base / "report" / name.replace(", ", "-").replace(" ", "-")) for name in chosen.setup or SETUPS]
    if not chosen.compare:
        try:
            installed = tools.install(base / "tools")
        except tools.ToolsMissing as error:
            print(f"the runs cannot be made here: {error}", file=sys.stderr)
            return 2
        setting = Setting(installed, binary, base / "work", base / "logs", chosen.rounds)
        for setup in setups:
            make(setting, setup.folder, setup.name, chosen.rounds)
    gains, estimates, wrong = [], [], 0
    for setup in setups:
        for rows, compare in ((gains, compare_gains), (estimates, compare_estimates)):
            found, bad = compare(binary, setup)
            rows += found
            wrong += bad
    print(table(["setup", "runs", "log", "job", "runner", "report", "verdict", "agree"], gains))
    print(table(["setup", "log", "job", "paid", "builds", "estimate", "saved", "near"], estimates))
    print(f"{len(gains) + len(estimates) - wrong} agree, {wrong} don't")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
