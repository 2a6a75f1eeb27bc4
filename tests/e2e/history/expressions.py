"""Evaluates the expressions of a workflow (`${{ … }}`) as a runner does, as far as fixed workflows use them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

TOKEN = re.compile(
    r"\s*(?:(?P<number>-?\d+(?:\.\d+)?)|(?P<string>'(?:[^']|'')*')|(?P<name>[A-Za-z_][A-Za-z0-9_-]*)"
    r"|(?P<sign>&&|\|\||==|!=|<=|>=|[<>!().,\[\]*]))"
)
EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
STATUS = re.compile(r"\b(?:success|failure|always|cancelled)\s*\(")


def text_of(value: Any) -> str:
    """A value as it is written in a text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def truth(value: Any) -> bool:
    """Whether a value counts as true in a condition."""
    return value not in (None, False, 0, "")


def same(left: Any, right: Any) -> bool:
    """`==`: strings without regard to case, other kinds compared as numbers."""
    if isinstance(left, str) and isinstance(right, str):
        return left.lower() == right.lower()
    if type(left) is type(right):
        return left == right
    return _number(left) == _number(right)


def _number(value: Any) -> float:
    try:
        return float(value) if value not in (None, "") else 0.0
    except (TypeError, ValueError):
        return float("nan")


class Scope:
    """The contexts and functions that an expression may name."""

    def __init__(self, contexts: dict[str, Any], workspace: Path, *, passed: bool = True):
        """`passed`: whether all steps so far succeeded."""
        self.contexts = contexts
        self.workspace = workspace
        self.passed = passed
        self.functions: dict[str, Callable[..., Any]] = {
            "hashfiles": self._hash_files,
            "format": lambda text, *values: re.sub(r"\{(\d+)\}", lambda m: text_of(values[int(m[1])]), text),
            "contains": lambda where, what: (
                any(same(item, what) for item in where)
                if isinstance(where, list)
                else text_of(what).lower() in text_of(where).lower()
            ),
            "startswith": lambda text, start: text_of(text).lower().startswith(text_of(start).lower()),
            "endswith": lambda text, end: text_of(text).lower().endswith(text_of(end).lower()),
            "join": lambda items, by=",": by.join(text_of(item) for item in items),
            "tojson": lambda value: json.dumps(value, indent=2),
            "fromjson": json.loads,
            "success": lambda: self.passed,
            "failure": lambda: not self.passed,
            "always": lambda: True,
            "cancelled": lambda: False,
        }

    def _hash_files(self, *patterns: str) -> str:
        files: set[Path] = set()
        for pattern in patterns:
            for line in pattern.splitlines():
                line = line.strip()
                matched = {path for path in self.workspace.glob(line.lstrip("!")) if path.is_file()}
                files = files - matched if line.startswith("!") else files | matched
        if not files:
            return ""
        total = hashlib.sha256()
        for file in sorted(files):
            total.update(hashlib.sha256(file.read_bytes()).digest())
        return total.hexdigest()

    def condition(self, text: Any) -> bool:
        """An `if:`; without a word about the status it asks that all went well so far."""
        if text is None:
            return self.passed
        inner = str(text).strip()
        whole = EXPRESSION.fullmatch(inner)
        inner = whole[1] if whole else EXPRESSION.sub(lambda match: match[1], inner)
        value = truth(_Parser(inner, self).whole())
        return value if STATUS.search(inner) else self.passed and value

    def fill(self, value: Any) -> Any:
        """A text with its expressions replaced; one that is an expression and nothing else keeps its kind."""
        if not isinstance(value, str):
            return value
        whole = EXPRESSION.fullmatch(value.strip())
        if whole and "}}" not in whole[1]:
            return _Parser(whole[1], self).whole()
        return EXPRESSION.sub(lambda match: text_of(_Parser(match[1], self).whole()), value)

    def text(self, value: Any) -> str:
        """`fill` as a text."""
        return text_of(self.fill(value))


class _Parser:
    def __init__(self, text: str, scope: Scope):
        self.scope = scope
        self.tokens: list[tuple[str, str]] = []
        at, text = 0, text.rstrip()
        while at < len(text):
            match = TOKEN.match(text, at)
            if match is None:
                raise ValueError(f"not an expression: {text!r}")
            self.tokens.append((match.lastgroup or "", match[match.lastgroup or 0]))
            at = match.end()

    def whole(self) -> Any:
        value = self._or()
        if self.tokens:
            raise ValueError(f"unexpected {self.tokens[0][1]!r} in an expression")
        return value

    def _next(self, *signs: str) -> str | None:
        if self.tokens and self.tokens[0][0] == "sign" and self.tokens[0][1] in signs:
            return self.tokens.pop(0)[1]
        return None

    def _or(self) -> Any:
        value = self._and()
        while self._next("||"):
            other = self._and()
            value = value if truth(value) else other
        return value

    def _and(self) -> Any:
        value = self._compared()
        while self._next("&&"):
            other = self._compared()
            value = other if truth(value) else value
        return value

    def _compared(self) -> Any:
        value = self._not()
        while sign := self._next("==", "!=", "<", ">", "<=", ">="):
            other = self._not()
            numbers = _number(value), _number(other)
            value = {
                "==": same(value, other),
                "!=": not same(value, other),
                "<": numbers[0] < numbers[1],
                ">": numbers[0] > numbers[1],
                "<=": numbers[0] <= numbers[1],
                ">=": numbers[0] >= numbers[1],
            }[sign]
        return value

    def _not(self) -> Any:
        return not truth(self._not()) if self._next("!") else self._value()

    def _value(self) -> Any:
        if self._next("("):
            value = self._or()
            self._next(")")
            return value
        kind, text = self.tokens.pop(0)
        if kind == "number":
            return float(text)
        if kind == "string":
            return text[1:-1].replace("''", "'")
        literal = {"true": True, "false": False, "null": None}
        if text in literal:
            return literal[text]
        if self._next("("):
            arguments = []
            while not self._next(")"):
                arguments.append(self._or())
                self._next(",")
            return self.scope.functions[text.lower()](*arguments)
        return self._members(_member(self.scope.contexts, text))

    def _members(self, value: Any) -> Any:
        while sign := self._next(".", "["):
            if sign == "[":
                key = self._or()
                self._next("]")
                value = _member(value, text_of(key))
            else:
                value = _member(value, self.tokens.pop(0)[1])
        return value


def _member(value: Any, name: str) -> Any:
    if isinstance(value, list):
        return value[int(name)] if name.isdigit() and int(name) < len(value) else None
    if not isinstance(value, dict):
        return None
    # Names of contexts are compared without regard to case.
    return next((item for key, item in value.items() if str(key).lower() == name.lower()), None)
