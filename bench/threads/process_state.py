"""What a process id stands for, and whether its process runs: what threads of a stopped one wait for says nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import psutil

from bench.errors import GilbenchError
from loadgen.host.cgroup import frozen_by

_STOPPED: Final = {"T": "stopped by a signal: kill -CONT {pid} continues it", "t": "stopped by a debugger: detach that"}


def check_process(pid: int) -> None:
    """Make sure that an id is that of a process here.

    Raises:
        GilbenchError: it is a thread's, or that of a process in a container as it is called there.
    """
    try:
        (process,) = _status(pid, "Tgid")
    except OSError:
        for other in psutil.pids():
            with contextlib.suppress(OSError):
                _, *inside = _status(other, "NSpid")
                if pid in inside:
                    raise GilbenchError(f"process {pid} of a container is {other} here: name that") from None
        return
    if process != pid:
        raise GilbenchError(f"{pid} is a thread of process {process}: name that")


def _status(pid: int, field: str) -> list[int]:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines()
    return next((list(map(int, line.split()[1:])) for line in lines if line.startswith(f"{field}:")), [pid])


def halted(pid: int) -> str | None:
    """Return why a process does not run, with what would continue it; ``None``: it runs, or has gone.

    The state is that of its first thread (proc(5)); a signal stops all of them.
    """
    with contextlib.suppress(OSError, IndexError):
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(") ")[2][0]
        if state in _STOPPED:
            return _STOPPED[state].format(pid=pid)
        switch = frozen_by(pid)
        if switch is not None:
            value = "0" if switch.name == "cgroup.freeze" else "THAWED"
            return f"frozen by its control group: echo {value} > {switch} thaws it"
    return None


def describe_halted(pids: Iterable[int]) -> dict[int, str]:
    """Return a sentence for each of these processes that does not run, by its id."""
    return {pid: f"process {pid} is {why}" for pid in set(pids) if (why := halted(pid)) is not None}
