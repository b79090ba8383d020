"""The instrument: a load generator compiled from Python, usable alone against any TCP server.

Words used here:

closed loop
    each client sends its next request as soon as the last one is answered. A server that stalls is asked less
    meanwhile, so a closed loop hides stalls (coordinated omission); it answers "how much can it do".
conversation
    connect, send so many requests one after another, say ``Q``, connect again; ``keepalive`` is one without end.
latency
    from the moment a client wants to send to the last byte of the reply; a conversation's first request also pays
    for the connection.
wire
    how a request and its reply look as bytes (:mod:`loadgen.wires`).
window
    the measured stretch of a run, after its warm-up.
"""

from loadgen.errors import GilbenchError
from loadgen.load import Load
from loadgen.result import LoadResult
from loadgen.run import run

__all__ = ["GilbenchError", "Load", "LoadResult", "run"]
