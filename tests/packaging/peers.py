#!/usr/bin/env python3
"""Runs actionlint and zizmor before and after `cachelint --fix`: a fix must not make them report anything new.

    tests/packaging/peers.py --binary target/release/cachelint --actionlint … --zizmor … FOLDER…

FOLDER holds repositories, at any depth: each folder with `.github/workflows` or its Forgejo or Gitea twin. A file
`FILES.txt` beside it (one path a line, the first line is a title) names files that are tracked there but not stored.
The one exception: where a file pins actions by tag, the inserted action is pinned by tag too (`unpinned-uses`).
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

FORGES = (".github", ".forgejo", ".gitea")
Counts = collections.Counter


def run(command: list[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    """A command's result; it gets no input, and no settings of this machine's git."""
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "NO_COLOR": "1"}
    return subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, env=environment
    )


def repositories(folder: Path) -> list[Path]:
    """The folders below `folder` that have workflows."""
    found = {path.parent for forge in FORGES for path in folder.rglob(forge) if (path / "workflows").is_dir()}
    return sorted(found)


def check_out(source: Path, target: Path) -> None:
    """A fresh git repository with what is stored of `source`, and empty files for what is only named."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(".git", "FILES.txt"))
    # What is stored may be protected from changes; a checkout is not.
    for path in (target, *target.rglob("*")):
        path.chmod(path.stat().st_mode | stat.S_IWUSR)
    names = source / "FILES.txt"
    for line in names.read_text().splitlines()[1:] if names.is_file() else []:
        path = target / line
        if line and ".." not in Path(line).parts and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    run(["git", "init", "-q"], target).check_returncode()
    run(["git", "add", "-A"], target).check_returncode()


def actionlint(program: str, folder: Path, name: str) -> Counts:
    """How often each rule of actionlint reports the workflow `name`; it does not read actions."""
    if Path(name).name in ("action.yml", "action.yaml"):
        return Counts()
    done = run([program, "-no-color", "-shellcheck=", "-pyflakes=", "-format", "{{json .}}", name], folder)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"actionlint on {name}: {done.stderr.strip()}")
    return Counts(error["kind"] for error in json.loads(done.stdout or "[]") or [])


def zizmor(program: str, folder: Path, name: str) -> Counts | None:
    """How often each rule of zizmor reports the file `name`; None if it cannot read the file."""
    done = run([program, "--offline", "--no-config", "--no-exit-codes", "--format=json", "--", name], folder)
    return Counts(finding["ident"] for finding in json.loads(done.stdout)) if done.returncode == 0 else None


def compare(options: argparse.Namespace, source: Path) -> tuple[int, list[str]]:
    """How many files of `source` were fixed, and what is new in them."""
    with tempfile.TemporaryDirectory() as scratch:
        before, after = Path(scratch, "before"), Path(scratch, "after")
        check_out(source, before)
        shutil.copytree(before, after)
        fixed = run([options.binary, "--fix", "--isolated", "."], after)
        if fixed.returncode not in (0, 1, 2):
            return 0, [f"{source.name}: cachelint ended with {fixed.returncode}: {fixed.stderr.strip()}"]
        names = run(["git", "diff", "--name-only", "-z"], after).stdout.split("\0")[:-1]
        new = []
        for name in names:
            for tool, look in ((options.actionlint, actionlint), (options.zizmor, zizmor)):
                old, now = look(tool, before, name), look(tool, after, name)
                if old is None:
                    continue
                if now is None:
                    new.append(f"{source.name}: {name}: {look.__name__} can no longer read it")
                    continue
                grown = now - old
                if old["unpinned-uses"]:
                    del grown["unpinned-uses"]
                new += [f"{source.name}: {name}: {look.__name__} {rule} +{count}" for rule, count in grown.items()]
        return len(names), new


def main() -> int:
    """Prints what is new and a last line with the figures; fails if anything is, or if nothing was compared."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--actionlint", default="actionlint")
    parser.add_argument("--zizmor", default="zizmor")
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    options = parser.parse_args()
    options.binary = options.binary.resolve()

    sources = [source for folder in options.folders for source in repositories(folder)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda source: compare(options, source), sources))
    files = sum(count for count, _ in results)
    new = [line for _, lines in results for line in lines]
    print(*new, sep="\n", end="\n" if new else "")
    print(f"{len(sources)} repositories, {files} fixed files, {len(new)} new reports of actionlint or zizmor")
    return 1 if new or not files else 0


if __name__ == "__main__":
    sys.exit(main())
