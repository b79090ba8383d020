"""The parsers of replies, on input cut at every byte, and the HTTP protocol, against a standard-library server."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadgen import GilbenchError, Load, LoadResult
from loadgen.engine.workspace import to_array
from loadgen.protocols import PROTOCOLS, Protocol, http_protocol, raw_protocol
from loadgen.protocols.http_request import request
from loadgen.protocols.parser import DONE, KIND, MORE, NUMBERS, PARSER_WORDS, PROTOCOL, STATUS, WILL_CLOSE, WRONG
from tests.support.examples import ANY_SPEED
from tests.support.load import run_until


class Parsed:
    """A protocol's parser with its state for one connection."""

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self.memory = to_array(protocol.memory)
        self.numbers = np.zeros(NUMBERS, np.int64)
        self.numbers[: len(protocol.numbers)] = protocol.numbers
        self.state = np.zeros(PARSER_WORDS, np.int64)
        self.kind = protocol.kinds[0] if protocol.kinds else 0

    def feed(self, data: bytes) -> int:
        return self.protocol.parse(self.state, to_array(data + b"\0"), len(data), self.memory, self.numbers)

    def feed_all(self, pieces: list[bytes]) -> int:
        """Return the result of the last piece; no earlier one may complete the reply."""
        self.state[:] = 0
        self.state[KIND] = self.kind
        for piece in pieces[:-1]:
            assert self.feed(piece) == MORE
        return self.feed(pieces[-1])


HTTP = http_protocol([request("localhost")])

COMPLETE = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "no body": b"HTTP/1.1 200 OK\r\ncontent-length:0\r\nServer: x\r\n\r\n",
    "bare line feeds": b"HTTP/1.1 200\nContent-Length: 2\n\nok",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
    "trailers": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\nDigest: abc\r\n\r\n",
    "continue": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nx",
    "folded": b"HTTP/1.1 200 OK\r\nX: 1\r\n folded: \t2\r\nContent-Length:\r\n 2\r\n\r\nok",
    "no content": b"HTTP/1.1 204 No Content\r\nX-Content-Length: 7\r\n\r\n",
    "not modified": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n",
    "both": b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("name", COMPLETE)
def test_parse_http_finds_the_end_of_a_reply_wherever_it_is_cut(name: str) -> None:
    reply = COMPLETE[name]
    for cut in range(1, len(reply)):
        parsed = Parsed(HTTP)
        assert parsed.feed_all([reply[:cut], reply[cut:]]) == len(reply) - cut, cut
    assert Parsed(HTTP).feed_all([reply[i : i + 1] for i in range(len(reply))]) == 1


@ANY_SPEED
@given(st.data())
def test_parse_http_takes_no_bytes_beyond_a_reply(data: st.DataObject) -> None:
    parsed = Parsed(HTTP)
    for name in data.draw(st.lists(st.sampled_from(sorted(COMPLETE)), min_size=1, max_size=4)):
        reply = COMPLETE[name]
        cuts = sorted(data.draw(st.sets(st.integers(1, len(reply) - 1), max_size=6)))
        pieces = [reply[a:b] for a, b in zip([0, *cuts], [*cuts, len(reply)], strict=True)]
        last = len(pieces[-1])
        pieces[-1] += data.draw(st.binary(max_size=3))  # not part of the reply
        assert parsed.feed_all(pieces) == last


@ANY_SPEED
@given(st.lists(st.binary(max_size=6), min_size=1, max_size=8), st.sampled_from(sorted(PROTOCOLS)), st.booleans())
def test_parse_exact_agrees_with_the_plainest_parser(pieces: list[bytes], name: str, right: bool) -> None:
    """In the plainest parser, the bytes received so far are a part of the reply, or contain it, or are wrong."""
    protocol = PROTOCOLS[name]
    if right:  # random bytes hardly ever are: cut the right reply, followed by the last piece, at the drawn lengths
        stream = protocol.memory + pieces[-1]
        cuts = [0, *itertools.accumulate(max(1, len(piece)) for piece in pieces)]
        pieces = [part for a, b in itertools.pairwise([*cuts, len(stream)]) if (part := stream[a:b])]
    parsed, before = Parsed(protocol), 0
    for piece in pieces:
        if not piece:  # empty data means the end of the stream
            continue
        found = parsed.feed(piece)
        seen = b"".join(pieces)[: before + len(piece)]
        if seen.startswith(protocol.memory):
            assert found == len(protocol.memory) - before
            return
        if not protocol.memory.startswith(seen):
            assert found == WRONG
            return
        assert found == MORE
        before += len(piece)


def test_parse_http_understands_a_head_seen_before() -> None:
    parsed = Parsed(HTTP)
    for name in ("length", "length", "chunks", "chunks", "no body", "length"):
        assert parsed.feed_all([COMPLETE[name]]) == len(COMPLETE[name])
        assert parsed.state[STATUS] == 200


