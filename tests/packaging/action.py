#!/usr/bin/env python3
"""Runs the steps of action.yml as a runner does: the inputs' values in `env`, bash with `-e -o pipefail`. Needs PyYAML.

The build shares target/ci/hooks and leaves optimisation out: it is the packaging that is tried here, not the speed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
INSTALL, CHECK = ACTION["runs"]["steps"]
CONTEXT = {"github.action_repository": "some/where", "github.action_ref": "v1"}
PAGE = "https://example.org/some/where/blob/v1/docs/rules/unused-ignore.md"
WORKFLOW = "on: push # cachelint: ignore[nox/missing-cache] none\njobs: {}\n"


def step(what: dict, inputs: dict[str, str], runner: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """The result of one step."""
    values = {f"inputs.{name}": options["default"] for name, options in ACTION["inputs"].items()} | CONTEXT
    values |= {f"inputs.{name}": text for name, text in inputs.items()}

    def value(text: str) -> str:
        return re.sub(r"\$\{\{ ([\w.-]+) }}", lambda match: values[match[1]], text)

    environment = {
        **os.environ,
        "CARGO_TARGET_DIR": str(ROOT / "target/ci/hooks"),
        "CARGO_PROFILE_RELEASE_LTO": "off",
        "CARGO_PROFILE_RELEASE_OPT_LEVEL": "0",
        "GITHUB_ACTION_PATH": str(ROOT),
        "GITHUB_SERVER_URL": "https://example.org",
        "GITHUB_STEP_SUMMARY": str(runner / "summary.md"),
        "RUNNER_TEMP": str(runner),
        **{name: value(text) for name, text in what["env"].items()},
    }
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", what["run"]],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=1200,
    )


def main() -> None:
    """Asserts what the action's inputs promise."""
    with tempfile.TemporaryDirectory() as runner, tempfile.TemporaryDirectory() as folder:
        runner, folder = Path(runner), Path(folder)
        (folder / ".git").mkdir()
        workflows = folder / ".github/workflows"
        workflows.mkdir(parents=True)
        (workflows / "a b.yml").write_text(WORKFLOW)
        (workflows / "clean.yml").write_text("on: push\njobs: {}\n")
        installed = step(INSTALL, {}, runner, folder)
        assert installed.returncode == 0, installed.stderr

        table = [
            # inputs, exit code, beginning of the log
            ({}, 1, "::warning file=.github/workflows/a b.yml,"),
            ({"fail-on": "info"}, 1, "::warning file=.github/workflows/a b.yml,"),
            ({"fail-on": "error"}, 0, "::warning file=.github/workflows/a b.yml,"),
            ({"fail-on": "never"}, 0, "::warning file=.github/workflows/a b.yml,"),
            ({"fail-on": "sometimes"}, 2, "::error title=cachelint::The input fail-on"),
            ({"paths": ".github/workflows/clean.yml\n"}, 0, ""),
            ({"paths": ".github/workflows/clean.yml\n.github/workflows/a b.yml\n"}, 1, "::warning file="),
            ({"paths": "--help"}, 2, "::error file=--help,"),
            ({"paths": "no-such.yml", "fail-on": "never"}, 2, "::error file=no-such.yml,"),
            ({"paths": "$(touch injected); `touch injected`"}, 2, "::error file="),
            ({"format": "concise"}, 1, ".github/workflows/a b.yml:1:"),
        ]
        for inputs, code, log in table:
            done = step(CHECK, inputs, runner, folder)
            assert done.returncode == code, (inputs, done)
            assert done.stdout.startswith(log), (inputs, done.stdout)
            assert not log.startswith("::warning") or PAGE in done.stdout, (inputs, done.stdout)
        sarif = json.loads(step(CHECK, {"format": "sarif"}, runner, folder).stdout)
        pages = [rule.get("helpUri") for rule in sarif["runs"][0]["tool"]["driver"]["rules"]]
        assert PAGE in pages and None not in pages, pages
        found = json.loads(step(CHECK, {"format": "json"}, runner, folder).stdout)
        assert [finding["url"] for finding in found] == [PAGE], found
        assert not (folder / "injected").exists()
        summary = (runner / "summary.md").read_text()
        assert "| Severity | Check |" in summary and summary.count("## cachelint") == len(table) + 1, summary
        assert f"[cachelint/unused-ignore]({PAGE})" in summary, summary
    print(f"ok {len(table)} runs of the action")


if __name__ == "__main__":
    sys.exit(main())
