"""The instrument: a load generator compiled from Python, usable alone against any TCP or HTTP server.

Words used here:

closed loop
    each client sends its next request as soon as the last one is answered. A server that stalls is asked less
    meanwhile, so a closed loop hides stalls (coordinated omission); it answers "how much can it do".
open loop
    each request has an intended time, fixed in advance; latency counts from it, and *service time* from when it was
    sent. A server that stalls cannot hide. It answers "what would users see".
conversation
    connect, send so many requests one after another, say ``Q``, connect again; ``keep-alive`` is one without end.
latency
    closed loop: from the moment a client wants to send to the last byte of the reply; a conversation's first request
    also pays for the connection, unless that was made before the timing began.
protocol
    the bytes of a request and its reply (:mod:`loadgen.protocols`).
window
    the measured interval of a run, after its warm-up.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from loadgen.errors import GilbenchError
    from loadgen.execution import run
    from loadgen.load import Load
    from loadgen.result import LoadResult
    from loadgen.running import Running, start

__all__ = ["GilbenchError", "Load", "LoadResult", "Running", "run", "start"]

_MODULES: Final = {
    "GilbenchError": "loadgen.errors",
    "Load": "loadgen.load",
    "LoadResult": "loadgen.result",
    "Running": "loadgen.running",
    "run": "loadgen.execution",
    "start": "loadgen.running",
}


def __getattr__(name: str) -> Any:
    """Import a public name at its first use: compiled code takes half a second to load, and reading results needs none.

    Raises:
        AttributeError: there is no such name.
    """
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_MODULES[name]), name)
    return value
