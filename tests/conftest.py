"""Options of the tests, and fixtures for every test."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling

from bench.report.plots import style
from tests.support import interpreters
from tests.support.busy import busy
from tests.support.examples import ANY_SPEED

PNG = b"\x89PNG\r\n\x1a\n"

hypothesis.settings.register_profile("any speed", ANY_SPEED)
hypothesis.settings.load_profile("any speed")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("gilbench")
    group.addoption(
        "--busy", action="store_true", help="next to one busy loop per CPU, as on a machine that others use"
    )
    group.addoption(
        "--every-python",
        action="store_true",
        help="under every CPython found, not only under the newest, the oldest and the free-threaded one",
    )


def pytest_configure(config: pytest.Config) -> None:
    builds = getattr(config, "workerinput", {}).get("builds")
    interpreters.set_up(every=config.getoption("every_python"), builds=builds)
    if config.getoption("busy") and not hasattr(config, "workerinput"):  # once, not in each of xdist's workers
        loops = ExitStack()
        loops.enter_context(busy())
        config.add_cleanup(loops.close)


class ByContract(LoadScopeScheduling):  # type: ignore[misc]
    """Scheduler that gives an xdist worker one file at a time; of the servers' contract, one server at a time."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, name = nodeid.partition("::")
        if file.endswith("test_servers.py") and "[" in name:
            return f"{file}[{name.partition('[')[2]}"
        return file


@pytest.hookimpl(optionalhook=True)  # xdist may be disabled
def pytest_configure_node(node: Any) -> None:
    node.workerinput["builds"] = interpreters.as_builds()  # found once, so that all workers collect the same


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    # Ordered by number of tests, files of few slow tests would come last and keep a single worker busy.
    config.option.loadscopereorder = False
    return ByContract(config, log)


@pytest.fixture(scope="session", autouse=True)
def clean_environment() -> None:
    """Remove traces of the test runner and its terminal from the environment; tests that need them set them."""
    for name in (
        "GILBENCH_RESULTS",
        "PYTEST_ADDOPTS",  # for this pytest, not for those that tests start
        "PYTEST_XDIST_WORKER",  # disables timing in pytest-benchmark
        "GITHUB_ACTIONS",
        "GITHUB_STEP_SUMMARY",
        "NO_COLOR",
        "FORCE_COLOR",
        "LC_ALL",
        "LC_CTYPE",
    ):
        os.environ.pop(name, None)
    os.environ["LANG"] = "C.UTF-8"


@pytest.fixture(scope="session", autouse=True)
def no_pixels() -> Iterator[None]:
    """Draw no PNGs, which takes a third of the usual time; the tests of pictures do, and so do commands."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(style, "to_png", lambda _: PNG)
        yield


@pytest.fixture(scope="session", autouse=True)
def ctrl_c() -> Iterator[None]:
    """Let Ctrl-C reach child processes, even if the tests were started ignoring it, as in a shell's background."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, previous)
