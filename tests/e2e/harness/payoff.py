"""Does a cache pay? The same job under several recipes, timed step by step, and public projects before and after."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from .forge import Forge, Run
from .scenarios import Setting, all_passed, check, hit, rows_of, same_results, uncached
from .tables import PACKAGES_STEP, Row
from .tools import HERE

WORKFLOW = ".github/workflows/payoff.yml"
SIZES = {
    "small": ["requests==2.32.3", "rich==14.0.0", "pytest==8.4.1"],
    "large": [
        "numpy==2.2.6", "pandas==2.3.1", "matplotlib==3.10.3", "scikit-learn==1.7.1", "pytest==8.4.1",
    ],
}
IMPORTS = {"small": "requests, rich, pytest", "large": "numpy, pandas, matplotlib, sklearn, pytest"}
BACKENDS = {"virtualenv": "~/.cache/pip", "uv": "~/.cache/uv"}
# A small pin that moves, once a round: what a lock file update looks like to the environment.
PINS = ("click==8.1.7", "click==8.1.8", "click==8.2.0", "click==8.2.1")


def workflow(backend: str, cache: str = "", packages: str = "") -> str:
    """One job that runs the session `tests`, with the given cache steps before it."""
    return (
        "name: Payoff\non: [push]\n\n"
        f"env:\n  NOX_DEFAULT_VENV_BACKEND: {backend}\n\n"
        "jobs:\n  tests:\n    runs-on: ubuntu-latest\n    steps:\n"
        "      - uses: actions/checkout@v6\n"
        '      - uses: actions/setup-python@v6\n        with:\n          python-version: "3.x"\n'
        f"{cache}{packages}"
        "      - name: Run nox\n        run: nox -s tests\n"
    )


def packages_step(backend: str) -> str:
    """The package manager's own cache, as setup-python and setup-uv keep it."""
    return (
        f"      - name: {PACKAGES_STEP}\n        uses: actions/cache@v6\n        with:\n"
        f"          path: {BACKENDS[backend]}\n"
        "          key: packages-${{ runner.os }}-${{ hashFiles('requirements.txt') }}\n"
        "          restore-keys: packages-${{ runner.os }}-\n"
    )


NAIVE = (
    "      - name: Cache nox environments\n        uses: actions/cache@v6\n        with:\n          path: .nox\n"
    "          key: nox-${{ runner.os }}-${{ hashFiles('pyproject.toml', 'requirements.txt') }}\n"
)


def unfixed(_: Setting, __: Forge, backend: str) -> str:
    """No cache at all."""
    return workflow(backend)


def unfixed_packages(_: Setting, __: Forge, backend: str) -> str:
    """The package manager's cache alone."""
    return workflow(backend, packages=packages_step(backend))


def naive(_: Setting, __: Forge, backend: str) -> str:
    """What is often written by hand: cached, keyed by the lock file, not reused."""
    return workflow(backend, cache=NAIVE)


def fixed(setting: Setting, forge: Forge, backend: str) -> str:
    """What cachelint makes of a workflow without any cache."""
    return _fixed(setting, forge, workflow(backend))


def _fixed(setting: Setting, forge: Forge, text: str) -> str:
    forge.write(WORKFLOW, text)
    setting.fix(forge)
    return (forge.repository / WORKFLOW).read_text()


RECIPES: dict[str, Callable[[Setting, Forge, str], str]] = {
    "unfixed": unfixed,
    "unfixed + package cache": unfixed_packages,
    "naive, no reuse": naive,
    "fixed": fixed,
}


# The cheapest first; the names are what `--group` takes.
GROUPS = {f"{backend}-{size}": (backend, size) for size in SIZES for backend in reversed(BACKENDS)}


def recipes(setting: Setting, groups: list[str], save: Callable[[str, list[Row]], None]) -> None:
    """Every recipe for the given groups of a backend and a size; `save` gets each group when it is done."""
    for group in groups:
        save(group, _group(setting, *GROUPS[group]))


