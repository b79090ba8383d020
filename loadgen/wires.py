"""How a request and its reply look as bytes: one row a wire.

A wire is the bytes of a request, those that end a conversation, and one compiled function that looks at the bytes
received so far and says how many of them are a reply, ``MORE`` or ``WRONG``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import types

from loadgen.compiled import compiled

MORE = 0
WRONG = -1

BYTES = types.Array(types.uint8, 1, "C")
SCAN = types.int64(BYTES, types.int64)

_YES = np.frombuffer(b"Yes, yes", np.uint8)
_NEWLINE = ord("\n")


@compiled(SCAN)
def scan_line(received: npt.NDArray[np.uint8], size: int) -> int:
    """``Yes, yes`` and a line end."""
    for i in range(min(size, len(_YES))):
        if received[i] != _YES[i]:
            return WRONG
    if size <= len(_YES):
        return MORE
    return len(_YES) + 1 if received[len(_YES)] == _NEWLINE else WRONG


@compiled(SCAN)
def scan_seed(received: npt.NDArray[np.uint8], size: int) -> int:
    """``Yes, yes`` and nothing else."""
    for i in range(min(size, len(_YES))):
        if received[i] != _YES[i]:
            return WRONG
    return MORE if size < len(_YES) else len(_YES)


class Wire(NamedTuple):
    """A row of the table.

    Attributes:
        request: the bytes of a request.
        quit: the bytes that end a conversation.
        scan: ``(received: uint8[:], size: int) -> int``, compiled: length of the reply, ``MORE`` or ``WRONG``.
    """

    request: bytes
    quit: bytes
    scan: Any


WIRES = {
    "line": Wire(b"hello\n", b"Q\n", scan_line),
    "seed": Wire(b"hello", b"Q", scan_seed),
}
