"""Waiting for a condition, never for a time."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

LIMIT_S = 60.0


def until(holds: Callable[[], object], timeout_s: float = LIMIT_S) -> bool:
    """Wait until a condition holds, and return whether it did within the limit."""
    deadline_s = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.01)
    return True


@contextlib.contextmanager
def when(holds: Callable[[], object], act: Callable[[], object]) -> Iterator[None]:
    """Call ``act`` from another thread once a condition holds, unless the block ends first."""
    left = threading.Event()

    def watch() -> None:
        if until(lambda: left.is_set() or holds()) and not left.is_set():
            act()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        left.set()
        thread.join()
