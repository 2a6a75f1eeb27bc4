"""The histories: a repository at its first commit, and what later commits and days change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .pythons import patched
from .runner import Event
from .world import HIGH, LOW, Change, World, project

BACKENDS = ("virtualenv", "venv", "uv")
# What a session says of what it can import; a leftover that is still importable shows here too.
TELL = """
import importlib
for name in ("alpha", "beta", "gamma", "delta", "app", "app.part", "remote"):
    try:
        print("RESULT", name, getattr(importlib.import_module(name), "VERSION", "there"))
    except ImportError:
        print("RESULT", name, "missing")
"""
ONE = Event("refs/heads/one")
OTHER = Event("refs/heads/other")


@dataclass(frozen=True)
class History:
    """`start` lays the first commit; then comes one change a commit, and each state is run."""

    name: str
    start: Callable[[World, str], None]
    changes: tuple[Change, ...]
    core: bool = False
    backends: tuple[str, ...] = BACKENDS
    # What the policy allows to differ, in words; None: nothing may.
    policy: str | None = None
    # Runs that are red as they should be, counted from 1.
    red: tuple[int, ...] = ()
    # The archive may grow to so many times a fresh one.
    growth: float | None = None


def again(_: World) -> None:
    """The same commit, run again."""


def noxfile(backend: str, *installs: str, name: str = "tests", python: str = "", head: str = "", first: str = "") -> str:
    """A noxfile with one session that installs this and tells what it can import."""
    decorator = f"@nox.session(python={python})" if python else "@nox.session"
    lines = [*installs, *(first.splitlines() if first else []), 'session.run("python", "-I", "tell.py")']
    body = "".join(f"    {line}\n" for line in lines)
    return (
        f'import nox\n{head}\nnox.options.default_venv_backend = "{backend}"\n\n\n'
        f"{decorator}\ndef {name}(session):\n{body}"
    )


def workflow(*, before: str = "", python: str = '"3.12"', nox: str = "nox -s tests", extra: str = "",
             runs_on: str = "ubuntu-latest", image: bool = False) -> str:
    """One job in the usual shape; `image`: no setup-python, the Python of the runner's image is used."""
    setup = "" if image else f"      - uses: actions/setup-python@v6\n        with:\n          python-version: {python}\n"
    return (
        f"on: [push]\njobs:\n  tests:\n    runs-on: {runs_on}\n{extra}    steps:\n"
        f"      - uses: actions/checkout@v6\n{setup}      - run: pip install nox\n{before}      - run: {nox}\n"
    )


def lay(world: World, backend: str, *installs: str, flow: str | None = None, files: dict[str, str] | None = None,
        **session: str) -> None:
    """Lays the files of a first commit."""
    world.files = {
        "noxfile.py": noxfile(backend, *installs, **session), "tell.py": TELL, ".gitignore": ".nox/\n",
        world.workflow: flow or workflow(), **(files or {}),
    }


REQUIREMENTS = 'session.install("-r", "requirements.txt")'


def required(text: str) -> Callable[[World, str], None]:
    """A session that installs a list of requirements."""
    return lambda world, backend: lay(world, backend, REQUIREMENTS, files={"requirements.txt": text})


def put(path: str, text: str | None) -> Change:
    """A commit that writes or removes a file."""

    def change(world: World) -> None:
        if text is None:
            del world.files[path]
        else:
            world.files[path] = text

    return change


def swap(path: str, old: str, new: str) -> Change:
    """A commit that replaces a text."""
    return lambda world: world.edit(path, old, new)


def local(*installs: str, extra: str = "", needs: tuple[str, ...] = ()) -> Callable[[World, str], None]:
    """A session that installs the project, a package of two modules."""
    return lambda world, backend: lay(
        world, backend, *installs,
        files={
            "pyproject.toml": project("app", needs=needs, extra=extra),
            "app/__init__.py": 'VERSION = "first"\n', "app/part.py": 'VERSION = "first part"\n',
        },
    )


def next_week(world: World) -> None:
    """A week goes by."""
    world.week += 1


def release_alpha(world: World) -> None:
    """A new version of an unpinned package."""
    world.release("alpha", "4.0", needs=("beta",))


def both(*changes: Change) -> Change:
    """Several changes in one commit."""

    def change(world: World) -> None:
        for each in changes:
            each(world)

    return change


