"""Child processes of a server: forked, reaped, and ended with it."""

from __future__ import annotations

import os
import signal
import time
from typing import Callable, NoReturn, Set

from servers import lifecycle


class Children:
    """Those that live now. Only for the main thread; with ``wake`` their end wakes it if it waits for signals."""

    def __init__(self, *, wake: bool = True) -> None:
        self._pids: Set[int] = set()
        if wake:
            signal.signal(signal.SIGCHLD, lambda *_: None)  # without a handler it would wake nobody

    def fork(self, work: Callable[[], None]) -> None:
        """Let a child do ``work`` and end.

        Raises:
            OSError: the system has no room for one more.
        """
        pid = os.fork()
        if pid == 0:
            _work_as_child(work)
        self._pids.add(pid)

    def reap(self) -> int:
        """Take leave of those that have ended, and return how many."""
        count = 0
        while self._pids:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            self._pids.discard(pid)
            count += 1
        return count

    def end(self) -> None:
        """Let all end: what is in hand is finished within the time that there is for it."""
        lifecycle.disarm()  # each child has its own timer; the parent's must not go off before the last is reaped
        self._signal(signal.SIGTERM)
        deadline_s = time.monotonic() + lifecycle.GRACE_S
        while self._pids and time.monotonic() < deadline_s:
            self.reap()
            time.sleep(0.002)
        self.kill()

    def kill(self) -> None:
        """End all at once."""
        self._signal(signal.SIGKILL)
        for pid in self._pids:
            os.waitpid(pid, 0)

    def _signal(self, number: int) -> None:
        for pid in self._pids:  # none of them reaped yet, so no number can have passed to a stranger
            os.kill(pid, number)


def _work_as_child(work: Callable[[], None]) -> NoReturn:
    exit_code = 1
    try:
        lifecycle.forked()
        work()
        exit_code = 0
    finally:
        os._exit(exit_code)
