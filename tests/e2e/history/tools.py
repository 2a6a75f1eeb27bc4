"""What the histories need on this machine: nox, virtualenv, uv and the wheels that builds ask for, installed once."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
INSTALL_SECONDS = 600
# What the builds of local projects take from the index; after this, nothing comes from the network.
BUILD = ["hatchling==1.27.0", "editables==0.5"]


class ToolsMissing(Exception):
    """What is missing on this machine, in words for the person who reads the log."""


@dataclass(frozen=True)
class Tools:
    """Where the installed tools lie."""

    folder: Path

    @property
    def venv(self) -> Path:
        """The virtual environment with nox, virtualenv, uv and PyYAML."""
        return self.folder / "venv"

    @property
    def python(self) -> Path:
        """Its interpreter, which runs the harness too."""
        return self.venv / "bin" / "python"

    @property
    def packages(self) -> Path:
        """Its packages; nox and what it needs are pure Python and serve every interpreter."""
        return next((self.venv / "lib").glob("python3.*")) / "site-packages"

    @property
    def wheels(self) -> Path:
        """The wheels of the build backend."""
        return self.folder / "wheels"


def install(folder: Path) -> Tools:
    """The tools in `folder`, installed unless the same versions were installed there before."""
    missing = [name for name in ("git", "tar", "bash") if shutil.which(name) is None]
    if missing:
        raise ToolsMissing(f"not on PATH: {', '.join(missing)}")
    tools = Tools(folder)
    requirements = HERE / "requirements.txt"
    wanted = hashlib.sha256(requirements.read_bytes() + repr((BUILD, sys.version)).encode()).hexdigest()
    stamp = folder / "installed"
    if stamp.is_file() and stamp.read_text() == wanted:
        return tools
    folder.mkdir(parents=True, exist_ok=True)
    pip = [str(tools.python), "-m", "pip", "--disable-pip-version-check"]
    _run([sys.executable, "-m", "venv", "--clear", str(tools.venv)])
    _run([*pip, "install", "--quiet", "--requirement", str(requirements)])
    shutil.rmtree(tools.wheels, ignore_errors=True)
    _run([*pip, "download", "--quiet", "--dest", str(tools.wheels), *BUILD])
    stamp.write_text(wanted)
    return tools


def interpreters() -> dict[str, Path]:
    """A real interpreter of each minor version at hand, by version such as `3.12`."""
    found: dict[str, Path] = {}
    names = [f"python3.{minor}" for minor in range(10, 15)]
    folders = [Path(folder) for folder in os.environ["PATH"].split(os.pathsep)]
    folders += sorted((Path.home() / ".pyenv" / "versions").glob("3.*/bin"))
    for name in names:
        for folder in folders:
            program = folder / name
            if program.exists() and not _is_script(program):
                found.setdefault(name.removeprefix("python"), program.resolve())
    return found


def _is_script(program: Path) -> bool:
    with program.open("rb") as file:
        return file.read(2) == b"#!"


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command, timeout=INSTALL_SECONDS, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )
    if done.returncode != 0:
        raise ToolsMissing(f"`{' '.join(command[:4])} …` failed:\n{done.stdout[-2000:]}")
