"""Protocols with a fixed reply: those of the reference servers, and raw ones with an expected reply."""

from __future__ import annotations

import numpy.typing as npt
from numpy import int64, uint8

from loadgen.native.compiled import compile_function
from loadgen.protocols.parser import MORE, OWN, PARSE, WRONG


@compile_function(PARSE, pointer=True)
def parse_exact(
    state: npt.NDArray[int64],
    data: npt.NDArray[uint8],
    size: int,
    memory: npt.NDArray[uint8],
    numbers: npt.NDArray[int64],  # noqa: ARG001 - part of the contract
) -> int:
    """Parse a reply that equals ``memory``."""
    matched = state[OWN]
    for i in range(size):
        if data[i] != memory[matched]:
            return WRONG
        matched += 1
        if matched == len(memory):
            return i + 1
    state[OWN] = matched
    return MORE