def raise_patch(world: World) -> None:
    """A patch release of the lower interpreter; the old one is gone."""
    old = world.full[LOW]
    world.pythons = [patched(old) if version == old else version for version in world.pythons]
    world.image = patched(old)


def python_in_project(world: World, backend: str) -> None:
    """The interpreter of the session is read from pyproject.toml."""
    head = '\nPYTHON = nox.project.load_toml("pyproject.toml")["tool"]["ci"]["python"]\n'
    text = f'{project("app")}\n[tool.ci]\npython = "{LOW}"\n'
    lay(world, backend, 'session.install("alpha==1.0", "beta==1.0")', python="PYTHON", head=head,
        flow=several_pythons(), files={"pyproject.toml": text})


def several_pythons() -> str:
    """setup-python with both interpreters; the last one is the one that runs nox."""
    return workflow(python=f"|\n            {LOW}\n            {HIGH}")


def image_moves(world: World) -> None:
    """The image's Python gets a patch release in another folder; the old folder is gone."""
    raise_patch(world)
    world.image_place = "image-new"


def temporary(world: World, backend: str) -> None:
    """A session that leaves files in its temporary folder and fails where it finds them."""
    lay(world, backend, 'session.install("alpha==1.0", "beta==1.0")',
        first='tmp = session.create_tmp()\nsession.run("mkdir", f"{tmp}/made", external=True)')


def built(world: World, backend: str) -> None:
    """A wheel is built in a step before nox and installed by the session."""
    build = '      - run: pip wheel --quiet --no-deps --wheel-dir dist .\n'
    lay(world, backend, 'session.install(*glob.glob("dist/*.whl"))', head="import glob\n", flow=workflow(before=build),
        files={"pyproject.toml": project("app"), "app/__init__.py": 'VERSION = "first"\n'})


def find_links(world: World, backend: str) -> None:
    """The same with `--find-links`."""
    built(world, backend)
    world.files["noxfile.py"] = noxfile(backend, 'session.install("--find-links", "dist", "app")')


def from_git(world: World, backend: str) -> None:
    """A package from a branch of another repository."""
    world.remote('VERSION = "first"\n')
    lay(world, backend, f'session.install("remote @ git+file://{world.folder}/remote@main")')


def two_jobs(world: World, backend: str) -> None:
    """Two jobs with different sessions."""
    required("alpha==1.0\nbeta==1.0\n")(world, backend)
    world.files["noxfile.py"] += '\n\n@nox.session\ndef lint(session):\n    session.install("gamma==1.0")\n'
    world.files["noxfile.py"] += '    session.run("python", "-I", "tell.py")\n'
    job = world.files[world.workflow].split("jobs:\n")[1]
    world.files[world.workflow] += job.replace("  tests:", "  lint:").replace("-s tests", "-s lint")


def legs(world: World, backend: str) -> None:
    """A matrix of two interpreters."""
    matrix = f'    strategy:\n      matrix:\n        python: ["{LOW}", "{HIGH}"]\n'
    lay(world, backend, REQUIREMENTS, flow=workflow(python="${{ matrix.python }}", extra=matrix),
        files={"requirements.txt": "alpha==1.0\nbeta==1.0\n"})


def ballast(world: World, backend: str) -> None:
    """A lock of five packages of half a megabyte each."""
    for name in "hijkl":
        for number in range(1, 5):
            world.release(name, f"{number}.0", kilobytes=500)
    lay(world, backend, REQUIREMENTS, files={"requirements.txt": "".join(f"{name}==1.0\n" for name in "hijkl")})


