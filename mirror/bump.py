#!/usr/bin/env python3
"""Writes the pre-commit mirror for a released version.

    bump.py VERSION FOLDER

The folder becomes a Python package without code that depends on exactly this version of cachelint, with the hooks of
this repository. Running it again for the same version changes nothing.
"""
import pathlib
import re
import sys

PYPROJECT = """\
[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"

[project]
name = "cachelint-pre-commit"
version = "{version}"
requires-python = ">=3.8"
dependencies = ["cachelint=={version}"]

[tool.setuptools]
py-modules = []
"""


def hooks(text):
    """The hooks that need no Rust: those that install a Python package."""
    blocks = re.split(r"(?m)^(?=- id: )", text)
    wanted = [block for block in blocks if block.startswith("- id: ") and "language: python" in block]
    if not wanted:
        raise SystemExit("error: .pre-commit-hooks.yaml has no hook with `language: python`")
    return "".join(wanted)


def main():
    if len(sys.argv) != 3 or not re.fullmatch(r"\d+\.\d+\.\d+([a-z]+\d+)?", sys.argv[1]):
        raise SystemExit(__doc__)
    version, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    source = pathlib.Path(__file__).resolve().parent.parent / ".pre-commit-hooks.yaml"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(PYPROJECT.format(version=version))
    (folder / ".pre-commit-hooks.yaml").write_text(hooks(source.read_text()))


if __name__ == "__main__":
    main()
