#!/usr/bin/env python3
"""Replays histories of commits and proves that a cached run has the environments of a fresh one.

    tests/e2e/history/run.py --binary target/release/cachelint --core      minutes; CI runs it
    tests/e2e/history/run.py --binary … [--only NAME] [--backend uv]       all of them, or some
    tests/e2e/history/run.py --binary … --unsafe                           with unsafe fixes too

Each history runs with real nox, real installers and a cache service in a folder. Before each commit's runs cachelint
fixes the repository; the cached run follows the fixed workflow, the fresh run the workflow as it was, without a cache.
Exit code: 0 every safe fix is equal to a fresh run, 1 one differs, 2 the tools are not there.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
sys.path.insert(0, str(HERE.parent))

from history import tools  # noqa: E402


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, required=True, help="the cachelint to prove")
    parser.add_argument("--core", action="store_true", help="only the histories that CI runs, virtualenv and uv")
    parser.add_argument("--only", action="append", metavar="NAME", help="only histories whose name has this in it")
    parser.add_argument("--backend", action="append", choices=("virtualenv", "venv", "uv"))
    parser.add_argument("--unsafe", action="store_true", help="apply unsafe fixes too")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1, help="histories that run at the same time")
    parser.add_argument("--table", type=Path, help="write the table to this file")
    parser.add_argument("-v", "--verbose", action="store_true", help="print each commit and the fixed workflow")
    return parser.parse_args()


def main() -> int:
    """Installs the tools, then runs under their interpreter."""
    chosen = options()
    folder = Path(os.environ.get("CACHELINT_E2E_CACHE", ROOT / "target" / "e2e")).resolve() / "history"
    try:
        installed = tools.install(folder / "tools")
    except tools.ToolsMissing as error:
        print(f"the histories cannot run here: {error}", file=sys.stderr)
        return 2
    if Path(sys.prefix) != installed.venv:
        return subprocess.run([str(installed.python), *sys.argv], check=False).returncode
    return prove(chosen, installed, folder)


def prove(chosen: argparse.Namespace, installed: tools.Tools, folder: Path) -> int:
    """Runs what was chosen and prints the table."""
    from history import histories, replay
    from history.world import NoInterpreter

    backends = chosen.backend or (["virtualenv", "uv"] if chosen.core else list(histories.BACKENDS))
    wanted = [
        history for history in histories.ALL
        if (history.core or not chosen.core) and any(word in history.name for word in chosen.only or [""])
    ]
    tasks = [(history, backend) for history in wanted for backend in backends if backend in history.backends]
    start = time.monotonic()

    def task(number: int) -> replay.Verdict:
        history, backend = tasks[number]
        verdict = replay.replay(
            history, backend, installed, chosen.binary.resolve(), folder / f"world-{number:03}",
            unsafe=chosen.unsafe, verbose=chosen.verbose,
        )
        print(f"{verdict.word:8} {history.name}, {backend} ({time.monotonic() - start:.0f} s)", flush=True)
        for line in verdict.details:
            print(f"         {line}", flush=True)
        return verdict

    try:
        with ThreadPoolExecutor(chosen.at_once) as pool:
            verdicts = list(pool.map(task, range(len(tasks))))
    except NoInterpreter as error:
        print(f"the histories cannot run here: {error}", file=sys.stderr)
        return 2
    table = replay.table(wanted, backends, verdicts)
    print(table)
    if chosen.table:
        chosen.table.write_text(table + "\n")
    failed = sum(verdict.failed for verdict in verdicts)
    print(f"{len(verdicts) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
