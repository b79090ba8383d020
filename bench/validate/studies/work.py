"""Handlers that do the same work, or a known share more of it."""

from __future__ import annotations

LOOPS = 20_000


def _work(loops: int) -> bytes:
    total = 0
    for number in range(loops):
        total += number * number % 7
    return b"%d" % total


def empty(_: bytes) -> bytes:
    return _work(0)


def base(_: bytes) -> bytes:
    return _work(LOOPS)


def more_1(_: bytes) -> bytes:
    return _work(LOOPS * 101 // 100)


def more_3(_: bytes) -> bytes:
    return _work(LOOPS * 103 // 100)


def more_5(_: bytes) -> bytes:
    return _work(LOOPS * 105 // 100)
