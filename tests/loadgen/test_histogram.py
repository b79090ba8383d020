"""The histogram and its encoding, compared with plain sorted lists and with an independent HdrHistogram."""

from __future__ import annotations

import base64
import contextlib
import math
import struct
import zlib
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from loadgen.errors import GilbenchError
from loadgen.histograms import recording
from loadgen.histograms.hdr_encoding import HIGHEST_NS, LOWEST_NS, SIGNIFICANT_DIGITS
from loadgen.histograms.histogram import BUCKETS, Histogram, bucket_index, empty_extremes, highest_in_bucket
from tests.support.compiled import callable_part
from tests.support.examples import ANY_SPEED, FEWER

count = callable_part(recording.count)

# Every order of magnitude is equally likely, from nanoseconds to an hour.
TIMES_NS = st.integers(0, 41).flatmap(lambda power: st.integers(2**power, min(2 ** (power + 1) - 1, HIGHEST_NS)))
LISTS = st.lists(TIMES_NS, max_size=200)
SOME = st.lists(TIMES_NS, min_size=1, max_size=200)
PERCENTS = st.sampled_from(["0", "1", "25", "50", "90", "99", "99.9", "99.99", "100"])


def counted(values: Sequence[int]) -> Histogram:
    counts, extremes = np.zeros(BUCKETS, np.int64), empty_extremes()
    for value in values:
        count(counts, extremes[0], value)
    return Histogram.of(counts, extremes[0])


def nearest_rank(ordered: Sequence[int], percent: str) -> int:
    return ordered[max(1, math.ceil(len(ordered) * Fraction(percent) / 100)) - 1]


def highest_alike(value: int) -> int:
    return highest_in_bucket(bucket_index(value))


def packed(payload: bytes, *, highest: int = HIGHEST_NS, size: int | None = None) -> str:
    size = len(payload) if size is None else size
    header = struct.pack(">iiiiqqd", 0x1C849313, size, 0, SIGNIFICANT_DIGITS, LOWEST_NS, highest, 1.0)
    body = zlib.compress(header + payload)
    return base64.b64encode(struct.pack(">ii", 0x1C849314, len(body)) + body).decode()


# Buckets.


@ANY_SPEED
@given(TIMES_NS)
def test_bucket_index_keeps_three_digits(value: int) -> None:
    index = bucket_index(value)
    lowest = highest_in_bucket(index - 1) + 1
    highest = highest_in_bucket(index)
    assert lowest <= value <= highest
    assert highest - lowest <= lowest / 10**SIGNIFICANT_DIGITS
    assert value >= 2048 or lowest == highest


def test_histogram_has_buckets_without_gap_or_overlap() -> None:
    last = bucket_index(HIGHEST_NS)
    assert last < BUCKETS
    for index in range(last):
        highest = highest_in_bucket(index)
        assert (bucket_index(highest), bucket_index(highest + 1)) == (index, index + 1)


@ANY_SPEED
@given(st.integers(HIGHEST_NS, 2**62), st.integers(-(2**62), 0))
def test_bucket_index_counts_values_out_of_range_at_the_ends(above: int, below: int) -> None:
    assert bucket_index(above) == bucket_index(HIGHEST_NS)
    assert bucket_index(below) == 0
    assert counted([above, 5]).total == 2
    assert counted([above, 5]).max_ns == above


# Counting.


@ANY_SPEED
@given(LISTS)
def test_histogram_loses_no_value(values: list[int]) -> None:
    histogram = counted(values)
    assert histogram.total == len(values)
    assert histogram.sum_ns == sum(values)
    assert histogram.min_ns == min(values, default=None)
    assert histogram.max_ns == max(values, default=None)
    assert histogram.mean_ns == (sum(values) / len(values) if values else None)


@ANY_SPEED
@given(SOME, PERCENTS)
def test_histogram_returns_percentiles_by_nearest_rank_within_a_bucket(values: list[int], percent: str) -> None:
    exact = nearest_rank(sorted(values), percent)
    found = counted(values).percentile_ns(float(percent))
    assert found == min(highest_alike(exact), max(values))
    assert exact <= found <= exact * (1 + 10**-SIGNIFICANT_DIGITS)


@pytest.mark.parametrize("thousands", [1, 7, 41, 82, 83, 164, 165, 1000])
def test_histogram_does_not_round_a_whole_rank_up(thousands: int) -> None:
    # 41,000 × 99.9 / 100 is a little more than 40,959 in floating point.
    counts = np.zeros(BUCKETS, np.int64)
    counts[1000], counts[2000] = thousands * 999, thousands
    assert Histogram(counts, 1000, 2000, 0).percentile_ns(99.9) == 1000
    counts[1000], counts[2000] = thousands * 999 - 1, thousands + 1
    assert Histogram(counts, 1000, 2000, 0).percentile_ns(99.9) == 2000


def test_histogram_has_no_percentiles_when_empty() -> None:
    assert Histogram().percentile_ns(50) is None
    assert (Histogram().total, Histogram().mean_ns, Histogram().max_ns) == (0, None, None)