def lock_moves(number: int) -> Change:
    """The lock takes another version of one package, as most updates do; in turn, and at last an old one again."""
    moved = {name: 1 + (number + 4 - at) // 5 for at, name in enumerate("hijkl")}
    if number == 10:
        moved["h"] = 1
    return put("requirements.txt", "".join(f"{name}=={version}.0\n" for name, version in moved.items()))


def host_mode(world: World, backend: str) -> None:
    """A self-hosted runner whose workspace has another path in each run."""
    lay(world, backend, REQUIREMENTS, flow=workflow(runs_on="[self-hosted, linux]"),
        files={"requirements.txt": "alpha==1.0\nbeta==1.0\n"})


def forgejo_host(world: World, backend: str) -> None:
    """The same on Forgejo: a job without container."""
    world.workflow = ".forgejo/workflows/ci.yml"
    lay(world, backend, REQUIREMENTS, flow=workflow(runs_on="docker"),
        files={"requirements.txt": "alpha==1.0\nbeta==1.0\n"})


def moved(world: World) -> None:
    """Another workspace in each run."""
    world.workspace += "-moved"


def composite(world: World, backend: str) -> None:
    """nox is run by an action of the repository, which turns reuse on."""
    required("alpha==1.0\ngamma==1.0\n")(world, backend)
    world.edit(world.workflow, "run: nox -s tests", "uses: ./.github/actions/nox")
    world.files[".github/actions/nox/action.yml"] = (
        "name: nox\ndescription: Runs nox\nruns:\n  using: composite\n  steps:\n"
        "    - run: nox -s tests\n      shell: bash\n"
    )


def makefile(world: World, backend: str) -> None:
    """nox is run by make."""
    required("alpha==1.0\ngamma==1.0\n")(world, backend)
    world.edit(world.workflow, "run: nox -s tests", "run: make tests")
    world.files["Makefile"] = "tests:\n\tnox -s tests\n"


def reuse_in_noxfile(world: World, backend: str) -> None:
    """The noxfile turns reuse on."""
    required("alpha==1.0\ngamma==1.0\n")(world, backend)
    world.edit("noxfile.py", "import nox\n", 'import nox\n\nnox.options.reuse_venv = "yes"\n')


def by_hand(world: World, backend: str) -> None:
    """A cache as people write it: reuse of whatever a restore key brings."""
    required("alpha==1.0\ngamma==1.0\n")(world, backend)
    step = (
        "      - uses: actions/cache@v6\n        with:\n          path: .nox\n"
        "          key: nox-${{ env.pythonLocation }}-${{ hashFiles('noxfile.py', 'requirements.txt') }}\n"
        "          restore-keys: nox-${{ env.pythonLocation }}-\n"
    )
    world.edit(world.workflow, "      - run: nox -s tests", f"{step}      - run: nox -r -s tests")


def by_hand_no_install(world: World, backend: str) -> None:
    """`nox -R` with local code, under an exact key."""
    local('session.install(".")')(world, backend)
    step = (
        "      - uses: actions/cache@v6\n        with:\n          path: .nox\n"
        "          key: nox-${{ env.pythonLocation }}-${{ hashFiles('noxfile.py', 'pyproject.toml') }}\n"
    )
    world.edit(world.workflow, "      - run: nox -s tests", f"{step}      - run: nox -R -s tests")


PIN = "alpha==1.0\nbeta==1.0\n"
HELPER = "PACKAGES = {}\n"
EXTRA = '[project.optional-dependencies]\nt = ["alpha==1.0", "gamma==1.0"]\n'
RENAME = both(swap("noxfile.py", "def tests", "def unit"), swap(".github/workflows/ci.yml", "-s tests", "-s unit"))

ALL = [
    History("pin up", required(PIN), (again, put("requirements.txt", "alpha==2.0\nbeta==2.0\n"), again), core=True),
    History("pin down", required("alpha==2.0\nbeta==2.0\n"), (put("requirements.txt", PIN), again)),
    History("pin dropped", required("alpha==1.0\nbeta\n"), (put("requirements.txt", "alpha\nbeta\n"), again)),
    History("package removed", required("alpha==1.0\ngamma==1.0\n"), (put("requirements.txt", PIN), again), core=True),
    History("unpinned release, a week later", required("alpha\n"), (both(release_alpha, next_week), again), core=True),
    History("unpinned release, the same week", required("alpha\n"), (release_alpha,),
            policy="unpinned packages are renewed weekly"),
    History("nested requirements", lambda world, backend: lay(
        world, backend, REQUIREMENTS,
        files={"requirements.txt": "-r more/base.txt\n-c limits.txt\n", "more/base.txt": "alpha\n", "limits.txt": PIN},
    ), (put("limits.txt", "alpha==2.0\nbeta==1.0\n"), put("more/base.txt", "beta\n"), again)),
    History("noxfile changed", lambda world, backend: lay(world, backend, 'session.install("alpha==1.0", "gamma==1.0")'),
            (swap("noxfile.py", ', "gamma==1.0"', ""), again), core=True),
    History("helper module changed", lambda world, backend: lay(
        world, backend, "session.install(*PACKAGES)", head="from helper import PACKAGES\n",
        # Only `python -m nox` can import from the folder of the noxfile.
        flow=workflow(nox="python -m nox -s tests"), files={"helper.py": HELPER.format('["alpha==1.0", "gamma==1.0"]')},
    ), (put("helper.py", HELPER.format('["alpha==1.0"]')), again)),
    History("session renamed", required(PIN), (RENAME, again)),
    History("python= raised in the noxfile", lambda world, backend: lay(
        world, backend, 'session.install("alpha==1.0", "beta==1.0")', python=f'"{LOW}"', flow=several_pythons(),
    ), (swap("noxfile.py", f'"{LOW}"', f'"{HIGH}"'), again), core=True),
    History("python= raised in pyproject.toml", python_in_project,
            (swap("pyproject.toml", f'python = "{LOW}"', f'python = "{HIGH}"'), again), core=True),
    History("patch release, setup-python", required(PIN), (raise_patch, again), core=True),
    History("patch release, several Pythons", lambda world, backend: lay(
        world, backend, 'session.install("alpha==1.0", "beta==1.0")', python=f'["{LOW}", "{HIGH}"]',
        flow=several_pythons(),
    ), (raise_patch, again), core=True),
    History("patch release, image's Python", lambda world, backend: lay(
        world, backend, 'session.install("alpha==1.0", "beta==1.0")', flow=workflow(image=True),
    ), (raise_patch, again), core=True),
    History("interpreter gone", lambda world, backend: lay(
        world, backend, 'session.install("alpha==1.0", "beta==1.0")', flow=workflow(image=True),
    ), (image_moves, again)),
    History("local code changed", local('session.install(".")'),
            (put("app/__init__.py", 'VERSION = "second"\n'), again), core=True),
    History("local code changed, editable", local('session.install("-e", ".")'),
            (put("app/__init__.py", 'VERSION = "second"\n'), again)),
    History("module deleted", local('session.install(".")'), (put("app/part.py", None), again)),
    History("module deleted, editable", local('session.install("-e", ".")'), (put("app/part.py", None), again)),
    History("entry point added", local('session.install("-e", ".")'),
            (put("pyproject.toml", project("app", extra='[project.scripts]\napp = "app:main"\n')), again)),
    History("dependency removed from an extra", local('session.install("-e", ".[t]")', extra=EXTRA),
            (swap("pyproject.toml", ', "gamma==1.0"', ""), again), core=True),
    History("wheel built before", built, (put("app/__init__.py", 'VERSION = "second"\n'), again), core=True),
    History("--find-links", find_links, (put("app/__init__.py", 'VERSION = "second"\n'), again)),
    History("git+ of a branch", from_git, (lambda world: world.remote('VERSION = "second"\n'), again)),
    History("create_tmp", temporary, (again, put("tell.py", TELL + "\n")), core=True),
    History("first run fails", required("alpha==1.0\nmissing==1.0\n"), (put("requirements.txt", PIN), again), core=True,
            red=(1,)),
    History("two branches and main", required(PIN), (
        both(put("requirements.txt", "alpha==2.0\nbeta==1.0\n"), lambda world: setattr(world, "event", ONE)),
        both(put("requirements.txt", "alpha==3.0\n"), lambda world: setattr(world, "event", OTHER)),
        both(put("requirements.txt", PIN), lambda world: setattr(world, "event", ONE)),
        both(put("requirements.txt", "alpha==3.0\n"), lambda world: setattr(world, "event", Event())),
    )),
    History("two jobs", two_jobs, (put("requirements.txt", "beta==2.0\n"), again)),
    History("matrix legs", legs, (put("requirements.txt", "beta==2.0\n"), again)),
    History("lock changed ten times", ballast, tuple(lock_moves(number) for number in range(1, 11)), growth=1.5),
    History("workspace moved, self-hosted", host_mode, (moved, moved)),
    History("workspace moved, Forgejo host", forgejo_host, (moved, moved), core=True),
    History("composite action", composite, (put("requirements.txt", PIN), again), core=True),
    History("Makefile", makefile, (put("requirements.txt", PIN), again)),
    History("noxfile turns reuse on", reuse_in_noxfile, (put("requirements.txt", PIN), again)),
    History("cache by hand, restore keys", by_hand, (put("requirements.txt", PIN), again), core=True),
    History("cache by hand, -R", by_hand_no_install, (put("app/__init__.py", 'VERSION = "second"\n'), again), core=True),
]
