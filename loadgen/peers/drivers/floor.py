"""The floor: bare send, recv and epoll calls from compiled code, with nothing else in the loop.

It has no histogram and no time-out, checks only the length of a reply, and reads the clock once per batch of events:
the least that any generator must do on this kernel. What a real generator costs beyond that is the overhead of
measuring.
"""

from __future__ import annotations

import select
import socket
import time
from typing import Any

import numpy as np
from numba import types

from loadgen.engine.workspace import BUFFER_BYTES, EVENTS_AT_ONCE, to_array
from loadgen.native import libc
from loadgen.native.compiled import compile_function
from loadgen.peers.drivers.report import HOST, REQUEST, WARMUP_S, Report, tell


@compile_function(
    types.int64(types.int32, libc.BYTES, types.int64, types.int64, libc.EVENTS, types.int64[::1], libc.BYTES)
)
def _answer(  # noqa: PLR0917 - compiled code takes no keywords
    epoll: int, request: Any, reply_bytes: int, until_ns: int, events: Any, scratch: Any, buffer: Any
) -> int:
    """Send again on each connection that has answered, until ``until_ns``; return the number of answers."""
    answered = 0
    while libc.clock_ns(libc.MONOTONIC, scratch) < until_ns:
        ready = libc.epoll_wait(epoll, events.ctypes.data, len(events), 100)
        for i in range(ready):
            fd = events[i].index
            if libc.recv(fd, buffer.ctypes.data, len(buffer), 0) == reply_bytes:
                answered += 1
                libc.send(fd, request.ctypes.data, len(request), libc.MSG_NOSIGNAL)
    return answered


def drive(port: int, connections: int, seconds: float, rate_rps: float | None) -> Report:  # noqa: ARG001 - no open loop
    """Run the loop and return its report."""
    with select.epoll() as epoll:
        sockets = [socket.create_connection((HOST, port)) for _ in range(connections)]
        sockets[0].sendall(REQUEST)
        reply_bytes = len(sockets[0].recv(BUFFER_BYTES))
        for one in sockets:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            one.setblocking(False)
            epoll.register(one, libc.READABLE | libc.EDGE)
            one.send(REQUEST)
        request, buffer = to_array(REQUEST), np.zeros(BUFFER_BYTES, np.uint8)
        events, scratch = np.zeros(EVENTS_AT_ONCE, libc.EVENT), np.zeros(4, np.int64)

        def answered(for_s: float) -> int:
            until_ns = time.monotonic_ns() + round(for_s * 1e9)
            return int(_answer(epoll.fileno(), request, reply_bytes, until_ns, events, scratch, buffer))

        answered(WARMUP_S)
        began_s, cpu_began_s = time.monotonic(), time.process_time()
        requests = answered(seconds)
        cpu_s, wall_s = time.process_time() - cpu_began_s, time.monotonic() - began_s
        for one in sockets:
            one.close()
    return Report(requests, wall_s, cpu_s)


if __name__ == "__main__":
    tell(drive)
