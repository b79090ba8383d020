"""The threads of a server's whole process tree as they come and go, each with its ``/proc`` file kept open."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from bench.threads import descriptors
from bench.threads.descriptors import BELIEVED_S, Descriptors
from bench.threads.interpreters import AddressRange, gils
from bench.threads.wait_state import Descriptor

RESCAN_S: Final = 0.1  # how often to search for children of threads other than a process's first

_LINE_BYTES: Final = 256
_IO_URING: Final = (b"iou-sqp-", b"iou-wrk-")


class Process:
    """A process of the tree; details that are expensive to read are read on first use."""

    def __init__(self, pid: int, ports: frozenset[int], parent: Process | None) -> None:
        self.pid = pid
        self._ports = ports
        self._origin = _origin(pid)
        # A fork keeps all addresses; an exec changes them.
        same = parent is not None and parent._origin == self._origin
        self.gils: tuple[AddressRange, ...] = parent.gils if parent is not None and same else gils(pid)
        self._descriptors: Descriptors | None = None
        self._watched: dict[int, tuple[float, list[int]]] = {}
        self._children = os.open(f"/proc/{pid}/task/{pid}/children", os.O_RDONLY)

    def holds_gil(self, address: int) -> bool:
        return any(span.begin <= address < span.end for span in self.gils)

    def descriptor(self, fd: int) -> Descriptor:
        try:
            if self._descriptors is None:
                self._descriptors = Descriptors(self.pid, self._ports)
            return self._descriptors.kind(fd)
        except OSError:  # it has ended
            return Descriptor.OTHER

    def polled(self, address: int, count: int) -> list[int]:
        return descriptors.polled(self.pid, address, count)

    def watched(self, epoll: int) -> list[int]:
        now_s = time.monotonic()
        until_s, fds = self._watched.get(epoll, (0.0, []))
        if now_s >= until_s:
            with contextlib.suppress(OSError, ValueError):
                fds = descriptors.watched(self.pid, epoll)
            self._watched[epoll] = now_s + BELIEVED_S, fds
        return fds

    def has_clients(self) -> bool:
        try:
            return any(self.descriptor(int(fd)) is Descriptor.CLIENT for fd in os.listdir(f"/proc/{self.pid}/fd"))
        except OSError:
            return False

    def shape(self) -> tuple[int, bytes]:
        """Return the number of threads and the children's pids, which change when threads or children come or go.

        Raises:
            OSError: it has ended.
        """
        return os.stat(f"/proc/{self.pid}/task").st_nlink, os.pread(self._children, 4096, 0)  # noqa: PTH116 - hot

    def close(self) -> None:
        os.close(self._children)
        if self._descriptors is not None:
            self._descriptors.close()


class Scheduled(NamedTuple):
    """A line of ``/proc/PID/task/TID/schedstat``.

    Attributes:
        cpu_ns: time on a CPU.
        queued_ns: time in the run queue.
        slices: how often it was put on a CPU.
    """

    cpu_ns: int
    queued_ns: int
    slices: int


class Thread:
    """A thread of the tree."""

    def __init__(self, process: Process, tid: int) -> None:
        self.process = process
        self.tid = tid
        self._file = os.open(f"/proc/{process.pid}/task/{tid}/syscall", os.O_RDONLY)

    def line(self) -> bytes:
        """Return the kernel's line about what it is doing.

        Raises:
            OSError: it has ended.
        """
        return os.pread(self._file, _LINE_BYTES, 0)

    def scheduled(self) -> Scheduled:
        """Return what the scheduler has counted of it.

        Raises:
            OSError: it has ended.
        """
        with open(f"/proc/{self.process.pid}/task/{self.tid}/schedstat", "rb") as file:  # noqa: PTH123 - hot
            return Scheduled(*map(int, file.read().split()))

    @property
    def of_the_kernel(self) -> bool:
        """Whether it is a thread of io_uring, which no program started; its name says so."""
        with contextlib.suppress(OSError):
            return Path(f"/proc/{self.process.pid}/task/{self.tid}/comm").read_bytes().startswith(_IO_URING)
        return False

    def close(self) -> None:
        os.close(self._file)


class Tree:
    """A process and all its descendants.

    Attributes:
        root: pid of the first process.
        threads: the threads that exist now, by id.
    """

    def __init__(self, root: int, ports: frozenset[int]) -> None:
        """Read the tree once.

        Raises:
            OSError: there is no such process, or it may not be inspected.
        """
        self.root = root
        self.threads: dict[int, Thread] = {}
        self._ports = ports
        self._processes: dict[int, Process] = {}
        self._shapes: dict[int, tuple[int, bytes]] = {}
        self._scanned_s = 0.0
        self._processes[root] = Process(root, ports, None)
        Thread(self._processes[root], root).close()  # fails here if it may not be read
        self._scan()

    def refresh(self) -> None:
        """Update the threads and processes that came or went."""
        try:
            same = all(process.shape() == self._shapes[pid] for pid, process in self._processes.items())
        except OSError:
            same = False
        if not same or time.monotonic() - self._scanned_s > RESCAN_S:
            self._scan()

    def has_clients(self) -> bool:
        """Return whether any process of the tree holds a client's connection."""
        return any(process.has_clients() for process in self._processes.values())

    def forget(self, thread: Thread) -> None:
        """Remove a thread that has ended."""
        thread.close()
        self.threads.pop(thread.tid, None)
        self._shapes[thread.process.pid] = (0, b"")

    def close(self) -> None:
        for thread in self.threads.values():
            thread.close()
        for process in self._processes.values():
            process.close()
        self.threads.clear()
        self._processes.clear()

    def _scan(self) -> None:
        self._scanned_s = time.monotonic()
        seen: set[int] = set()
        queue: list[tuple[int, Process | None]] = [(self.root, None)]
        for pid, parent in queue:
            with contextlib.suppress(OSError):  # it has ended in the meantime
                process = self._processes.get(pid)
                if process is None:
                    process = self._processes[pid] = Process(pid, self._ports, parent)
                self._shapes[pid] = process.shape()
                for tid in map(int, os.listdir(f"/proc/{pid}/task")):
                    if tid not in self.threads:
                        self.threads[tid] = Thread(process, tid)
                    seen.add(tid)
                    queue += [(child, process) for child in _children(pid, tid)]
        for thread in [thread for tid, thread in self.threads.items() if tid not in seen]:
            self.forget(thread)
        alive = {pid for pid, _ in queue} & seen
        for pid in [pid for pid in self._processes if pid not in alive]:
            self._processes.pop(pid).close()
            self._shapes.pop(pid, None)


def _children(pid: int, tid: int) -> Iterator[int]:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{tid}/children", "rb") as file:  # noqa: PTH123 - hot
        yield from map(int, file.read().split())


def _origin(pid: int) -> tuple[bytes, ...]:
    """Return what distinguishes one exec from another: where its code and stack begin (proc(5), fields 26 and 28)."""
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return fields[23], fields[25]
