"""Protocols, the bytes of requests and replies: one parser per file, one row per protocol.

A custom protocol is a compiled parser (:mod:`loadgen.protocols.parser`) and a :class:`Protocol`, passed to
:class:`~loadgen.load.Load` as it is, or by name once it is in :data:`PROTOCOLS`. Parsers that not every load needs are
imported, and the first time compiled, by the functions that need them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from loadgen.errors import GilbenchError
from loadgen.protocols import http_request
from loadgen.protocols.exact import parse_exact
from loadgen.protocols.parser import NUMBERS

Parser = Callable[..., int]


class Protocol(NamedTuple):
    """The description of a protocol for the engine.

    Attributes:
        name: displayed name.
        requests: the bytes of each request to choose from.
        parse: parser, compiled for :data:`loadgen.protocols.parser.PARSE`.
        quit: the bytes to send before a connection is closed, if any.
        memory: initial content of the parser's memory.
        numbers: initial values of the parser's numbers, at most 16.
        kinds: of each request a number, which its parser finds in word ``KIND``; empty: all 0.
        may_close: whether a server may close a connection between two requests: the request is then sent on another.
    """

    name: str
    requests: tuple[bytes, ...]
    parse: Parser
    quit: bytes = b""
    memory: bytes = b""
    numbers: tuple[int, ...] = ()
    kinds: tuple[int, ...] = ()
    may_close: bool = False


PROTOCOLS = {
    "line": Protocol("line", (b"hello\n",), parse_exact, b"Q\n", b"Yes, yes\n"),
    "seed": Protocol("seed", (b"hello",), parse_exact, b"Q", b"Yes, yes"),
}


def any_line_protocol(requests: Sequence[bytes]) -> Protocol:
    """Return a protocol whose reply is any line, for requests without their line ends."""
    from loadgen.protocols.any_line import parse_line  # noqa: PLC0415

    return Protocol("any line", tuple(request + b"\n" for request in requests), parse_line, b"Q\n")


def http_protocol(requests: Sequence[bytes]) -> Protocol:
    """Return an HTTP/1.1 protocol for whole requests (:func:`loadgen.protocols.http_request.request`)."""
    from loadgen.protocols.http1 import HEAD_BYTES, parse_http  # noqa: PLC0415

    kinds = tuple(map(http_request.kind, requests))
    return Protocol("http", tuple(requests), parse_http, memory=bytes(HEAD_BYTES), kinds=kinds, may_close=True)


def raw_protocol(
    requests: Sequence[bytes], *, expect: bytes = b"", length: int = 0, delimiter: bytes = b"", quit_with: bytes = b""
) -> Protocol:
    """Return a protocol of bytes; exactly one of ``expect``, ``length`` and ``delimiter`` defines where a reply ends.

    Args:
        requests: the bytes of each request.
        expect: the whole reply; any other is wrong.
        length: length of a reply in bytes.
        delimiter: the bytes that end a reply, at most 16.
        quit_with: the bytes to send before a connection is closed.

    Raises:
        GilbenchError: not exactly one of them is given, or the delimiter is too long.
    """
    if bool(expect) + bool(length) + bool(delimiter) != 1 or length < 0:
        raise GilbenchError(
            "a raw protocol must know where a reply ends: give either an expected reply, a length or a delimiter"
        )
    if len(delimiter) > NUMBERS:
        raise GilbenchError(f"the delimiter is longer than {NUMBERS} bytes: give only the last of them")
    if expect:
        return Protocol("raw", tuple(requests), parse_exact, quit_with, expect)
    from loadgen.protocols.raw import fallbacks, parse_delimited, parse_length  # noqa: PLC0415

    if length:
        return Protocol("raw", tuple(requests), parse_length, quit_with, numbers=(length,))
    return Protocol("raw", tuple(requests), parse_delimited, quit_with, delimiter, fallbacks(delimiter))
