"""Which Python frames the threads of some processes are in, a few times per second, from py-spy, which stops nothing.

``py-spy dump --nonblocking`` reads a process's memory and is gone again, after 5 ms of CPU and a quarter of a
millisecond more for each thread, so it is asked less often the dearer it is. A thread that waits is not about to move,
so its frames are read well; those of one that runs may be torn, and are of no interest here.
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
PATIENCE: Final = 3  # so many failures in a row and a process is asked no more
TIMEOUT_S: Final = 10.0
MAIN: Final = "MainThread"

_AT_ONCE_S: Final = 0.05


class StackSnapshot(NamedTuple):
    """What one dump says of a thread; ``where`` it sat before and after, ``None`` if it has moved meanwhile."""

    tid: int
    where: Place | None
    meaning: Meaning | None


def py_spy() -> Path | None:
    """Return the program: next to this interpreter, or wherever a shell would find it; ``None``: there is none."""
    installed = Path(sys.executable).with_name("py-spy")
    found = str(installed) if installed.exists() else shutil.which("py-spy")
    return None if found is None else Path(found)


class Snapshots:
    """Asks py-spy for one process after the other, in a thread of its own; must be closed.

    Attributes:
        names: of the threads seen, as Python calls them.
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
        """Ask for these processes from now on."""
        with self._turn:
            self._pids = list(pids)

    def take(self) -> tuple[list[StackSnapshot], float]:
        """Return what has been seen since this was last called, and the CPU time it took."""
        with self._turn:
            seen, cost_s = self._seen, self._cost_s
            self._seen, self._cost_s = [], 0.0
        return seen, cost_s

    def close(self) -> None:
        """Ask no more, and end what runs; can be called twice."""
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
        """Return what the threads of a process are in, and the CPU time that py-spy took."""
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
        """Return what py-spy writes, and what it complains of."""
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
            self.refused[pid] = trouble.partition("\n")[0].removeprefix("Error: ") or "it does not say why"

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
            yield StackSnapshot(tid, where, meaning(frames, source))


def _lines(pid: int) -> dict[int, bytes]:
    """Return what the system says that each thread of a process is doing."""
    found = {}
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                found[int(task.name)] = (task / "syscall").read_bytes()
    return found


@functools.lru_cache(maxsize=1024)
def _source(pid: int, file: str, line: int) -> str:
    """Return a line of a process's source, as it is on disk now; empty where there is none."""
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
    """Return whose each handle (pthread_self) is, for CPython up to 3.10, which does not know its threads' ids.

    The C library keeps what a handle points to at the upper end of the thread's stack.
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
