"""Runs the jobs of a workflow as a runner does, as far as fixed workflows need it, with the real shell and tools."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from . import snapshot
from .expressions import Scope, text_of, truth
from .service import CacheService, KeyRefused, Place

STEP_SECONDS = 600


class Unsupported(Exception):
    """A workflow asks for something that this runner does not do; nothing is proved then."""


@dataclass
class Machine:
    """What a job finds on its runner; each job gets a new home and a new workspace."""

    workspace: Path
    home: Path
    # Interpreters that setup-python hands out, by full version, and the one that the image brings along.
    pythons: dict[str, Path]
    image: Path
    # Folders with uv and with the clock of this history, before and after those of the image.
    first: list[Path]
    last: list[Path]
    variables: dict[str, str] = field(default_factory=dict)


@dataclass
class Event:
    """What a run is for."""

    ref: str = "refs/heads/main"
    name: str = "push"

    @property
    def readable(self) -> list[str]:
        """The refs whose caches this run may read, in the order in which they are looked through."""
        return list(dict.fromkeys([self.ref, "refs/heads/main"]))


@dataclass
class Result:
    """What one job or matrix leg did."""

    name: str
    passed: bool = True
    output: str = ""
    environments: dict[str, snapshot.Environment] = field(default_factory=dict)
    # Keys of caches: asked for, found, saved; bytes of what was saved.
    hits: list[str] = field(default_factory=list)
    saved: dict[str, int] = field(default_factory=dict)

    @property
    def said(self) -> list[str]:
        """What the sessions printed about themselves."""
        return [line for line in self.output.splitlines() if line.startswith("RESULT ")]


def run(tree: Path, workflow: str, machine: Machine, service: CacheService, event: Event) -> list[Result]:
    """Runs all jobs of a workflow, one after the other, and says what became of them."""
    text = yaml.load((tree / workflow).read_text(), Loader=_Loader)
    results: list[Result] = []
    for name in _ordered(text["jobs"]):
        job = text["jobs"][name]
        for leg in _legs(job):
            results.append(_Job(tree, text, name, job, leg, machine, service, event).run())
    return results


class _Loader(yaml.SafeLoader):
    """YAML 1.2's idea of a truth value: `on` is a text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool" or first in "tTfF"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _ordered(jobs: dict[str, Any]) -> list[str]:
    done: list[str] = []
    while len(done) < len(jobs):
        for name, job in jobs.items():
            needs = job.get("needs", [])
            if name not in done and all(need in done for need in ([needs] if isinstance(needs, str) else needs)):
                done.append(name)
    return done


def _legs(job: dict[str, Any]) -> list[dict[str, Any]]:
    matrix = dict(job.get("strategy", {}).get("matrix", {}))
    include, _ = matrix.pop("include", []), matrix.pop("exclude", [])
    legs: list[dict[str, Any]] = [{}]
    for name, values in matrix.items():
        legs = [{**leg, name: value} for leg in legs for value in values]
    if include and legs == [{}]:
        return [dict(leg) for leg in include]
    if include:
        raise Unsupported("a matrix with both lists and include")
    return legs


