#!/usr/bin/env python3
"""Runs actionlint, zizmor and yamllint before and after `cachelint --fix`: a fix must not make them report anything new.

    tests/packaging/peers.py --binary target/release/cachelint --actionlint … --zizmor … --yamllint … FOLDER…

FOLDER holds repositories, at any depth: each folder with `.github/workflows` or its Forgejo or Gitea twin. A file
`FILES.txt` beside it (one path a line, the first line is a title) names files that are tracked there but not stored.
Two exceptions: where a file pins actions by tag, the inserted action is pinned by tag too (`unpinned-uses`), and what
yamllint reports in a file already may become more. Its settings are made up and put into each repository.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

SETTINGS = "extends: default\nrules: {line-length: {max: 100}}\n"
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


def yamllint(program: str, folder: Path, name: str) -> Counts | None:
    """How often each rule of yamllint reports the file `name`; None if it cannot read the file."""
    done = run([program, "--format=parsable", "--config-data", SETTINGS, "--", name], folder)
    rules = [rule for line in done.stdout.splitlines() for rule in re.findall(r" \(([\w-]+)\)$", line)]
    return Counts(rules) if done.returncode in (0, 1, 2) and "syntax error" not in done.stdout else None


def compare(options: argparse.Namespace, source: Path, with_settings: bool) -> tuple[int, list[str]]:
    """How many files of `source` were fixed, and what is new in them: to yamllint where the repository has settings for
    it, else to the others."""
    tools = [(options.actionlint, actionlint), (options.zizmor, zizmor)]
    with tempfile.TemporaryDirectory() as scratch:
        before, after = Path(scratch, "before"), Path(scratch, "after")
        check_out(source, before)
        if with_settings:
            tools = [(options.yamllint, yamllint)]
            (before / ".yamllint").write_text(SETTINGS)
            run(["git", "add", "-A"], before).check_returncode()
        shutil.copytree(before, after)
        fixed = run([options.binary, "--fix", "--isolated", "."], after)
        if fixed.returncode not in (0, 1, 2):
            return 0, [f"{source.name}: cachelint ended with {fixed.returncode}: {fixed.stderr.strip()}"]
        names = run(["git", "diff", "--name-only", "-z"], after).stdout.split("\0")[:-1]
        new = []
        for name in names:
            for tool, look in tools:
                old, now = look(tool, before, name), look(tool, after, name)
                if old is None:
                    continue
                if now is None:
                    new.append(f"{source.name}: {name}: {look.__name__} can no longer read it")
                    continue
                grown = now - old
                excused = set(old) if look is yamllint else {"unpinned-uses"} & set(old)
                for rule in excused:
                    del grown[rule]
                new += [f"{source.name}: {name}: {look.__name__} {rule} +{count}" for rule, count in grown.items()]
        return len(names), new


def main() -> int:
    """Prints what is new and a last line with the figures; fails if anything is, or if nothing was compared."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--actionlint", default="actionlint")
    parser.add_argument("--zizmor", default="zizmor")
    parser.add_argument("--yamllint", default="yamllint")
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    options = parser.parse_args()
    options.binary = options.binary.resolve()

    sources = [source for folder in options.folders for source in repositories(folder)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        plain = list(pool.map(lambda source: compare(options, source, with_settings=False), sources))
        limited = list(pool.map(lambda source: compare(options, source, with_settings=True), sources))
    files = sum(count for count, _ in plain)
    new = [line for _, lines in plain + limited for line in lines]
    print(*new, sep="\n", end="\n" if new else "")
    print(f"{len(sources)} repositories, {files} fixed files, {len(new)} new reports of actionlint, zizmor or yamllint")
    return 1 if new or not files else 0


if __name__ == "__main__":
    sys.exit(main())
