"""A handler with known parts: it computes for 12 ms, hashes for 4 ms, which releases the GIL, and sleeps for 4 ms."""

from __future__ import annotations

import hashlib
import time

DATA = b"x" * 200_000
HOLDS_S, RELEASES_S, WAITS_S = 0.012, 0.004, 0.004


def holds(seconds: float) -> None:
    until_s = time.perf_counter() + seconds
    while time.perf_counter() < until_s:
        pass


def releases(seconds: float) -> None:
    until_s = time.perf_counter() + seconds
    while time.perf_counter() < until_s:
        hashlib.sha256(DATA).digest()


def waits(seconds: float) -> None:
    time.sleep(seconds)


def parts(_: bytes) -> bytes:
    holds(HOLDS_S)
    releases(RELEASES_S)
    waits(WAITS_S)
    return b"done"
