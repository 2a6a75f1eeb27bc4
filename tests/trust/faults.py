#!/usr/bin/env python3
"""Lets things go wrong while `cachelint --fix` writes: every file is the old one or the new one, and nothing is left over.

    tests/trust/faults.py --binary target/release/cachelint

Killed at random moments, a full disk, a limit on file sizes, files and folders that may not be written, an editor that
saves in between, two runs at once. As root the runs that need a user without rights get those of `nobody`.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

NOBODY = 65534
LIMIT_SECONDS = 600
# Smaller than what a fix writes, larger than nothing.
LIMIT_BYTES = 300
DISK_BYTES = 1024 * 1024
# Older than what a running one may have made a moment ago.
LEFTOVER_SECONDS = 120
NOXFILE = """\
import nox


@nox.session
def tests(session):
    session.install("pytest")
"""
WORKFLOW = """\
on: push
jobs:
  tests-{number}:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
      - uses: actions/setup-python@v6
        with:
          python-version: "3.12"
      - run: pip install nox
      - run: nox -s tests  # number {number}
"""
Texts = dict[str, bytes]


class Tree:
    """A repository of many workflows, whose old and new texts are known."""

    def __init__(self, folder: Path, binary: Path, files: int) -> None:
        self.folder, self.binary = folder, binary
        self.workflows = folder / ".github" / "workflows"
        self.workflows.mkdir(parents=True)
        (folder / ".git").mkdir()
        (folder / "noxfile.py").write_text(NOXFILE)
        self.old: Texts = {f"w{n:04}.yml": WORKFLOW.format(number=n).encode() for n in range(files)}
        self.reset()
        self.run(expected=0)
        self.new = self.texts()
        assert all(self.new[name] != text for name, text in self.old.items()), "the fix changes every file"
        self.reset()

    def reset(self) -> None:
        """Every file as it was in the beginning."""
        for path in self.workflows.iterdir():
            path.unlink()
        for name, text in self.old.items():
            (self.workflows / name).write_bytes(text)

    def texts(self) -> Texts:
        """What the folder holds now."""
        return {path.name: path.read_bytes() for path in self.workflows.iterdir()}

    def start(self, **options: Any) -> subprocess.Popen[str]:
        """A run of the fix; what it says about findings is of no interest here."""
        command = [self.binary, "--fix", "--quiet", "--isolated", self.folder]
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **options
        )

    def run(self, expected: int, **options: Any) -> str:
        """A whole run of the fix, which must end with the `expected` exit code; what it says of its problems."""
        process = self.start(**options)
        _, said = process.communicate(timeout=LIMIT_SECONDS)
        assert process.returncode == expected, f"exit code {process.returncode}: {said}"
        return said

    def check(self, leftovers: bool = False) -> tuple[int, int]:
        """How many files are old and new; fails if one is neither, or if there are others."""
        now = self.texts()
        extra = now.keys() - self.old.keys()
        assert all(leftovers and name.startswith(".cachelint-") for name in extra), f"left over: {extra}"
        for name, old in self.old.items():
            assert now[name] in (old, self.new[name]), f"{name} is neither old nor new"
        changed = sum(now[name] == text for name, text in self.new.items())
        return len(self.old) - changed, changed

    def age_leftovers(self) -> None:
        """Makes temporary files older than a run takes between making and locking one."""
        for path in self.workflows.glob(".cachelint-*"):
            old = time.time() - LEFTOVER_SECONDS
            os.utime(path, (old, old))


def killed(tree: Tree, kills: int) -> str:
    """SIGKILL at random moments; the next run ends the work and leaves nothing behind."""
    tree.reset()
    begin = time.monotonic()
    tree.run(expected=0)
    whole = time.monotonic() - begin
    within = leftovers = 0
    for _ in range(kills):
        tree.reset()
        process = tree.start()
        # Half of the kills wait for the first file that changes, since reading takes most of the time.
        if random.random() < 0.5:
            first = tree.workflows / min(tree.old)
            while process.poll() is None and first.read_bytes() == tree.old[first.name]:
                time.sleep(0.001)
            time.sleep(random.uniform(0, whole / 10))
        else:
            time.sleep(random.uniform(0, whole))
        process.kill()
        process.communicate()
        old, new = tree.check(leftovers=True)
        within += 0 < new and 0 < old
        leftovers += len(tree.texts()) > len(tree.old)
    tree.age_leftovers()
    tree.run(expected=0)
    assert tree.check() == (0, len(tree.old))
    return f"{kills} kills, {within} of them between the first and the last file, {leftovers} with a temporary file"


def left_by_a_dead_run(tree: Tree) -> str:
    """A temporary file of a run that was killed goes with the next run."""
    tree.reset()
    (tree.workflows / ".cachelint-dead.tmp").write_text("half")
    tree.age_leftovers()
    tree.run(expected=0)
    assert tree.check() == (0, len(tree.old))
    return "removed"


def size_limit(tree: Tree) -> str:
    """A write that stops in the middle, as on a full disk: SIGXFSZ ignored, it fails with an error."""

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT_BYTES, LIMIT_BYTES))

    tree.reset()
    said = tree.run(expected=2, preexec_fn=limited)
    assert "can't be written" in said, said
    assert tree.check() == (len(tree.old), 0)
    return "nothing written, said so"


def full_disk(tree: Tree) -> str:
    """A disk of one megabyte that is full."""
    mounted = tree.workflows
    tree.reset()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES * 8}", "tmpfs", mounted]).returncode:
        return "SKIPPED: no right to mount"
    try:
        tree.reset()
        with open(mounted / "filler", "wb", buffering=0) as filler:
            try:
                while filler.write(b"x" * 4096):
                    pass
            except OSError:
                pass
        said = tree.run(expected=2)
        assert "can't be written" in said, said
        (mounted / "filler").unlink()
        old, new = tree.check()
        tree.run(expected=0)
        assert tree.check() == (0, len(tree.old))
        return f"{old} files left as they were, {new} written, the rest with the next run"
    finally:
        subprocess.run(["umount", mounted], check=True)


def without_rights(tree: Tree) -> str:
    """A read-only file, then a folder without write right: said, left alone, and the other files are written."""
    user: dict[str, Any] = {}
    if os.geteuid() == 0:
        user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        for path in [tree.folder, *tree.folder.rglob("*")]:
            os.chown(path, NOBODY, NOBODY)
    tree.reset()
    for path in tree.workflows.iterdir():
        os.chown(path, NOBODY, NOBODY) if user else None
    read_only = tree.workflows / min(tree.old)
    read_only.chmod(stat.S_IRUSR)
    said = tree.run(expected=2, **user)
    assert f"{read_only.name}" in said and "is read-only" in said, said
    assert tree.check() == (1, len(tree.old) - 1)
    assert stat.S_IMODE(read_only.stat().st_mode) == stat.S_IRUSR

    tree.reset()
    for path in tree.workflows.iterdir():
        os.chown(path, NOBODY, NOBODY) if user else None
    tree.workflows.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        said = tree.run(expected=2, **user)
    finally:
        tree.workflows.chmod(stat.S_IRWXU)
    assert "can't be written" in said, said
    assert tree.check() == (len(tree.old), 0)
    return "said and left alone"


def saved_meanwhile(tree: Tree) -> str:
    """An editor saves the last file while the first ones are being written: its text stays."""
    tree.reset()
    first, last = tree.workflows / min(tree.old), tree.workflows / max(tree.old)
    process = tree.start()
    while process.poll() is None and first.read_bytes() == tree.old[first.name]:
        time.sleep(0.001)
    edited = tree.old[last.name] + b"# edited\n"
    last.write_bytes(edited)
    _, said = process.communicate(timeout=LIMIT_SECONDS)
    assert last.read_bytes() == edited, "the edit is lost"
    assert process.returncode == 2 and "was changed by another program" in said, said
    last.write_bytes(tree.old[last.name])
    assert tree.check() == (1, len(tree.old) - 1)
    return "noticed, not overwritten"


def two_at_once(tree: Tree) -> str:
    """Two runs on the same files: one may find that the other was faster, no file is lost."""
    tree.reset()
    runs = [tree.start(), tree.start()]
    said = [process.communicate(timeout=LIMIT_SECONDS)[1] for process in runs]
    assert all(process.returncode in (0, 2) for process in runs), said
    old, new = tree.check()
    tree.run(expected=0)
    assert tree.check() == (0, len(tree.old))
    return f"exit codes {[process.returncode for process in runs]}, {new} files written, {old} left for the next run"


def main() -> int:
    """Tries every fault, says how it went; fails with the first that does harm."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=20)
    options = parser.parse_args()
    scratch = Path(tempfile.mkdtemp())
    # Another user must reach both.
    scratch.chmod(0o755)
    binary = Path(shutil.copy2(options.binary, scratch / "cachelint"))
    try:
        tree = Tree(scratch / "tree", binary, options.files)
        print(f"killed: {killed(tree, options.kills)}", flush=True)
        for fault in (left_by_a_dead_run, size_limit, full_disk, saved_meanwhile, two_at_once, without_rights):
            print(f"{fault.__name__.replace('_', ' ')}: {fault(tree)}", flush=True)
    finally:
        shutil.rmtree(scratch)
    return 0


if __name__ == "__main__":
    sys.exit(main())
