"""What the asyncio tasks of a running process await, read from outside by an interpreter of its own version."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import threading
from collections import Counter
from pathlib import Path
from typing import Final, NamedTuple

from bench.interpreters.interpreter import interpreter_environment

EVERY_S: Final = 0.2
SINCE: Final = (3, 14)
_INSIDE: Final = Path(__file__).parent / "inside" / "tasks.py"
_PROGRAM: Final = re.compile(r"/python[\d.]*t?d?$")  # not one that embeds Python and has another command line
_VERSION: Final = re.compile(r"(\d+)\.(\d+)")


class Awaited(NamedTuple):
    """What a task awaits, and where.

    Attributes:
        awaits: the innermost function, of the standard library; empty: a future, or other tasks.
        function: the innermost function of the program.
        file: its file.
        line: the line at which it awaits.
    """

    awaits: str
    function: str
    file: str
    line: int


class TaskSamples(NamedTuple):
    """What was seen within a time.

    Attributes:
        samples: number of samples.
        tasks: how often a task was seen in each place, over all samples.
        cpu_s: CPU time that it took.
    """

    samples: int
    tasks: Counter[Awaited]
    cpu_s: float

    def together(self, other: TaskSamples) -> TaskSamples:
        """Return the samples of two times as those of one."""
        return TaskSamples(self.samples + other.samples, self.tasks + other.tasks, self.cpu_s + other.cpu_s)


class Tasks:
    """Samples the tasks of one process, until :meth:`close`, at ``every_s``."""

    def __init__(self, pid: int, every_s: float = EVERY_S) -> None:
        self._lock = threading.Lock()
        self._sampling = threading.Event()
        self._count, self._seen = 0, Counter[Awaited]()
        self._cpu_s = self._taken_s = 0.0
        self._process = subprocess.Popen(
            [program(pid), "-I", str(_INSIDE), str(pid), str(every_s)],
            executable=f"/proc/{pid}/exe",  # also where its file has been replaced; its path finds the library
            env=interpreter_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def wait(self, timeout_s: float) -> None:
        """Wait for the first sample, or for the end of the sampler, which starts an interpreter."""
        self._sampling.wait(timeout_s)

    def take(self) -> TaskSamples:
        """Return what has been seen since this was last called."""
        with self._lock:
            found = TaskSamples(self._count, self._seen, self._cpu_s - self._taken_s)
            self._count, self._seen, self._taken_s = 0, Counter(), self._cpu_s
        return found

    def close(self) -> None:
        """Stop sampling."""
        self._process.kill()
        self._thread.join()
        self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - a pipe was asked for
        with self._process.stdout as lines:
            for line in lines:
                with contextlib.suppress(ValueError, KeyError, TypeError):
                    sample = json.loads(line)
                    tasks = [Awaited(*task) for task in sample["tasks"]]
                    with self._lock:
                        self._count += 1
                        self._seen.update(tasks)
                        self._cpu_s = sample["cpu_s"]
                    self._sampling.set()
        self._sampling.set()  # it will not sample any more


def has_readable_tasks(pid: int, python: str | None) -> bool:
    """Tell whether the tasks of a process can be read from outside, by the program that it runs.

    Args:
        pid: its id.
        python: its version of CPython; ``None``: it is none.
    """
    found = _VERSION.match(python or "")
    return found is not None and (int(found[1]), int(found[2])) >= SINCE and bool(_PROGRAM.search(program(pid)))


def program(pid: int) -> str:
    """Return the path of the program that a process runs."""
    return str(Path(f"/proc/{pid}/exe").readlink()).removesuffix(" (deleted)")
