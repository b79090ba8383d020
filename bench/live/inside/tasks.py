"""Run as ``python tasks.py PID SECONDS``: print what the asyncio tasks of a process await, one line of JSON per sample.

A line is ``{"tasks": [[awaited, function, file, line], ...], "cpu_s": ...}``: the innermost function of each task's
stack of coroutines, and the innermost that is not the standard library's. Source: asyncio.tools, of ``python -m asyncio
ps``, which reads the debug offsets of a process of the same version.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from asyncio.tools import get_all_awaited_by  # type: ignore[import-not-found] # it is in 3.14 and newer
from pathlib import Path
from typing import Any

LIBRARY = f"{Path(asyncio.__file__).parent.parent}/"


def main() -> None:
    pid, gap_s = int(sys.argv[1]), float(sys.argv[2])
    while Path(f"/proc/{pid}").exists():
        try:
            found = get_all_awaited_by(pid)
        except PermissionError:
            raise
        except (RuntimeError, OSError, ValueError):  # what it read had changed meanwhile
            time.sleep(gap_s)
            continue
        tasks = [
            describe([frame for coroutine in task.coroutine_stack for frame in coroutine.call_stack])
            for thread in found
            for task in thread.awaited_by
        ]
        print(json.dumps({"tasks": tasks, "cpu_s": time.process_time()}), flush=True)
        time.sleep(gap_s)


def describe(frames: list[Any]) -> list[object]:
    """Return what a task awaits and where in the program, from its frames, innermost first."""
    own = next((frame for frame in frames if not frame.filename.startswith(LIBRARY)), None)
    awaited = frames[0].funcname if frames and frames[0] is not own else ""
    if own is None:
        return [awaited, "", "", 0]
    line = own.lineno if hasattr(own, "lineno") else own.location.lineno
    return [awaited, own.funcname, own.filename, line]


if __name__ == "__main__":
    main()
