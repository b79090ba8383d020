"""HTTP/1.1 replies with Content-Length, in chunks, or until the connection ends.

Source: RFC 9112. A head that equals the one before, byte for byte, is not parsed again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numpy import int64, uint8

from loadgen.native import libc
from loadgen.native.compiled import compile_function, inline
from loadgen.protocols.http_request import WITHOUT_BODY
from loadgen.protocols.parser import DONE, KIND, MORE, OWN, PARSE, PROTOCOL, STATUS, WILL_CLOSE

# Words of a connection's state.
_PHASE, _LEFT, _AT, _HEADER, _FRAME = range(OWN, OWN + 5)

(
    _STATUS_LINE,
    _LINE_START,
    _NAME,
    _VALUE,
    _BODY,
    _UNTIL_CLOSE,
    _CHUNK_SIZE,
    _CHUNK_EXTENSION,
    _CHUNK,
    _CHUNK_END,
    _TRAILER,
) = range(11)

# How the body is framed, according to the head.
_BY_CLOSE, _BY_LENGTH, _BY_CHUNKS = range(3)

# Words of the protocol's numbers: what is known about the head in memory.
_KNOWN, _KNOWN_STATUS, _KNOWN_CLOSE, _KNOWN_LEFT, _KNOWN_PHASE = range(5)

HEAD_BYTES = 4096

_CR, _LF, _COLON, _SPACE, _TAB, _SEMICOLON = (ord(c) for c in "\r\n: \t;")
_START = np.frombuffer(b"HTTP/1.", np.uint8)
_NO_LINE, _NO_HEADER, _LENGTH, _ENCODING, _CONNECTION = range(-1, 4)
_LONGEST = 17
_NAMES = np.zeros((4, _LONGEST + 1), np.uint8)  # the names to recognise, in lower case, padded with 0
for _row, _name in ((_LENGTH, b"content-length"), (_ENCODING, b"transfer-encoding"), (_CONNECTION, b"connection")):
    _NAMES[_row, : len(_name)] = list(_name)
_CHUNKED = np.frombuffer(b"chunked", np.uint8)
_CLOSE = np.frombuffer(b"close", np.uint8)
_KEEP = np.frombuffer(b"keep-alive", np.uint8)
_MAX_LENGTH = 1 << 50


@inline
def _status_line(state: Any, byte: int) -> bool:
    """Parse a byte of a status line, ``HTTP/1.x 200 reason``."""
    at = state[_AT]
    state[_AT] += 1
    if byte == _LF:
        state[_PHASE], state[_AT], state[_HEADER] = _LINE_START, 0, _NO_LINE
        return at >= 12  # type: ignore[no-any-return]
    if at < len(_START):
        return byte == _START[at]  # type: ignore[no-any-return]
    if at == 7:
        state[WILL_CLOSE] = byte == ord("0")
    elif 9 <= at < 12:
        if not ord("0") <= byte <= ord("9"):
            return False
        state[STATUS] = state[STATUS] * 10 + byte - ord("0")
        return bool(at < 11 or state[STATUS] >= 100)
    elif at == 8:
        return byte == _SPACE
    return True


@inline
def _ends_header(state: Any) -> bool:
    """Return whether the header before this line is whole: a length has digits."""
    return state[_HEADER] != _LENGTH or state[_AT] > 0  # type: ignore[no-any-return]


@inline
def _header(state: Any, byte: int) -> bool:
    """Parse a byte of a header line; a line that begins with white space continues the one before (RFC 9112, 5.2)."""
    if state[_PHASE] == _LINE_START:
        if byte in (_SPACE, _TAB):
            state[_PHASE] = _VALUE
            if state[_HEADER] == _LENGTH:
                state[_AT] = 2 * (state[_AT] > 0)
            return state[_HEADER] != _NO_LINE  # type: ignore[no-any-return]
        if not _ends_header(state):
            return False
        if byte == _CR:
            return True
        state[_PHASE], state[_AT], state[_HEADER] = _NAME, 0, (1 << _LENGTH) | (1 << _ENCODING) | (1 << _CONNECTION)
    if state[_PHASE] == _NAME:
        return _header_name(state, byte)
    header, at = state[_HEADER], state[_AT]
    if byte == _LF:
        state[_PHASE] = _LINE_START
        return True
    if byte == _CR or header == _NO_HEADER:
        return True
    lower = byte | 0x20 if ord("A") <= byte <= ord("Z") else byte
    if header == _LENGTH:
        if byte in (_SPACE, _TAB):
            state[_AT] = 2 * (at > 0)
            return True
        if not ord("0") <= byte <= ord("9") or at == 2 or state[_LEFT] > _MAX_LENGTH:
            return False
        state[_LEFT] = state[_LEFT] * 10 + byte - ord("0")
        state[_AT] = 1
    elif header == _ENCODING:
        state[_AT] = at + 1 if lower == _CHUNKED[at] else lower == _CHUNKED[0]
        if state[_AT] == len(_CHUNKED):
            state[_AT] = 0
            state[_FRAME] = _BY_CHUNKS
    else:
        close, keep = at & 15, at >> 4
        close = close + 1 if lower == _CLOSE[close] else lower == _CLOSE[0]
        keep = keep + 1 if lower == _KEEP[keep] else lower == _KEEP[0]
        if close == len(_CLOSE):
            state[WILL_CLOSE] = 1
            close = 0
        if keep == len(_KEEP):
            state[WILL_CLOSE] = 0
            keep = 0
        state[_AT] = close | keep << 4
    return True


@inline
def _header_name(state: Any, byte: int) -> bool:
    at = state[_AT]
    if byte == _LF:
        return False
    if byte != _COLON:
        lower = byte | 0x20 if ord("A") <= byte <= ord("Z") else byte
        for name in (_LENGTH, _ENCODING, _CONNECTION):
            if at >= _LONGEST or _NAMES[name, at] != lower:
                state[_HEADER] &= ~(1 << name)
        state[_AT] += 1
        return True
    found = _NO_HEADER
    for name in (_LENGTH, _ENCODING, _CONNECTION):
        if state[_HEADER] & (1 << name) and at <= _LONGEST and _NAMES[name, at] == 0:
            found = name
    if found == _LENGTH:
        if state[_FRAME] == _BY_LENGTH:
            return False  # given twice: ambiguous
        if state[_FRAME] == _BY_CLOSE:
            state[_FRAME] = _BY_LENGTH
        state[_LEFT] = 0
    state[_HEADER], state[_PHASE], state[_AT] = found, _VALUE, 0
    return True


@inline
def _end_of_head(state: Any) -> None:
    status, frame = state[STATUS], state[_FRAME]
    state[_AT] = 0
    if state[KIND] == WITHOUT_BODY or status in (204, 304):
        state[_PHASE], state[_LEFT] = _BODY, 0
    elif frame == _BY_CHUNKS:
        state[_PHASE], state[_LEFT] = _CHUNK_SIZE, 0
    elif frame == _BY_LENGTH:
        state[_PHASE] = _BODY
    else:
        state[_PHASE], state[WILL_CLOSE] = _UNTIL_CLOSE, 1


@inline
def _chunk_line(state: Any, byte: int) -> int:
    """Parse a byte between or after chunks; return 1 at the end of the reply, -1 if it is invalid, else 0."""
    phase = state[_PHASE]
    if phase == _TRAILER:
        if byte == _LF:
            if state[_AT] == 0:
                return 1
            state[_AT] = 0
        elif byte != _CR:
            state[_AT] += 1
        return 0
    if phase == _CHUNK_END:
        if byte == _LF:
            state[_PHASE], state[_AT], state[_LEFT] = _CHUNK_SIZE, 0, 0
        return 0 if byte in (_LF, _CR) else -1
    if byte == _LF:
        if state[_AT] == 0:
            return -1
        state[_PHASE] = _CHUNK if state[_LEFT] else _TRAILER
        state[_AT] = 0
    elif phase == _CHUNK_SIZE and byte in (_SEMICOLON, _SPACE, _TAB):
        state[_PHASE] = _CHUNK_EXTENSION
    elif phase == _CHUNK_SIZE and byte != _CR:
        digit = _hexadecimal(byte)
        if digit < 0 or state[_LEFT] > _MAX_LENGTH:
            return -1
        state[_LEFT] = state[_LEFT] * 16 + digit
        state[_AT] += 1
    return 0


@inline
def _hexadecimal(byte: int) -> int:
    if ord("0") <= byte <= ord("9"):
        return byte - ord("0")
    lower = byte | 0x20
    return lower - ord("a") + 10 if ord("a") <= lower <= ord("f") else -1


@compile_function(PARSE, pointer=True)
def parse_http(
    state: npt.NDArray[int64],
    data: npt.NDArray[uint8],
    size: int,
    memory: npt.NDArray[uint8],
    numbers: npt.NDArray[int64],
) -> int:
    """Parse one reply, skipping 1xx replies before it."""
    if size == 0:
        return DONE if state[_PHASE] == _UNTIL_CLOSE else MORE
    i = 0
    fresh = state[_PHASE] == _STATUS_LINE and state[_AT] == 0 and state[KIND] != WITHOUT_BODY
    known = numbers[_KNOWN]
    if fresh and 0 < known <= size and libc.memcmp(data.ctypes.data, memory.ctypes.data, known) == 0:
        state[STATUS], state[WILL_CLOSE] = numbers[_KNOWN_STATUS], numbers[_KNOWN_CLOSE]
        state[_LEFT], state[_PHASE] = numbers[_KNOWN_LEFT], numbers[_KNOWN_PHASE]
        i = known
        if state[_PHASE] == _BODY and state[_LEFT] == 0:
            return int(i)
    while i < size:
        phase = state[_PHASE]
        if phase in (_BODY, _CHUNK):
            step = min(state[_LEFT], size - i)
            state[_LEFT] -= step
            i += step
            if state[_LEFT] == 0:
                if phase == _BODY:
                    return int(i)
                state[_PHASE] = _CHUNK_END
            continue
        if phase == _UNTIL_CLOSE:
            return MORE
        byte = data[i]
        i += 1
        if phase == _STATUS_LINE:
            if not _status_line(state, byte):
                return PROTOCOL
        elif phase == _LINE_START and byte == _LF:
            if not _ends_header(state):
                return PROTOCOL
            if state[STATUS] < 200:
                kind = state[KIND]
                state[:] = 0
                state[KIND] = kind
                fresh = False
                continue
            _end_of_head(state)
            if fresh and i <= len(memory):
                for at in range(i):
                    memory[at] = data[at]
                numbers[_KNOWN], numbers[_KNOWN_STATUS], numbers[_KNOWN_CLOSE] = i, state[STATUS], state[WILL_CLOSE]
                numbers[_KNOWN_LEFT], numbers[_KNOWN_PHASE] = state[_LEFT], state[_PHASE]
            if state[_PHASE] == _BODY and state[_LEFT] == 0:
                return i
        elif phase <= _VALUE:
            if not _header(state, byte):
                return PROTOCOL
        else:
            end = _chunk_line(state, byte)
            if end < 0:
                return PROTOCOL
            if end:
                return i
    return MORE
