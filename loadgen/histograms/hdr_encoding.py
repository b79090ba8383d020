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
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import types

from loadgen.errors import GilbenchError
from loadgen.native.compiled import compile_function, inline

LOWEST_NS = 1
HIGHEST_NS = 3_600_000_000_000
SIGNIFICANT_DIGITS = 3

_COOKIE = 0x1C849303 | 0x10
_COMPRESSED_COOKIE = 0x1C849304 | 0x10
_COMPRESSED_HEADER = struct.Struct(">ii")
_HEADER = struct.Struct(">iiiiqqd")
_LONGEST = 9  # bytes of a number, at most

_COUNTS = types.Array(types.int64, 1, "C", readonly=True)
_BYTES = types.Array(types.uint8, 1, "C", readonly=True)


def encode(counts: npt.NDArray[np.int64]) -> str:
    """Encode the counts of all buckets as text."""
    payload = np.empty(_LONGEST * 2 * (np.count_nonzero(counts) + 1), np.uint8)
    payload = payload[: _write(_readonly(counts), payload)]
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
    except (ValueError, zlib.error, struct.error) as exc:
        raise GilbenchError(f"not an HdrHistogram ({exc}): {text[:40]!r}") from exc
    if not _read(np.frombuffer(payload, np.uint8), counts):
        raise GilbenchError(f"not an HdrHistogram (its counts are damaged): {text[:40]!r}")


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


def _readonly(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    view = counts.view()
    view.flags.writeable = False
    return view


@inline
def _put(payload: Any, size: int, number: int) -> int:
    zigzag = np.uint64((number << 1) ^ (number >> 63))
    for _ in range(_LONGEST - 1):
        if zigzag < 0x80:
            break
        payload[size] = zigzag & np.uint64(0x7F) | np.uint64(0x80)
        zigzag >>= np.uint64(7)
        size += 1
    payload[size] = zigzag
    return size + 1


@compile_function()
def _write(counts: Any, payload: Any) -> int:
    """Fill ``payload`` and return the number of bytes written."""
    size, zeros = 0, 0
    for count in counts:
        if count == 0:
            zeros += 1
            continue
        if zeros:
            size = _put(payload, size, -zeros)
            zeros = 0
        size = _put(payload, size, count)
    return size


@compile_function()
def _read(payload: Any, counts: Any) -> bool:
    """Add to ``counts``; return false if the payload does not fit."""
    position, index = 0, 0
    while position < len(payload):
        zigzag, shift = np.uint64(0), np.uint64(0)
        while True:
            if position == len(payload):
                return False
            byte = np.uint64(payload[position])
            position += 1
            last = shift == np.uint64(7 * (_LONGEST - 1))
            zigzag |= (byte if last else byte & np.uint64(0x7F)) << shift
            if last or byte < np.uint64(0x80):
                break
            shift += np.uint64(7)
        number = int(np.int64(zigzag >> np.uint64(1)) ^ -np.int64(zigzag & np.uint64(1)))
        if number < 0:
            if number < index - len(counts):
                return False
            index -= number
        elif index == len(counts):
            return False
        else:
            counts[index] += number
            index += 1
    return True
