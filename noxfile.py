"""Sessions: ``nox -s bench`` measures and draws, ``nox -s tests`` runs the tests; ``nox -l`` lists the rest.

Each gilbench command is a session of the same name. It installs what it needs, at the versions pinned in
requirements.lock, and works from any folder: ``nox -f PATH/noxfile.py -s bench``.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import nox
from nox.command import CommandFailed
from nox.virtualenv import HAS_UV
from python_discovery import get_interpreter

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))

from bench.cli.commands import COMMANDS, Command  # noqa: E402 - importable only now

if TYPE_CHECKING:
    from python_discovery import PythonInfo

nox.needs_version = ">=2026.10.20"
nox.options.sessions = ["lint", "types", "tests"]
nox.options.default_venv_backend = "uv|virtualenv"  # not venv: Debian's own python3 has no ensurepip
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = True

PYTEST = ("python", "-m", "pytest", "-c", "pyproject.toml")  # -c: even if the arguments name other folders
PROJECT = nox.project.load_toml("pyproject.toml")
LOCK = "requirements.lock"
EXAMPLE = (
    *("--pythons=3.13,3.13t,3.14", "--servers=serial,threaded,asyncio,multiprocess,subinterpreters"),
    *("--workloads=echo,io,cpu,native", "--clients=1,4,8", "--budget=6m", "--name=example"),
)
WORKERS = str((os.cpu_count() or 1) * 2)  # tests wait for half of their time
COMPILED = ("loadgen.execution", "loadgen.validation.delays", "bench.threads.fast_sample")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
VALIDATION = "results/validate/example"
SCRIPTS = ("bench/report", "tests/report/javascript")
WORKFLOWS = sorted([*ROOT.glob(".github/workflows/*.yml"), ROOT / "docs/how-to/gate.yml"])
EXTRAS = tuple(PROJECT["project"]["optional-dependencies"])
SUPPORTED: str = PROJECT["project"]["requires-python"]
DOWNLOADED = "3.14"


def _fits(python: PythonInfo) -> bool:
    return python.implementation == "CPython" and not python.free_threaded


def _harness_python() -> str | None:
    """Return the interpreter for the harness: nox's own if it fits, else the first one that fits and runs."""
    found = get_interpreter(SUPPORTED, predicate=_fits)
    if found is None:
        return DOWNLOADED if HAS_UV else None
    return found.system_executable or found.executable


PYTHON = _harness_python()
harness_session = nox.session(python=PYTHON or False)  # False: a session without an environment, to report why


def _install(session: nox.Session, *extras: str, group: str = "") -> None:
    """Install gilbench's dependencies, with extras and a dependency group, at the locked versions."""
    if PYTHON is None:
        session.error(f"gilbench needs CPython {SUPPORTED} with a GIL for itself and finds none: install one, or uv")
    # Importing Numba takes three times as long if bytecode cannot be written.
    session.env["PYTHONDONTWRITEBYTECODE"] = None
    requirements = [*PROJECT["project"]["dependencies"]]
    for extra in extras:
        requirements += PROJECT["project"]["optional-dependencies"][extra]
    if group:
        requirements += nox.project.dependency_groups(PROJECT, group)
    session.install("-c", LOCK, *requirements, env={"UV_COMPILE_BYTECODE": "1"})


def _tools(session: nox.Session, group: str) -> None:
    """Install only a dependency group, at the locked versions."""
    session.install("-c", LOCK, *nox.project.dependency_groups(PROJECT, group))


def _run_here(session: nox.Session, *words: str) -> None:
    """Run a gilbench command in the folder where nox was called."""
    if Path(session.invoked_from).resolve() != ROOT:
        session.chdir(session.invoked_from)
    # After Ctrl-C the windows measured so far are still drawn.
    # By its path, and with -P: no folder of the user's is searched for our modules, and PYTHONPATH stays the user's.
    command = ("python", "-P", str(ROOT / "bench" / "__main__.py"))
    session.run(*command, *words, interrupt_timeout=90, terminate_timeout=15)


def _command_session(name: str, command: Command) -> None:
    """Make the session of a command, which creates its environment and passes the arguments after -- on."""

    def run(session: nox.Session) -> None:
        _install(session, *command.extras)
        _run_here(session, name, *session.posargs)

    run.__doc__ = f"{command.summary[0].upper()}{command.summary[1:]}: nox -s {name} -- --help."
    nox.session(python=PYTHON or False, name=name)(run)


