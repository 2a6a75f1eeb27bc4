#!/usr/bin/env python3
"""Validates what cachelint writes for programs, in repositories made for it and in those below FOLDER. Needs jsonschema.

    tests/packaging/formats.py --binary target/release/cachelint FOLDER…

- SARIF against the official schema, JSON against `schemas/findings.json`; every key is in the schema.
- The fixes in both lead to the same text, which is the text that `--fix` writes.
- Fingerprints differ within a run and survive that lines move.
- GitHub annotations: each line is one command, whatever names a workflow holds.
- `schemas/config.json` refuses the settings that cachelint refuses, and no others.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import urllib.parse
from pathlib import Path

import jsonschema
import yaml
from peers import check_out, repositories, run

ROOT = Path(__file__).resolve().parent.parent.parent
SARIF = json.loads((ROOT / "tests/fixtures/sarif/sarif-schema-2.1.0.json").read_text())
FINDINGS = json.loads((ROOT / "schemas/findings.json").read_text())
CONFIG = json.loads((ROOT / "schemas/config.json").read_text())
BOM = "\ufeff"

NOXFILE = """\
import nox

@nox.session
def tests(session):
    session.install("-r", "requirements.txt")
    session.run("pytest")
"""


def workflow(job: str = "tests", name: str = "é 🦀", on: str = "push", last: str = "") -> str:
    """A workflow with one job that has no cache."""
    return f"""\
