"""Stack snapshots of the threads of processes, a few times per second, from py-spy, without stopping them.

``py-spy dump --nonblocking`` reads a process's memory and exits, after 5 ms of CPU time and a quarter of a millisecond
more for each thread; the more it costs, the less often it runs. The frames of a waiting thread do not change, so they
are read correctly; those of a running thread may be inconsistent, and do not matter here.
"""

from __future__ import annotations

import bisect
import contextlib
import functools
import itertools
import json
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.live.meaning import Meaning, meaning
from bench.threads.wait_state import Place, parse, place

EVERY_S: Final = 0.3
COST_CORES: Final = 0.02
PATIENCE: Final = 3  # consecutive failures after which py-spy is no longer run on a process
TIMEOUT_S: Final = 10.0
MAIN: Final = "MainThread"

_AT_ONCE_S: Final = 0.05


class StackSnapshot(NamedTuple):
    """One thread in a dump; ``where`` it waited before and after, ``None`` if it has moved in between."""

    tid: int
    where: Place | None
    meaning: Meaning | None


def py_spy() -> Path | None:
    """Return py-spy's path, next to this interpreter or on PATH; ``None`` if it is not installed."""
    installed = Path(sys.executable).with_name("py-spy")
    found = str(installed) if installed.exists() else shutil.which("py-spy")
    return None if found is None else Path(found)


class Snapshots:
    """Runs py-spy on one process after another, in a separate thread; must be closed.

    Attributes:
        names: Python's names of the threads seen.
        refused: processes that py-spy could not read, and why.
    """

    def __init__(self, program: Path) -> None:
        self.names: dict[int, str] = {}
        self.refused: dict[int, str] = {}
        self._program = program
        self._pids: list[int] = []
        self._failures: Counter[int] = Counter()
        self._seen: list[StackSnapshot] = []
        self._cost_s = 0.0
        self._turn = threading.Lock()
        self._over = threading.Event()
        self._running: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def ask_for(self, pids: Iterable[int]) -> None:
        """Take snapshots of these processes from now on."""
        with self._turn:
            self._pids = list(pids)

    def take(self) -> tuple[list[StackSnapshot], float]:
        """Return the snapshots since the last call, and the CPU time they took."""
        with self._turn:
            seen, cost_s = self._seen, self._cost_s
            self._seen, self._cost_s = [], 0.0
        return seen, cost_s

    def close(self) -> None:
        """Stop, and kill a running py-spy; can be called twice."""
        self._over.set()
        with self._turn:
            if self._running is not None:
                self._running.kill()
        self._thread.join()

    def _run(self) -> None:
        pause_s, number = _AT_ONCE_S, 0
        while not self._over.wait(pause_s):
            with self._turn:
                pids = [pid for pid in self._pids if pid not in self.refused]
            if not pids:
                pause_s = _AT_ONCE_S
                continue
            number += 1
            began_s = time.thread_time()
            seen, used_s = self._ask(pids[number % len(pids)])
            cost_s = used_s + time.thread_time() - began_s
            with self._turn:
                self._seen += seen
                self._cost_s += cost_s
            pause_s = max(EVERY_S / len(pids), cost_s / COST_CORES) if number >= len(pids) else _AT_ONCE_S

    def _ask(self, pid: int) -> tuple[list[StackSnapshot], float]:
        """Return snapshots of the threads of a process, and the CPU time that py-spy took."""
        before = _lines(pid)
        began_s = _children_s()
        output, trouble = self._dump(pid)
        used_s = _children_s() - began_s
        after = _lines(pid)
        try:
            threads = json.loads(output)
        except ValueError:
            self._check_exit(pid, trouble)
            return [], used_s
        self._failures[pid] = 0
        return list(self._first_line(threads, before, after)), used_s

    def _dump(self, pid: int) -> tuple[bytes, str]:
        """Return py-spy's output and its error messages."""
        command = [str(self._program), "dump", "--pid", str(pid), "--json", "--nonblocking"]
        with self._turn:
            if self._over.is_set():
                return b"", ""
            pipe = subprocess.PIPE
            self._running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe)
        with self._running as process:
            try:
                output, errors = process.communicate(timeout=TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                return b"", f"no answer within {TIMEOUT_S:.0f} s"
        return output, errors.decode(errors="replace")

    def _check_exit(self, pid: int, trouble: str) -> None:
        self._failures[pid] += 1
        if self._failures[pid] == PATIENCE:
            self.refused[pid] = trouble.partition("\n")[0].removeprefix("Error: ") or "it gave no reason"

    def _first_line(
        self, threads: list[dict[str, Any]], before: dict[int, bytes], after: dict[int, bytes]
    ) -> Iterator[StackSnapshot]:
        places = {tid: _place(line) for tid, line in before.items()}
        owners = _owners([one["thread_id"] for one in threads], places)
        for one in threads:
            tid = one["os_thread_id"] or (one["pid"] if one["thread_name"] == MAIN else owners.get(one["thread_id"]))
            if tid is None:
                continue
            self.names[tid] = one["thread_name"] or ""
            where = places.get(tid) if before.get(tid) == after.get(tid) else None
            frames = [(frame["filename"], frame["name"]) for frame in one["frames"]]
            source = _source(one["pid"], frames[0][0], one["frames"][0]["line"]) if frames else ""
            # Without a Python frame a thread waits for no lock of Python's: it is one of a pool, without work.
            yield StackSnapshot(tid, where, meaning(frames, source) if frames else Meaning.WORK)


def _lines(pid: int) -> dict[int, bytes]:
    """Return the kernel's line about what each thread of a process is doing."""
    found = {}
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                found[int(task.name)] = (task / "syscall").read_bytes()
    return found


@functools.lru_cache(maxsize=1024)
def _source(pid: int, file: str, line: int) -> str:
    """Return a line of a process's source, as it is on disk now; empty if there is none."""
    try:
        with Path(f"/proc/{pid}/root{file}").open(encoding="utf-8", errors="replace") as lines:
            return next(itertools.islice(lines, max(0, line - 1), None), "")
    except (OSError, ValueError):
        return ""


def _place(line: bytes) -> Place | None:
    with contextlib.suppress(ValueError):
        call = parse(line)
        return None if call is None else place(call)
    return None


def _owners(handles: list[int], places: dict[int, Place | None]) -> dict[int, int]:
    """Return the thread id of each handle (pthread_self), for CPython up to 3.10, which does not know the ids.

    A handle points to a structure that the C library keeps at the upper end of the thread's stack.
    """
    ordered, owners = sorted(handles), {}
    for tid, where in places.items():
        above = len(ordered) if where is None else bisect.bisect_right(ordered, where.stack_pointer)
        if above < len(ordered):
            owners[ordered[above]] = tid
    return owners


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
