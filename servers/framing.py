"""Separation of requests in a stream of bytes, without any input or output.

A model receives bytes from its connection in any way, passes them to a framing and gets the requests that are complete.
One framing object serves one connection.
"""

from __future__ import annotations

from typing import Dict, List, Type

MAX_LINE_BYTES = 64 * 1024
"""The maximum length of a line, without its line feed."""

_QUIT = (b"Q", b"q")


class FramingError(Exception):
    """The client broke the protocol; the connection can only be closed."""


class Framing:
    """The interface of every protocol.

    Attributes:
        over: no more requests will come; close the connection.
        partial: the bytes held of an unfinished request.
        recv_bytes: how many bytes to ask of one ``recv``.
    """

    recv_bytes = MAX_LINE_BYTES

    def __init__(self) -> None:
        self.over = False
        self.partial = bytearray()

    def receive(self, data: bytes) -> List[bytes]:
        """Return the requests that ``data`` completes; empty ``data`` means end of file.

        Raises:
            FramingError: the stream cannot be parsed any further.
        """
        raise NotImplementedError

    def frame(self, reply: bytes) -> bytes:
        """Return ``reply`` as the bytes to send."""
        raise NotImplementedError


class LineFraming(Framing):
    """Protocol in which each request and each reply is a line; a line ``Q`` or ``q`` ends the connection.

    Lines end in LF or CRLF, which is not part of the request.
    """

    def receive(self, data: bytes) -> List[bytes]:
        held = self.partial
        if not data:
            self.over = True
            if held:
                raise FramingError("closed in the middle of a line")
            return []
        if held:
            # Only new bytes are searched, so a client that drips bytes stays cheap.
            held += data
            if b"\n" not in data:
                return self._hold(b"")
            data = bytes(held)
            held.clear()
        *lines, rest = data.split(b"\n")
        requests: List[bytes] = []
        for line in lines:
            if len(line) > MAX_LINE_BYTES:
                raise FramingError("a line is longer than %d bytes" % MAX_LINE_BYTES)
            request = line.removesuffix(b"\r")
            if request in _QUIT:
                self.over = True
                return requests
            requests.append(request)
        self._hold(rest)
        return requests

    def frame(self, reply: bytes) -> bytes:
        return reply + b"\n"

    def _hold(self, rest: bytes) -> List[bytes]:
        self.partial += rest
        if len(self.partial) > MAX_LINE_BYTES:
            raise FramingError("a line is longer than %d bytes" % MAX_LINE_BYTES)
        return []


class SeedFraming(Framing):
    """The protocol of the simplest socket tutorial: each result of ``recv(1024)`` is a message.

    A trailing line end is not part of the message, so that ``Q`` typed into ``nc`` ends the connection too.
    """

    recv_bytes = 1024

    def receive(self, data: bytes) -> List[bytes]:
        request = data.rstrip(b"\r\n")
        if not data or request in _QUIT:
            self.over = True
            return []
        return [request]

    def frame(self, reply: bytes) -> bytes:
        return reply


PROTOCOLS: Dict[str, Type[Framing]] = {
    "line": LineFraming,
    "seed": SeedFraming,
}
