"""The generators, one row each, driven by :mod:`loadgen.peers.drivers`, and which of them are not installed."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from loadgen.errors import GilbenchError
from loadgen.peers.drivers.c_loop import compiler
from loadgen.peers.drivers.report import Report

_PATIENCE_S = 120.0


class Failed(GilbenchError):
    """A generator did not produce a result; the message is its own."""


class Tool(NamedTuple):
    """A generator.

    Attributes:
        title: displayed name.
        missing: returns why it is not available; ``None`` if it is.
        version: returns its version.
        most_connections: it is not run with more.
        tells_latency: whether it measures latency.
        open_loop: whether it can send at a given rate.
        secure: whether it is run over HTTPS, too.
    """

    title: str
    missing: Callable[[], str | None] = lambda: None
    version: Callable[[], str] = platform.python_version
    most_connections: int = 100_000
    tells_latency: bool = True
    open_loop: bool = False
    secure: bool = False


def _no_wrk() -> str | None:
    return None if shutil.which("wrk") else "wrk is not installed"


def _no_locust() -> str | None:
    return None if importlib.util.find_spec("locust") else "Locust is not installed: install gilbench[peers]"


def _wrk_version() -> str:
    said = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False).stdout  # noqa: S607 - from PATH
    return " ".join(said.split()[1:2])


def _no_compiler() -> str | None:
    return None if compiler() else "no C compiler is installed"


def _compiler_version() -> str:
    found = compiler() or "cc"
    said = subprocess.run([found, "-dumpfullversion"], capture_output=True, text=True, check=False).stdout
    return f"{Path(found).name} {said.strip()}"


TOOLS: Final = {
    "gilbench": Tool("gilbench", open_loop=True, secure=True),
    "floor": Tool("bare system calls", tells_latency=False),
    "c_loop": Tool("epoll loop in C", _no_compiler, _compiler_version),
    "wrk": Tool("wrk", _no_wrk, _wrk_version, secure=True),
    "asyncio_streams": Tool("asyncio", most_connections=1000),
    "locust": Tool("Locust", _no_locust, lambda: importlib.metadata.version("locust"), most_connections=1000),
}


def drive(  # noqa: PLR0917 - what a run is
    name: str, port: int, connections: int, seconds: float, rate_rps: float | None = None, secure: bool = False
) -> Report:
    """Run a generator to its end, over HTTPS if ``secure``, and return its report.

    Raises:
        Failed: it failed, or did not end.
    """
    rate = [] if rate_rps is None else [str(rate_rps)]
    command = [
        sys.executable,
        "-m",
        f"loadgen.peers.drivers.{name}",
        f"{'s' * secure}{port}",
        str(connections),
        str(seconds),
        *rate,
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds + _PATIENCE_S)
    except subprocess.TimeoutExpired as exc:
        raise Failed(f"no result after {exc.timeout:.0f} s") from exc
    if done.returncode:
        raise Failed((done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1])
    return Report(**json.loads(done.stdout.splitlines()[-1]))
