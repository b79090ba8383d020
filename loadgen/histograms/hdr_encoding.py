"""HdrHistogram's compressed V2 encoding in base64, as its own tools read and write it.

The counts of all buckets up to the last that is not 0, with each run of zeros as its negative length, are written as
ZigZag varints of at most nine bytes, the ninth of which uses all eight bits. They follow a header; both are deflated
and follow another header.

Source: HdrHistogram's ``AbstractHistogram`` and ``ZigZagEncoding``, http://hdrhistogram.org.
"""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
import numpy.typing as npt

from loadgen.errors import GilbenchError

LOWEST_NS = 1
HIGHEST_NS = 3_600_000_000_000
SIGNIFICANT_DIGITS = 3

_COOKIE = 0x1C849303 | 0x10
_COMPRESSED_COOKIE = 0x1C849304 | 0x10
_COMPRESSED_HEADER = struct.Struct(">ii")
_HEADER = struct.Struct(">iiiiqqd")
_LONGEST = 9  # bytes of a number, at most
_SHIFTS = 7 * np.arange(_LONGEST, dtype=np.uint64)
_MORE = np.uint8(0x80)  # the bit of a byte that another byte of the number follows


def encode(counts: npt.NDArray[np.int64]) -> str:
    """Encode the counts of all buckets as text."""
    payload = _varints(_with_gaps(counts))
    header = _HEADER.pack(_COOKIE, len(payload), 0, SIGNIFICANT_DIGITS, LOWEST_NS, HIGHEST_NS, 1.0)
    packed = zlib.compress(header + payload.tobytes())
    return base64.b64encode(_COMPRESSED_HEADER.pack(_COMPRESSED_COOKIE, len(packed)) + packed).decode()


def add(text: str, counts: npt.NDArray[np.int64]) -> None:
    """Add the counts encoded in ``text`` to ``counts``, which has all buckets.

    Raises:
        GilbenchError: ``text`` is not such an encoding, or has another layout.
    """
    try:
        payload = _unpack(base64.b64decode(text, validate=True))
        numbers = _numbers(np.frombuffer(payload, np.uint8))
    except (ValueError, zlib.error, struct.error) as exc:
        raise GilbenchError(f"not an HdrHistogram ({exc}): {text[:40]!r}") from exc
    # A negative number is the length of a run of zeros.
    ends = np.cumsum(np.where(numbers < 0, -np.maximum(numbers, -len(counts) - 1), 1))
    if len(ends) and ends[-1] > len(counts):
        raise GilbenchError(f"not an HdrHistogram (its counts are damaged): {text[:40]!r}")
    counts[ends[numbers >= 0] - 1] += numbers[numbers >= 0]


def _unpack(packed: bytes) -> bytes:
    if _COMPRESSED_HEADER.unpack_from(packed) != (_COMPRESSED_COOKIE, len(packed) - _COMPRESSED_HEADER.size):
        raise ValueError("its header is wrong")
    raw = zlib.decompress(packed[_COMPRESSED_HEADER.size :])
    cookie, size, _, digits, lowest, highest, _ = _HEADER.unpack_from(raw)
    if (cookie, digits, lowest, highest) != (_COOKIE, SIGNIFICANT_DIGITS, LOWEST_NS, HIGHEST_NS):
        raise GilbenchError("the histogram has another layout: only gilbench's own can be read")
    if size != len(raw) - _HEADER.size:
        raise ValueError("its length is wrong")
    return raw[_HEADER.size :]


def _with_gaps(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the counts up to the last that is not 0, with each run of zeros as its negative length."""
    filled = np.flatnonzero(counts)
    gaps = np.diff(filled, prepend=-1) - 1
    numbers = np.zeros((len(filled), 2), np.int64)
    numbers[:, 0], numbers[:, 1] = -gaps, counts[filled]
    found: npt.NDArray[np.int64] = numbers[numbers != 0]
    return found


def _varints(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    zigzag = ((numbers << 1) ^ (numbers >> 63)).astype(np.uint64)
    left = zigzag[:, np.newaxis] >> _SHIFTS  # what is left to write before each byte
    follows = np.zeros(left.shape, np.bool_)
    follows[:, :-1] = left[:, :-1] >= _MORE
    used = np.ones(left.shape, np.bool_)
    used[:, 1:] = follows[:, :-1]
    return np.where(follows, left | _MORE, left).astype(np.uint8)[used]


def _numbers(payload: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Return the numbers of which ``payload`` consists.

    Raises:
        ValueError: it ends in the middle of a number.
    """
    places = np.arange(len(payload))
    follows = payload >= _MORE
    after_last = np.where(np.append(True, ~follows[:-1])[: len(payload)], places, 0)
    nth = (places - np.maximum.accumulate(after_last)) % _LONGEST  # which byte of its number each is
    ninth = nth == _LONGEST - 1
    ends = ~follows | ninth
    if not len(payload):
        return np.zeros(0, np.int64)
    if not ends[-1]:
        raise ValueError("it ends in the middle of a number")
    bits = np.where(ninth, payload, payload & ~_MORE).astype(np.uint64) << _SHIFTS[nth]
    zigzag = np.bitwise_or.reduceat(bits, np.flatnonzero(nth == 0))
    return (zigzag >> 1).astype(np.int64) ^ -(zigzag & 1).astype(np.int64)
