"""From a :class:`~loadgen.load.Load` to a :class:`~loadgen.result.LoadResult`."""

from __future__ import annotations

import resource
import select
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from loadgen import connection, libc
from loadgen.closed_loop import closed_loop, hang_up
from loadgen.errors import GilbenchError
from loadgen.histogram import BUCKETS, Histogram, empty_extremes
from loadgen.load import Load
from loadgen.result import LoadResult
from loadgen.wires import WIRES

_POLL_S = 0.0005
_CANCEL_POLL_S = 0.05
_EVENTS_AT_ONCE = 512
_OTHER_FILES = 32  # that the process may open meanwhile


def run(
    load: Load,
    *,
    on_begin: Callable[[], None] = lambda: None,
    on_end: Callable[[], None] = lambda: None,
    cancel: threading.Event | None = None,
) -> LoadResult:
    """Put ``load`` on a server and return what came of it, within its duration plus a moment.

    The engine runs in a thread of its own without the GIL. ``on_begin`` and ``on_end`` are called at the edges of the
    window from the caller's thread, ``on_end`` while all connections are still open. A server that fails ends in
    counted errors. ``cancel``, when set from wherever, ends the run with what was measured so far; Ctrl-C ends it too
    and is raised on.

    Raises:
        GilbenchError: the host does not resolve, or the system lets no more files be open.
    """
    if sys.platform != "linux":
        raise GilbenchError("the load engine needs Linux (epoll); run it in a Linux machine or container")
    cancel = cancel or threading.Event()
    _allow_files(load.connections)
    with select.epoll() as epoll:
        workspace = _workspace(load, epoll.fileno())
        engine = threading.Thread(target=closed_loop, args=(workspace, WIRES[load.wire].scan), name="engine")
        engine.start()
        try:
            _await_window(workspace, engine, cancel)
            on_begin()
            while engine.is_alive():
                workspace.tally["cancel"] = cancel.is_set()
                engine.join(_CANCEL_POLL_S)
            on_end()
        finally:
            workspace.tally["cancel"] = 1
            engine.join()
            hang_up(workspace)
    return _result(load, workspace)


def _workspace(load: Load, epoll_fd: int) -> connection.Workspace:
    family, address = libc.address_of(load.host, load.port, load.timeout_s)
    wire = WIRES[load.wire]
    clients = np.zeros(load.connections, connection.CONNECTION)
    clients["fd"] = -1
    begin_ns = time.monotonic_ns() + int(load.warmup_s * 1e9)
    settings = np.array(
        [
            (
                epoll_fd,
                family,
                int(load.timeout_s * 1e9),
                -1 if load.conversation is None else load.conversation,
                begin_ns,
                begin_ns + int(load.duration_s * 1e9),
            )
        ],
        connection.SETTINGS,
    )
    return connection.Workspace(
        settings=settings,
        tally=np.zeros(1, connection.TALLY),
        connections=clients,
        address=_bytes(address),
        request=_bytes(wire.request),
        quit=_bytes(wire.quit),
        received=np.zeros((load.connections, connection.MAX_REPLY_BYTES), np.uint8),
        latency=np.zeros(BUCKETS, np.int64),
        latency_extremes=empty_extremes(),
        connect=np.zeros(BUCKETS, np.int64),
        connect_extremes=empty_extremes(),
        events=np.zeros(_EVENTS_AT_ONCE, libc.EVENT),
        event=np.zeros(1, libc.EVENT),
        clock=np.zeros(2, np.int64),
        option=np.zeros(2, np.int32),
    )


def _bytes(data: bytes) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    return np.frombuffer(data, np.uint8).copy()


def _await_window(workspace: connection.Workspace, engine: threading.Thread, cancel: threading.Event) -> None:
    begin_s = int(workspace.settings["begin_ns"][0]) / 1e9
    # Not cancel.wait(): a signal handler that sets the event would wait for a lock that its own thread may hold.
    while engine.is_alive() and not workspace.tally["measuring"][0] and not cancel.is_set():
        time.sleep(min(max(_POLL_S, begin_s - time.monotonic()), _CANCEL_POLL_S))


def _result(load: Load, workspace: connection.Workspace) -> LoadResult:
    tally = workspace.tally[0]
    wall_ns = int(tally["ended_ns"] - tally["began_ns"]) if tally["measuring"] else 0
    errors = {kind: int(n) for kind, n in zip(connection.ERRORS, tally["errors"], strict=True) if n}
    return LoadResult(
        load=load,
        wall_s=wall_ns / 1e9,
        requests=int(tally["requests"]),
        errors=errors,
        latency=Histogram.of(workspace.latency, workspace.latency_extremes),
        connect=Histogram.of(workspace.connect, workspace.connect_extremes),
        cpu_s=int(tally["cpu_ns"]) / 1e9,
        utilisation=1 - int(tally["waited_ns"]) / wall_ns if wall_ns else 0.0,
        unfinished=int(tally["unfinished"]),
        oldest_unfinished_s=int(tally["oldest_ns"]) / 1e9,
        age_before_ns=int(tally["age_before_ns"]),
        age_after_ns=int(tally["age_after_ns"]),
        cancelled=int(tally["ended_ns"]) < int(workspace.settings["end_ns"][0]),
    )


def _allow_files(connections: int) -> None:
    needed = sum(1 for _ in Path("/proc/self/fd").iterdir()) + connections + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if needed <= soft:
        return
    if hard != resource.RLIM_INFINITY and needed > hard:
        raise GilbenchError(f"{needed} open files are needed and the system allows {hard}: type `ulimit -Hn {needed}`")
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
