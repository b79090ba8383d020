"""The instrument: a load generator compiled from Python, usable alone against any TCP or HTTP server.

Words used here:

closed loop
    each client sends its next request as soon as the last one is answered. A server that stalls is asked less
    meanwhile, so a closed loop hides stalls (coordinated omission); it answers "how much can it do".
open loop
    each request has an intended time, fixed in advance; latency counts from it, and *service time* from when it was
    sent. A server that stalls cannot hide. It answers "what would users see".
conversation
    connect, send so many requests one after another, say ``Q``, connect again; ``keepalive`` is one without end.
latency
    closed loop: from the moment a client wants to send to the last byte of the reply; a conversation's first request
    also pays for the connection, unless that was made before the timing began.
wire
    how a request and its reply look as bytes (:mod:`loadgen.wires`).
window
    the measured stretch of a run, after its warm-up.
"""

from loadgen.errors import GilbenchError
from loadgen.load import Load
from loadgen.result import LoadResult
from loadgen.run import run
from loadgen.running import Running, start

__all__ = ["GilbenchError", "Load", "LoadResult", "Running", "run", "start"]
