"""What the project's CI runs. The GitHub workflow uses four of these sessions, the Forgejo one ten."""

import nox

nox.options.sessions = ["lint", "typecheck", "unit_tests", "integration_tests"]

LOCKED = ("-r", "requirements.txt")
# Built with the tools of the environment: build isolation would fetch them anew in every run.
PROJECT = ("--no-build-isolation", ".")


@nox.session
def lint(session):
    session.install("ruff")
    session.run("ruff", "check", "weather", "tests")


@nox.session
def typecheck(session):
    session.install(*LOCKED, "mypy", "types-requests")
    session.run("mypy", "weather")


@nox.session
def security(session):
    session.install("bandit")
    session.run("bandit", "-q", "-r", "weather")


@nox.session
def quality(session):
    session.install("radon")
    session.run("radon", "cc", "--min", "C", "weather")


@nox.session
def unit_tests(session):
    session.install(*LOCKED, "pytest", "setuptools")
    session.install(*PROJECT)
    # Shows whether a restored environment followed the lock file.
    session.run("python", "-c", "from importlib.metadata import version; print('rich is', version('rich'))")
    session.run("pytest", "tests/unit")


@nox.session
def integration_tests(session):
    session.install(*LOCKED, "pytest", "setuptools")
    session.install(*PROJECT)
    session.run("pytest", "tests/integration")


@nox.session
def e2e_tests(session):
    session.install(*LOCKED, "pytest", "setuptools")
    session.install(*PROJECT)
    session.run("pytest", "tests/e2e")


@nox.session
def coverage(session):
    session.install(*LOCKED, "pytest", "pytest-cov")
    session.run("python", "-m", "pytest", "--cov=weather", "--cov-fail-under=80", "tests")


@nox.session
def build(session):
    session.install("build", "setuptools")
    session.run("python", "-m", "build", "--no-isolation", "--wheel", "--outdir", "build/dist")


@nox.session
def push_validation(session):
    session.install(*LOCKED, "pytest")
    session.run("python", "-m", "pytest", "-q", "tests/unit", "tests/integration")
