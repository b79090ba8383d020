"""Programs whose threads wait for known things in known proportions; ``python waiting.py NAME``."""

from __future__ import annotations

import asyncio
import ctypes
import hashlib
import importlib
import os
import queue
import sys
import threading
import time
from collections.abc import Callable

LOCK = threading.Lock()
DATA = b"x" * 2_000_000
WAITED_S: list[float] = []
SINCE_S: list[float] = []  # those that wait now; 0: does not
NEITHER_S, HOLDING_S, LONG_S = 0.003, 0.02, 3600
PR_SET_NAME = 15
KINDS: dict[str, threading.Thread] = {}


def compute() -> None:
    while True:
        for _ in range(1000):
            pass


def sleep_under_one_lock() -> None:
    while True:
        with LOCK:
            time.sleep(NEITHER_S)


def hash_under_one_lock() -> None:
    """Measure how long each waits for the lock, as anyone would."""
    me = len(WAITED_S)
    WAITED_S.append(0.0)
    SINCE_S.append(0.0)
    while True:
        SINCE_S[me] = began_s = time.perf_counter()
        with LOCK:
            WAITED_S[me] += time.perf_counter() - began_s
            SINCE_S[me] = 0.0
            hashlib.sha256(DATA).digest()  # lets the GIL go


def waited() -> tuple[float, float]:
    """Return what time it is, and how long all threads together have waited by then."""
    now_s = time.perf_counter()
    return now_s, sum(WAITED_S) + sum(now_s - since_s for since_s in SINCE_S if since_s)


def call(library: ctypes.CDLL) -> None:
    while True:
        library.usleep(round(HOLDING_S * 1e6))


def run(work: object, threads: int) -> None:
    for _ in range(threads):
        threading.Thread(target=work, daemon=True).start()  # type: ignore[arg-type]


def kinds() -> None:
    """Start a thread for each kind of waiting, named after it, in this order."""
    works = (hold, lock, worker, simple, full, sleep, loop, join, event, read)
    for work in works:
        KINDS[work.__name__] = thread = threading.Thread(target=named, args=(work,), name=work.__name__, daemon=True)
        thread.start()
        while not LOCK.locked():  # hold is the first to take it
            time.sleep(0.001)


def named(work: Callable[[], None]) -> None:
    """Do some work in a thread that the system knows by another name than Python does."""
    ctypes.CDLL(None).prctl(PR_SET_NAME, f"os-{work.__name__}".encode(), 0, 0, 0)
    work()


def hold() -> None:
    with LOCK:
        time.sleep(LONG_S)


def lock() -> None:
    with LOCK:
        pass


def worker() -> None:
    queue.Queue[int]().get()


def simple() -> None:
    queue.SimpleQueue[int]().get()


def full() -> None:
    room = queue.Queue[int](maxsize=1)
    for item in range(2):
        room.put(item)


def sleep() -> None:
    time.sleep(LONG_S)


def loop() -> None:
    asyncio.run(asyncio.sleep(LONG_S))


def join() -> None:
    KINDS["hold"].join()


def event() -> None:
    threading.Event().wait()


def read() -> None:
    os.read(os.pipe()[0], 1)


def interpreters() -> None:
    inner = importlib.import_module("concurrent.interpreters")  # CPython 3.14 and later
    code = "import threading\ndef compute():\n while True:\n  for _ in range(1000): pass\n"
    code += "threading.Thread(target=compute).start()\ncompute()"
    for _ in range(2):
        threading.Thread(target=inner.create().exec, args=(code,), daemon=True).start()


PROGRAMS = {
    "one computes": lambda: run(compute, 1),
    "two compute": lambda: run(compute, 2),
    "four compute": lambda: run(compute, 4),
    "four under one lock": lambda: run(sleep_under_one_lock, 4),
    "three hash under one lock": lambda: run(hash_under_one_lock, 3),
    "C that holds the GIL": lambda: run(lambda: call(ctypes.PyDLL(None)), 2),
    "C that releases the GIL": lambda: run(lambda: call(ctypes.CDLL(None)), 2),
    "two interpreters": interpreters,
    "kinds of waiting": kinds,
}

if __name__ == "__main__":
    PROGRAMS[sys.argv[1]]()
    time.sleep(0.3)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    before = waited()
    for _ in sys.stdin:  # until whoever started this is gone; each line asks for the share waited since the last
        now = waited()
        sys.stdout.write(f"{(now[1] - before[1]) / max(1, len(WAITED_S)) / (now[0] - before[0])}\n")
        sys.stdout.flush()
        before = now
    os._exit(0)