@ANY_SPEED
@given(LISTS, LISTS)
def test_histogram_merges_exactly(some: list[int], others: list[int]) -> None:
    merged, both = counted(some).merge(counted(others)), counted(some + others)
    assert np.array_equal(merged.counts, both.counts)
    assert (merged.min_ns, merged.max_ns, merged.sum_ns) == (both.min_ns, both.max_ns, both.sum_ns)


# Its encoding.


@ANY_SPEED
@given(LISTS)
def test_hdr_encoding_decodes_what_it_encodes(values: list[int]) -> None:
    before = counted(values)
    after = Histogram.decode(before.encode())
    assert np.array_equal(after.counts, before.counts)
    assert after.encode() == before.encode()
    if values:
        assert after.min_ns == highest_alike(min(values))
        assert after.max_ns == highest_alike(max(values))
        assert sum(values) <= after.sum_ns <= sum(values) * (1 + 10**-SIGNIFICANT_DIGITS)
    else:
        assert (after.min_ns, after.max_ns, after.sum_ns) == (None, None, 0)


@pytest.mark.parametrize("number", [1, 63, 64, 8191, 8192, 2**34, 2**55 - 1, 2**55, 2**61])
def test_hdr_encoding_encodes_counts_of_every_length(number: int) -> None:
    counts = np.zeros(BUCKETS, np.int64)
    counts[[0, 5, bucket_index(HIGHEST_NS)]] = number, 1, 1
    text = Histogram(counts, 0, HIGHEST_NS, 0).encode()
    assert np.array_equal(Histogram.decode(text).counts, counts)
    assert HdrHistogram.decode(text).get_count_at_value(0) == number


@FEWER  # the independent HdrHistogram walks all of its buckets in Python
@given(st.lists(TIMES_NS, max_size=30))
def test_hdr_encoding_is_read_by_an_independent_reader(values: list[int]) -> None:
    # A thousand of each, so that no rank falls between two values, where the readers round differently.
    ours = counted([value for value in values for _ in range(1000)])
    theirs = HdrHistogram.decode(ours.encode())
    assert theirs.get_total_count() == ours.total
    assert {value: theirs.get_count_at_value(value) for value in values} == {
        value: 1000 * sum(bucket_index(other) == bucket_index(value) for other in values) for value in values
    }
    if ours.max_ns is not None and ours.min_ns is not None:
        assert theirs.get_max_value() == highest_alike(ours.max_ns)
        assert theirs.get_min_value() <= ours.min_ns <= highest_alike(theirs.get_min_value())
        for percent in (50, 90, 99, 99.9):
            assert min(theirs.get_value_at_percentile(percent), ours.max_ns) == ours.percentile_ns(percent)


@FEWER
@given(st.lists(TIMES_NS, max_size=30))
def test_hdr_encoding_reads_an_independent_writer(values: list[int]) -> None:
    theirs = HdrHistogram(LOWEST_NS, HIGHEST_NS, SIGNIFICANT_DIGITS)
    for value in values:
        assert theirs.record_value(value)
    ours = Histogram.decode(theirs.encode().decode())
    assert Counter(dict(enumerate(ours.counts.tolist()))) == Counter(map(bucket_index, values))


# Damage.


def test_hdr_encoding_refuses_another_layout() -> None:
    minute = HdrHistogram(1, 60_000_000, 2)
    minute.record_value(1234)
    with pytest.raises(GilbenchError, match="another layout"):
        Histogram.decode(minute.encode().decode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "=",
        "AAAA",
        "not base64!",
        "größer",
        "two\nlines",
        base64.b64encode(b"\0" * 8 + zlib.compress(b"short")).decode(),
        packed(b"\x02" * BUCKETS + b"\x02"),  # more counts than buckets
        packed(b"\xff" * 9 + b"\x02"),  # a gap beyond the last bucket
        packed(b"\x02\x80"),  # ends in the middle of a number
        packed(b"\x02\x02", size=1),
        packed(b"\x02", size=2),
        packed(b"\x02", size=-1),
        packed(b"\x02", highest=HIGHEST_NS + 1),
    ],
)
def test_hdr_encoding_refuses_what_is_not_a_histogram_in_one_line(text: str) -> None:
    with pytest.raises(GilbenchError) as caught:
        Histogram.decode(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


@ANY_SPEED
@given(SOME, st.data())
def test_hdr_encoding_detects_damage(values: list[int], data: st.DataObject) -> None:
    whole = counted(values)
    text = whole.encode()
    place = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(GilbenchError):
        Histogram.decode(text[:place])
    with pytest.raises(GilbenchError):
        Histogram.decode(text[:place] + "!" + text[place + 1 :])
    place = data.draw(st.integers(0, len(text) - 5))  # some bits of the last letters are unused
    letter = data.draw(st.sampled_from("ABCDwxyz0189+/").filter(lambda letter: letter != text[place]))
    with contextlib.suppress(GilbenchError):  # some bits of the compressed data are unused
        assert np.array_equal(Histogram.decode(text[:place] + letter + text[place + 1 :]).counts, whole.counts)


@ANY_SPEED
@given(st.binary(max_size=60))
def test_hdr_encoding_reads_or_refuses_any_payload(payload: bytes) -> None:
    try:
        histogram = Histogram.decode(packed(payload))
    except GilbenchError:
        return
    assert np.array_equal(Histogram.decode(histogram.encode()).counts, histogram.counts)
