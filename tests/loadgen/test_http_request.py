"""Requests that are framed as RFC 9112 asks for, and those that are refused before anything is sent."""

from __future__ import annotations

import pytest

from loadgen import GilbenchError
from loadgen.protocols.http_request import WITH_BODY, WITHOUT_BODY, check_request, kind, request


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_request_states_the_length_of_an_empty_body(method: str) -> None:
    assert b"\r\nContent-Length: 0\r\n" in request("a", method=method)
    assert b"Content-Length" not in request("a", method="DELETE")


def test_request_sends_a_body_as_one_chunk() -> None:
    chunked = [("Transfer-Encoding", "Chunked")]
    made = request("a", method="POST", headers=chunked, body=b"0123456789abcdef0")
    assert made.endswith(b"Transfer-Encoding: Chunked\r\n\r\n11\r\n0123456789abcdef0\r\n0\r\n\r\n")
    assert b"Content-Length" not in made
    assert request("a", headers=chunked).endswith(b"\r\n\r\n0\r\n\r\n")


def test_request_accepts_a_length_that_is_right() -> None:
    assert request("a", headers=[("content-length", "3")], body=b"abc").count(b"ength") == 1


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ([("Transfer-Encoding", "chunked"), ("Content-Length", "3")], b"abc"),
        ([("Transfer-Encoding", "gzip")], b"abc"),
        ([("Transfer-Encoding", "chunked"), ("transfer-encoding", "chunked")], b"abc"),
        ([("Content-Length", "4")], b"abc"),
        ([("Content-Length", "+3")], b"abc"),
        ([("Content-Length", "3"), ("content-length", "3")], b"abc"),
        ([("Host", "a"), ("host", "b")], b""),
    ],
)
def test_request_refuses_headers_that_contradict_the_body(headers: list[tuple[str, str]], body: bytes) -> None:
    with pytest.raises(GilbenchError) as caught:
        request("a", method="POST", headers=headers, body=body)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.0\nHost: a\n\n",
        b"POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ],
)
def test_check_request_accepts_whole_requests(raw: bytes) -> None:
    check_request(raw, "it")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"GET /",
        b"GET / HTTP/1.1\r\nHost: a\r\n",
        b"GET / HTTP/1.1\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"GET / HTTP/2\r\n\r\n",
    ],
)
def test_check_request_refuses_anything_else(raw: bytes) -> None:
    with pytest.raises(GilbenchError, match=r"^request 2 ") as caught:
        check_request(raw, "request 2 of --payload")
    assert "\n" not in str(caught.value)


def test_kind_knows_replies_without_a_body() -> None:
    assert [kind(request("a", method=method)) for method in ("HEAD", "GET", "HEADS")] == [
        WITHOUT_BODY,
        WITH_BODY,
        WITH_BODY,
    ]