for _name, _command in COMMANDS.items():
    _command_session(_name, _command)


@harness_session
def example(session: nox.Session) -> None:
    """Measure the committed example run again, and update what quotes it: half an hour on a quiet machine."""
    _install(session, *EXTRAS, group="tests")
    results = Path(session.create_tmp()).resolve()
    run, folder = str(results / "latest"), "results/example"
    session.run("python", "-m", "bench", "bench", *EXAMPLE, f"--results={results}")
    cells = ("--cell", "threaded-cpu-4-3.13", "--cell", "threaded-cpu-4-3.13t")
    session.run("python", "-m", "bench", "profile", "--from", run, *cells, "--requests-per-connection", "keep-alive")
    session.run("python", "-m", "bench", "micro", "--pythons", "3.13,3.13t,3.14", "--rounds", "3", "--into", run)
    session.run("python", "-m", "docs.example", run, folder)
    session.run("python", "-m", "bench", "report", folder, "--quiet")
    session.run("python", "-m", "bench", "validate", "--results", str(results), success_codes=(0, 3))
    (validation,) = (results / "validate").iterdir()
    session.run("python", "-m", "docs.example_validation", str(validation), VALIDATION)
    session.run("python", "-m", "bench", "report", VALIDATION, success_codes=(0, 3))
    session.run("python", "-m", "docs.generate")
    session.run("python", "-m", "docs.generate.mindmap")
    session.run("python", "-m", "docs.notebook")
    session.run("python", "-m", "docs.blocks", "--write", *map(str, sorted(Path("docs").glob("**/*.md"))))


@harness_session
def notebook(session: nox.Session) -> None:
    """Run docs/notebook.ipynb on the example run, and store its output; -- --check: only report differences."""
    _install(session, "export", group="notebook")
    session.run("python", "-m", "docs.notebook", *session.posargs)


@harness_session
def docs(session: nox.Session) -> None:
    """Write the reference from the code and build the site, docs/_build/html; -- --check: only report differences."""
    _install(session, *EXTRAS, group="docs")
    session.run("python", "-m", "docs.generate", *session.posargs)
    if not session.posargs:
        session.run("python", "-m", "docs.generate.mindmap")
    strict = ("--fail-on-warning", "--keep-going", "--nitpicky", "--quiet")
    folders = ("--conf-dir=docs", "--doctree-dir=docs/_build/doctrees", ".", "docs/_build/html")
    session.run("python", "-m", "sphinx", *strict, *folders)


@harness_session
def tests(session: nox.Session) -> None:
    """Test that the code does what it says, anywhere: nox -s tests -- -k NAME; --busy; --every-python; -m wheel."""
    _install(session, *EXTRAS, group="tests")
    if not any(map(shutil.which, BROWSERS)):
        try:
            session.run("playwright", "install", "--only-shell", "chromium", silent=True)
        except CommandFailed:
            session.error("the tests of pages need Chromium, which cannot be downloaded here: install it as chromium")
    session.run("python", "-c", f"import {', '.join(COMPILED)}")  # once for all workers
    session.run(*PYTEST, "-n", WORKERS, *session.posargs)


@harness_session
def lint(session: nox.Session) -> None:
    """Check style and formatting, of Python and of the pages' scripts, and the directions of imports."""
    _tools(session, "lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("lint-imports", "--no-logo")
    session.run("oxlint", *SCRIPTS)
    session.run("oxfmt", "--check", *SCRIPTS)


@harness_session
def workflows(session: nox.Session) -> None:
    """Check the GitHub workflows, ours and the one to copy, with actionlint, and with shellcheck if it is installed."""
    _tools(session, "workflows")
    session.run("actionlint", *map(str, WORKFLOWS))


@harness_session
def types(session: nox.Session) -> None:
    """Check types."""
    _install(session, *EXTRAS, group="types")
    session.run("mypy", *session.posargs)


@harness_session
def lock(session: nox.Session) -> None:
    """Update the lock to match pyproject.toml; with -- --upgrade, take the newest versions."""
    _tools(session, "lock")
    groups = [f"--group={group}" for group in PROJECT["dependency-groups"]]
    session.run(
        *("uv", "pip", "compile", "pyproject.toml", "--all-extras", *groups, "--universal", "--python-version=3.11"),
        *("--generate-hashes", "--no-annotate", "--custom-compile-command=nox -s lock"),
        *("--quiet", f"--output-file={LOCK}", *session.posargs),
    )
