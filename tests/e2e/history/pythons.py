"""Interpreters that histories can raise, replace and take away.

Each is the tree of a real interpreter made of links, with a copy of the program and its library. A patch release is
simulated: in the copy the text of the version (`sys.version`) is another one of the same length, everything else is as
it was. So a location and a text change as they do on a runner, and nothing needs to be downloaded.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from .tools import Tools


def real_version(program: Path) -> str:
    """The full version of an interpreter, such as `3.12.1`."""
    done = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.split()[1]


def patched(version: str) -> str:
    """The version of the simulated patch release: the same length, another last digit."""
    return version[:-1] + ("9" if version[-1] != "9" else "8")


def make(tools: Tools, program: Path, version: str, target: Path) -> None:
    """Makes an interpreter at `target` that says it is `version` and has nox."""
    shutil.rmtree(target, ignore_errors=True)
    source = program.parent.parent
    old, minor = real_version(program), re.match(r"3\.\d+", version)[0]  # type: ignore[index]
    binary = target / "bin"
    binary.mkdir(parents=True)
    _copy(program, binary / f"python{minor}", source, old, version)
    for name in ("python", "python3"):
        (binary / name).symlink_to(f"python{minor}")
    library = target / "lib" / f"python{minor}"
    packages = library / "site-packages"
    packages.mkdir(parents=True)
    for file in (source / "lib").glob("libpython*.so*"):
        _copy(file, target / "lib" / file.name, source, old, version)
    for entry in (source / "lib" / f"python{minor}").iterdir():
        if entry.name not in ("site-packages", "dist-packages"):
            (library / entry.name).symlink_to(entry)
    if (source / "include").exists():
        (target / "include").symlink_to(source / "include")
    # nox, virtualenv and what they need, as if `pip install nox` had been done.
    (packages / "tools.pth").write_text(f"{tools.packages}\n")
    start = f"#!{binary}/python{minor}\nimport sys\n"
    scripts = {
        "nox": f"{start}from nox.__main__ import main\nsys.exit(main())\n",
        # `pip install nox` has nothing to do, and says so at once.
        "pip": f"{start}if sys.argv[1:3] == ['install', 'nox']: sys.exit()\n"
               "from pip._internal.cli.main import main\nsys.exit(main())\n",
    }
    for name, text in scripts.items():
        (binary / name).write_text(text)
        (binary / name).chmod(0o755)


def _copy(file: Path, target: Path, source: Path, old: str, new: str) -> None:
    content = file.read_bytes()
    libraries = f"{source}/lib".encode()
    beside = b"$ORIGIN/../lib"
    if len(beside) <= len(libraries):
        # The program must load the library beside it, not the one that it was made with.
        content = content.replace(libraries + b"\0", beside.ljust(len(libraries) + 1, b"\0"))
    if len(old) == len(new):
        # Linkers let texts share an end, so what stands before the version may be a path.
        content = content.replace(f"{old}\0".encode(), f"{new}\0".encode())
    target.write_bytes(content)
    target.chmod(0o755)
