"""Installs what the harness needs into one folder, once: act, nox, virtualenv, uv and the npm library."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
INSTALL_SECONDS = 600
# Parts of the library are written for CommonJS and ask for `require`.
REQUIRE = "import { createRequire as requireFor } from 'node:module'; const require = requireFor(import.meta.url);"


class ToolsMissing(Exception):
    """What is missing on this machine, in words for the person who reads the log."""


@dataclass(frozen=True)
class Tools:
    """Where the installed tools lie."""

    folder: Path

    @property
    def venv(self) -> Path:
        """The virtual environment with act, nox, virtualenv and uv; the job's interpreter too."""
        return self.folder / "venv"

    def program(self, name: str) -> str:
        """Path of a program of that environment."""
        return str(self.venv / "bin" / name)

    @property
    def actions(self) -> Path:
        """The stand-ins for actions, ready to run."""
        return self.folder / "actions"


def install(folder: Path) -> Tools:
    """The tools in `folder`, installed unless the same lists of versions were installed there before."""
    missing = [name for name in ("node", "npm", "git", "tar", "bash") if shutil.which(name) is None]
    if missing:
        raise ToolsMissing(f"not on PATH: {', '.join(missing)}")
    tools = Tools(folder)
    sources = [HERE / "requirements.txt", HERE / "package.json", *sorted((HERE / "actions").rglob("*.*"))]
    wanted = hashlib.sha256(b"\0".join(path.read_bytes() for path in sources if path.is_file())).hexdigest()
    stamp = folder / "installed"
    if stamp.is_file() and stamp.read_text() == wanted:
        return tools
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "package.json", folder)
    _run([sys.executable, "-m", "venv", str(tools.venv)], folder)
    _run([tools.program("pip"), "install", "--quiet", "--requirement", str(HERE / "requirements.txt")], folder)
    _run(["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"], folder)
    shutil.rmtree(tools.actions, ignore_errors=True)
    shutil.copytree(HERE / "actions", tools.actions)
    # Bundled as actions/cache is: loading the library file by file would add a second to every step.
    bundle = ["--bundle", "--platform=node", "--format=esm", "--log-level=error", f"--banner:js={REQUIRE}"]
    for half in ("restore", "save"):
        source, target = (tools.actions / "cache" / folder / f"{half}.mjs" for folder in ("", "dist"))
        _run([str(folder / "node_modules/.bin/esbuild"), str(source), *bundle, f"--outfile={target}"], folder)
    stamp.write_text(wanted)
    return tools


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command, cwd=folder, timeout=INSTALL_SECONDS, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )
    if done.returncode != 0:
        raise ToolsMissing(f"`{' '.join(command[:3])} …` failed:\n{done.stdout[-2000:]}")
