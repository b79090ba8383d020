"""The kind of a file descriptor of another process.

The descriptor is copied with pidfd_getfd(2) and closed again at once: the copied socket shows whether it listens and
on which port, in a few microseconds and without reading the system's table of all connections. Needs Linux 5.6.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import struct
import time
from pathlib import Path
from typing import Final

from bench.threads.wait_state import Descriptor

BELIEVED_S: Final = 0.02  # descriptors are reused, nearly always for the same kind of file

_PIDFD_GETFD: Final = 438  # the same number on every architecture
_BACKLOG: Final = struct.Struct("=24xI")  # tcpi_unacked of struct tcp_info: the backlog of a listening socket
_POLLFD: Final = struct.Struct("=ihh")
_MAX_POLLED: Final = 64
_libc: Final = ctypes.CDLL(None, use_errno=True)


class Descriptors:
    """The file descriptors of one process; must be closed."""

    def __init__(self, pid: int, ports: frozenset[int]) -> None:
        """Open the process ``pid`` of a server that listens on ``ports``.

        Raises:
            OSError: there is no such process.
        """
        self._pidfd = os.pidfd_open(pid)
        self._ports = ports
        self._known: dict[int, tuple[float, Descriptor]] = {}

    def close(self) -> None:
        os.close(self._pidfd)

    def kind(self, fd: int) -> Descriptor:
        """Return what a descriptor is."""
        now_s = time.monotonic()
        until_s, kind = self._known.get(fd, (0.0, Descriptor.OTHER))
        if now_s >= until_s:
            kind = self._read_kind(fd)
            self._known[fd] = now_s + BELIEVED_S, kind
        return kind

    def backlog(self, fd: int) -> int | None:
        """Return how many connections wait to be accepted; ``None`` if it is not a listening TCP socket."""
        copy = self._copy(fd)
        if copy is None:
            return None
        with copy, contextlib.suppress(OSError, struct.error):
            if copy.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                (waiting,) = _BACKLOG.unpack(copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BACKLOG.size))
                return int(waiting)
        return None

    def _read_kind(self, fd: int) -> Descriptor:
        copy = self._copy(fd)
        if copy is None:
            return Descriptor.OTHER
        with copy, contextlib.suppress(OSError, IndexError, TypeError):
            if copy.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                return Descriptor.LISTENER
            if copy.getsockname()[1] in self._ports:
                return Descriptor.CLIENT
        return Descriptor.OTHER

    def _copy(self, fd: int) -> socket.socket | None:
        copied = _libc.syscall(_PIDFD_GETFD, self._pidfd, ctypes.c_int(fd & 0xFFFFFFFF), 0)
        if copied < 0:
            return None
        try:
            return socket.socket(fileno=copied)
        except OSError:  # not a socket
            os.close(copied)
            return None


def watched(pid: int, epoll: int) -> list[int]:
    """Return the descriptors that an epoll descriptor of a process watches.

    Raises:
        OSError, ValueError: it has ended, or may not be inspected.
    """
    lines = Path(f"/proc/{pid}/fdinfo/{epoll}").read_bytes().splitlines()
    return [int(line.split()[1]) for line in lines if line.startswith(b"tfd:")]


def polled(pid: int, address: int, count: int) -> list[int]:
    """Return the descriptors in an array of ``struct pollfd`` in a process's memory; none if it cannot be read."""
    size = min(count, _MAX_POLLED) * _POLLFD.size
    try:
        with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
            raw = os.pread(memory.fileno(), size, address)
    except OSError:
        return []
    return [fd for fd, _, _ in _POLLFD.iter_unpack(raw[: len(raw) // _POLLFD.size * _POLLFD.size])]


def listeners(pid: int, ports: frozenset[int]) -> list[int]:
    """Return the listening descriptors of a process.

    Raises:
        OSError: the process has ended, or may not be inspected.
    """
    fds = [int(name) for name in os.listdir(f"/proc/{pid}/fd")]
    descriptors = Descriptors(pid, ports)
    try:
        return [fd for fd in fds if descriptors.kind(fd) is Descriptor.LISTENER]
    finally:
        descriptors.close()
