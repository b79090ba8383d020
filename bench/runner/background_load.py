"""Clients that make the server compute while others want quick replies: the convoy effect.

They are a separate load, in a separate engine thread, next to the measured one and over the same time.
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from bench.schema.record_parts import BackgroundLoad
from loadgen import GilbenchError, Load, LoadResult, run
from loadgen.load import OVERRUN_S
from loadgen.protocols import PROTOCOLS

COMPUTING = PROTOCOLS["line"]._replace(name="line, computing", requests=(b"compute\n",))
_JOIN_S = 10.0


class ComputingClients:
    """Context manager around a load, during which ``clients`` clients make the server compute, if any."""

    def __init__(
        self, clients: int, port: int, *, window_s: float, warmup_s: float, requests_per_connection: int | None
    ) -> None:
        self._clients = clients
        self._cancel = threading.Event()
        self._over = threading.Event()
        self._result: LoadResult | None = None
        self._error: GilbenchError | None = None
        self._load = Load(
            host="127.0.0.1",
            port=port,
            connections=max(1, clients),
            duration_s=window_s,
            warmup_s=warmup_s,
            requests_per_connection=requests_per_connection,
            protocol=COMPUTING,
        )
        self._thread = threading.Thread(target=self._run, name="computing clients")

    def __enter__(self) -> Self:
        if self._clients:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._clients:
            if kind is not None:
                self._cancel.set()
            self._thread.join(_JOIN_S)

    def result(self) -> BackgroundLoad | None:
        """Return the result, once it has ended; ``None`` if there were no such clients.

        Raises:
            GilbenchError: the load could not be generated.
        """
        if self._error is not None:
            raise self._error
        if self._result is None:
            return None
        result = self._result
        return BackgroundLoad(
            self._clients, result.requests, result.errors, result.throughput_rps, result.latency.percentile_ns(50)
        )

    def _wait(self) -> None:
        self._over.wait(OVERRUN_S)

    def _run(self) -> None:
        try:
            # They keep computing until the measured load has ended, whose clocks may be read late.
            self._result = run(self._load, cancel=self._cancel, on_end=self._wait)
        except GilbenchError as exc:
            self._error = exc
