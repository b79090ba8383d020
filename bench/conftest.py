"""The pytest adapter: the items that ``pytest bench`` collects are the plan.

Each cell is a test item, so ``-k`` narrows the plan and ``--collect-only`` shows it. The selected cells are measured
first, in interleaved passes (:func:`bench.runner.run.run`); then each item gives pytest-benchmark the windows of its
cell; finally a separate process draws the run, because measuring does not import analysis.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from bench.adapter import NARROW
from bench.errors import GilbenchError
from bench.paths import ROOT, command_line
from bench.planning import read_options
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
REQUEST = pytest.StashKey[RunRequest]()
DONE = pytest.StashKey[Experiment]()


class _BenchmarkFile(os.PathLike[str]):
    """Path that pytest-benchmark writes to: in the run's folder, known once the run has one."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def __bool__(self) -> bool:
        experiment = self._config.stash.get(DONE, None)
        return experiment is not None and any(record.requests for record in experiment.records)

    def __fspath__(self) -> str:
        return str(self._config.stash[DONE].folder.path / "benchmark.json")

    __str__ = __fspath__


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.import_plugin("bench.adapter.options")  # for plain pytest bench, without -p


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.option.benchmark_timer = "bench.adapter.clock.seconds_per_request"
    config.option.benchmark_json = config.option.benchmark_json or _BenchmarkFile(config)
    config.addinivalue_line("markers", "cell(cell): the cell that a test measures")
    if config.option.verbose < 0:  # pytest's own -q
        config.option.verbose = -2  # hides the number of passed tests, too
        config.option.benchmark_quiet = True


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    config = session.config
    with _usage_errors():
        config.stash[REQUEST] = read_options.read({name: config.getoption(DEST.format(name)) for name in OPTIONS})


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> Generator[None, object, object]:
    """Show the plan and its estimate below the cells with ``--collect-only``; with ``-q``, only the estimate."""
    config, items, quiet = session.config, session.items, session.config.option.verbose < 0
    if not config.option.collectonly or not items:
        return (yield)
    session.items = [] if quiet else items
    try:
        result = yield
    finally:
        session.items = items
    with _usage_errors(), _suspended_capture(config) as console:
        request = config.stash[REQUEST]
        estimate.show(console, request.plan(map(_cell, items)), request.gaps, quiet=quiet)
    return result


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport, config: pytest.Config) -> tuple[str, str, str] | None:
    """Report nothing for measured cells with ``-q``."""
    return ("passed", "", "") if config.option.verbose < 0 and report.passed and report.when == "call" else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "cell" in metafunc.fixturenames:
        cells = metafunc.config.stash[REQUEST].cells
        metafunc.parametrize("cell", [pytest.param(cell, id=cell.name, marks=pytest.mark.cell(cell)) for cell in cells])


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
    return [f"pass {one.pass_ + 1}: {one.reason}" for one in failed if one.cell == cell.name]


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
    """Measure the selected cells; if interrupted, deselect those that were not measured."""
    config, request = session.config, session.config.stash[REQUEST]
    with _usage_errors(), _suspended_capture(config) as console:
        plan = request.plan(map(_cell, session.items))
        experiment = config.stash[DONE] = run(plan, request, _command(config), console, config.option.verbose)
    measured = {record.cell for record in experiment.records}
    wanted = set(experiment.plan.cells) if experiment.complete else measured
    session.items = [item for item in session.items if _cell(item) in wanted]


def _draw(config: pytest.Config, experiment: Experiment) -> bool:
    with _suspended_capture(config):
        quiet = ["--quiet"] if config.option.verbose < 0 else []
        return run_module("bench", "report", *quiet, str(experiment.folder.path)) == 0


def _cell(item: pytest.Item) -> Cell:
    marker = item.get_closest_marker("cell")
    assert marker is not None  # noqa: S101 - each item is parametrised by its cell
    cell: Cell = marker.args[0]
    return cell


def _command(config: pytest.Config) -> str:
    """Return the command line without the words that ``gilbench bench`` adds before and after it."""
    words = [str(word) for word in config.invocation_params.args]
    if NARROW[-1] in words:
        words = words[words.index(NARROW[-1]) + 1 :]
    return command_line("bench", [word for word in words if Path(word).resolve() != ROOT / "bench"])


@contextlib.contextmanager
def _suspended_capture(config: pytest.Config) -> Iterator[Terminal]:
    """Suspend pytest's capturing, so that the output of this process and its children is visible."""
    config.get_terminal_writer().flush()  # pytest's output so far precedes what follows, in a file too
    with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        yield Terminal()


@contextlib.contextmanager
def _usage_errors() -> Iterator[None]:
    """Turn errors that a user can fix into one line from pytest and a non-zero exit status."""
    try:
        yield
    except GilbenchError as exc:
        raise pytest.UsageError(str(exc)) from None