@pytest.mark.parametrize(
    ("head", "status", "closing"),
    [
        (b"HTTP/1.1 404 Not Found\r\n", 404, False),
        (b"HTTP/1.1 503 No\r\nConnection: Close\r\n", 503, True),
        (b"HTTP/1.0 200 OK\r\n", 200, True),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", 200, False),
    ],
)
def test_parse_http_finds_the_status_and_the_wish_to_close(head: bytes, status: int, closing: bool) -> None:
    parsed = Parsed(HTTP)
    reply = head + b"Content-Length: 1\r\n\r\nx"
    assert parsed.feed_all([reply]) == len(reply)
    assert (parsed.state[STATUS], bool(parsed.state[WILL_CLOSE])) == (status, closing)


def test_parse_http_ends_a_reply_without_a_length_with_the_connection() -> None:
    parsed = Parsed(HTTP)
    assert parsed.feed_all([b"HTTP/1.1 200 OK\r\n\r\nsome", b"more", b""]) == DONE
    assert parsed.feed_all([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsome", b""]) == MORE


def test_http_protocol_expects_no_body_for_a_head_request() -> None:
    parsed = Parsed(http_protocol([request("localhost", method="HEAD")]))
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"
    assert parsed.feed_all([reply]) == len(reply)


@pytest.mark.parametrize(
    "reply",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 20x OK\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n folded: into nothing\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length:\r\nX: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
    ],
)
def test_parse_http_refuses_what_is_not_http(reply: bytes) -> None:
    assert Parsed(HTTP).feed_all([reply]) == PROTOCOL


@ANY_SPEED
@given(st.binary(max_size=300))
def test_parse_http_survives_garbage(garbage: bytes) -> None:
    assert Parsed(HTTP).feed(b"HTTP/1.1 200 OK\r\n" + garbage) <= len(garbage) + 17


@pytest.mark.parametrize("delimiter", [b"\n", b"\r\n\r\n", b"aab", b"abcabd"])
def test_parse_delimited_finds_a_delimiter_wherever_it_is_cut(delimiter: bytes) -> None:
    protocol = raw_protocol([b"?"], delimiter=delimiter)
    reply = delimiter[:-1] + b"aaabcabc\r\n\r" + delimiter
    end = reply.index(delimiter) + len(delimiter)
    for cut in range(1, end):
        parsed = Parsed(protocol)
        assert parsed.feed_all([reply[:cut], reply[cut:end]]) == end - cut


def test_parse_length_finds_the_end_of_a_reply() -> None:
    parsed = Parsed(raw_protocol([b"?"], length=10))
    assert parsed.feed_all([b"1234", b"567890"]) == 6


def test_request_writes_the_headers_that_are_needed() -> None:
    assert request("localhost:80", "/a?b") == b"GET /a?b HTTP/1.1\r\nHost: localhost:80\r\n\r\n"
    whole = request("x", method="POST", headers=[("host", "y"), ("A", "b")], body=b"data")
    assert whole == b"POST / HTTP/1.1\r\nhost: y\r\nA: b\r\nContent-Length: 4\r\n\r\ndata"
    for wrong in ({"path": "/a b"}, {"path": "/\r\nX: y"}, {"headers": [("A", "b\r\nC: d")]}, {"method": ""}):
        with pytest.raises(GilbenchError):
            request("x", **wrong)


# A real server.


class Pages(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # head and body in one segment; otherwise each reply waits for a delayed acknowledgement

    def do_GET(self) -> None:
        status = int(self.path.strip("/") or 200)
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Ignore clients that leave."""


@pytest.fixture(scope="module")
def pages() -> Iterator[int]:
    with Server(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def ask(port: int, *requests: bytes, replies: int = 50, **changes: Any) -> LoadResult:
    """Send requests until a number of replies has been received."""
    load = Load(host="127.0.0.1", port=port, protocol=http_protocol(requests), connections=2, timeout_s=3600, **changes)
    return run_until(load, lambda good, errors: good + errors.total() >= replies)


def test_engine_counts_replies_by_status(pages: int) -> None:
    paths = ("/200", "/404", "/503", "/200")
    result = ask(pages, *(request("localhost", path) for path in paths))
    done = result.requests + result.failed
    assert done >= 50
    assert result.statuses["2xx"] == result.requests == pytest.approx(done / 2, abs=2)
    assert result.errors == {"http_4xx": result.statuses["4xx"], "http_5xx": result.statuses["5xx"]}
    assert result.statuses["4xx"] == pytest.approx(done / 4, abs=2)
    assert result.latency.total == result.requests  # a quick refusal does not improve percentiles


def test_engine_sends_a_body_and_reads_chunks(pages: int) -> None:
    result = ask(pages, request("localhost", method="POST", body=b"x" * 3000), requests_per_connection=5)
    assert result.errors == {}
    assert result.requests >= 50


def test_engine_sends_requests_in_random_order(pages: int) -> None:
    requests = [request("localhost", path) for path in ("/200", "/404")]
    result = ask(pages, *requests, replies=200, order="random", seed=3)
    assert 0.3 < result.requests / (result.requests + result.failed) < 0.7


def test_engine_counts_a_reply_in_another_protocol_as_wrong(pages: int) -> None:
    load = Load(host="127.0.0.1", port=pages, protocol="line", timeout_s=3600)
    result = run_until(load, lambda _, errors: errors.total() > 0)
    assert set(result.errors) == {"wrong_reply"}
