"""What every test needs."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def surroundings() -> None:
    """Forget who runs the tests, and what a terminal of theirs can do: tests say for themselves what they are about."""
    for name in (
        "GILBENCH_RESULTS",
        "PYTEST_ADDOPTS",  # is for us, not for what we start
        "PYTEST_XDIST_WORKER",  # with it pytest-benchmark times nothing
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
def ctrl_c() -> Iterator[None]:
    """Let Ctrl-C reach what is started, even if whoever started the tests ignores it, as a shell's background does."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, previous)
