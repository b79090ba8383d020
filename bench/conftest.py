"""``pytest bench``: what pytest collects is the plan.

Each cell is a test item, so ``-k`` narrows the plan and ``--collect-only`` shows it. What was selected is measured
first, all of it in interleaved passes; then each item tells pytest-benchmark the windows of its cell; then a process
of its own draws the run, since measuring knows nothing of analysing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from bench.errors import GilbenchError
from bench.paths import ROOT, nox
from bench.planning import options
from bench.planning.options import DEST, OPTIONS
from bench.planning.run_request import RunRequest
from bench.run_module import run_module
from bench.runner.experiment import Experiment
from bench.runner.run import run
from bench.schema.cell import Cell
from bench.schema.record import Record
from bench.terminal import estimate
from bench.terminal.console import Terminal

collect_ignore = ["micro"]  # runs inside the interpreters
WANTED = pytest.StashKey[RunRequest]()
DONE = pytest.StashKey[Experiment]()


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.import_plugin("bench.pytest_options")  # unless -p has: pytest bench


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.option.benchmark_timer = "bench.clock.seconds_per_request"
    if config.option.verbose < 0:  # pytest's own -q
        config.option.verbose = -2  # nor how many tests passed
        config.option.benchmark_quiet = True


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    config = session.config
    with _usage_errors():
        config.stash[WANTED] = options.read({name: config.getoption(DEST.format(name)) for name in OPTIONS})


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> Generator[None, object, object]:
    """With ``--collect-only`` show the plan and its price below the cells; with ``-q`` nothing but the price."""
    config, items, quiet = session.config, session.items, session.config.option.verbose < 0
    if not config.option.collectonly or not items:
        return (yield)
    session.items = [] if quiet else items
    try:
        result = yield
    finally:
        session.items = items
    with _usage_errors(), _suspended_capture(config) as console:
        wanted = config.stash[WANTED]
        estimate.show(console, wanted.plan(map(_cell, items)), wanted.gaps, quiet=quiet)
    return result


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport, config: pytest.Config) -> tuple[str, str, str] | None:
    """With ``-q`` say nothing of cells that could be measured."""
    return ("passed", "", "") if config.option.verbose < 0 and report.passed and report.when == "call" else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "cell" in metafunc.fixturenames:
        metafunc.parametrize("cell", metafunc.config.stash[WANTED].cells, ids=lambda cell: cell.name)


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    if session.items and not session.testsfailed and not session.config.option.collectonly:
        _measure(session)
    return (yield)


@pytest.fixture
def records(cell: Cell, pytestconfig: pytest.Config) -> list[Record]:
    return [record for record in pytestconfig.stash[DONE].records if record.cell == cell]


@pytest.fixture
def failures(cell: Cell, pytestconfig: pytest.Config) -> list[str]:
    failed = pytestconfig.stash[DONE].folder.meta.failures
    return [f"pass {one.pass_}: {one.reason}" for one in failed if one.cell == cell.name]


@pytest.hookimpl(wrapper=True, tryfirst=True)  # outermost, so that the table and the page's path come last
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    result = yield
    experiment = session.config.stash.get(DONE, None)
    if experiment is not None and experiment.records:
        drawn = _draw(session.config, experiment)
        if not experiment.complete:
            session.exitstatus = pytest.ExitCode.INTERRUPTED
        elif not drawn and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
    return result


def _measure(session: pytest.Session) -> None:
    """Measure what was selected; if that was interrupted, what has not been measured is selected no longer."""
    config, wanted = session.config, session.config.stash[WANTED]
    with _usage_errors(), _suspended_capture(config) as console:
        plan = wanted.plan(map(_cell, session.items))
        experiment = config.stash[DONE] = run(plan, wanted, _command(config), console, config.option.verbose)
    if not experiment.complete:
        measured = {record.cell for record in experiment.records}
        session.items = [item for item in session.items if _cell(item) in measured]
    # The option for it would have to name the file before there is a folder; where nothing was answered there is none.
    if any(record.requests for record in experiment.records):
        config._benchmarksession.json = experiment.folder.path / "benchmark.json"  # type: ignore[attr-defined]


def _draw(config: pytest.Config, experiment: Experiment) -> bool:
    with _suspended_capture(config):
        quiet = ["--quiet"] if config.option.verbose < 0 else []
        return run_module("bench.analysis", *quiet, str(experiment.folder.path)) == 0


def _cell(item: pytest.Item) -> Cell:
    cell: Cell = item.callspec.params["cell"]  # type: ignore[attr-defined]
    return cell


def _command(config: pytest.Config) -> str:
    args = [str(arg) for arg in config.invocation_params.args]
    ours = next((place for place, arg in enumerate(args) if Path(arg).resolve() == ROOT / "bench"), -1)
    return nox("bench", args[ours + 1 :])


@contextlib.contextmanager
def _suspended_capture(config: pytest.Config) -> Iterator[Terminal]:
    """Let what is printed be seen, and what is started print."""
    config.get_terminal_writer().flush()  # what pytest has said stands before what follows, also in a file
    with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        yield Terminal()


@contextlib.contextmanager
def _usage_errors() -> Iterator[None]:
    """Turn what a user can fix into the one line that pytest makes of it, and a non-zero exit."""
    try:
        yield
    except GilbenchError as exc:
        raise pytest.UsageError(str(exc)) from None
