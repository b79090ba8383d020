"""What a thread waits for, from its line of ``/proc/PID/task/TID/syscall`` (proc(5)).

The state is a pure function of that line and of what is known about the process: the addresses of its GILs, and its
descriptors. It follows the kernel's view: a thread is on a CPU or waits for one (``running``), or is blocked in a
system call, whose number and arguments show what it waits for.
"""

from __future__ import annotations

import enum
import platform
from collections.abc import Callable, Collection
from typing import Final, NamedTuple, Protocol

from bench.schema.thread_state import BLOCKED, GIL_WAIT, LOCK_WAIT


class State(enum.Enum):
    """What a thread was doing when it was sampled."""

    RUNNING = "running"
    """On a CPU, or in the queue for one."""
    GIL = GIL_WAIT.key
    """Waits for its interpreter's GIL."""
    LOCK = LOCK_WAIT.key
    """Waits for another lock."""
    OWN = BLOCKED.key
    """Waits for something that the handler asked for: time, a file, a child, a remote service."""
    CLIENT = "client_wait"
    """Idle: holds a client's connection and waits for its next request."""
    IDLE = "idle"
    """Idle: waits for work."""


class Descriptor(enum.Enum):
    """Kind of a file descriptor of the server."""

    LISTENER = "listener"
    """A listening socket."""
    CLIENT = "client"
    """A connection accepted from the listener."""
    OTHER = "other"
    """Anything else: a file, a pipe, a connection that the server itself made."""


class Call(NamedTuple):
    """A system call that a thread is blocked in; ``number`` -1: blocked elsewhere, for example by a page fault."""

    number: int
    args: tuple[int, ...]
    stack_pointer: int


class Place(NamedTuple):
    """Where a thread waits: the same place in an idle server and under load means that it waits for work."""

    number: int
    first_argument: int
    stack_pointer: int


class WaitingProcess(Protocol):
    """What must be known about a process to classify its calls."""

    def holds_gil(self, address: int) -> bool:
        """Return whether a word of its memory belongs to a GIL."""

    def descriptor(self, fd: int) -> Descriptor:
        """Return the kind of a descriptor."""

    def watched(self, epoll: int) -> Collection[int]:
        """Return the descriptors that an epoll descriptor watches."""

    def polled(self, address: int, count: int) -> Collection[int]:
        """Return the descriptors in an array of ``struct pollfd`` in its memory."""


RUNNING_LINE: Final = b"running\n"

# Numbers from the kernel's tables (arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h).
_NAMES: Final[dict[str, dict[int, str]]] = {
    "x86_64": {
        0: "read", 1: "write", 7: "poll", 17: "pread", 18: "pwrite", 19: "readv", 20: "writev", 23: "select",
        43: "accept", 44: "send", 45: "recv", 46: "sendmsg", 47: "recvmsg", 202: "futex", 232: "epoll", 270: "pselect",
        271: "ppoll", 281: "epoll", 288: "accept", 441: "epoll",
        **dict.fromkeys((34, 35, 230), "sleep"),  # pause, nanosleep, clock_nanosleep
        **dict.fromkeys((61, 247), "wait"),  # wait4, waitid
        **dict.fromkeys((42, 299, 307), "socket"),  # connect, recvmmsg, sendmmsg
        **dict.fromkeys((40, 72, 73, 275, 295, 296), "file"),  # sendfile, fcntl, flock, splice, preadv, pwritev
        **dict.fromkeys((26, 74, 75, 162, 277, 306), "sync"),  # msync, fsync, fdatasync, sync, sync_file_range, syncfs
        # open, stat, lstat, access, truncate, ftruncate, getdents64, rename, mkdir, rmdir, unlink, readlink
        **dict.fromkeys((2, 4, 6, 21, 76, 77, 217, 82, 83, 84, 87, 89), "path"),
        # openat, mkdirat, newfstatat, unlinkat, renameat, fallocate, renameat2, copy_file_range, statx
        **dict.fromkeys((257, 258, 262, 263, 264, 285, 316, 326, 332), "path"),
    },
    "aarch64": {
        22: "epoll", 63: "read", 64: "write", 65: "readv", 66: "writev", 67: "pread", 68: "pwrite", 72: "pselect",
        73: "ppoll", 98: "futex", 202: "accept", 206: "send", 207: "recv", 211: "sendmsg", 212: "recvmsg",
        242: "accept", 441: "epoll",
        **dict.fromkeys((101, 115), "sleep"),
        **dict.fromkeys((95, 260), "wait"),
        **dict.fromkeys((203, 243, 269), "socket"),
        **dict.fromkeys((25, 32, 69, 70, 71, 76), "file"),
        **dict.fromkeys((81, 82, 83, 84, 227, 267), "sync"),
        **dict.fromkeys((34, 35, 38, 45, 46, 47, 48, 56, 61, 78, 79, 276, 285, 291), "path"),
    },
}  # fmt: skip


