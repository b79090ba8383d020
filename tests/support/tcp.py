"""Small TCP servers in this process, and ports without a server."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

REPLY = b"Yes, yes\n"


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """Yield a port that refuses connections: it is bound, so that nothing else can take it, but not listening."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@contextlib.contextmanager
def full_listener() -> Iterator[socket.socket]:
    """Yield a listener whose queue is full, so that the kernel drops further attempts to connect."""
    with contextlib.ExitStack() as connecting:
        listener = connecting.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        with contextlib.suppress(TimeoutError):
            while True:
                client = connecting.enter_context(socket.socket())
                client.settimeout(0.1)
                client.connect(listener.getsockname())
        yield listener


@contextlib.contextmanager
def one_thread(  # noqa: C901 - a whole server
    before_reply: Callable[[], None] = lambda: None, reply: bytes = REPLY, backlog: int = 512
) -> Iterator[int]:
    """Serve all connections from one thread, calling ``before_reply`` before each reply; yield the port."""
    stop, stopped = socket.socketpair()
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as listener, selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        selector.register(stopped, selectors.EVENT_READ)

        def serve() -> None:
            while True:
                for key, _ in selector.select():
                    if key.fileobj is stopped:
                        return
                    if key.fileobj is listener:
                        selector.register(listener.accept()[0], selectors.EVENT_READ)
                        continue
                    answer(key.fileobj)

        def answer(connection: Any) -> None:
            with contextlib.suppress(OSError):
                if connection.recv(1024):
                    before_reply()
                    if reply:
                        connection.sendall(reply)
                    return
            selector.unregister(connection)
            connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            stop.send(b"x")
            thread.join()
            for key in list(selector.get_map().values()):
                if isinstance(key.fileobj, socket.socket) and key.fileobj not in {listener, stopped}:
                    key.fileobj.close()
            stop.close()
            stopped.close()
