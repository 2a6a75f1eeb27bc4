"""Replays one history: for each commit a cached and a fresh run, and what they have otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from . import snapshot
from .histories import History
from .runner import Result, Unsupported
from .tools import Tools
from .world import World

CREATED = "nox > Creating virtual environment"


@dataclass
class Verdict:
    """What a history showed."""

    history: str
    backend: str
    # equal, differs, refused, policy, error
    word: str
    details: list[str] = field(default_factory=list)
    # Sound, but restored in vain: an exact hit whose environments nox built again.
    rebuilt: bool = False

    @property
    def failed(self) -> bool:
        """Whether a safe fix was shown to be wrong, or nothing could be shown."""
        return self.word in ("differs", "error")


def replay(
    history: History, backend: str, tools: Tools, cachelint: Path, folder: Path, *, unsafe: bool, verbose: bool
) -> Verdict:
    """Runs all commits of a history."""
    world = World(tools, folder, cachelint)
    try:
        return _replay(world, history, backend, unsafe=unsafe, verbose=verbose)
    except (AssertionError, Unsupported) as error:
        return Verdict(history.name, backend, "error", [str(error)])
    finally:
        world.close()


def _replay(world: World, history: History, backend: str, *, unsafe: bool, verbose: bool) -> Verdict:
    history.start(world, backend)
    more = ["--unsafe-fixes"] if unsafe else []
    details: list[str] = []
    notes: list[str] = []
    changed = rebuilt = False
    growth = 0.0
    for number, change in enumerate([lambda _: None, *history.changes], start=1):
        change(world)
        before, fixed = dict(world.files), world.fix(*more)
        changed = changed or before != fixed
        if verbose:
            print(f"--- {history.name}, {backend}, run {number}\n{fixed[world.workflow]}", flush=True)
        if not any(_caches(text) for path, text in fixed.items() if path.endswith((".yml", ".yaml"))):
            return Verdict(history.name, backend, "refused", world.reasons() or ["no finding says why"])
        cached, fresh = world.run(fixed, world.caches), world.fresh(before)
        red = [result for result in fresh if not result.passed]
        if bool(red) != (number in history.red):
            raise AssertionError(f"run {number} proves nothing: " + " | ".join(fresh[0].output.splitlines()[-5:]))
        notes += [f"{number}: {result.name} {'/'.join(result.hits) or 'no cache'}" for result in cached]
        rebuilt = rebuilt or any("exact" in result.hits and CREATED in result.output for result in cached)
        details += [f"run {number}, {line}" for line in _compared(cached, fresh)]
        if history.growth is not None:
            growth = max(growth, _bytes(cached) / max(1, _bytes(world.fresh(fixed))))
        if verbose:
            print("\n".join(f"{result.name}: {result.hits}\n{result.output}" for result in cached), flush=True)
    if history.growth is not None:
        notes.append(f"archive {growth:.2f} times a fresh one")
        if growth > history.growth:
            details.append(f"the archive grew to {growth:.2f} times a fresh one")
    notes += ["built again on an exact hit"] if rebuilt else []
    word = "equal" if not details else "policy" if history.policy else "differs"
    if details and not changed and (reasons := world.reasons()):
        # A cache that was written by hand is wrong, and cachelint says so without changing it.
        word, details = "refused", reasons
    return Verdict(history.name, backend, word, [*details, "; ".join(notes)], rebuilt)


def _bytes(results: list[Result]) -> int:
    return sum(size for result in results for size in result.saved.values())


def _caches(text: str) -> bool:
    return "actions/cache" in text and ".nox" in text


def _compared(cached: list[Result], fresh: list[Result]) -> list[str]:
    """In words, what the cached jobs did otherwise."""
    found: list[str] = []
    for one, other in zip(cached, fresh, strict=True):
        if one.passed != other.passed:
            outcome = ("red", "green")
            end = " | ".join(one.output.splitlines()[-6:] if other.passed else other.output.splitlines()[-6:])
            found.append(f"{one.name}: {outcome[one.passed]}, fresh {outcome[other.passed]}: {end}")
        if one.said != other.said:
            pairs = [(a, b) for a, b in zip(one.said, other.said) if a != b] or [(str(one.said), str(other.said))]
            found.append(f"{one.name}: says {pairs[0][0]!r}, fresh {pairs[0][1]!r}")
        found += [f"{one.name}: {line}" for line in snapshot.differences(one.environments, other.environments)]
    return found


def table(wanted: list[History], backends: list[str], verdicts: list[Verdict]) -> str:
    """The verdicts as a table."""
    known = {(verdict.history, verdict.backend): verdict for verdict in verdicts}
    lines = [f"| history | {' | '.join(backends)} |", f"|---|{'---|' * len(backends)}"]
    for history in wanted:
        cells = []
        for backend in backends:
            verdict = known.get((history.name, backend))
            cells.append(_cell(history, verdict) if verdict else "–")
        lines.append(f"| {history.name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(history: History, verdict: Verdict) -> str:
    if verdict.word == "refused":
        return f"refused ({verdict.details[0]})"
    if verdict.word == "policy":
        return f"differs ({history.policy})"
    return f"{verdict.word}, built again" if verdict.rebuilt else verdict.word
