"""A load that runs in the background."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from loadgen.execution import run
from loadgen.interval import Interval
from loadgen.load import Load
from loadgen.result import LoadResult


class Running:
    """A run in its own thread; every method may be called from any thread."""

    def __init__(self, load: Load, options: dict[str, Any]) -> None:
        self._cancel = threading.Event()
        self._future: Future[LoadResult] = Future()
        threading.Thread(target=self._work, args=(load, options), name="loadgen").start()

    def _work(self, load: Load, options: dict[str, Any]) -> None:
        try:
            self._future.set_result(run(load, cancel=self._cancel, **options))
        except BaseException as exc:
            self._future.set_exception(exc)

    def cancel(self) -> None:
        """End the run at once; :meth:`result` then returns what was measured so far."""
        self._cancel.set()

    def done(self) -> bool:
        """Return whether the run has ended."""
        return self._future.done()

    def result(self, timeout_s: float | None = None) -> LoadResult:
        """Wait for the run to end and return its result.

        Raises:
            GilbenchError: as :func:`loadgen.run` does.
            TimeoutError: the run has not ended within ``timeout_s``.
        """
        return self._future.result(timeout_s)


def start(
    load: Load,
    *,
    on_interval: Callable[[Interval], None] | None = None,
    interval_s: float = 1.0,
    server_pid: int | None = None,
) -> Running:
    """Put ``load`` on a server as :func:`loadgen.run` does, but return at once.

    ``on_interval`` is called from the run's thread.
    """
    return Running(load, {"on_interval": on_interval, "interval_s": interval_s, "server_pid": server_pid})
