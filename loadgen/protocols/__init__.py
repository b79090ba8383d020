"""Protocols, the bytes of requests and replies: one parser per file, one row per protocol.

A protocol of one's own is a compiled parser (:mod:`loadgen.protocols.parser`) and a :class:`Protocol`, which is given
to :class:`~loadgen.load.Load` as it is, or by a name once it stands in :data:`PROTOCOLS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from loadgen.errors import GilbenchError
from loadgen.protocols import http1, raw
from loadgen.protocols.any_line import parse_line
from loadgen.protocols.exact import parse_exact
from loadgen.protocols.http1 import parse_http
from loadgen.protocols.raw import fallbacks, parse_delimited, parse_length

Parser = Callable[..., int]


class Protocol(NamedTuple):
    """What an engine needs to know of a protocol.

    Attributes:
        name: as it is shown.
        requests: the bytes of each request to choose from.
        parse: compiled for :data:`loadgen.protocols.parser.PARSE`.
        quit: the bytes that end a conversation, if any.
        memory: what the parser's memory begins as.
        numbers: what the parser's numbers begin as, at most 16.
    """

    name: str
    requests: tuple[bytes, ...]
    parse: Parser
    quit: bytes = b""
    memory: bytes = b""
    numbers: tuple[int, ...] = ()


PROTOCOLS = {
    "line": Protocol("line", (b"hello\n",), parse_exact, b"Q\n", b"Yes, yes\n"),
    "seed": Protocol("seed", (b"hello",), parse_exact, b"Q", b"Yes, yes"),
}


def any_line_protocol(request: bytes) -> Protocol:
    """Return the protocol of a server whose reply is any line, for a request without its line end."""
    return Protocol("any line", (request + b"\n",), parse_line, b"Q\n")


def http_protocol(requests: Sequence[bytes], *, head: bool = False) -> Protocol:
    """Return an HTTP/1.1 protocol for requests as :func:`loadgen.protocols.http1.request` makes them.

    Args:
        requests: the bytes of each.
        head: they are HEAD requests, whose replies have no body.
    """
    return Protocol("http", tuple(requests), parse_http, memory=bytes(http1.HEAD_BYTES), numbers=(int(head),))


def raw_protocol(
    requests: Sequence[bytes], *, expect: bytes = b"", length: int = 0, delimiter: bytes = b"", quit_with: bytes = b""
) -> Protocol:
    """Return a protocol of bytes; exactly one of ``expect``, ``length`` and ``delimiter`` says where a reply ends.

    Args:
        requests: the bytes of each.
        expect: the whole reply; another one is wrong.
        length: bytes of a reply.
        delimiter: the bytes a reply ends with, at most 16.
        quit_with: the bytes that end a conversation.

    Raises:
        GilbenchError: none, or several, are given, or the delimiter is too long.
    """
    if bool(expect) + bool(length) + bool(delimiter) != 1 or length < 0:
        raise GilbenchError(
            "a raw protocol must know where a reply ends: give one of an expected reply, a length, a delimiter"
        )
    if len(delimiter) > raw.MAX_DELIMITER_BYTES:
        raise GilbenchError(f"a delimiter has at most {raw.MAX_DELIMITER_BYTES} bytes: give the last of them")
    if expect:
        return Protocol("raw", tuple(requests), parse_exact, quit_with, expect)
    if length:
        return Protocol("raw", tuple(requests), parse_length, quit_with, numbers=(length,))
    return Protocol("raw", tuple(requests), parse_delimited, quit_with, delimiter, fallbacks(delimiter))
