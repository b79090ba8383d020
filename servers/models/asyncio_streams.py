"""One event loop, a coroutine per connection: waiting overlaps in a single thread, computing never does."""

from __future__ import annotations

import asyncio
import signal
import socket
from typing import Any, Dict

from .. import lifecycle
from ..conversation import Handler
from ..coroutine import converse

_ACCEPTS_AT_ONCE = 100


def serve(listener: socket.socket, handler: Handler) -> None:
    asyncio.run(_serve(listener, handler))


def _quieten_signals() -> None:
    """Let signals that come faster than the loop reads them wake it without a line on standard error each."""
    signal.pthread_sigmask(signal.SIG_BLOCK, lifecycle.STOP_SIGNALS)  # none may come while there is no descriptor
    signal.set_wakeup_fd(signal.set_wakeup_fd(-1), warn_on_full_buffer=False)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, lifecycle.STOP_SIGNALS)


async def _serve(listener: socket.socket, handler: Handler) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(ProblemLog())
    stopped = asyncio.Event()

    def stop() -> None:
        lifecycle.stop()
        stopped.set()

    def stop_with_lifeline() -> None:
        if lifecycle.lifeline_ended():
            stop()

    for number in lifecycle.STOP_SIGNALS:
        loop.add_signal_handler(number, stop)
    _quieten_signals()
    for fd in lifecycle.lifeline_fds():
        try:
            loop.add_reader(fd, stop_with_lifeline)
        except PermissionError:  # epoll refuses files and /dev/null, which can be read to their end at once
            while not lifecycle.lifeline_ended():
                pass
            stop()
    if lifecycle.stopping():  # by a signal that came before the loop's handlers were in place
        stopped.set()

    server = await asyncio.start_server(
        lambda reader, writer: converse(reader, writer, handler),
        sock=listener,
        backlog=_ACCEPTS_AT_ONCE,
    )
    # asyncio uses one number for both; without free descriptors it fails as often as it may accept at once.
    listener.listen(lifecycle.BACKLOG)
    await stopped.wait()
    # A connection that was just accepted must get its transport first: after close() asyncio would fail on it.
    loop.remove_reader(listener.fileno())
    await asyncio.sleep(0)
    server.close()
    while len(asyncio.all_tasks()) > 1:  # bounded by the timer that lifecycle.stop() set
        await asyncio.sleep(0.005)


class ProblemLog:
    """Logs what the event loop reports, but only the first of the many shortages that one wake-up may report."""

    def __init__(self) -> None:
        self._quiet_until_s = 0.0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: Dict[str, Any]) -> None:
        exc = context.get("exception")
        if isinstance(exc, OSError) and exc.errno in lifecycle.SHORTAGES:
            if loop.time() >= self._quiet_until_s:
                lifecycle.log("accept_failed", reason=exc.strerror)
            self._quiet_until_s = loop.time() + lifecycle.SHORTAGE_PAUSE_S
        elif not isinstance(exc, ConnectionError):  # the client's fault, logged where it is served
            lifecycle.log("event_loop", reason=context["message"], exception=repr(exc))
