"""Child processes of a server: forked, reaped, and ended with it."""

from __future__ import annotations

import os
import signal
import time
from typing import Callable, NoReturn, Set

from . import lifecycle

AGAIN_S = 0.05


class Children:
    """The child processes that live now.

    For the main thread only; with ``wake``, the end of a child wakes it if it waits for signals.
    """

    def __init__(self, *, wake: bool = True) -> None:
        self._pids: Set[int] = set()
        if wake:
            signal.signal(signal.SIGCHLD, lambda *_: None)  # without a handler the signal would wake nothing

    def fork(self, work: Callable[[], None]) -> None:
        """Fork a child that does ``work`` and exits.

        Raises:
            OSError: the system cannot create another process.
        """
        pid = os.fork()
        if pid == 0:
            _work_as_child(work)
        self._pids.add(pid)

    def reap(self) -> int:
        """Reap the children that have ended, and return their number."""
        count = 0
        while self._pids:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            self._pids.discard(pid)
            count += 1
        return count

    def end(self) -> None:
        """Stop all children, leaving ``GRACE_S`` for what is in flight.

        The signal is repeated, because one can be lost: CPython forgets a signal that reaches a child before it has run
        at all, and does not notice one that arrives right before a blocking system call. A child that has noticed it
        blocks it.
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
        """Kill all children at once."""
        self._signal(signal.SIGKILL)
        for pid in self._pids:
            os.waitpid(pid, 0)

    def _signal(self, number: int) -> None:
        for pid in self._pids:  # none of them is reaped yet, so no PID can belong to another process
            os.kill(pid, number)


def _work_as_child(work: Callable[[], None]) -> NoReturn:
    exit_code = 1
    try:
        lifecycle.handle_fork()
        work()
        lifecycle.log_gil()
        exit_code = 0
    finally:
        os._exit(exit_code)