on: {on}
jobs:
  {job}:
    name: {name}
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v6
      - uses: actions/setup-python@v6
      - run: pip install nox
      - run: echo {name} && nox -s tests
{last}"""


# A job's id, its name and its steps say what a runner would take for a command.
HOSTILE = workflow(
    job='"tests\\n::error file=a::b\\r\\n::stop-commands::x%0A##[add-mask]tests\\u2028\\u001b[2J"',
    name='"::error ::x%0A##[set-env name=A]b"',
)
MADE = {
    "a missing cache, with letters of two and four bytes": {".github/workflows/ci.yml": workflow()},
    "line ends of Windows and a byte order mark": {".github/workflows/ci.yml": BOM + workflow().replace("\n", "\r\n")},
    "a fix in several steps and a comment without use": {
        ".forgejo/workflows/ci.yml": workflow(last="      - run: nox -s tests # cachelint: ignore[wrong-path] none\n")
    },
    "withheld: the job publishes": {
        ".github/workflows/ci.yml": workflow(last="      - uses: pypa/gh-action-pypi-publish@release/v1\n"),
        ".github/workflows/strangers.yml": workflow(on="pull_request_target"),
    },
    "hostile names": {".github/workflows/a b%é,line=1::x.yml": HOSTILE, "::error ::x/action.yml": "runs: ["},
    "what can't be read": {
        ".github/workflows/a.yml": "jobs: [\n",
        ".github/workflows/b.yml": "on: push\njobs: 3\n",
        ".github/workflows/ci.yml": workflow(),
    },
    "settings that can't be read": {".github/workflows/ci.yml": workflow(), ".github/cachelint.yml": "ignor: []\n"},
    "nothing to say": {".github/workflows/ci.yml": "on: push\njobs: {}\n"},
    "the stored cases of fixes": {
        f".github/workflows/{path.name}": path.read_bytes().decode()
        for path in sorted((ROOT / "tests/fixtures/fix").glob("*.yml"))
    },
}

# Settings, and whether cachelint takes them.
SETTINGS = [
    ("", True),
    ("select: [missing-cache, nox/wrong-path]\nignore: []\n", True),
    ("severity:\n  nox/missing-cache: warning\n  constant-key: info\n", True),
    ("per-path-ignores:\n  '*.yml': [missing-cache]\n", True),
    ("reuse: report\nrestore-keys: false\nkey-parts: [a]\nkey-files: [b]\npin: sha\n", True),
    ("cache-action: actions/cache@v6\nnox-actions: [./nox]\n", True),
    ("selct: []\n", False),
    ("select: [mising-cache]\n", False),
    ("select: missing-cache\n", False),
    ("severity:\n  missing-cache: fatal\n", False),
    ("severity:\n  mising-cache: error\n", False),
    ("per-path-ignores:\n  '*.yml': [mising-cache]\n", False),
    ("reuse: inser\n", False),
    ("restore-keys: 3\n", False),
    ("pin: Sha\n", False),
    ("- select\n", False),
]


class Cachelint:
    """The binary, run in a repository."""

    def __init__(self, binary: Path) -> None:
        self.binary = binary

    def write(self, form: str, folder: Path, *options: str) -> str:
        """What it writes in a format."""
        done = run([self.binary, f"--output-format={form}", *options], folder)
        assert done.returncode in (0, 1, 2) and "panicked" not in done.stderr, done
        return done.stdout


def make(files: dict[str, str], folder: Path) -> None:
    """A git repository with these files and what nox needs."""
    extra = {"noxfile.py": NOXFILE, "requirements.txt": "pytest==8.4.2\n", "pyproject.toml": "[project]\nname = 'x'\n"}
    for name, content in {**extra, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode())
    run(["git", "init", "-q"], folder).check_returncode()
    run(["git", "add", "-A"], folder).check_returncode()


def undescribed(value: object, schema: dict, whole: dict) -> list[str]:
    """The keys of `value` that the schema has no word for."""
    if "$ref" in schema:
        schema = whole["definitions"][schema["$ref"].rsplit("/", 1)[1]]
    for part in schema.get("anyOf", schema.get("allOf", [])):
        if part.get("type") != "null":
            return undescribed(value, part, whole)
    if isinstance(value, list):
        return [key for item in value for key in undescribed(item, schema.get("items", {}), whole)]
    if not isinstance(value, dict):
        return []
    known = schema.get("properties", {})
    inner = [key for name in value if name in known for key in undescribed(value[name], known[name], whole)]
    return [name for name in value if name not in known] + inner


def offset(text: str, line: int, column: int) -> int:
    """Of a place, in characters."""
    lines = text.splitlines(keepends=True) if "\r" not in text else re.findall(r"[^\n]*\n|[^\n]+", text)
    assert 1 <= line <= len(lines) + 1 and column >= 1, (line, column)
    start = sum(map(len, lines[: line - 1]))
    rest = lines[line - 1] if line <= len(lines) else ""
    assert column - 1 <= len(rest.rstrip("\r\n")), (line, column, rest)
    return start + column - 1


def edited(text: str, edits: list[tuple[int, int, int, int, str]]) -> str:
    """`text` with ranges replaced, all meant in the original."""
    body, mark = (text[1:], BOM) if text.startswith(BOM) else (text, "")
    places = [(offset(body, a, b), offset(body, c, d), new) for a, b, c, d, new in edits]
    for start, end, new in sorted(places, reverse=True):
        body = body[:start] + new + body[end:]
    return mark + body


def sarif_fixes(log: dict) -> dict[str, list]:
    """The edits of each finding's fix by file, from SARIF."""
    found: dict[str, list] = {}
    for result in log["runs"][0]["results"]:
        for fix in result.get("fixes", []):
            for change in fix["artifactChanges"]:
                path = urllib.parse.unquote(change["artifactLocation"]["uri"])
                regions = [(part["deletedRegion"], part["insertedContent"]["text"]) for part in change["replacements"]]
                keys = ("startLine", "startColumn", "endLine", "endColumn")
                found.setdefault(path, []).append([(*(region[key] for key in keys), new) for region, new in regions])
    return found


def json_fixes(findings: list[dict]) -> dict[str, list]:
    """The same from JSON."""
    found: dict[str, list] = {}
    for finding in findings:
        if fix := finding["fix"]:
            keys = ("line", "column", "end_line", "end_column", "content")
            path = fix.get("path", finding["path"])
            found.setdefault(path, []).append([tuple(edit[key] for key in keys) for edit in fix["edits"]])
    return found


def prints(log: dict) -> list[str]:
    """The fingerprints of all findings."""
    return sorted(json.dumps(result["partialFingerprints"]) for result in log["runs"][0]["results"])


