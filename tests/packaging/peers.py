#!/usr/bin/env python3
"""Runs actionlint, zizmor, yamllint and prettier before and after `cachelint --fix`: a fix must not make them report
anything new.

    tests/packaging/peers.py --binary … --actionlint … --zizmor … --yamllint … --prettier … FOLDER…

FOLDER holds repositories, at any depth: each folder with `.github/workflows` or its Forgejo or Gitea twin. A file
`FILES.txt` beside it (one path a line, the first line is a title) names files that are tracked there but not stored.
Two exceptions: where a file pins actions by tag, the inserted action is pinned by tag too (`unpinned-uses`), and what
yamllint reports in a file already may become more. Its settings and those of prettier are made up and put into each
repository, whose files prettier formats before they are fixed.
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
# With the first, prettier breaks long values, which it doesn't by default.
PRETTIER = ('{"proseWrap": "always"}', '{"singleQuote": true, "tabWidth": 4}', "{}")
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


def formatted(options: argparse.Namespace, source: Path, settings: str) -> tuple[int, list[str]]:
    """How many files of `source`, once formatted, were fixed, and which of those prettier would then change."""
    prettier: list[str | Path] = [options.prettier, "--config", ".prettierrc", "--no-editorconfig"]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "formatted")
        check_out(source, folder)
        (folder / ".prettierrc").write_text(settings)
        stored = [path for forge in FORGES for path in (folder / forge).rglob("*.y*ml") if path.stat().st_size]
        run([*prettier, "--log-level", "silent", "--write", "--", *stored], folder)
        run(["git", "add", "-A"], folder).check_returncode()
        green = set(stored) - changed_by_prettier(prettier, folder, stored)
        fixed = run([options.binary, "--fix", "--isolated", "."], folder)
        if fixed.returncode not in (0, 1, 2):
            return 0, [f"{source.name}: cachelint ended with {fixed.returncode}: {fixed.stderr.strip()}"]
        names = run(["git", "diff", "--name-only", "-z"], folder).stdout.split("\0")[:-1]
        checked = [folder / name for name in names if folder / name in green]
        red = changed_by_prettier(prettier, folder, checked)
        return len(checked), [f"{source.name}: {path.relative_to(folder)}: prettier, {settings}" for path in sorted(red)]


def changed_by_prettier(prettier: list[str | Path], folder: Path, paths: list[Path]) -> set[Path]:
    """Those of the files that prettier would write otherwise, or cannot read."""
    if not paths:
        return set()
    done = run([*prettier, "--list-different", "--", *paths], folder)
    if done.returncode not in (0, 1, 2):
        raise RuntimeError(f"prettier in {folder}: {done.stderr.strip()}")
    return {path for path in paths if str(path.relative_to(folder)) in (done.stdout + done.stderr)}


def main() -> int:
    """Prints what is new and a last line with the figures; fails if anything is, or if nothing was compared."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--actionlint", default="actionlint")
    parser.add_argument("--zizmor", default="zizmor")
    parser.add_argument("--yamllint", default="yamllint")
    parser.add_argument("--prettier", default="prettier")
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    options = parser.parse_args()
    options.binary = options.binary.resolve()

    sources = [source for folder in options.folders for source in repositories(folder)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        plain = list(pool.map(lambda source: compare(options, source, with_settings=False), sources))
        limited = list(pool.map(lambda source: compare(options, source, with_settings=True), sources))
        runs = [(source, settings) for settings in PRETTIER for source in sources]
        pretty = list(pool.map(lambda one: formatted(options, *one), runs))
    files = sum(count for count, _ in plain)
    green = sum(count for count, _ in pretty)
    new = [line for _, lines in plain + limited + pretty for line in lines]
    print(*new, sep="\n", end="\n" if new else "")
    print(f"{len(sources)} repositories, {files} fixed files, and {green} more that prettier had formatted")
    print(f"{len(new)} new reports of actionlint, zizmor, yamllint or prettier")
    return 1 if new or not files or not green else 0


if __name__ == "__main__":
    sys.exit(main())
