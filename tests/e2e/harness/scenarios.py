"""The runs that prove a fix: what must be hit, missed, reused, saved, and how much faster nox must be."""

from __future__ import annotations

import os
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .forge import Forge, Run
from .log import Job
from .tables import Row
from .tools import HERE, Tools

CI = ".github/workflows/ci.yml"
MATRIX = ".github/workflows/matrix.yml"
FORGEJO = ".forgejo/workflows/ci.yml"
FIX_SECONDS = 60
# Runs that are not timed against others use the whole machine.
CORES = os.cpu_count() or 1
# The promise of the fix for environments that virtualenv and pip make.
MOST_OF_UNCACHED = 0.5


@dataclass(frozen=True)
class Setting:
    """What all scenarios need."""

    tools: Tools
    cachelint: Path
    work: Path
    logs: Path
    rounds: int

    def forge(self, name: str) -> Forge:
        """A new repository of the fixture project."""
        return Forge(self.tools, self.work / name, HERE / "project", self.logs / name)

    def lint(self, forge: Forge, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs cachelint in the repository of a forge."""
        done = subprocess.run(
            [str(self.cachelint), *arguments], cwd=forge.repository, timeout=FIX_SECONDS,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )
        assert done.returncode in (0, 1), f"cachelint could not do its job:\n{done.stdout}{done.stderr}"
        return done

    def fix(self, forge: Forge) -> None:
        """Lets cachelint fix the repository, twice: the second time must change nothing."""
        self.lint(forge, "--fix")
        assert forge.git("status", "--porcelain"), "cachelint --fix changed nothing"
        forge.commit("cache nox environments")
        self.lint(forge, "--fix")
        assert not forge.git("status", "--porcelain"), "a second --fix changed files again"


def check(condition: bool, message: str) -> None:
    """An assertion that names what was expected and is not switched off by `-O`."""
    if not condition:
        raise AssertionError(message)


def all_passed(run: Run) -> None:
    """Every job of the run succeeded."""
    failed = [job.name for job in run.jobs.values() if not job.passed]
    check(not failed, f"{run.label}: jobs failed: {failed}")


def same_results(first: Run, second: Run) -> None:
    """Both runs ran the same jobs, sessions and tests with the same result."""
    one = {name: job.results for name, job in first.jobs.items()}
    other = {name: job.results for name, job in second.jobs.items()}
    check(one == other, f"{second.label} proved something else than {first.label}: {one} / {other}")
    check(any(one.values()), f"{first.label} proved nothing")


def users_of_nox(run: Run) -> list[Job]:
    """Jobs that created or reused an environment."""
    return [job for job in run.jobs.values() if job.created or job.reused]


def uncached(run: Run) -> None:
    """No job restored or saved anything, every environment was built."""
    all_passed(run)
    for job in run.jobs.values():
        check(not (job.restored or job.saved or job.missed), f"{run.label}: {job.name} touched a cache")
        check(not job.reused, f"{run.label}: {job.name} reused {job.reused}")


def filled(run: Run) -> None:
    """Every job that uses nox found nothing, built its environments and saved them under the key it asked for."""
    all_passed(run)
    for job in users_of_nox(run):
        check(len(job.missed) == 1 and not job.restored, f"{run.label}: {job.name} should miss: {job.restored}")
        check(job.saved == job.missed, f"{run.label}: {job.name} saved {job.saved}, asked for {job.missed}")
        check(bool(job.created) and not job.reused, f"{run.label}: {job.name} reused {job.reused}")


def hit(run: Run, before: Run) -> None:
    """Every job restored what it saved in `before`, reused the same environments by name and saved nothing."""
    all_passed(run)
    for job in users_of_nox(run):
        old = before.jobs[job.name]
        check(job.restored == old.saved, f"{run.label}: {job.name} restored {job.restored}, saved was {old.saved}")
        check(job.kept == job.restored and not job.saved, f"{run.label}: {job.name} saved on an exact hit")
        check(job.reused == old.created, f"{run.label}: {job.name} reused {job.reused}, built were {old.created}")
        check(not job.created, f"{run.label}: {job.name} built {job.created} again")
    same_results(before, run)


def rows_of(what: str) -> list[Row]:
    """Empty rows for the figures of a shape: unfixed, fixed and saving, fixed and restored."""
    states = (("unfixed", "again"), ("fixed", "first"), ("fixed", "again"))
    return [Row(what, recipe, state) for recipe, state in states]


def github(setting: Setting) -> list[Row]:
    """The four jobs on GitHub's shape with virtualenv: unfixed, fixed, and the promise in seconds."""
    plain, fixed = setting.forge("github-unfixed"), setting.forge("github-fixed")
    setting.fix(fixed)
    first = fixed.run(CI, "fixed-first", at_once=CORES)
    filled(first)
    check(len(users_of_nox(first)) == 4, f"four jobs use nox, seen: {sorted(first.jobs)}")
    rows = [unfixed, saving, cached] = rows_of("four jobs, virtualenv")
    saving.add(first)
    # In turns, so that a busy minute of the machine falls on both.
    for number in range(setting.rounds):
        without = plain.run(CI, f"unfixed-{number + 1}")
        uncached(without)
        unfixed.add(without)
        same_results(without, first)
        with_cache = fixed.run(CI, f"fixed-again-{number + 1}")
        hit(with_cache, first)
        cached.add(with_cache)
    before, after = statistics.median(unfixed.nox), statistics.median(cached.nox)
    check(
        after <= MOST_OF_UNCACHED * before,
        f"nox took {after:.1f} s with the cache and {before:.1f} s without: more than half",
    )
    changed_lock(setting, fixed, first)
    changed_noxfile(fixed, first)
    return rows


def changed_lock(setting: Setting, forge: Forge, first: Run) -> None:
    """Another lock file under pip: nothing is restored, since building from what would be restored costs more."""
    forge.edit("requirements.txt", "rich==14.0.0", "rich==14.1.0")
    run = forge.run(CI, "lock-changed", job="unit")
    filled(run)
    [job], [old] = run.jobs.values(), [job for name, job in first.jobs.items() if name.endswith("/unit")]
    check(job.saved != old.saved, f"saved {job.saved}: a new key is expected")
    check("rich is 14.0.0" in lines(old) and "rich is 14.1.0" in lines(job), "the environment kept the old package")
    same = setting.lint(forge, "--diff")
    check(same.returncode == 0, f"cachelint finds something after its own fix:\n{same.stdout}")


def changed_lock_uv(forge: Forge, first: Run) -> None:
    """Another lock file under uv: restored by the restore key, built again from the packages that came along."""
    forge.edit("requirements.txt", "rich==14.0.0", "rich==14.1.0")
    run = forge.run(FORGEJO, "lock-changed", job="unit_tests")
    all_passed(run)
    [job], [old] = run.jobs.values(), [job for name, job in first.jobs.items() if name.endswith("/unit_tests")]
    check(job.restored == old.saved, f"restored {job.restored}, expected the older {old.saved}")
    check(job.created == old.created and not job.reused, f"reused {job.reused}: what a restore key brings is built again")
    check(len(job.saved) == 1 and job.saved != old.saved, f"saved {job.saved}: a new key is expected")
    check("rich is 14.0.0" in lines(old) and "rich is 14.1.0" in lines(job), "the environment kept the old package")


def changed_noxfile(forge: Forge, first: Run) -> None:
    """Another noxfile under pip: nothing is restored."""
    forge.edit("noxfile.py", "import nox\n", "import nox  # changed\n")
    run = forge.run(CI, "noxfile-changed", job="unit")
    filled(run)
    [job] = run.jobs.values()
    check(job.saved != first.jobs[job.name].saved, "the key does not depend on the noxfile")


def lines(job: Job) -> list[str]:
    """Everything the steps of a job printed."""
    return [line for step in job.steps for line in step.lines]


def without_reuse(setting: Setting) -> None:
    """Cached, but nox was not told to reuse: restored and deleted again. cachelint says so and repairs it."""
    forge = setting.forge("without-reuse")
    setting.fix(forge)
    for workflow in (CI, MATRIX, FORGEJO):
        forge.edit(workflow, "nox -r -s", "nox -s")
    filled(forge.run(CI, "no-reuse-first", job="unit"))
    run = forge.run(CI, "no-reuse-again", job="unit")
    all_passed(run)
    [job] = run.jobs.values()
    check(len(job.restored) == 1 and job.kept == job.restored, "an exact hit was expected")
    check(bool(job.created) and not job.reused, "nox was expected to build what was restored")
    found = setting.lint(forge)
    check("nox/cache-not-reused" in found.stdout, f"cachelint overlooked it:\n{found.stdout}{found.stderr}")
    setting.fix(forge)
    check("nox -r -s unit_tests" in (forge.repository / CI).read_text(), "the fix did not turn reuse on")


def failing(setting: Setting) -> None:
    """A red job saves nothing, so the next run finds nothing."""
    forge = setting.forge("failing")
    setting.fix(forge)
    forge.edit("tests/unit/test_summary.py", '"mean": 2.0', '"mean": 9.0')
    for label in ("red-first", "red-again"):
        [job] = forge.run(CI, label, job="unit").jobs.values()
        check(not job.passed, f"{label}: the job was expected to fail")
        check(len(job.missed) == 1, f"{label}: nothing can be restored, yet {job.restored}")
        check(not job.saved, f"{label}: a failed job saved {job.saved}")


def legs(setting: Setting) -> None:
    """Legs of a matrix have keys of their own and get their own environment back."""
    forge = setting.forge("matrix")
    setting.fix(forge)
    first = forge.run(MATRIX, "legs-first", at_once=CORES)
    filled(first)
    keys = [key for job in first.jobs.values() for key in job.saved]
    check(len(keys) == 3 and len(set(keys)) == 3, f"three legs need three keys: {keys}")
    hit(forge.run(MATRIX, "legs-again", at_once=CORES), first)


def forgejo(setting: Setting) -> list[Row]:
    """Eleven jobs on Forgejo's shape with uv: ten build environments, one lists sessions and stays as it was."""
    # One job at a time: uv links files from its cache, and tar refuses files that another job links meanwhile.
    plain, fixed = setting.forge("forgejo-unfixed"), setting.forge("forgejo-fixed")
    before = plain.run(FORGEJO, "unfixed")
    uncached(before)
    rows = [unfixed, saving, cached] = rows_of("eleven jobs, uv")
    check(len(before.jobs) == 11 and len(users_of_nox(before)) == 10, f"ten of eleven jobs: {sorted(before.jobs)}")
    setting.fix(fixed)
    first = fixed.run(FORGEJO, "fixed-first")
    filled(first)
    same_results(before, first)
    listing = [job for name, job in first.jobs.items() if name.endswith("/docker")]
    check(not any(job.missed or job.restored or job.saved for job in listing), "the listing job got a cache")
    again = fixed.run(FORGEJO, "fixed-again")
    hit(again, first)
    for row, run in ((unfixed, before), (saving, first), (cached, again)):
        row.add(run)
    changed_lock_uv(fixed, first)
    return rows


# In the order of what they cost; the names are what `--only` takes.
ALL = {
    "failing": failing,
    "without-reuse": without_reuse,
    "matrix": legs,
    "forgejo": forgejo,
    "github": github,
}
