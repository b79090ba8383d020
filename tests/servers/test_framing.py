"""The framing of requests on every protocol, with the stream cut into any pieces."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servers.framing import MAX_LINE_BYTES, PROTOCOLS, Framing, FramingError, LineFraming, SeedFraming
from tests.support.examples import ANY_SPEED

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
    """A byte that counts how often it is searched."""

    searches = 0

    def __contains__(self, item: object) -> bool:
        CountingBytes.searches += 1
        return super().__contains__(item)  # type: ignore[operator]


# The line protocol.


@ANY_SPEED
@given(ENDED_LINES, CUTS)
def test_line_framing_finds_requests_wherever_the_stream_is_cut(
    ended: list[tuple[bytes, bytes]], places: list[int]
) -> None:
    stream = b"".join(line + end for line, end in ended)
    framing = LineFraming()
    assert received(framing, cut(stream, places)) == [line for line, _ in ended]
    assert not framing.over
    assert not framing.partial


@ANY_SPEED
@given(ENDED_LINES, CUTS, st.sampled_from(QUITS), st.sampled_from(LINE_ENDS), st.binary(max_size=40))
def test_line_framing_ignores_everything_after_a_quit(
    ended: list[tuple[bytes, bytes]], places: list[int], quit_: bytes, quit_end: bytes, later: bytes
) -> None:
    stream = b"".join(line + end for line, end in ended) + quit_ + quit_end + later
    framing = LineFraming()
    assert received(framing, cut(stream, places)) == [line for line, _ in ended]
    assert framing.over


@ANY_SPEED
@given(PLAIN_LINES.filter(len), CUTS)
def test_line_framing_refuses_an_end_in_the_middle_of_a_line(line: bytes, places: list[int]) -> None:
    framing = LineFraming()
    assert received(framing, [b"whole\n", *cut(line, places)]) == [b"whole"]
    with pytest.raises(FramingError, match="middle of a line"):
        framing.receive(b"")
    assert framing.over


@ANY_SPEED
@given(ENDED_LINES, CUTS)
def test_line_framing_ends_between_lines(ended: list[tuple[bytes, bytes]], places: list[int]) -> None:
    framing = LineFraming()
    received(framing, cut(b"".join(line + end for line, end in ended), places))
    assert framing.receive(b"") == []
    assert framing.over


@pytest.mark.parametrize("line", [b"QQ", b" Q", b"Q ", b"quit", b"\rQ", b"Q\r\r", b""])
def test_line_framing_takes_what_only_resembles_a_quit_for_a_request(line: bytes) -> None:
    framing = LineFraming()
    assert len(framing.receive(line + b"\n")) == 1
    assert not framing.over


@pytest.mark.parametrize(
    "line", [b"\xff\xfe\xfd", b"\xc3\x28", b"\xed\xa0\x80", b"\x00\x00", bytes(set(range(256)) - {ord("\n")})]
)
def test_line_framing_passes_bytes_that_are_not_text(line: bytes) -> None:
    assert LineFraming().receive(line + b"\n") == [line]
    assert received(LineFraming(), dripped(line + b"\n")) == [line]


@pytest.mark.parametrize("pieces", [[1], [1, MAX_LINE_BYTES], [MAX_LINE_BYTES], [MAX_LINE_BYTES - 1], range(0, 99, 7)])
def test_line_framing_accepts_the_longest_line_however_it_is_cut(pieces: Iterable[int]) -> None:
    stream = b"first\n" + LONGEST + b"\n" + LONGEST + b"\nlast\n"
    assert received(LineFraming(), cut(stream, pieces)) == [b"first", LONGEST, LONGEST, b"last"]


def test_line_framing_refuses_one_byte_more_that_arrives_whole() -> None:
    with pytest.raises(FramingError, match=str(MAX_LINE_BYTES)):
        LineFraming().receive(LONGEST + b"x\n")


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_line_framing_refuses_one_byte_more_that_arrives_later(end: bytes) -> None:
    framing = LineFraming()
    assert framing.receive(LONGEST) == []
    with pytest.raises(FramingError, match=str(MAX_LINE_BYTES)):
        framing.receive(b"x" + end)


def test_line_framing_refuses_an_endless_line_once_it_is_too_long() -> None:
    framing = LineFraming()
    assert received(framing, dripped(LONGEST)) == []
    assert len(framing.partial) == MAX_LINE_BYTES
    with pytest.raises(FramingError):
        framing.receive(b"x")


def test_line_framing_searches_each_byte_once() -> None:
    CountingBytes.searches = 0
    drops = [CountingBytes([byte]) for byte in LONGEST[1:]]
    framing = LineFraming()
    assert received(framing, [LONGEST[:1], *drops]) == []
    assert CountingBytes.searches == len(drops)
    assert framing.receive(b"\n") == [LONGEST]


def test_line_framing_does_not_copy_what_it_holds() -> None:
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


def test_line_framing_frames_a_reply_as_a_line() -> None:
    assert LineFraming().frame(b"Yes, yes") == b"Yes, yes\n"


# The seed protocol.


@ANY_SPEED
@given(st.lists(st.binary(min_size=1, max_size=40).filter(lambda chunk: chunk.strip(b"\r\n") not in QUITS)))
def test_seed_framing_takes_every_chunk_for_a_message(chunks: list[bytes]) -> None:
    framing = SeedFraming()
    assert received(framing, chunks) == [chunk.rstrip(b"\r\n") for chunk in chunks]
    assert not framing.over


@pytest.mark.parametrize("quit_", [b"Q", b"q", b"Q\n", b"q\n", b"Q\r\n", b"q\r\n"])
def test_seed_framing_ends_with_a_quit(quit_: bytes) -> None:
    framing = SeedFraming()
    assert framing.receive(b"hello") == [b"hello"]
    assert framing.receive(quit_) == []
    assert framing.over


@pytest.mark.parametrize("message", [b"QQ", b"\nQ", b"Q ", b"hello\nQ\n", b"\n", b"\xff\x00"])
def test_seed_framing_takes_what_only_resembles_a_quit_for_a_message(message: bytes) -> None:
    framing = SeedFraming()
    assert framing.receive(message) == [message.rstrip(b"\n")]
    assert not framing.over


def test_seed_framing_receives_1024_bytes_at_a_time() -> None:
    assert SeedFraming.recv_bytes == 1024


def test_seed_framing_frames_a_reply_without_an_end() -> None:
    assert SeedFraming().frame(b"Yes, yes") == b"Yes, yes"


# Every protocol.


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_framing_ends_with_the_stream_in_every_protocol(protocol: str) -> None:
    framing = PROTOCOLS[protocol]()
    assert framing.receive(b"") == []
    assert framing.over


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_framing_shares_nothing_between_connections(protocol: str) -> None:
    one, other = PROTOCOLS[protocol](), PROTOCOLS[protocol]()
    one.receive(b"half")
    assert other.receive(b"") == []
    assert not one.over
