"""Tracing of allocations, and of the lines that hold them, inside a server (3.9 and newer) whose memory is profiled.

On SIGUSR1 it writes ``PID-N.json`` into the folder that ``GILBENCH_MEMORY`` names, with N counting from 0.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import tracemalloc
from pathlib import Path

LINES = 200
_asked = itertools.count()


def _write(*_: object) -> None:
    held, peak = tracemalloc.get_traced_memory()
    snapshot = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(False, tracemalloc.__file__)])
    found = snapshot.statistics("lineno")[:LINES]
    lines = [[one.traceback[0].filename, one.traceback[0].lineno, one.size, one.count] for one in found]
    path = Path(os.environ["GILBENCH_MEMORY"], f"{os.getpid()}-{next(_asked)}.json")
    new = path.with_suffix(".new")
    new.write_text(json.dumps({"held_bytes": held, "peak_bytes": peak, "lines": lines}))
    new.replace(path)


if "GILBENCH_MEMORY" in os.environ:
    tracemalloc.start()
    signal.signal(signal.SIGUSR1, _write)
