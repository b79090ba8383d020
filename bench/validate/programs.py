"""Programs whose threads wait for known things in known proportions; ``python programs.py NAME``."""

from __future__ import annotations

import ctypes
import hashlib
import importlib
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping

LOCK = threading.Lock()
DATA = b"x" * 2_000_000
WAITED_S: list[float] = []
SINCE_S: list[float] = []  # when each thread's current wait began; 0: it does not wait
NEITHER_S, HOLDING_S = 0.003, 0.02


def compute() -> None:
    while True:
        for _ in range(1000):
            pass


def sleep_under_one_lock() -> None:
    while True:
        with LOCK:
            time.sleep(NEITHER_S)


def hash_under_one_lock() -> None:
    """Hash under one lock, and measure how long each thread waits for it."""
    me = len(WAITED_S)
    WAITED_S.append(0.0)
    SINCE_S.append(0.0)
    while True:
        SINCE_S[me] = began_s = time.perf_counter()
        with LOCK:
            WAITED_S[me] += time.perf_counter() - began_s
            SINCE_S[me] = 0.0
            hashlib.sha256(DATA).digest()  # releases the GIL


def read_waits() -> tuple[float, float]:
    """Return the time, and how long all threads together have waited by then."""
    now_s = time.perf_counter()
    return now_s, sum(WAITED_S) + sum(now_s - since_s for since_s in SINCE_S if since_s)


def call(library: ctypes.CDLL) -> None:
    while True:
        library.usleep(round(HOLDING_S * 1e6))


def compute_in_interpreters(count: int) -> None:
    """Compute in two threads in each of ``count`` interpreters, which CPython 3.14 and newer can create."""
    interpreters = importlib.import_module("concurrent.interpreters")
    code = "import threading\ndef compute():\n while True:\n  for _ in range(1000): pass\n"
    code += "threading.Thread(target=compute).start()\ncompute()"
    for _ in range(count):
        threading.Thread(target=interpreters.create().exec, args=(code,), daemon=True).start()


def run(work: Callable[[], None], threads: int) -> None:
    for _ in range(threads):
        threading.Thread(target=work, daemon=True).start()


PROGRAMS: dict[str, Callable[[], None]] = {
    "one computes": lambda: run(compute, 1),
    "two compute": lambda: run(compute, 2),
    "four compute": lambda: run(compute, 4),
    "four under one lock": lambda: run(sleep_under_one_lock, 4),
    "three hash under one lock": lambda: run(hash_under_one_lock, 3),
    "two interpreters": lambda: compute_in_interpreters(2),
    "C that holds the GIL": lambda: run(lambda: call(ctypes.PyDLL(None)), 2),
    "C that releases the GIL": lambda: run(lambda: call(ctypes.CDLL(None)), 2),
}


def main(programs: Mapping[str, Callable[[], None]]) -> None:
    """Run the program that the command line names, until standard input ends."""
    programs[sys.argv[1]]()
    time.sleep(0.3)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    before = read_waits()
    for _ in sys.stdin:  # each line asks for the share of the time waited since the last
        now = read_waits()
        sys.stdout.write(f"{(now[1] - before[1]) / max(1, len(WAITED_S)) / (now[0] - before[0])}\n")
        sys.stdout.flush()
        before = now
    os._exit(0)


if __name__ == "__main__":
    main(PROGRAMS)
