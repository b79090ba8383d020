"""Programs with each kind of wait, in addition to those of validation: ``python -m tests.support.waiting NAME``."""

from __future__ import annotations

import asyncio
import ctypes
import os
import queue
import threading
import time
from collections.abc import Callable

from bench.validate.programs import LOCK, PROGRAMS, main

LONG_S = 3600
PR_SET_NAME = 15
KINDS: dict[str, threading.Thread] = {}


def kinds() -> None:
    """Start a thread for each kind of waiting, named after it, in this order."""
    works = (hold, lock, worker, simple, full, sleep, loop, join, event, read)
    for work in works:
        KINDS[work.__name__] = thread = threading.Thread(target=named, args=(work,), name=work.__name__, daemon=True)
        thread.start()
        while not LOCK.locked():  # hold is the first to take it
            time.sleep(0.001)


def named(work: Callable[[], None]) -> None:
    """Run ``work`` in a thread whose name differs between the system and Python."""
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


if __name__ == "__main__":
    main({**PROGRAMS, "kinds of waiting": kinds})
