#!/usr/bin/env python3
"""Reads fixed files with other YAML parsers: the new value must be the old value plus what the fix declares.

    MUTANT_TRIPLES=triples.jsonl cargo test --release --test mutants
    tests/trust/parsers.py --node-modules target/ci/node_modules triples.jsonl

Each line of the file is one round of fixes: the old text, the new text, the declared changes. The parsers are PyYAML
(YAML 1.1), ruamel.yaml (1.2) and the npm package `yaml` (1.2). A text that a parser cannot read, or reads with another
structure than the others do, cannot tell anything about the fix: it is counted and left out.
"""

from __future__ import annotations

import argparse
import collections
import copy
import io
import json
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import ruamel.yaml
import yaml

READ_AT_ONCE = 200
SHOWN = 5
# What changes which items a sequence has, and in which order.
ITEMS = ("insert", "remove", "move")
Value = Any
# The keys added to a mapping, by its identity.
Added = dict[int, set[str]]


class TextKeys(yaml.CSafeLoader):
    """Values as YAML 1.1 has them, but keys as they are written: `on` is a key of every workflow, not `True`."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[str, Value]:
        """Unlike the original it leaves `<<` alone, as the forges do not know it either."""
        pairs = [(self.key(key), self.construct_object(value, deep=True)) for key, value in node.value]
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            raise yaml.YAMLError("a key is there twice")
        return dict(pairs)

    def key(self, node: yaml.Node) -> str:
        """The text of a scalar key."""
        if not isinstance(node, yaml.ScalarNode):
            raise yaml.YAMLError("a key is no scalar")
        return node.value


TextKeys.add_constructor("tag:yaml.org,2002:map", lambda loader, node: loader.construct_mapping(node))


def pyyaml(text: str) -> Value:
    """As PyYAML reads it."""
    return yaml.load(text, TextKeys)


def ruamel_yaml(text: str) -> Value:
    """As ruamel.yaml reads it; that an anchor is set again is no news."""
    warnings.simplefilter("ignore", ruamel.yaml.error.ReusedAnchorWarning)
    return ruamel.yaml.YAML(typ="safe", pure=True).load(io.StringIO(text))


class Npm:
    """The npm package `yaml` in a process of its own, asked line by line."""

    PROGRAM = """
        const yaml = require('yaml')
        const lines = require('readline').createInterface({ input: process.stdin })
        lines.on('line', line => {
          let answer
          try {
            const document = yaml.parseDocument(JSON.parse(line), { merge: false })
            if (document.errors.length) throw document.errors[0]
            answer = { value: document.toJS({ maxAliasCount: 10000 }) }
          } catch (error) { answer = { error: String(error) } }
          process.stdout.write(JSON.stringify(answer) + '\\n')
        })
    """

    def __init__(self, node_modules: Path) -> None:
        self.process = subprocess.Popen(
            ["node", "-e", self.PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"NODE_PATH": str(node_modules.resolve()), "PATH": "/usr/local/bin:/usr/bin:/bin"},
        )

    def __call__(self, text: str) -> Value:
        """As the package reads it."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(text) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer.get("value")


