"""What there is to run: ``nox -s bench`` measures and draws, ``nox -s tests`` tests; ``nox -l`` lists the rest.

Every session installs one dependency group of pyproject.toml, at the versions that requirements.lock pins. Those that
measure or show results work from any folder, as ``nox -f PATH/noxfile.py -s bench``: paths behind ``--`` count from it.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
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
EXAMPLE = (
    *("--pythons=3.13,3.13t,3.14", "--servers=serial,threaded,asyncio,multiprocess,subinterpreters"),
    *("--workloads=echo,io,cpu,native", "--clients=1,4,8", "--budget=6m", "--name=example"),
)
WORKERS = str((os.cpu_count() or 1) + 1)  # tests wait a lot
COMPILED = ("loadgen.execution", "loadgen.delays", "bench.threads.fast_sample")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
VALIDATION = "results/validate/example"
ROOT = Path(__file__).resolve().parent
WORKFLOWS = sorted([*ROOT.glob(".github/workflows/*.yml"), ROOT / "docs/how-to/gate.yml"])
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


def _run_here(session: nox.Session, *words: str, interrupt_s: float = 30, terminate_s: float = 10) -> None:
    """Run a module of ours, with what stands behind --, in the folder where nox was called."""
    if Path(session.invoked_from).resolve() != ROOT:
        session.chdir(session.invoked_from)
    # What that folder holds is not taken for a module of ours, nor for one that we need.
    env = {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
    command = ("python", "-m", *words, *session.posargs)
    session.run(*command, env=env, interrupt_timeout=interrupt_s, terminate_timeout=terminate_s)


def _relative(session: nox.Session, name: str) -> str:
    return os.path.relpath(ROOT / name, Path(session.invoked_from).resolve())


@harness_session
def bench(session: nox.Session) -> None:
    """Measure, draw and show: the main job. Options go behind --, as in: nox -s bench -- --pythons 3.13,3.13t."""
    _install(session, "bench")
    narrow = ("--benchmark-name=short", "--benchmark-columns=median")
    pytest = ("pytest", "-c", _relative(session, "pyproject.toml"), "-p", "bench.pytest_options", *narrow)
    # After Ctrl-C what has been measured is still drawn.
    _run_here(session, *pytest, _relative(session, "bench"), interrupt_s=90, terminate_s=15)


@harness_session
def report(session: nox.Session) -> None:
    """Draw a run again from its records, by default the latest: nox -s report -- results/runs/A."""
    _install(session, "bench")
    _run_here(session, "bench.analysis")


@harness_session
def compare(session: nox.Session) -> None:
    """Compare two interpreters of a run, or two runs: nox -s compare -- results/runs/A results/runs/B."""
    _install(session, "bench")
    _run_here(session, "bench.analysis.compare")


@harness_session
def history(session: nox.Session) -> None:
    """Draw each cell over all runs and over versions of CPython, and name the runs where a change came in."""
    _install(session, "history")
    _run_here(session, "bench.analysis.history")


@harness_session
def export(session: nox.Session) -> None:
    """Write runs as Parquet, CSV or JSON lines: nox -s export -- results/latest windows.parquet."""
    _install(session, "export")
    _run_here(session, "bench.analysis.export")


@harness_session
def micro(session: nox.Session) -> None:
    """Measure starts, hand-offs, locks and singletons inside each interpreter: nox -s micro -- --pythons 3.14."""
    _install(session, "micro")
    _run_here(session, "bench.micro")


@harness_session
def profile(session: nox.Session) -> None:
    """See which lines hold the GIL, when, and who waits: nox -s profile -- --server threaded --workload cpu."""
    _install(session, "profile")
    _run_here(session, "bench.profile")


@harness_session
def watch(session: nox.Session) -> None:
    """Watch where the time of a running Python process goes, live: nox -s watch -- PID."""
    _install(session, "profile")
    _run_here(session, "bench", "watch", interrupt_s=5)


@harness_session
def validate(session: nox.Session) -> None:
    """Hold the figures against what is known, each with its interval: nox -s validate -- --budget 10m --only queue."""
    _install(session, "profile")
    _run_here(session, "bench.validate")


@harness_session
def peers(session: nox.Session) -> None:
    """Measure the load generator against wrk, Locust and others: nox -s peers -- --rounds 9."""
    _install(session, "peers")
    _run_here(session, "loadgen.peers")


@harness_session
def example(session: nox.Session) -> None:
    """Measure the committed example run anew, and bring what quotes it up to date: half an hour on a quiet machine."""
    _install(session, "tests")
    results = Path(session.create_tmp()).resolve()
    run, folder = str(results / "latest"), "results/example"
    pytest = (*PYTEST, "-p", "bench.pytest_options", "bench", *EXAMPLE, f"--results={results}")
    session.run(*pytest, interrupt_timeout=90, terminate_timeout=15)
    cells = ("--cell", "threaded-cpu-4-3.13", "--cell", "threaded-cpu-4-3.13t")
    session.run("python", "-m", "bench.profile", "--from", run, *cells, "--requests-per-connection", "keep-alive")
    session.run("python", "-m", "bench.micro", "--pythons", "3.13,3.13t,3.14", "--rounds", "3", "--into", run)
    session.run("python", "-m", "bench.analysis.example", run, folder)
    session.run("python", "-m", "bench.analysis", folder, "--quiet")
    session.run("python", "-m", "bench.validate", "--results", str(results), success_codes=(0, 3))
    (validation,) = (results / "validate").iterdir()
    session.run("python", "-m", "bench.analysis.validate.example", str(validation), VALIDATION)
    session.run("python", "-m", "bench.analysis.validate", VALIDATION, success_codes=(0, 3))
    session.run("python", "-m", "docs.generate")
    session.run("python", "-m", "docs.generate.mindmap")
    session.run("python", "-m", "docs.notebook")
    session.run("python", "-m", "docs.blocks", "--write", *map(str, sorted(Path("docs").glob("**/*.md"))))


@harness_session
def notebook(session: nox.Session) -> None:
    """Run docs/notebook.ipynb again on the example run, and keep what it shows; -- --check: tell what would change."""
    _install(session, "notebook")
    session.run("python", "-m", "docs.notebook", *session.posargs)


@harness_session
def docs(session: nox.Session) -> None:
    """Write the reference from the code and build the site, docs/_build/html; -- --check: only report differences."""
    _install(session, "docs")
    session.run("python", "-m", "docs.generate", *session.posargs)
    if not session.posargs:
        session.run("python", "-m", "docs.generate.mindmap")
    strict = ("--fail-on-warning", "--keep-going", "--nitpicky", "--quiet")
    folders = ("--conf-dir=docs", "--doctree-dir=docs/_build/doctrees", ".", "docs/_build/html")
    session.run("python", "-m", "sphinx", *strict, *folders)


@harness_session
def tests(session: nox.Session) -> None:
    """Test that the code does what it says, on any machine: nox -s tests -- -k NAME; --busy; --every-python."""
    _install(session, "tests")
    if not any(map(shutil.which, BROWSERS)):
        session.run("playwright", "install", "--only-shell", "chromium")
    session.run("python", "-c", f"import {', '.join(COMPILED)}")  # once for all workers
    session.run(*PYTEST, "-n", WORKERS, *session.posargs)


@harness_session
def lint(session: nox.Session) -> None:
    """Check style, formatting and the directions of imports."""
    _install(session, "lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("lint-imports", "--no-logo")


@harness_session
def workflows(session: nox.Session) -> None:
    """Check GitHub's workflows, ours and the one to be copied, with actionlint; and shellcheck if it is installed."""
    _install(session, "workflows")
    session.run("actionlint", *map(str, WORKFLOWS))


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
