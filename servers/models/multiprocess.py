"""A process per connection, forked: computing overlaps, and every connection pays for a process."""

from __future__ import annotations

import os
import signal
import socket
import time
from typing import Set

from servers import lifecycle
from servers.conversation import Handler, converse


def serve(listener: socket.socket, handler: Handler) -> None:
    children: Set[int] = set()
    # The signal must have a handler to wake the accept loop, which then reaps.
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for connection in lifecycle.accept(listener, on_signal=lambda: _reap(children)):
        with connection:
            try:
                pid = os.fork()
            except OSError as shortage:
                lifecycle.log("connection_refused", reason=shortage.strerror)
                continue
            if pid == 0:
                _serve_as_child(listener, connection, handler)
            children.add(pid)
    _end(children)


def _serve_as_child(listener: socket.socket, connection: socket.socket, handler: Handler) -> None:
    exit_code = 1
    try:
        lifecycle.forked()
        listener.close()
        converse(connection, handler)
        exit_code = 0
    finally:
        os._exit(exit_code)


def _reap(children: Set[int]) -> None:
    while children:
        pid, _ = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        children.discard(pid)


def _end(children: Set[int]) -> None:
    lifecycle.disarm()  # each child has its own timer; the parent's must not go off before the last child is reaped
    _signal_all(children, signal.SIGTERM)
    deadline_s = time.monotonic() + lifecycle.GRACE_S
    while children and time.monotonic() < deadline_s:
        _reap(children)
        time.sleep(0.002)
    _signal_all(children, signal.SIGKILL)
    for pid in children:
        os.waitpid(pid, 0)


def _signal_all(children: Set[int], number: int) -> None:
    for pid in children:  # none of them reaped yet, so no number can have passed to a stranger
        os.kill(pid, number)
