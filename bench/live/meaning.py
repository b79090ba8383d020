"""What a thread waits for in a lock, from its innermost Python frames.

To the kernel, a thread that waits for work on a queue and one that waits for a contended lock are the same: both are
blocked in a futex. The frames of the standard library distinguish them: a lock written in C has no frame, so the
innermost frame is that of its caller; ``Queue.get`` has one. Among the known frames, from the innermost outwards, a
turn takes precedence over work: ``Queue.put`` waits in ``Condition.wait`` as ``Queue.get`` does, but for room.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from typing import Final

Frame = tuple[str, str]
"""A file with its path, and a function with or without its class."""


class Meaning(enum.Enum):
    """What a thread waits for."""

    WORK = "work"
    """Something to do, an event, or the end of another thread: idle."""
    TURN = "turn"
    """Something that others hold, while the thread has something to do: a lock."""
    EITHER = "either"
    """Either of them: ``get`` of a queue written in C shows as the caller's frame, as a lock does."""


# Frames of the standard library of CPython 3.9 to 3.15; None: waits on behalf of its caller, which decides.
_FRAMES: Final[dict[Frame, Meaning | None]] = {
    ("threading.py", "wait"): Meaning.WORK,  # of Condition, Event and Barrier
    ("threading.py", "wait_for"): Meaning.WORK,
    ("threading.py", "join"): Meaning.WORK,
    ("threading.py", "_wait_for_tstate_lock"): Meaning.WORK,  # of join, up to 3.12
    ("threading.py", "_shutdown"): Meaning.WORK,  # the main thread, when it has ended and others have not
    ("threading.py", "acquire"): Meaning.TURN,  # of Semaphore: the locks themselves are written in C
    ("threading.py", "_wait"): Meaning.TURN,  # of Barrier
    ("threading.py", "_enter"): Meaning.TURN,
    ("queue.py", "get"): Meaning.WORK,
    ("queue.py", "join"): Meaning.WORK,
    ("queue.py", "put"): Meaning.TURN,  # for room in a full one
    ("concurrent/futures/thread.py", "_worker"): Meaning.WORK,
    ("concurrent/futures/process.py", "_process_worker"): Meaning.WORK,
    ("concurrent/futures/process.py", "wait_result_broken_or_wakeup"): Meaning.WORK,
    ("asyncio/base_events.py", "_run_once"): Meaning.WORK,  # a loop on poll or select; epoll needs no frame
    ("multiprocessing/pool.py", "worker"): Meaning.WORK,
    ("multiprocessing/pool.py", "_handle_tasks"): Meaning.WORK,
    ("multiprocessing/pool.py", "_handle_results"): Meaning.WORK,
    ("multiprocessing/pool.py", "_wait_for_updates"): Meaning.WORK,
    ("multiprocessing/process.py", "join"): Meaning.WORK,
    ("multiprocessing/queues.py", "get"): Meaning.WORK,
    ("multiprocessing/queues.py", "_feed"): Meaning.WORK,
    ("multiprocessing/queues.py", "put"): Meaning.TURN,
    ("multiprocessing/connection.py", "wait"): None,
    ("multiprocessing/connection.py", "poll"): None,
    ("multiprocessing/connection.py", "_poll"): None,
    ("multiprocessing/connection.py", "recv"): None,
    ("multiprocessing/connection.py", "recv_bytes"): None,
    ("multiprocessing/connection.py", "_recv_bytes"): None,
    ("multiprocessing/connection.py", "_recv"): None,
    ("multiprocessing/synchronize.py", "__enter__"): None,
    ("multiprocessing/popen_fork.py", "poll"): None,
    ("multiprocessing/popen_fork.py", "wait"): None,
    ("selectors.py", "select"): None,
}

_GETS: Final = re.compile(r"\bget\(")
_LIBRARY: Final = re.compile(r".*/(?:python3[\w.]*|Lib)/(.+)")  # Lib: run from the build tree


def meaning(frames: Iterable[Frame], source: str = "") -> Meaning | None:
    """Return what frames, innermost first, wait for; ``None``: unknown, so a wait in a lock is for that lock.

    A lock that is acquired on the way, such as the one within a queue, has its own frame (``Condition.__enter__``),
    which is not in the table and therefore counts as a lock.

    Args:
        frames: frames of a thread.
        source: source line of the innermost frame.
    """
    found: set[Meaning | None] = set()
    for file, function in frames:
        inside = _LIBRARY.fullmatch(file)
        key = (inside[1] if inside else "", function.rpartition(".")[2])
        if key not in _FRAMES:
            break
        found.add(_FRAMES[key])
    if not found and _GETS.search(source):
        return Meaning.EITHER
    return next((one for one in (Meaning.TURN, Meaning.WORK) if one in found), None)
