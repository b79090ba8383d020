"""One event loop, a coroutine per connection: waiting overlaps in a single thread, computing never does."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Dict

from servers import lifecycle
from servers.conversation import Handler, converse_async


def serve(listener: socket.socket, handler: Handler) -> None:
    asyncio.run(_serve(listener, handler))


async def _serve(listener: socket.socket, handler: Handler) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_log_problem)
    stopped = asyncio.Event()

    def stop() -> None:
        lifecycle.stop()
        stopped.set()

    def stop_with_lifeline() -> None:
        if lifecycle.lifeline_ended():
            stop()

    for number in lifecycle.STOP_SIGNALS:
        loop.add_signal_handler(number, stop)
    for fd in lifecycle.lifeline_fds():
        loop.add_reader(fd, stop_with_lifeline)
    if lifecycle.stopping():  # by a signal that came before the loop's own handlers were in place
        stopped.set()

    server = await asyncio.start_server(
        lambda reader, writer: converse_async(reader, writer, handler),
        sock=listener,
        backlog=lifecycle.BACKLOG,
    )
    await stopped.wait()
    server.close()
    while lifecycle.unfinished():
        await asyncio.sleep(0.005)


def _log_problem(_: asyncio.AbstractEventLoop, context: Dict[str, Any]) -> None:
    lifecycle.log("event_loop", reason=context["message"], exception=repr(context.get("exception")))