def is_supported(machine: str | None = None) -> bool:
    """Return whether the system calls of this architecture are known."""
    return (machine or platform.machine()) in _NAMES


def parse(line: bytes) -> Call | None:
    """Return the call in a line; ``None``: the thread is running.

    Raises:
        ValueError: it is not such a line.
    """
    if line.startswith(b"running"):
        return None
    number, *rest = line.split()
    words = [int(word, 16) for word in rest]
    if len(words) < 2:  # the stack pointer and the program counter end every line
        raise ValueError(f"not a line of /proc/PID/task/TID/syscall: {line!r}")
    return Call(int(number), tuple(words[:-2]), words[-2])


def place(call: Call) -> Place:
    """Return where a call waits."""
    return Place(call.number, call.args[0] if call.args else 0, call.stack_pointer)


def call_name(where: Place, machine: str = platform.machine()) -> str:
    """Return the name of the system call of a place, or of the group that it belongs to; empty: it is not known."""
    return _NAMES.get(machine, {}).get(where.number, "")


def is_event_loop(where: Place, machine: str = platform.machine()) -> bool:
    """Return whether a place is an event loop's wait for events."""
    return _NAMES[machine].get(where.number) == "epoll"


def classify(call: Call | None, process: WaitingProcess, machine: str = platform.machine()) -> State:
    """Return what a thread of ``process`` waits for."""
    if call is None:
        return State.RUNNING
    rule = _RULES.get(_NAMES[machine].get(call.number, ""))
    return State.OWN if rule is None else rule(call, process)


def _futex(call: Call, process: WaitingProcess) -> State:
    return State.GIL if process.holds_gil(call.args[0]) else State.LOCK


def _receive(call: Call, process: WaitingProcess) -> State:
    return State.CLIENT if process.descriptor(call.args[0]) is Descriptor.CLIENT else State.OWN


def _poll(call: Call, process: WaitingProcess) -> State:
    kinds = {process.descriptor(fd) for fd in process.polled(call.args[0], call.args[1])}
    if Descriptor.LISTENER in kinds:
        return State.IDLE
    return State.CLIENT if Descriptor.CLIENT in kinds else State.OWN


def _epoll(call: Call, process: WaitingProcess) -> State:
    """Distinguish the server's event loop, which watches its listener or its clients, from one within a handler."""
    kinds = {process.descriptor(fd) for fd in process.watched(call.args[0])}
    return State.OWN if kinds.isdisjoint({Descriptor.LISTENER, Descriptor.CLIENT}) else State.IDLE


def _idle(_call: Call, _process: WaitingProcess) -> State:
    return State.IDLE


_RULES: Final[dict[str, Callable[[Call, WaitingProcess], State]]] = {
    "futex": _futex,
    "read": _receive,
    "readv": _receive,
    "recv": _receive,
    "recvmsg": _receive,
    "accept": _idle,
    "epoll": _epoll,
    "poll": _poll,
    "ppoll": _poll,
}
