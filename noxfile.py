"""What there is to run: ``nox -s bench`` measures and draws, ``nox -s tests`` tests; ``nox -l`` lists the rest.

Every session installs one dependency group of pyproject.toml, at the versions that requirements.lock pins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import nox
from nox.virtualenv import HAS_UV
from python_discovery import get_interpreter

if TYPE_CHECKING:
    from python_discovery import PythonInfo

nox.needs_version = ">=2026.10.20"
nox.options.sessions = ["lint", "types", "tests"]
nox.options.default_venv_backend = "uv|virtualenv"  # not venv: Debian's own python3 has no ensurepip
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = True

PYTEST = ("python", "-m", "pytest", "-c", "pyproject.toml")  # -c: whatever other folders the arguments name
PROJECT = nox.project.load_toml("pyproject.toml")
LOCK = "requirements.lock"
SUPPORTED: str = PROJECT["project"]["requires-python"]
DOWNLOADED = "3.14"


def _fits(python: PythonInfo) -> bool:
    return python.implementation == "CPython" and not python.free_threaded


def _harness_python() -> str | None:
    """Return the interpreter for the harness: nox's own if it fits, else the first that does and runs."""
    found = get_interpreter(SUPPORTED, predicate=_fits)
    if found is None:
        return DOWNLOADED if HAS_UV else None
    return found.system_executable or found.executable


PYTHON = _harness_python()
harness_session = nox.session(python=PYTHON or False)  # False: no environment, just enough of a session to say why


def _install(session: nox.Session, group: str) -> None:
    if PYTHON is None:
        session.error(f"gilbench needs CPython {SUPPORTED} with a GIL for itself and finds none: install one, or uv")
    # Importing Numba takes three times as long where it cannot keep bytecode.
    session.env["PYTHONDONTWRITEBYTECODE"] = None
    requirements = nox.project.dependency_groups(PROJECT, group)
    session.install("-c", LOCK, *requirements, env={"UV_COMPILE_BYTECODE": "1"})


@harness_session
def bench(session: nox.Session) -> None:
    """Measure, draw and show: the main job. Options go behind --, as in: nox -s bench -- --pythons 3.13,3.13t."""
    _install(session, "bench")
    # After Ctrl-C what has been measured is still drawn.
    narrow = ("--benchmark-name=short", "--benchmark-columns=median,min")
    session.run(*PYTEST, *narrow, "bench", *session.posargs, interrupt_timeout=90, terminate_timeout=15)


@harness_session
def report(session: nox.Session) -> None:
    """Draw a run again from its records, by default the latest: nox -s report -- results/runs/A."""
    _install(session, "bench")
    session.run("python", "-m", "bench.analysis", *(session.posargs or ["results/latest"]))


@harness_session
def compare(session: nox.Session) -> None:
    """Compare two interpreters of a run, or two runs: nox -s compare -- results/runs/A results/runs/B."""
    _install(session, "bench")
    session.run("python", "-m", "bench.analysis.compare", *session.posargs)


@harness_session
def history(session: nox.Session) -> None:
    """Draw each cell over all runs and over versions of CPython, and name the runs where a change came in."""
    _install(session, "history")
    session.run("python", "-m", "bench.analysis.history", *session.posargs)


@harness_session
def micro(session: nox.Session) -> None:
    """Measure starts, hand-offs, locks and singletons inside each interpreter: nox -s micro -- --pythons 3.14."""
    _install(session, "micro")
    session.run("python", "-m", "bench.micro", *session.posargs, interrupt_timeout=30, terminate_timeout=10)


@harness_session
def profile(session: nox.Session) -> None:
    """See which lines hold the GIL, when, and who waits: nox -s profile -- --server threaded --workload cpu."""
    _install(session, "profile")
    session.run("python", "-m", "bench.profile", *session.posargs, interrupt_timeout=30, terminate_timeout=10)


@harness_session
def watch(session: nox.Session) -> None:
    """Watch where the time of a running Python process goes, live: nox -s watch -- PID."""
    _install(session, "profile")
    session.run("python", "-m", "bench", "watch", *session.posargs, interrupt_timeout=5)


@harness_session
def peers(session: nox.Session) -> None:
    """Measure the load generator against wrk, Locust and others: nox -s peers -- --rounds 9."""
    _install(session, "peers")
    session.run("python", "-m", "loadgen.peers", *session.posargs, interrupt_timeout=30, terminate_timeout=10)


@harness_session
def tests(session: nox.Session) -> None:
    """Test the suite itself."""
    _install(session, "tests")
    session.run(*PYTEST, *session.posargs)


@harness_session
def lint(session: nox.Session) -> None:
    """Check style and formatting."""
    _install(session, "lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@harness_session
def types(session: nox.Session) -> None:
    """Check types."""
    _install(session, "types")
    session.run("mypy", *session.posargs)


@harness_session
def lock(session: nox.Session) -> None:
    """Bring the lock in line with pyproject.toml; with -- --upgrade, take the newest versions."""
    _install(session, "lock")
    groups = [f"--group={group}" for group in PROJECT["dependency-groups"]]
    session.run(
        *("uv", "pip", "compile", "pyproject.toml", *groups, "--universal", "--python-version=3.11"),
        *("--generate-hashes", "--no-annotate", "--custom-compile-command=nox -s lock"),
        *("--quiet", f"--output-file={LOCK}", *session.posargs),
    )
