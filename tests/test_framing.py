"""Telling requests apart, whatever pieces the stream comes in."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servers.framing import MAX_LINE_BYTES, WIRES, Framing, FramingError, LineFraming, SeedFraming

QUITS = (b"Q", b"q")
LINE_ENDS = (b"\n", b"\r\n")
LONGEST = b"x" * MAX_LINE_BYTES


def is_plain(line: bytes) -> bool:
    return b"\n" not in line and not line.endswith(b"\r") and line not in QUITS


PLAIN_LINES = st.binary(max_size=40).filter(is_plain)
ENDED_LINES = st.lists(st.tuples(PLAIN_LINES, st.sampled_from(LINE_ENDS)), max_size=12)
CUTS = st.lists(st.integers(min_value=0, max_value=500), max_size=20)


def cut(stream: bytes, places: Iterable[int]) -> list[bytes]:
    edges = sorted({0, len(stream), *(place for place in places if place < len(stream))})
    return [stream[start:end] for start, end in itertools.pairwise(edges)]


def received(framing: Framing, chunks: Iterable[bytes]) -> list[bytes]:
    requests = []
    for chunk in chunks:
        if framing.over:
            break
        requests += framing.receive(chunk)
    return requests


def dripped(stream: bytes) -> list[bytes]:
    return [bytes([byte]) for byte in stream]


class CountingBytes(bytes):
    """One byte that counts how often it is looked through."""

    looks = 0

    def __contains__(self, item: object) -> bool:
        CountingBytes.looks += 1
        return super().__contains__(item)  # type: ignore[operator]


# The line wire.


@given(ENDED_LINES, CUTS)
def test_requests_do_not_depend_on_where_the_stream_is_cut(ended: list[tuple[bytes, bytes]], places: list[int]) -> None:
    stream = b"".join(line + end for line, end in ended)
    framing = LineFraming()
    assert received(framing, cut(stream, places)) == [line for line, _ in ended]
    assert not framing.over
    assert not framing.partial


@given(ENDED_LINES, CUTS, st.sampled_from(QUITS), st.sampled_from(LINE_ENDS), st.binary(max_size=40))
def test_after_a_quit_nothing_is_a_request(
    ended: list[tuple[bytes, bytes]], places: list[int], quit_: bytes, quit_end: bytes, later: bytes
) -> None:
    stream = b"".join(line + end for line, end in ended) + quit_ + quit_end + later
    framing = LineFraming()
    assert received(framing, cut(stream, places)) == [line for line, _ in ended]
    assert framing.over


@given(PLAIN_LINES.filter(len), CUTS)
def test_the_end_in_the_middle_of_a_line_is_an_error(line: bytes, places: list[int]) -> None:
    framing = LineFraming()
    assert received(framing, [b"whole\n", *cut(line, places)]) == [b"whole"]
    with pytest.raises(FramingError, match="middle of a line"):
        framing.receive(b"")
    assert framing.over


@given(ENDED_LINES, CUTS)
def test_the_end_between_lines_is_the_end(ended: list[tuple[bytes, bytes]], places: list[int]) -> None:
    framing = LineFraming()
    received(framing, cut(b"".join(line + end for line, end in ended), places))
    assert framing.receive(b"") == []
    assert framing.over


@pytest.mark.parametrize("line", [b"QQ", b" Q", b"Q ", b"quit", b"\rQ", b"Q\r\r", b""])
def test_what_only_looks_like_a_quit_is_a_request(line: bytes) -> None:
    framing = LineFraming()
    assert len(framing.receive(line + b"\n")) == 1
    assert not framing.over


@pytest.mark.parametrize(
    "line", [b"\xff\xfe\xfd", b"\xc3\x28", b"\xed\xa0\x80", b"\x00\x00", bytes(set(range(256)) - {ord("\n")})]
)
def test_bytes_that_are_no_text_pass_through(line: bytes) -> None:
    assert LineFraming().receive(line + b"\n") == [line]
    assert received(LineFraming(), dripped(line + b"\n")) == [line]


@pytest.mark.parametrize("pieces", [[1], [1, MAX_LINE_BYTES], [MAX_LINE_BYTES], [MAX_LINE_BYTES - 1], range(0, 99, 7)])
def test_the_longest_line_is_accepted_however_it_comes(pieces: Iterable[int]) -> None:
    stream = b"first\n" + LONGEST + b"\n" + LONGEST + b"\nlast\n"
    assert received(LineFraming(), cut(stream, pieces)) == [b"first", LONGEST, LONGEST, b"last"]


def test_one_byte_more_is_an_error_when_it_arrives_whole() -> None:
    with pytest.raises(FramingError, match=str(MAX_LINE_BYTES)):
        LineFraming().receive(LONGEST + b"x\n")


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_one_byte_more_is_an_error_when_it_comes_after(end: bytes) -> None:
    framing = LineFraming()
    assert framing.receive(LONGEST) == []
    with pytest.raises(FramingError, match=str(MAX_LINE_BYTES)):
        framing.receive(b"x" + end)


def test_an_endless_line_is_refused_as_soon_as_it_is_too_long() -> None:
    framing = LineFraming()
    assert received(framing, dripped(LONGEST)) == []
    assert len(framing.partial) == MAX_LINE_BYTES
    with pytest.raises(FramingError):
        framing.receive(b"x")


def test_dripping_searches_each_byte_once() -> None:
    CountingBytes.looks = 0
    drops = [CountingBytes([byte]) for byte in LONGEST[1:]]
    framing = LineFraming()
    assert received(framing, [LONGEST[:1], *drops]) == []
    assert CountingBytes.looks == len(drops)
    assert framing.receive(b"\n") == [LONGEST]


def test_dripping_does_not_copy_what_is_held() -> None:
    framing = LineFraming()
    framing.receive(LONGEST[:-2000])
    drops = dripped(LONGEST[-2000:])
    tracemalloc.start()
    try:
        for drop in drops:
            framing.receive(drop)
        now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - now < len(LONGEST) // 2
    assert framing.receive(b"\n") == [LONGEST]


def test_a_line_reply_is_a_line() -> None:
    assert LineFraming().frame(b"Yes, yes") == b"Yes, yes\n"


# The seed wire.


@given(st.lists(st.binary(min_size=1, max_size=40).filter(lambda chunk: chunk.strip(b"\r\n") not in QUITS)))
def test_every_chunk_is_a_message(chunks: list[bytes]) -> None:
    framing = SeedFraming()
    assert received(framing, chunks) == [chunk.rstrip(b"\r\n") for chunk in chunks]
    assert not framing.over


@pytest.mark.parametrize("quit_", [b"Q", b"q", b"Q\n", b"q\n", b"Q\r\n", b"q\r\n"])
def test_a_message_that_says_quit_ends_it(quit_: bytes) -> None:
    framing = SeedFraming()
    assert framing.receive(b"hello") == [b"hello"]
    assert framing.receive(quit_) == []
    assert framing.over


@pytest.mark.parametrize("message", [b"QQ", b"\nQ", b"Q ", b"hello\nQ\n", b"\n", b"\xff\x00"])
def test_a_message_that_only_looks_like_a_quit_is_one(message: bytes) -> None:
    framing = SeedFraming()
    assert framing.receive(message) == [message.rstrip(b"\n")]
    assert not framing.over


def test_a_message_is_what_one_recv_of_1024_returns() -> None:
    assert SeedFraming.recv_bytes == 1024


def test_a_seed_reply_has_no_end() -> None:
    assert SeedFraming().frame(b"Yes, yes") == b"Yes, yes"


# Every wire.


@pytest.mark.parametrize("wire", WIRES)
def test_the_end_of_file_ends_every_wire(wire: str) -> None:
    framing = WIRES[wire]()
    assert framing.receive(b"") == []
    assert framing.over


@pytest.mark.parametrize("wire", WIRES)
def test_connections_share_nothing(wire: str) -> None:
    one, other = WIRES[wire](), WIRES[wire]()
    one.receive(b"half")
    assert other.receive(b"") == []
    assert not one.over