def shape(value: Value) -> Value:
    """Keys and lengths without the scalars, whose types differ between YAML 1.1 and 1.2."""
    if isinstance(value, dict):
        return {str(key): shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return None


def place(value: Value, route: list[str | int]) -> Value:
    """The part of `value` to which `route` leads."""
    for part in route:
        value = value[part] if isinstance(part, int) else value[named(value, part)]
    return value


def named(mapping: dict[Any, Value], name: str) -> Any:
    """The key that is written `name`, whatever type the parser gave it."""
    return name if name in mapping else next(key for key in mapping if str(key) == name)


def with_changes(old: Value, changes: list[dict[str, Any]], ends_open: bool) -> tuple[Value, Added]:
    """`old` with `changes` made, whose routes and indices are those of `old`, and which keys were added to it.

    Where a text `ends_open`, in a block without a last line break, parsers differ in whether its value has one.
    """
    new = copy.deepcopy(unshared(old))
    added: Added = collections.defaultdict(set)
    for change in changes:
        if change["do"] == "set":
            *route, last = change["at"]
            parent = place(new, route)
            key = last if isinstance(last, int) else named(parent, last)
            value = change["value"]
            broken_off = isinstance(value, str) and str(parent[key]).endswith("\n") and not value.endswith("\n")
            parent[key] = value + "\n" if ends_open and broken_off else value
        elif change["do"] == "drop":
            parent = place(new, change["at"])
            del parent[named(parent, change["key"])]
        elif change["do"] == "add":
            parent = place(new, change["at"])
            parent[change["key"]] = change["value"]
            added[id(parent)].add(change["key"])
    routes = {json.dumps(change["at"]) for change in changes if change["do"] in ITEMS}
    for route in sorted(routes, key=lambda text: -len(json.loads(text))):
        here = [c for c in changes if c["do"] in ITEMS and json.dumps(c["at"]) == route]
        items = place(new, json.loads(route))
        moved = {change["from"] for change in here if change["do"] == "move"}
        moved |= {change["index"] for change in here if change["do"] == "remove"}
        result = []
        for at in range(len(items) + 1):
            for change in here:
                if change["do"] == "insert" and change["index"] == at:
                    result.append(change["value"])
                elif change["do"] == "move" and change["before"] == at:
                    result.append(items[change["from"]])
            if at < len(items) and at not in moved:
                result.append(items[at])
        items[:] = result
    return new, added


def unshared(value: Value) -> Value:
    """The value without shared parts: what two aliases mean can change for one of them alone."""
    if isinstance(value, dict):
        return {key: unshared(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [unshared(inner) for inner in value]
    return value


def same(one: Value, other: Value, added: Added) -> bool:
    """Equal in value, type and the order of keys; NaN is NaN. The keys that were `added` to `other` may be anywhere."""
    if isinstance(one, dict) and isinstance(other, dict):
        free = added.get(id(other), set())
        in_order = [key for key in one if key not in free] == [key for key in other if key not in free]
        return in_order and set(one) == set(other) and all(same(one[key], other[key], added) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(*pair, added) for pair in zip(one, other))
    return type(one) is type(other) and (one == other or (one != one and other != other))


def compare(lines: list[str], node_modules: Path) -> tuple[collections.Counter[str], list[str]]:
    """What the parsers say of some rounds, as counts and as messages about those that they read otherwise."""
    parsers: dict[str, Callable[[str], Value]] = {
        "PyYAML": pyyaml,
        "ruamel.yaml": ruamel_yaml,
        "npm yaml": Npm(node_modules),
    }
    counts: collections.Counter[str] = collections.Counter()
    wrong = []
    for line in lines:
        triple = json.loads(line)
        counts["rounds"] += 1
        old = {}
        for name, read in parsers.items():
            try:
                old[name] = read(triple["old"])
            except Exception as error:  # Each parser has errors of its own, and some have bugs.
                counts[f"old text unreadable to {name}"] += 1
        shapes = [json.dumps(shape(value)) for value in old.values()]
        if len(old) < len(parsers) or len(set(shapes)) > 1:
            counts["left out"] += 1
            continue
        counts["compared"] += 1
        for name, read in parsers.items():
            try:
                expected, added = with_changes(old[name], triple["changes"], not triple["old"].endswith("\n"))
                if not same(unshared(read(triple["new"])), expected, added):
                    wrong.append(f"{name}: {triple['name']}: reads another value\n{triple['new']}")
            except Exception as error:
                wrong.append(f"{name}: {triple['name']}: {error!r}\n{triple['new']}")
    return counts, wrong


def batches(path: Path) -> Iterator[list[str]]:
    """The lines of a file, some at once."""
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    for start in range(0, len(lines), READ_AT_ONCE):
        yield lines[start : start + READ_AT_ONCE]


def main() -> int:
    """Prints the figures; fails if a parser reads another value, or if nothing was compared."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--node-modules", type=Path, required=True, help="where the npm package `yaml` is installed")
    parser.add_argument("triples", type=Path)
    options = parser.parse_args()
    counts: collections.Counter[str] = collections.Counter()
    wrong = []
    with ProcessPoolExecutor() as pool:
        work = [pool.submit(compare, batch, options.node_modules) for batch in batches(options.triples)]
        for done in work:
            more, messages = done.result()
            counts += more
            wrong += messages
    print(*wrong[:SHOWN], sep="\n", end="\n" if wrong else "")
    print(", ".join(f"{count} {name}" for name, count in counts.items()) + f", {len(wrong)} read otherwise")
    return 1 if wrong or not counts["compared"] else 0


if __name__ == "__main__":
    sys.exit(main())