def _group(setting: Setting, backend: str, size: str) -> list[Row]:
    what = f"{backend}, {size}"
    source = setting.work / f"source-{backend}-{size}"
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    (source / "requirements.txt").write_text("\n".join([*SIZES[size], PINS[0], ""]))
    (source / "pyproject.toml").write_text('[project]\nname = "payoff"\nversion = "1"\n')
    (source / ".gitignore").write_text(".nox/\n")
    (source / "noxfile.py").write_text(
        "import nox\n\n\n@nox.session\ndef tests(session):\n"
        '    session.install("-r", "requirements.txt")\n'
        f'    session.run("python", "-c", "import {IMPORTS[size]}")\n'
    )
    forges: dict[str, Forge] = {}
    # Without a cache every run is alike, so `unfixed` is not asked for a first and a changed one.
    rows = {(name, state): Row(what, name, state) for name in RECIPES for state in ("first", "again", "lock changed")}
    kept = dict(RECIPES)
    for name, recipe in RECIPES.items():
        if name not in kept:
            continue
        folder = f"{backend}-{size}-{re.sub('[^a-z]+', '-', name)}"
        forges[name] = Forge(setting.tools, setting.work / folder, source, setting.logs / folder)
        forges[name].write(WORKFLOW, recipe(setting, forges[name], backend))
        if recipe is unfixed:
            continue
        run = forges[name].run(WORKFLOW, "first")
        rows[name, "first"].add(_sound(run))
        if recipe is unfixed_packages and not any(job.saved for job in run.jobs.values()):
            # pip keeps only what the index allows it to; without a full cache there is nothing to measure.
            print(f"{what}: the package manager kept nothing that could be cached", flush=True)
            kept = {name: recipe for name, recipe in RECIPES.items() if recipe in (unfixed, naive, fixed)}
            del forges[name], rows[name, "first"]
    # In turns, so that a busy minute of the machine falls on all recipes.
    for number in range(setting.rounds):
        for name, forge in forges.items():
            rows[name, "again"].add(_sound(forge.run(WORKFLOW, f"again-{number + 1}")))
    for old, new in list(itertools.pairwise(PINS))[:setting.rounds]:
        for name, forge in forges.items():
            forge.edit("requirements.txt", old, new)
            if RECIPES[name] is not unfixed:
                rows[name, "lock changed"].add(_sound(forge.run(WORKFLOW, f"lock-changed-to-{new[7:]}")))
    for forge in forges.values():
        shutil.rmtree(forge.folder)
    return [row for row in rows.values() if row.nox]


def _sound(run: Run) -> Run:
    all_passed(run)
    return run


def projects(setting: Setting, clones: Path, save: Callable[[str, list[Row]], None]) -> None:
    """Public projects before and after; `clones` holds a clone of each under its last name."""
    rows: list[Row] = []
    for project in json.loads((HERE / "projects.json").read_text()):
        source = setting.work / "source"
        shutil.rmtree(source, ignore_errors=True)
        clone = ["git", "clone", "--quiet", str(clones / project["name"].split("/")[1]), str(source)]
        subprocess.run(clone, timeout=300, check=True)
        subprocess.run(["git", "checkout", "--quiet", project["commit"]], cwd=source, timeout=60, check=True)
        rows += _project(setting, project["name"], project["sessions"], source)
        save("projects", rows)


def _project(setting: Setting, name: str, sessions: list[str], source: Path) -> list[Row]:
    # Their own workflows need actions that only the forge has; the noxfile and the sessions are theirs.
    shutil.rmtree(source / ".github", ignore_errors=True)
    text = workflow("virtualenv").replace("env:\n  NOX_DEFAULT_VENV_BACKEND: virtualenv\n\n", "")
    text = text.replace("nox -s tests", f"nox -s {' '.join(sessions)}")
    short = name.split("/")[1]
    plain = Forge(setting.tools, setting.work / f"{short}-unfixed", source, setting.logs / f"{short}-unfixed")
    plain.write(WORKFLOW, text)
    cached = Forge(setting.tools, setting.work / f"{short}-fixed", source, setting.logs / f"{short}-fixed")
    cached.write(WORKFLOW, _fixed(setting, cached, text))
    rows = [before, first, after] = rows_of(name)
    filled = cached.run(WORKFLOW, "first")
    first.add(_sound(filled))
    for number in range(setting.rounds):
        without = plain.run(WORKFLOW, f"unfixed-{number + 1}")
        uncached(without)
        before.add(without)
        again = cached.run(WORKFLOW, f"fixed-{number + 1}")
        hit(again, filled)
        same_results(without, again)
        after.add(again)
    return rows
