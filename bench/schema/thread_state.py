"""States of a thread: the single list of them, in the order in which they are shown."""

from __future__ import annotations

from typing import Final, NamedTuple


class ThreadState(NamedTuple):
    """A state.

    Attributes:
        key: its name in records; the shares of a thread's time over all keys sum to 1.
        label: heading of its column.
        phrase: completes "41% of the threads' time was spent ...".
        colour: in plots and on terminals: one family of blues, the lighter the less there is to do, and a signal red
            for the GIL. Hues are those of models.
    """

    key: str
    label: str
    phrase: str
    colour: str


CPU: Final = ThreadState("cpu", "CPU", "on a CPU", "#12263f")
RUN_QUEUE: Final = ThreadState("run_queue", "run queue", "waiting for a CPU", "#3f5f86")
GIL_WAIT: Final = ThreadState("gil_wait", "GIL", "waiting for the GIL", "#e8132b")
LOCK_WAIT: Final = ThreadState("lock_wait", "lock", "waiting for another lock", "#7290b5")
BLOCKED: Final = ThreadState("blocked", "blocked", "blocked in I/O, a sleep or another service", "#a9c0db")
IDLE: Final = ThreadState("idle", "idle", "idle, waiting for clients or work", "#dde6f0")

THREAD_STATES: Final = (CPU, RUN_QUEUE, GIL_WAIT, LOCK_WAIT, BLOCKED, IDLE)
BUSY_STATES: Final = THREAD_STATES[:-1]
"""States of a thread that has something to do."""
