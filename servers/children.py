"""Child processes of a server: forked, reaped, and ended with it."""

from __future__ import annotations

import os
import signal
import time
from typing import Callable, NoReturn, Set

from servers import lifecycle

AGAIN_S = 0.05


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
        """Let all end: what is in flight is finished within the time that there is for it.

        The signal is repeated, because one can be lost: CPython forgets what comes to a child before it has run at all,
        and does not notice what comes right before a system call that waits. A child that has noticed blocks it.
        """
        lifecycle.cancel_grace_timer()  # each child has its own; the parent's must not fire before the last is reaped
        now_s = signalled_s = time.monotonic()
        deadline_s = now_s + lifecycle.GRACE_S
        self._signal(signal.SIGTERM)
        while self._pids and now_s < deadline_s:
            time.sleep(0.002)
            self.reap()
            now_s = time.monotonic()
            if now_s > signalled_s + AGAIN_S:
                self._signal(signal.SIGTERM)
                signalled_s = now_s
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
        lifecycle.handle_fork()
        work()
        exit_code = 0
    finally:
        os._exit(exit_code)
