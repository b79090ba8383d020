"""States of a thread: the single list of them, in the order in which they are shown."""

from __future__ import annotations

from typing import Final, NamedTuple


class ThreadState(NamedTuple):
    """A state.

    Attributes:
        key: its name in records; the shares of a thread's time over all keys sum to 1.
        label: heading of its column.
        phrase: completes "41% of the threads' time was spent ...".
        colour: in plots and on terminals: blue if it needs a CPU, warm if it waits for a turn, green if it waits for
            something that the handler asked for, and grey if there is nothing to do.
    """

    key: str
    label: str
    phrase: str
    colour: str


CPU: Final = ThreadState("cpu", "CPU", "on a CPU", "#0072b2")
RUN_QUEUE: Final = ThreadState("run_queue", "run queue", "waiting for a CPU", "#7fc4ea")
GIL_WAIT: Final = ThreadState("gil_wait", "GIL", "waiting for the GIL", "#d55e00")
LOCK_WAIT: Final = ThreadState("lock_wait", "lock", "waiting for another lock", "#f0c24a")
BLOCKED: Final = ThreadState("blocked", "blocked", "blocked in I/O, a sleep or another service", "#009e73")
IDLE: Final = ThreadState("idle", "idle", "idle, waiting for clients or work", "#d1d5db")

THREAD_STATES: Final = (CPU, RUN_QUEUE, GIL_WAIT, LOCK_WAIT, BLOCKED, IDLE)
BUSY_STATES: Final = THREAD_STATES[:-1]
"""States of a thread that has something to do."""
