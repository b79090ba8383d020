"""A load generator compiled from Python, usable on its own against any TCP or HTTP server.

Terms:

closed loop
    Each client sends its next request as soon as the previous one is answered. A server that stalls receives fewer
    requests meanwhile, so a closed loop hides stalls (coordinated omission). It measures how much a server can do.
open loop
    Each request has an intended time, fixed in advance. Latency counts from that time, *service time* from when the
    request was sent, so a stall cannot hide. It measures what users would see.
requests per connection
    The number of requests that a client sends one after another before it ends the connection (with ``Q``) and opens a
    new one; ``keep-alive`` is no limit.
latency
    Closed loop: from the moment a client wants to send to the last byte of the reply. The first request on a connection
    includes the time to connect, unless the connection was made before the timing began.
protocol
    The bytes of a request and its reply (:mod:`loadgen.protocols`).
window
    The measured interval of a run, after its warm-up.
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
    """Import a public name on first use.

    Compiled code takes half a second to load, and reading results does not need it.

    Raises:
        AttributeError: there is no such name.
    """
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_MODULES[name]), name)
    return value
