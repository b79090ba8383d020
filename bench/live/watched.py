"""Successive intervals of one process tree, as long as it runs."""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from bench.errors import GilbenchError
from bench.live.account import listening_ports
from bench.live.interval import Interval, Places, summarise_samples
from bench.live.snapshots import Snapshots
from bench.live.tasks import Tasks, has_readable_tasks
from bench.threads.forbidden import forbidden
from bench.threads.interpreters import gils, version
from bench.threads.process_state import check_process, describe_halted
from bench.threads.sampler import Sampler


class Watched:
    """Watches a process and its children; a context manager.

    Attributes:
        pid: of the first process.
        python: its version, or that of the first child that has one; ``None``: none is a CPython.
        snapshots: what py-spy tells; ``None``: it is not asked.
        halted: a sentence for each process that did not run at the last edge, by its id: its threads are left out.
    """

    def __init__(self, pid: int, py_spy: Path | None) -> None:
        """Start sampling the process, with py-spy too if its path is given.

        Raises:
            GilbenchError: there is no such process, it may not be inspected, or sampling is not available on this
                system.
        """
        check_process(pid)
        self.pid = pid
        self.snapshots: Snapshots | None = None
        self.halted: dict[int, str] = {}
        self._tasks: Tasks | None = None
        self._places = Places()
        self._is_python: dict[int, bool] = {}
        self._names: dict[int, str] = {}
        with _readable(pid), contextlib.ExitStack() as opened:
            self._pidfd = os.pidfd_open(pid)
            opened.callback(os.close, self._pidfd)
            self._sampler = Sampler(pid, listening_ports(pid))
            opened.callback(self._sampler.close)
            self.python = version(pid)
            if py_spy is not None:
                self.snapshots = Snapshots(py_spy)
                opened.callback(self.snapshots.close)
                self.snapshots.ask_for(filter(self.is_python, _tree(pid)))
            if has_readable_tasks(pid, self.python):
                self._tasks = Tasks(pid)
                opened.callback(self._tasks.close)
            self._cpu_s = _cpu_s(_tree(pid))
            self.halted = describe_halted(_tree(pid))
            self._sampler.begin()
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def wait(self, seconds: float) -> bool:
        """Wait for some time or until the process ends, and return whether it still runs."""
        return not select.select([self._pidfd], [], [], max(0.0, seconds))[0]

    def next(self) -> Interval | None:
        """Return how the threads spent the time since the last call; ``None`` if no thread was seen."""
        samples = self._sampler.cut()
        before, self.halted = self.halted, describe_halted(samples.process_of.values())
        samples = samples.without(before.keys() | self.halted.keys())
        began_s = time.thread_time()
        pids = set(samples.process_of.values())
        after_s = _cpu_s(pids | self._cpu_s.keys())
        used_s = sum(cpu_s - self._cpu_s.get(pid, 0.0) for pid, cpu_s in after_s.items())
        self._cpu_s = after_s
        seen, cost_s = ([], 0.0) if self.snapshots is None else self.snapshots.take()
        pythons = sorted(pid for pid in pids if self.is_python(pid))
        if self.snapshots is not None:
            self.snapshots.ask_for(pythons)
        if self.python is None and pythons:  # Python is the child of a shell or a launcher
            with contextlib.suppress(OSError):
                self.python = version(pythons[0])
        self._places.forget_all_but(samples.process_of)
        self._names = {tid: self._names.get(tid) or _comm(pid, tid) for tid, pid in samples.process_of.items()}
        found = summarise_samples(samples, used_s, seen, cost_s, self._places)
        if found is None:
            return None
        tasks = None if self._tasks is None else self._tasks.take()
        return replace(found, cost_s=found.cost_s + time.thread_time() - began_s, tasks=tasks)

    def is_python(self, pid: int) -> bool:
        """Return whether a process has a GIL to wait for, or could have one."""
        if pid not in self._is_python:
            with contextlib.suppress(OSError):
                self._is_python[pid] = bool(gils(pid))
        return self._is_python.get(pid, False)

    def name(self, tid: int) -> str:
        """Return a thread's name: Python's own where py-spy reports it, else the system's."""
        shown = None if self.snapshots is None else self.snapshots.names.get(tid)
        return shown or self._names.get(tid, "")


@contextlib.contextmanager
def _readable(pid: int) -> Iterator[None]:
    try:
        yield
    except PermissionError as exc:
        raise GilbenchError(forbidden(pid)) from exc
    except (FileNotFoundError, ProcessLookupError) as exc:
        kernels = Path(f"/proc/{pid}/task").exists()  # its threads have no program
        shown = f"process {pid} has ended, or is a kernel thread" if kernels else f"there is no process {pid}"
        raise GilbenchError(f"{shown}: choose another, for example with ps") from exc
    except OSError as exc:
        raise GilbenchError(f"cannot watch process {pid}: {exc.strerror}") from exc


def _comm(pid: int, tid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/task/{tid}/comm").read_text(encoding="utf-8", errors="replace").rstrip("\n")
    return ""


def _tree(pid: int) -> set[int]:
    with contextlib.suppress(psutil.Error):
        return {pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))}
    return {pid}


def _cpu_s(pids: Iterable[int]) -> dict[int, float]:
    """Return the CPU time of each process that still runs, by its own clock (clock_getcpuclockid(3))."""
    found = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            found[pid] = time.clock_gettime((~pid << 3) | 2)
    return found
