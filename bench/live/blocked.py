"""What a thread is blocked in when it waits for something that the program asked for, by system call and file."""

from __future__ import annotations

import contextlib
import platform
import stat
from pathlib import Path
from typing import Final

from bench.threads import descriptors
from bench.threads.wait_state import Place, call_name

SLEEP: Final = "sleep"
NETWORK: Final = "network"
PIPE: Final = "pipe"
DISK: Final = "disk"
PROCESS: Final = "process"
OTHER: Final = "other"
BLOCKED_IN: Final = (SLEEP, NETWORK, PIPE, DISK, PROCESS, OTHER)

_BY_CALL: Final = {
    "sleep": SLEEP,
    "wait": PROCESS,
    **dict.fromkeys(("sync", "path"), DISK),
    **dict.fromkeys(("accept", "recv", "recvmsg", "send", "sendmsg", "socket"), NETWORK),
}
_BY_DESCRIPTOR: Final = frozenset({"read", "readv", "write", "writev", "pread", "pwrite", "file"})
_ELSEWHERE: Final = -1  # no call: a page of memory that is read from disk


def blocked_in(pid: int, where: Place, machine: str = platform.machine()) -> str:
    """Return what a thread of a process waits for at a place, one of :data:`BLOCKED_IN`."""
    call, argument = call_name(where, machine), where.first_argument
    if where.number == _ELSEWHERE:
        return DISK
    if argument == 0 and call in {"poll", "ppoll", "select", "pselect"}:
        return SLEEP  # for nothing but the time, as time.sleep() does up to CPython 3.10
    waited_for: list[int] = []
    with contextlib.suppress(OSError, ValueError):
        if call in _BY_DESCRIPTOR:
            waited_for = [argument]
        elif call == "epoll":
            waited_for = descriptors.watched(pid, argument)
        elif call in {"poll", "ppoll"}:
            waited_for = descriptors.polled(pid, argument, 1)
        if waited_for:
            return _of_descriptor(pid, waited_for[0])
    return _BY_CALL.get(call, OTHER)


def _of_descriptor(pid: int, fd: int) -> str:
    mode = Path(f"/proc/{pid}/fd/{fd}").stat().st_mode
    if stat.S_ISSOCK(mode):
        return NETWORK
    if stat.S_ISFIFO(mode):
        return PIPE
    return DISK if stat.S_ISREG(mode) or stat.S_ISBLK(mode) or stat.S_ISDIR(mode) else OTHER
