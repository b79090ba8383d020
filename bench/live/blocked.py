"""What a thread is blocked in when it waits for something that the program asked for, by system call and file."""

from __future__ import annotations

import contextlib
import platform
import stat
import struct
from pathlib import Path
from typing import Final

from bench.threads.wait_state import Place

SLEEP: Final = "sleep"
NETWORK: Final = "network"
PIPE: Final = "pipe"
DISK: Final = "disk"
PROCESS: Final = "process"
OTHER: Final = "other"
BLOCKED_IN: Final = (SLEEP, NETWORK, PIPE, DISK, PROCESS, OTHER)

# Numbers from the kernel's tables (arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h).
_CALLS: Final[dict[str, dict[int, str]]] = {
    "x86_64": {
        **dict.fromkeys((34, 35, 230), SLEEP),  # pause, nanosleep, clock_nanosleep
        **dict.fromkeys((61, 247), PROCESS),  # wait4, waitid
        **dict.fromkeys((26, 74, 75, 162, 277, 306), DISK),  # msync, fsync, fdatasync, sync, sync_file_range, syncfs
        # open, stat, lstat, access, truncate, ftruncate, getdents64, rename, mkdir, rmdir, unlink, readlink
        **dict.fromkeys((2, 4, 6, 21, 76, 77, 217, 82, 83, 84, 87, 89), DISK),
        # openat, mkdirat, newfstatat, unlinkat, renameat, fallocate, renameat2, copy_file_range, statx
        **dict.fromkeys((257, 258, 262, 263, 264, 285, 316, 326, 332), DISK),
        **dict.fromkeys((42, 43, 44, 45, 46, 47, 288, 299, 307), NETWORK),
    },
    "aarch64": {
        **dict.fromkeys((101, 115), SLEEP),
        **dict.fromkeys((95, 260), PROCESS),
        **dict.fromkeys((81, 82, 83, 84, 227, 267), DISK),
        **dict.fromkeys((34, 35, 38, 45, 46, 47, 48, 56, 61, 78, 79, 276, 285, 291), DISK),
        **dict.fromkeys((202, 203, 206, 207, 211, 212, 242, 243, 269), NETWORK),
    },
}
_ELSEWHERE: Final = -1  # no call: a page of memory that is read from disk
_BY_DESCRIPTOR: Final = {
    "x86_64": {0, 1, 17, 18, 19, 20, 40, 72, 73, 275, 295, 296},  # read, write, sendfile, fcntl, flock, splice ...
    "aarch64": {25, 32, 63, 64, 65, 66, 67, 68, 69, 70, 71, 76},
}
_EPOLL: Final = {"x86_64": {232, 281, 441}, "aarch64": {22, 441}}
_POLL: Final = {"x86_64": {7, 271}, "aarch64": {73}}
_SELECT: Final = {"x86_64": {23, 270}, "aarch64": {72}}


def blocked_in(pid: int, where: Place, machine: str = platform.machine()) -> str:
    """Return what a thread of a process waits for at a place, one of :data:`BLOCKED_IN`."""
    number, argument = where.number, where.first_argument
    if number == _ELSEWHERE:
        return DISK
    found = _CALLS.get(machine, {}).get(number, OTHER)
    with contextlib.suppress(OSError, ValueError, IndexError, struct.error, StopIteration):
        if number in _BY_DESCRIPTOR.get(machine, ()):
            found = _descriptor(pid, argument)
        elif number in _EPOLL.get(machine, ()):
            found = _descriptor(pid, _first_watched(pid, argument))
        elif number in _POLL.get(machine, ()):
            found = _descriptor(pid, _first_polled(pid, argument)) if argument else SLEEP
        elif number in _SELECT.get(machine, ()) and argument == 0:
            found = SLEEP  # as time.sleep() does up to CPython 3.10
    return found


def _descriptor(pid: int, fd: int) -> str:
    mode = Path(f"/proc/{pid}/fd/{fd}").stat().st_mode
    if stat.S_ISSOCK(mode):
        return NETWORK
    if stat.S_ISFIFO(mode):
        return PIPE
    return DISK if stat.S_ISREG(mode) or stat.S_ISBLK(mode) or stat.S_ISDIR(mode) else OTHER


def _first_watched(pid: int, epoll: int) -> int:
    lines = Path(f"/proc/{pid}/fdinfo/{epoll}").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("tfd:")).split()[1])


def _first_polled(pid: int, address: int) -> int:
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        memory.seek(address)
        (fd,) = struct.unpack("=i", memory.read(4))
    return int(fd)
