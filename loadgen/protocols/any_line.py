"""A protocol whose reply is any line; a line that begins with ``!`` reports that the server's handler failed."""

from __future__ import annotations

import numpy.typing as npt
from numpy import int64, uint8

from loadgen.native.compiled import compile_function
from loadgen.protocols.parser import FAILED, MORE, OWN, PARSE, STATUS

_LF, _MARK = ord("\n"), ord("!")


@compile_function(PARSE, pointer=True)
def parse_line(
    state: npt.NDArray[int64],
    data: npt.NDArray[uint8],
    size: int,
    memory: npt.NDArray[uint8],  # noqa: ARG001 - part of the contract
    numbers: npt.NDArray[int64],  # noqa: ARG001
) -> int:
    """Parse a reply that ends with a line feed."""
    if size and not state[OWN]:
        state[OWN] = 1
        if data[0] == _MARK:
            state[STATUS] = FAILED
    for i in range(size):
        if data[i] == _LF:
            return i + 1
    return MORE