class _Job:
    def __init__(
        self, tree: Path, workflow: dict[str, Any], name: str, job: dict[str, Any], leg: dict[str, Any],
        machine: Machine, service: CacheService, event: Event,
    ):
        self.tree, self.machine, self.service, self.event = tree, machine, service, event
        self.job, self.workflow = job, workflow
        self.place = Place(machine.workspace, machine.home)
        self.result = Result(" ".join([name, *(text_of(value) for value in leg.values())]))
        self.set: dict[str, str] = {}
        self.path = [*machine.first, machine.image / "bin", *machine.last]
        self.temporary = machine.home.parent / "temp"
        self.post: list[Callable[[], None]] = []
        self.count = 0
        self.contexts: dict[str, Any] = {
            "github": {
                "job": name, "workspace": str(machine.workspace), "ref": event.ref, "event_name": event.name,
                "ref_name": event.ref.split("/", 2)[2], "repository": "octo/weather", "workflow": "ci",
                "event": {"repository": {"default_branch": "main"}}, "head_ref": "", "base_ref": "",
            },
            "runner": {"os": "Linux", "arch": "X64", "temp": str(self.temporary), "name": "runner",
                       "environment": "github-hosted", "tool_cache": str(machine.home.parent)},
            "matrix": leg, "job": {"status": "success", "container": {}},
            "strategy": {"job-index": 0}, "secrets": {}, "vars": {}, "needs": {}, "inputs": {},
        }

    def run(self) -> Result:
        for folder in (self.machine.workspace, self.machine.home, self.temporary):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        for owner in (self.workflow, self.job):
            self.set.update(self._filled(owner.get("env"), self._scope({}, {})))
        if self._scope({}, {}).condition(self.job.get("if")):
            self._steps(self.job["steps"], {}, {})
        self.result.environments = snapshot.environments(self.machine.workspace)
        for after in reversed(self.post):
            if self.result.passed:
                after()
        return self.result

    def _scope(self, steps: dict[str, Any], variables: dict[str, str]) -> Scope:
        contexts = {**self.contexts, "env": {**self.set, **variables}, "steps": steps}
        return Scope(contexts, self.machine.workspace, passed=self.result.passed)

    @staticmethod
    def _filled(values: dict[str, Any] | None, scope: Scope) -> dict[str, str]:
        return {name: scope.text(value) for name, value in (values or {}).items()}

    def _steps(self, steps: list[dict[str, Any]], variables: dict[str, str], outputs: dict[str, Any]) -> None:
        for step in steps:
            scope = self._scope(outputs, variables)
            mine = {**variables, **self._filled(step.get("env"), scope)}
            scope = self._scope(outputs, mine)
            if not scope.condition(step.get("if")):
                continue
            passed, told = self._step(step, scope, mine)
            if step.get("id"):
                outcome = "success" if passed else "failure"
                outputs[step["id"]] = {"outputs": told, "outcome": outcome, "conclusion": outcome}
            if not passed and not truth(scope.fill(step.get("continue-on-error"))):
                self.result.passed = False

    def _step(self, step: dict[str, Any], scope: Scope, variables: dict[str, str]) -> tuple[bool, dict[str, Any]]:
        if "run" in step:
            return self._script(step, scope, variables)
        uses = step["uses"]
        inputs = {name: scope.text(value) for name, value in (step.get("with") or {}).items()}
        action = uses.split("@")[0].removeprefix("https://").split("/", 1)
        name = uses.split("@")[0] if "." not in action[0] or uses.startswith("./") else action[1]
        if uses.startswith("./"):
            return self._composite(self.machine.workspace / uses, inputs, variables)
        known: dict[str, Callable[[dict[str, str]], dict[str, Any]]] = {
            "actions/checkout": self._checkout,
            "actions/setup-python": self._setup_python,
            "astral-sh/setup-uv": lambda _: {},
            "actions/upload-artifact": lambda _: {},
            "actions/cache": self._cache,
            "actions/cache/restore": lambda given: self._cache(given, saves=False),
            "actions/cache/save": self._save,
        }
        if name not in known:
            raise Unsupported(f"the action {uses}")
        try:
            return True, known[name](inputs)
        except KeyRefused as error:
            self.result.output += f"{error}\n"
            return False, {}

    def _checkout(self, inputs: dict[str, str]) -> dict[str, Any]:
        target = self.machine.workspace / inputs.get("path", "")
        if target == self.machine.workspace:
            # Checkout removes everything in a workspace that has no repository yet.
            shutil.rmtree(target)
        shutil.copytree(self.tree, target, symlinks=True)
        return {}

    def _setup_python(self, inputs: dict[str, str]) -> dict[str, Any]:
        wanted = inputs.get("python-version", "").split()
        if file := inputs.get("python-version-file"):
            wanted = (self.machine.workspace / file).read_text().split()
        chosen = ""
        for version in wanted:
            prefix = "3." if version in ("3.x", "3") else version
            fits = [v for v in self.machine.pythons if v == prefix or v.startswith(prefix.rstrip(".") + ".")]
            if not fits:
                raise Unsupported(f"Python {version}")
            chosen = max(fits, key=lambda v: [int(part) for part in v.split(".")])
            location = self.machine.pythons[chosen]
            self.path = [location / "bin", *self.path]
            self.set.update(pythonLocation=str(location), Python_ROOT_DIR=str(location))
        return {"python-version": chosen, "cache-hit": ""}

    def _cache(self, inputs: dict[str, str], *, saves: bool = True) -> dict[str, Any]:
        paths, restore_keys = ([line.strip() for line in inputs.get(name, "").splitlines() if line.strip()]
                               for name in ("path", "restore-keys"))
        key = inputs["key"]
        found = self.service.restore(paths, key, restore_keys, self.event.readable, self.place)
        exact = found is not None and found.lower() == key.lower()
        self.result.hits.append("exact" if exact else "miss" if found is None else "partial")
        if saves and not exact:
            self.post.append(lambda: self._keep(paths, key))
        told = {"cache-primary-key": key, "cache-matched-key": found or ""}
        return told if found is None else {**told, "cache-hit": text_of(exact)}

    def _save(self, inputs: dict[str, str]) -> dict[str, Any]:
        self._keep([line.strip() for line in inputs["path"].splitlines() if line.strip()], inputs["key"])
        return {}

    def _keep(self, paths: list[str], key: str) -> None:
        entry = self.service.save(paths, key, self.event.ref, self.place)
        if entry is not None:
            self.result.saved[key] = entry.archive.stat().st_size

    def _composite(
        self, folder: Path, inputs: dict[str, str], variables: dict[str, str]
    ) -> tuple[bool, dict[str, Any]]:
        file = next(file for name in ("action.yml", "action.yaml") if (file := folder / name).exists())
        action = yaml.load(file.read_text(), Loader=_Loader)
        given = {name: inputs.get(name, text_of(spec.get("default"))) for name, spec in action.get("inputs", {}).items()}
        outer, self.contexts["inputs"] = self.contexts["inputs"], given
        outputs: dict[str, Any] = {}
        self._steps(action["runs"]["steps"], variables, outputs)
        scope = self._scope(outputs, variables)
        told = {name: scope.text(spec["value"]) for name, spec in action.get("outputs", {}).items()}
        self.contexts["inputs"] = outer
        return self.result.passed, told

    def _script(self, step: dict[str, Any], scope: Scope, variables: dict[str, str]) -> tuple[bool, dict[str, Any]]:
        defaults = {**self.workflow.get("defaults", {}).get("run", {}), **self.job.get("defaults", {}).get("run", {})}
        shell = step.get("shell", defaults.get("shell"))
        commands = {
            None: ["bash", "-e"], "bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"],
            "sh": ["sh", "-e"], "python": ["python"],
        }
        if shell not in commands:
            raise Unsupported(f"the shell {shell}")
        self.count += 1
        files = {name: self.temporary / f"{self.count:02}-{name}" for name in ("script", "output", "env", "path")}
        files["script"].write_text(scope.text(step["run"]) + "\n")
        for name in ("output", "env", "path"):
            files[name].touch()
        environment = {
            "PATH": os.pathsep.join(str(folder) for folder in self.path), "HOME": str(self.machine.home),
            "CI": "true", "LANG": "C.UTF-8", "TMPDIR": str(self.temporary), **self.machine.variables,
            "GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(self.machine.workspace),
            "GITHUB_REF": self.event.ref, "GITHUB_JOB": self.contexts["github"]["job"],
            "RUNNER_OS": "Linux", "RUNNER_ARCH": "X64", "RUNNER_TEMP": str(self.temporary),
            **self.set, **variables, "GITHUB_OUTPUT": str(files["output"]), "GITHUB_ENV": str(files["env"]),
            "GITHUB_PATH": str(files["path"]), "GITHUB_STEP_SUMMARY": os.devnull,
        }
        folder = self.machine.workspace / scope.text(step.get("working-directory", defaults.get("working-directory", ".")))
        passed = self._shell([*commands[shell], str(files["script"])], folder, environment)
        self.set.update(_told(files["env"]))
        self.path = [*map(Path, reversed(files["path"].read_text().split())), *self.path]
        return passed, dict(_told(files["output"]))

    def _shell(self, command: list[str], folder: Path, environment: dict[str, str]) -> bool:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=STEP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
        self.result.output += output
        return process.returncode == 0


def _told(file: Path) -> dict[str, str]:
    told, lines = {}, iter(file.read_text().splitlines())
    for line in lines:
        name, sign, value = line.partition("=")
        if "<<" in name or not sign:
            name, _, end = line.partition("<<")
            value = "\n".join(iter(lambda end=end: next(lines, end), end))
        told[name] = value
    return told
