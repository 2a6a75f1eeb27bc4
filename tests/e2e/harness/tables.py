"""Figures as rows, kept as JSON, and shown as the Markdown tables of docs/proof.md."""

from __future__ import annotations

import json
import os
import re
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .forge import Run

PACKAGES_STEP = "Cache packages"


@dataclass
class Row:
    """Seconds of one recipe in one state, a figure per repetition."""

    what: str
    recipe: str
    state: str
    nox: list[float] = field(default_factory=list)
    restore: list[float] = field(default_factory=list)
    packages: list[float] = field(default_factory=list)
    save: list[float] = field(default_factory=list)
    bytes: int = 0
    # How busy the machine was; on two cores more than two means that others were waiting.
    load: list[float] = field(default_factory=list)

    def add(self, run: Run) -> None:
        """Takes the figures of a run; the package manager's cache is known by the name of its step."""
        steps = [step for job in run.jobs.values() for step in job.steps]
        packages = sum(step.seconds for step in steps if step.restores and step.name == PACKAGES_STEP)
        self.nox.append(run.nox_seconds)
        self.restore.append(run.restore_seconds - packages)
        self.packages.append(packages)
        self.save.append(run.save_seconds)
        self.bytes = sum(job.archive_bytes for job in run.jobs.values())
        self.load.append(os.getloadavg()[0])

    @property
    def totals(self) -> list[float]:
        """All that the recipe costs a run: nox, restoring, saving."""
        return [sum(parts) for parts in zip(self.nox, self.restore, self.packages, self.save, strict=True)]


def write(file: Path, rows: list[Row]) -> None:
    """Keeps every single figure."""
    file.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")


def read(file: Path) -> list[Row]:
    """The rows of `write`."""
    return [Row(**row) for row in json.loads(file.read_text())]


def markdown(rows: list[Row]) -> str:
    """The rows as a table: medians, and the spread where there is more than one figure."""
    table = [
        "| what | recipe | run | nox | restored | packages restored | post step | in all | archives | load |",
        "|---|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        cells = [_figure(part) for part in (row.nox, row.restore, row.packages, row.save, row.totals)]
        size = f"{row.bytes / 1e6:.0f} MB" if row.bytes else "–"
        load = f"{statistics.median(row.load):.0f}" if row.load else "–"
        table.append(f"| {row.what} | {row.recipe} | {row.state} | {' | '.join(cells)} | {size} | {load} |")
    return "\n".join(table)


def splice(document: Path, folder: Path) -> list[str]:
    """Puts the tables of `folder` between their marks in a document; returns the names of those put there."""
    text = document.read_text()
    done = []
    for name in re.findall(r"<!-- begin (\S+) -->", text):
        file = folder / f"{name}.json"
        if not file.is_file():
            continue
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        head, rest = text.split(begin, 1)
        _, tail = rest.split(end, 1)
        text = f"{head}{begin}\n{markdown(read(file))}\n{end}{tail}"
        done.append(name)
    document.write_text(text)
    return done


def _figure(values: list[float]) -> str:
    if not any(values):
        return "–"
    middle = f"{statistics.median(values):.1f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.1f}–{max(values):.1f})"
