#!/usr/bin/env python3
"""Proves cachelint's fixes with a real runner (`act`), real nox and the library behind actions/cache.

    tests/e2e/run.py --binary target/release/cachelint --short     the runs that CI makes
    tests/e2e/run.py --binary … --matrix                           does it pay? recipes x backends x sizes
    tests/e2e/run.py --binary … --projects FOLDER                  public projects, cloned to FOLDER/<name>
    tests/e2e/run.py --binary … --tables                           those figures into docs/proof.md

Tools, repositories and logs go to target/e2e, or to the folder that CACHELINT_E2E_CACHE names.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness import eleven, payoff, scenarios, tables, tools  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent.parent


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, required=True, help="the cachelint to prove")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--short", action="store_true", help="every scenario, once")
    what.add_argument("--only", choices=sorted(scenarios.ALL), action="append", help="only this scenario")
    what.add_argument("--matrix", action="store_true", help="the table of recipes")
    what.add_argument("--projects", type=Path, metavar="FOLDER", help="clones of the projects in projects.json")
    what.add_argument("--eleven", action="store_true", help="the eleven Forgejo jobs with large environments")
    what.add_argument("--tables", action="store_true", help="put the kept figures into docs/proof.md")
    parser.add_argument("--group", choices=sorted(payoff.GROUPS), action="append", help="only this part of --matrix")
    parser.add_argument("--before", type=Path, help="an older cachelint, to compare with")
    parser.add_argument("--job", action="append", default=[], help="only this job of --eleven")
    parser.add_argument("--rounds", type=int, default=3, help="repetitions of timed runs (default 3)")
    parser.add_argument("--limit", type=int, default=0, metavar="SECONDS", help="give up after that long")
    return parser.parse_args()


def give_up(_signal: int, _frame: object) -> None:
    """Turns a signal into an exception, so that what runs is ended too."""
    raise TimeoutError("the proof was ended from outside or took longer than --limit allows")


def prove(setting: scenarios.Setting, names: list[str], save: Callable[[str, list[tables.Row]], None]) -> int:
    """Runs scenarios, prints a line for each, keeps their figures, returns how many failed."""
    failed = 0
    for name in names:
        start = time.monotonic()
        try:
            rows = scenarios.ALL[name](setting)
        except AssertionError as error:
            failed += 1
            print(f"FAILED {name}: {error}", flush=True)
            continue
        print(f"ok {name} ({time.monotonic() - start:.0f} s)", flush=True)
        if rows:
            save(name, rows)
    print(f"{len(names) - failed} passed, {failed} failed", flush=True)
    return failed


def main() -> int:
    """Exit code: 0 proven, 1 disproven, 2 the tools are not there."""
    chosen = options()
    for ending in (signal.SIGALRM, signal.SIGTERM):
        signal.signal(ending, give_up)
    signal.alarm(chosen.limit)
    folder = Path(os.environ.get("CACHELINT_E2E_CACHE", ROOT / "target" / "e2e")).resolve()
    try:
        installed = tools.install(folder / "tools")
    except tools.ToolsMissing as error:
        print(f"the end-to-end tests cannot run here: {error}", file=sys.stderr)
        return 2
    setting = scenarios.Setting(
        tools=installed, cachelint=chosen.binary.resolve(), work=folder / "work", logs=folder / "logs",
        rounds=chosen.rounds,
    )
    if chosen.tables:
        print("\n".join(tables.splice(ROOT / "docs" / "proof.md", folder)))
        return 0

    def save(name: str, rows: list[tables.Row]) -> None:
        tables.write(folder / f"{name}.json", rows)
        print(tables.markdown(rows), flush=True)

    if chosen.eleven:
        eleven.measure(setting, chosen.before and chosen.before.resolve(), chosen.job, save)
        return 0
    if chosen.projects:
        payoff.projects(setting, chosen.projects.resolve(), save)
        return 0
    if chosen.matrix:
        payoff.recipes(setting, chosen.group or list(payoff.GROUPS), save)
        return 0
    return 1 if prove(setting, chosen.only or list(scenarios.ALL), save) else 0


if __name__ == "__main__":
    sys.exit(main())