def check(cachelint: Cachelint, folder: Path) -> int:
    """Asserts everything that is promised of one repository; returns how many findings it has."""
    log = json.loads(cachelint.write("sarif", folder))
    jsonschema.validate(log, SARIF, cls=jsonschema.Draft4Validator)
    run_, findings = log["runs"][0], json.loads(cachelint.write("json", folder))
    jsonschema.validate(findings, FINDINGS, cls=jsonschema.Draft7Validator)
    assert not undescribed(findings, FINDINGS, FINDINGS), undescribed(findings, FINDINGS, FINDINGS)
    assert len(findings) == len(run_["results"])
    rules = run_["tool"]["driver"]["rules"]
    for result in run_["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    for uri in re.findall(r'"uri": "([^"]*)"', json.dumps(log)):
        assert re.fullmatch(r"(?:[A-Za-z0-9._~/-]|%[0-9A-F]{2})+", uri), uri
    assert sarif_fixes(log) == json_fixes(findings)
    assert len(set(prints(log))) == len(findings), prints(log)

    commands = cachelint.write("github", folder, "-v").split("\n")
    assert commands.pop() == ""
    for command in commands:
        assert re.match(r"::(error|warning|notice) file=[^:,]*(,\w+=[^:,]*)*::", command), command
        assert not re.search(r"[\x00-\x1f\x7f\x9b]", command), command
    moved_and_fixed(cachelint, folder, log, findings)
    return len(findings)


def moved_and_fixed(cachelint: Cachelint, folder: Path, log: dict, findings: list[dict]) -> None:
    """Fingerprints after lines moved; then a file with one safe fix has the text that its edits say."""
    files = {finding["path"]: (folder / finding["path"]).read_bytes().decode() for finding in findings}
    for name, text in files.items():
        body, mark = (text[1:], BOM) if text.startswith(BOM) else (text, "")
        (folder / name).write_bytes(f"{mark}# moved\n\n{body}".encode())
    assert prints(json.loads(cachelint.write("sarif", folder))) == prints(log)
    for name, text in files.items():
        (folder / name).write_bytes(text.encode())

    for name, text in files.items():
        mine = [f for f in findings if f["fix"] and f["fix"].get("path", f["path"]) == name]
        if [f["fix"]["applicability"] for f in mine] != ["safe"] or mine[0]["withheld"]:
            continue
        done = run([cachelint.binary, "--fix", "--select", mine[0]["rule"], "--", name], folder)
        assert done.returncode in (0, 1, 2), done
        after = (folder / name).read_bytes().decode()
        expected = edited(text, json_fixes(mine)[name][0])
        assert after == expected, (name, after, expected)
        # A key that is right in one file may be what a collision in the next one was about.
        (folder / name).write_bytes(text.encode())


def settings(cachelint: Cachelint) -> None:
    """The schema and cachelint agree on what settings are."""
    for text, good in SETTINGS:
        with tempfile.TemporaryDirectory() as folder:
            files = {".github/workflows/ci.yml": "on: push\njobs: {}\n", ".github/cachelint.yml": text, "b": ""}
            make(files, Path(folder))
            done = run([cachelint.binary], Path(folder))
            assert done.returncode == (0 if good else 2), (text, done)
            value = yaml.safe_load(text) or {}
            assert jsonschema.Draft7Validator(CONFIG).is_valid(value) == good, text


def main() -> int:
    """Prints what was validated; an assertion names what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("folders", type=Path, nargs="*", metavar="FOLDER")
    options = parser.parse_args()
    cachelint = Cachelint(options.binary.resolve())
    for schema, dialect in (
        (SARIF, jsonschema.Draft4Validator),
        (FINDINGS, jsonschema.Draft7Validator),
        (CONFIG, jsonschema.Draft7Validator),
    ):
        dialect.check_schema(schema)
    settings(cachelint)
    made = 0
    for name, files in MADE.items():
        with tempfile.TemporaryDirectory() as folder:
            make(files, Path(folder))
            try:
                made += check(cachelint, Path(folder))
            except (AssertionError, jsonschema.ValidationError) as error:
                raise SystemExit(f"FAILED {name}: {error}") from error
    real = 0
    sources = [source for folder in options.folders for source in repositories(folder)]
    for source in sources:
        with tempfile.TemporaryDirectory() as scratch:
            check_out(source, Path(scratch, "repository"))
            try:
                real += check(cachelint, Path(scratch, "repository"))
            except (AssertionError, jsonschema.ValidationError) as error:
                raise SystemExit(f"FAILED {source}: {error}") from error
    print(f"{len(MADE)} made repositories, {made} findings; {len(sources)} stored repositories, {real} findings: all valid")
    return 0 if made and (real or not sources) else 1


if __name__ == "__main__":
    sys.exit(main())
