"""The eleven Forgejo jobs with large environments and their uv cache step: unfixed, by an older cachelint, by this one."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from .forge import Forge
from .scenarios import Setting, all_passed
from .tables import Row
from .tools import HERE

WORKFLOW = ".forgejo/workflows/ci.yml"
FIXTURE = HERE.parent / "fixtures" / "forgejo-11-jobs"
DEPENDENCIES = [
    "numpy", "pandas", "scikit-learn", "matplotlib", "langchain-core", "fastapi", "uvicorn", "sqlalchemy", "httpx",
    "pydantic-settings", "typer", "pyyaml", "jinja2",
]
# Small packages that nothing above needs: each is a change of the lock file.
ADDED = ["humanize", "tabulate", "xmltodict"]
IMPORTS = "import numpy, pandas, sklearn, matplotlib, langchain_core, fastapi, sqlalchemy, example_agents"
# Steps that only a container needs: the tools are on this machine.
CONTAINER_ONLY = re.compile(r"apt-get (?:update|install) .*|apt-get update|pip install uv==\S+ nox")


def project(folder: Path) -> None:
    """The fixture with dependencies of the size that such a project has, and sessions that import them."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(FIXTURE, folder)
    listed = ", ".join(f'"{name}"' for name in DEPENDENCIES)
    manifest = (folder / "pyproject.toml").read_text()
    manifest = manifest.replace('dependencies = ["pydantic>=2.7"]', f"dependencies = [{listed}]")
    (folder / "pyproject.toml").write_text(manifest.replace('requires-python = ">=3.13"', 'requires-python = ">=3.11"'))
    noxfile = (folder / "noxfile.py").read_text().replace('(python="3.13")', "")
    noxfile = re.sub(r"session\.run\(.*\)", f'session.run("python", "-c", "{IMPORTS}")', noxfile)
    (folder / "noxfile.py").write_text(noxfile)
    (folder / "src" / "example_agents").mkdir(parents=True)
    (folder / "src" / "example_agents" / "__init__.py").write_text("")
    (folder / "Dockerfile").write_text("FROM python:3.13-slim\n")
    (folder / ".gitignore").write_text(".nox/\nbuild/\n")


class _Forge(Forge):
    """Runs the workflow without what only a container needs; it was fixed with it."""

    def _on_the_host(self, workflow: str) -> str:
        copy = Path(super()._on_the_host(workflow))
        copy.write_text(CONTAINER_ONLY.sub("true", copy.read_text()))
        return str(copy)


def measure(
    setting: Setting, before: Path | None, jobs: list[str], save: Callable[[str, list[Row]], None]
) -> None:
    """First run, again, a dependency added, again after that, the last two in rounds; the recipes take turns."""
    source = setting.work / "eleven-source"
    project(source)
    tools = {"unfixed": None, "first version": before, "fixed": setting.cachelint}
    forges: dict[str, _Forge] = {}
    for name, cachelint in tools.items():
        if name == "first version" and before is None:
            continue
        label = f"eleven-{name.replace(' ', '-')}"
        forges[name] = _Forge(setting.tools, setting.work / label, source, setting.logs / label)
        if cachelint is not None:
            replace(setting, cachelint=cachelint).fix(forges[name])
    what = f"{len(jobs)} of the eleven jobs, uv" if jobs else "eleven jobs, uv"
    states = ("first", "again", "dependency added", "again after that")
    rows = {(name, state): Row(what, name, state) for name in forges for state in states}

    def turn(state: str) -> None:
        for name, forge in forges.items():
            # The runs of the jobs count as one; the rows add up what they cost.
            runs = [forge.run(WORKFLOW, f"{name.replace(' ', '-')}-{state.replace(' ', '-')}", job=job)
                    for job in jobs or [None]]
            for run in runs:
                all_passed(run)
            total = replace(runs[0], jobs={key: job for run in runs for key, job in run.jobs.items()})
            rows[name, state].add(total)
        save("eleven", [row for row in rows.values() if row.nox])

    turn("first")
    for _ in range(setting.rounds):
        turn("again")
    last = DEPENDENCIES[-1]
    for package in ADDED[:setting.rounds]:
        for forge in forges.values():
            forge.edit("pyproject.toml", f'"{last}"', f'"{last}", "{package}"')
        last = package
        turn("dependency added")
        turn("again after that")
