"""Protocols whose replies have a known length or end with known bytes; their content is not checked."""

from __future__ import annotations

import numpy.typing as npt
from numpy import int64, uint8

from loadgen.native.compiled import compile_function
from loadgen.protocols.parser import MORE, OWN, PARSE


@compile_function(PARSE, pointer=True)
def parse_length(
    state: npt.NDArray[int64],
    data: npt.NDArray[uint8],  # noqa: ARG001 - part of the contract
    size: int,
    memory: npt.NDArray[uint8],  # noqa: ARG001
    numbers: npt.NDArray[int64],
) -> int:
    """Parse a reply of ``numbers[0]`` bytes."""
    missing = numbers[0] - state[OWN]
    if size >= missing:
        return missing  # type: ignore[no-any-return]
    state[OWN] += size
    return MORE


@compile_function(PARSE, pointer=True)
def parse_delimited(
    state: npt.NDArray[int64],
    data: npt.NDArray[uint8],
    size: int,
    memory: npt.NDArray[uint8],
    numbers: npt.NDArray[int64],
) -> int:
    """Parse a reply that ends with ``memory``; ``numbers`` are its :func:`fallbacks`."""
    matched = state[OWN]
    for i in range(size):
        while matched > 0 and data[i] != memory[matched]:
            matched = numbers[matched - 1]
        if data[i] == memory[matched]:
            matched += 1
        if matched == len(memory):
            return i + 1
    state[OWN] = matched
    return MORE


def fallbacks(delimiter: bytes) -> tuple[int, ...]:
    """Return how much of ``delimiter`` still matches when the byte after each prefix of it differs.

    Knuth, Morris and Pratt: Fast pattern matching in strings, SIAM Journal on Computing 6 (1977).
    """
    found = [0] * len(delimiter)
    matched = 0
    for i in range(1, len(delimiter)):
        while matched and delimiter[i] != delimiter[matched]:
            matched = found[matched - 1]
        matched += delimiter[i] == delimiter[matched]
        found[i] = matched
    return tuple(found)
