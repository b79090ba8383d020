"""Accepting connections and stopping cleanly, the same for every model.

SIGTERM, SIGINT and (with a lifeline) the end of standard input stop a server: it accepts no more connections, shuts
down every open connection for reading, and finishes what is in flight; after ``GRACE_S`` the process ends in any case.
This state belongs to the process, because signals do.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import select
import signal
import socket
import sys
import time
from typing import Any, Callable, ClassVar, Iterator, List, Set, Tuple

BACKLOG = 1024
GRACE_S = 2.0
LIFELINE_FD = 0
STDOUT_FD = 1
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

SHORTAGES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
"""Errors of accept() for lack of a resource, while the listener itself is sound: wait, then try again."""

SHORTAGE_PAUSE_S = 0.1

_SHUT = (errno.EINVAL, errno.EBADF)  # errors of accept() once the listener is shut


def _gil_enabled() -> bool:
    enabled: bool = getattr(sys, "_is_gil_enabled", lambda: True)()
    return enabled


_gil_at_start = _gil_enabled()


class _Process:
    stopping = False
    lifeline = False
    open: ClassVar[Set[Any]] = set()  # sockets, or asyncio's wrappers of them
    endings: ClassVar[List[Callable[[], object]]] = []


def log(event: str, **fields: object) -> None:
    """Write one JSON line to standard error, whole even when threads write at once."""
    line = json.dumps({"event": event, "pid": os.getpid(), **fields})
    with contextlib.suppress(OSError):
        os.write(2, line.encode() + b"\n")


def announce(listener: socket.socket, ready_fd: int, **fields: object) -> None:
    """Write to a descriptor, as one line of JSON, that the server accepts connections.

    A descriptor other than standard output is closed then: nothing else can be taken for that line.
    """
    host, port = listener.getsockname()[:2]
    ready = {
        "event": "ready",
        "host": host,
        "port": port,
        "pid": os.getpid(),
        **fields,
        "version": sys.version.split()[0],
        "gil_enabled": _gil_enabled(),
    }
    os.write(ready_fd, json.dumps(ready).encode() + b"\n")
    if ready_fd != STDOUT_FD:
        os.close(ready_fd)


def log_gil() -> None:
    """Log that this process has a GIL again, where the interpreter was built to run without one."""
    if not _gil_at_start and _gil_enabled():
        log("gil_returned")


def install(lifeline: bool) -> None:
    """Make signals and, with ``lifeline``, the end of standard input stop this process."""
    _Process.lifeline = lifeline
    _stop_at_signals()


def _stop_at_signals() -> None:
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_: stop())


def stop() -> None:
    """Stop accepting and reading; leave ``GRACE_S`` for what is in flight."""
    if _Process.stopping:
        return
    _Process.stopping = True
    # One signal is enough, and the next would kill an interpreter that is about to exit.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    signal.signal(signal.SIGALRM, lambda *_: _end_now())
    signal.setitimer(signal.ITIMER_REAL, GRACE_S)
    for connection in _Process.open.copy():  # the copy is atomic, also without a GIL
        _half_close(connection)


@contextlib.contextmanager
def signals_kept() -> Iterator[None]:
    """Block the stop signals in threads that are started meanwhile: the main thread takes them all.

    A thread that has ended exists for a moment longer. By then an interpreter that is about to exit has restored the
    default signal handlers, so a signal to such a thread would kill it.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def run_before_end(tidy: Callable[[], object]) -> None:
    """Call ``tidy`` if the time for what is in flight runs out; not in children, which have nothing to tidy up."""
    _Process.endings.append(tidy)


def _end_now() -> None:
    for tidy in _Process.endings:
        tidy()
    os._exit(0)


def cancel_grace_timer() -> None:
    """Cancel the timer of :func:`stop`, which would kill an interpreter that is about to exit."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def stopping() -> bool:
    """Return whether :func:`stop` was called."""
    return _Process.stopping


def accept(listener: socket.socket, on_signal: Callable[[], object] = lambda: None) -> Iterator[socket.socket]:
    """Yield one connection after another until the server stops, then close ``listener``.

    ``on_signal`` is called, outside of any signal handler, after each signal that has a handler. A lack of file
    descriptors or memory is logged and waited out; the client waits in the backlog meanwhile.
    """
    listener.setblocking(False)
    try:
        for ready in _wake_ups((listener.fileno(),), on_signal):
            if listener.fileno() in ready and not _Process.stopping:
                try:
                    connection, _ = listener.accept()
                except OSError as exc:
                    _wait_out(exc)
                    continue
                connection.setblocking(True)
                yield connection
    finally:
        listener.close()


def accept_blocking(listener: socket.socket) -> Iterator[socket.socket]:
    """Yield one connection after another to a worker, until :func:`shut`.

    The worker waits in accept() itself, so that the kernel wakes one of several for each connection.
    """
    while not _Process.stopping:
        try:
            connection, _ = listener.accept()
        except OSError as exc:
            if exc.errno in _SHUT:
                return
            _wait_out(exc)
            continue
        yield connection


def wait_for_stop(on_signal: Callable[[], object] = lambda: None) -> None:
    """Wait until the server stops, while workers accept."""
    for _ in _wake_ups((), on_signal):
        pass


def shut(listener: socket.socket) -> None:
    """Wake all threads and processes that wait in accept(), and close ``listener`` here."""
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def _wait_out(exc: OSError) -> None:
    """Log and wait out a lack of resources; any other error means that the client has gone again."""
    if exc.errno in SHORTAGES:
        log("accept_failed", reason=exc.strerror)
        time.sleep(SHORTAGE_PAUSE_S)


def _wake_ups(fds: Tuple[int, ...], on_signal: Callable[[], object]) -> Iterator[Set[int]]:
    """Yield which of ``fds`` are readable, whenever one is or a signal arrives, until the server stops."""
    wake_r, wake_w = os.pipe()
    os.set_blocking(wake_w, False)
    # Without it, a signal that arrives just before poll() would be noticed only with the next connection.
    signal.set_wakeup_fd(wake_w, warn_on_full_buffer=False)
    poll = select.poll()
    for fd in (*fds, wake_r, *lifeline_fds()):
        poll.register(fd, select.POLLIN)
    on_signal()  # signals that came before this have woken nothing
    try:
        while not _Process.stopping:
            ready = {fd for fd, _ in poll.poll()}
            if wake_r in ready:
                os.read(wake_r, 512)
                on_signal()
            if LIFELINE_FD in ready and lifeline_ended():
                stop()
            yield ready
    finally:
        signal.set_wakeup_fd(-1)
        os.close(wake_r)
        os.close(wake_w)


@contextlib.contextmanager
def tracked(connection: Any) -> Iterator[None]:
    """Track ``connection``, so that it is shut down for reading when the server stops."""
    _Process.open.add(connection)
    try:
        if _Process.stopping:
            _half_close(connection)
        yield
    finally:
        _Process.open.discard(connection)


def handle_fork() -> None:
    """Separate a new child from its parent: signals stop and wake only the child."""
    signal.set_wakeup_fd(-1)
    _stop_at_signals()  # the handlers of a running event loop do nothing in a child
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _Process.lifeline = False
    _Process.endings.clear()


def lifeline_fds() -> Tuple[int, ...]:
    """Return the descriptors whose end of file stops the server: one, or none."""
    return (LIFELINE_FD,) if _Process.lifeline else ()


def lifeline_ended() -> bool:
    return not os.read(LIFELINE_FD, 512)


def _half_close(connection: Any) -> None:
    # What has arrived can still be read and answered; then recv() reports the end of the stream.
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RD)
