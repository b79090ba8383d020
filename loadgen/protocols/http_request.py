"""HTTP/1.1 requests: made from their parts, and checked where the user provides their bytes.

Source: RFC 9112 (framing: 6), RFC 9110 (Content-Length: 8.6).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from loadgen.errors import GilbenchError

WITH_BODY: Final = 0
WITHOUT_BODY: Final = 1
"""Kinds of requests by their replies: those to HEAD have no body, whatever their head says (RFC 9110, 9.3.2)."""

_EXPECT_CONTENT: Final = {"POST", "PUT", "PATCH"}
_HEAD: Final = re.compile(rb"(?P<method>[!#$%&'*+.^_`|~0-9A-Za-z-]+) (?P<target>\S+) HTTP/1\.[01]\r?\n(?P<headers>.*?)"
                          rb"(?:(?<=\n)|\r?\n)\r?\n", re.DOTALL)  # fmt: skip
_CHUNKED_BODY: Final = re.compile(rb"(?:[0-9A-Fa-f]+[^\n]*\n.*)?0+[^\n]*\n.*\n\Z", re.DOTALL)


def request(
    host: str, path: str = "/", *, method: str = "GET", headers: Sequence[tuple[str, str]] = (), body: bytes = b""
) -> bytes:
    """Return the bytes of a request; ``Host`` and ``Content-Length`` are added where they are missing.

    With a header ``Transfer-Encoding: chunked`` the body is one chunk.

    Raises:
        GilbenchError: the method, the path or a header is invalid, or the headers contradict the body.
    """
    for what, text in (("method", method), ("path", path), *headers):
        if re.search(r"[\r\n\0]", text) or (what in {"method", "path"} and (not text or " " in text)):
            raise GilbenchError(f"invalid {what} {text!r} of an HTTP request: leave out spaces and line ends")
    given = _single(headers)
    lines = [f"{method} {path} HTTP/1.1"]
    lines += [f"Host: {host}"] if "host" not in given else []
    lines += [f"{name}: {value}" for name, value in headers]
    if "transfer-encoding" in given:
        body = _one_chunk(given, body)
    elif "content-length" in given:
        _check_length(given["content-length"], len(body), "the request")
    elif body or method in _EXPECT_CONTENT:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def check_request(raw: bytes, where: str) -> None:
    """Check that bytes are one whole HTTP/1.1 request.

    Raises:
        GilbenchError: they are not; ``where`` names them in the message.
    """
    head = _HEAD.match(raw)
    if not head:
        raise GilbenchError(
            f"{where} is not an HTTP/1.1 request: begin it with a request line, end it with an empty line"
        )
    headers = [line.partition(b":") for line in head["headers"].splitlines()]
    given = _single([(name.decode("latin-1"), value.decode("latin-1").strip()) for name, _, value in headers])
    body = raw[head.end() :]
    if "transfer-encoding" in given:
        if "content-length" in given:
            raise GilbenchError(f"{where} has both Transfer-Encoding and Content-Length: leave one out")
        if not _CHUNKED_BODY.fullmatch(body):
            raise GilbenchError(f"{where} has no last chunk: end it with a line 0 and an empty line")
    else:
        _check_length(given.get("content-length", "0"), len(body), where)


def kind(raw: bytes) -> int:
    """Return whether the reply to a request has a body."""
    return WITHOUT_BODY if raw.startswith(b"HEAD ") else WITH_BODY


def _single(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return the headers that frame a request, and others, by lower-case name.

    Raises:
        GilbenchError: one that frames it is given twice.
    """
    found: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        if key in found and key in {"content-length", "transfer-encoding", "host"}:
            raise GilbenchError(f"{name} is given twice: leave one out")
        found[key] = value
    return found


def _one_chunk(given: dict[str, str], body: bytes) -> bytes:
    if "content-length" in given:
        raise GilbenchError("Transfer-Encoding and Content-Length contradict each other: leave one of the headers out")
    if given["transfer-encoding"].lower() != "chunked":
        raise GilbenchError(f"Transfer-Encoding {given['transfer-encoding']!r} is not supported: use chunked")
    return (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"


def _check_length(stated: str, length: int, where: str) -> None:
    if not stated.isascii() or not stated.isdecimal() or int(stated) != length:
        raise GilbenchError(f"{where} has Content-Length {stated} and a body of {length} bytes: correct one of them")
