"""What an environment is: its packages, the hashes of its files, its interpreter."""

from __future__ import annotations

import hashlib
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

# Files that differ between two fresh runs as well: compiled code, times, and lists of the hashes of both.
VOLATILE = ("RECORD", "uv_cache.json", ".lock")
ASK = "import sys; print(sys.version.split()[0], sys.base_prefix, sys.implementation.name)"


@dataclass(frozen=True)
class Environment:
    """One environment as a run left it."""

    interpreter: str
    packages: dict[str, str]
    files: dict[str, str]


def environments(workspace: Path) -> dict[str, Environment]:
    """The environments of nox in a workspace, by name."""
    folder = workspace / ".nox"
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return {path.name: _environment(path) for path in found if (path / "pyvenv.cfg").is_file()}


def _environment(folder: Path) -> Environment:
    program = folder / "bin" / "python"
    try:
        done = subprocess.run([str(program), "-I", "-c", ASK], capture_output=True, text=True, timeout=60, check=False)
        interpreter = done.stdout.strip() or "does not start"
    except OSError:
        interpreter = "gone"
    packages: dict[str, str] = {}
    files: dict[str, str] = {}
    for root in [folder / "bin", *folder.glob("lib/python*/site-packages")]:
        for path in sorted(root.rglob("*")):
            name = str(path.relative_to(folder))
            if path.suffix == ".pyc" or path.name in VOLATILE or not (path.is_symlink() or path.is_file()):
                continue
            files[name] = f"-> {path.readlink()}" if path.is_symlink() else hashlib.sha256(path.read_bytes()).hexdigest()
            if path.name == "METADATA":
                version = re.search(r"^Version: (.*)$", path.read_text(errors="replace"), re.MULTILINE)
                packages[path.parent.name.split("-")[0]] = version[1] if version else "?"
    return Environment(interpreter, packages, files)


def differences(cached: dict[str, Environment], fresh: dict[str, Environment]) -> list[str]:
    """What the environments of the cached run have otherwise than those of the fresh run, in words."""
    found: list[str] = []
    for name, right in fresh.items():
        wrong = cached.get(name)
        if wrong is None:
            found.append(f"{name}: not there")
            continue
        if wrong.interpreter != right.interpreter:
            found.append(f"{name}: interpreter {wrong.interpreter}, fresh {right.interpreter}")
        for package in sorted({*wrong.packages, *right.packages}):
            one, other = wrong.packages.get(package), right.packages.get(package)
            if one != other:
                found.append(f"{name}: {package} {one or 'missing'}, fresh {other or 'missing'}")
        files = [path for path in sorted({*wrong.files, *right.files}) if wrong.files.get(path) != right.files.get(path)]
        if files:
            found.append(f"{name}: {len(files)} files differ, such as {files[0]}")
    return found
