"""What a thread waits for in a lock, from its innermost Python frames.

To the kernel a thread that waits for work on a queue and one that waits for a contended lock look alike: both sit in a
futex. The frames of the standard library above it tell: a lock written in C has no frame of its own, so one's own
function is the innermost; ``Queue.get`` has. From the innermost frame outwards, as long as they are known, a turn
decides over work: ``Queue.put`` waits in ``Condition.wait`` as ``Queue.get`` does, but for room.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from typing import Final

Frame = tuple[str, str]
"""A file with its path, and a function with or without its class."""


class Meaning(enum.Enum):
    """What is waited for."""

    WORK = "work"
    """Something to do, an event, or the end of another thread: idle."""
    TURN = "turn"
    """Something that others hold, and the thread has something to do: a lock."""
    EITHER = "either"
    """The one or the other: ``get`` of a queue written in C shows as the caller's own frame, as a lock does."""


# The standard library's, of CPython 3.9 to 3.15; None: waits on behalf of its caller, who decides.
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
_LIBRARY: Final = re.compile(r".*/(?:python3[\w.]*|Lib)/(.+)")  # Lib: run from where it was built


def meaning(frames: Iterable[Frame], source: str = "") -> Meaning | None:
    """Return what frames, innermost first, wait for; ``None``: nothing known, so in a lock it is a lock.

    A lock that is waited for on the way, as the one within a queue, has a frame of its own (``Condition.__enter__``),
    which is not known, and so is a lock.

    Args:
        frames: of a thread.
        source: the line at which the innermost is.
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
