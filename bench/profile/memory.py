"""The lines that hold memory, by tracemalloc inside the server, in a separate launch, before the load and at its end.

tracemalloc is part of the standard library, so it works under every interpreter. It records each allocation, which
takes time: the throughput with it is reported, and such a window is never one of the measured ones.
"""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import psutil

from bench.errors import GilbenchError
from bench.interpreters.interpreter import Interpreter
from bench.profile.stacks import short
from bench.profile.windows import window, with_environment
from bench.runner.server import Server
from bench.schema.cell import Cell
from bench.schema.plan import Plan

INSIDE: Final = Path(__file__).with_name("inside")
LINES_KEPT: Final = 30
_PATIENCE_S: Final = 10.0


class _Asking:
    """Window observer that asks every process of a server what memory it holds."""

    def __init__(self, server: Server, folder: Path) -> None:
        self._server, self._folder = server, folder
        self.answers: list[list[dict[str, Any]]] = []

    def begin(self) -> None:
        """Do nothing: the processes were asked before the load."""

    def end(self) -> None:
        """Ask, and wait for the answers.

        Raises:
            GilbenchError: a process does not answer.
        """
        first = psutil.Process(self._server.pid)
        pids = [first.pid, *(child.pid for child in first.children(recursive=True))]
        before = {path.name for path in self._folder.glob("*.json")}
        for pid in pids:
            os.kill(pid, signal.SIGUSR1)
        until_s = time.monotonic() + _PATIENCE_S
        while len(new := [path for path in self._folder.glob("*.json") if path.name not in before]) < len(pids):
            self._server.check()
            alive = sum(psutil.pid_exists(pid) for pid in pids)
            if len(new) >= alive or time.monotonic() > until_s:
                break
            time.sleep(0.01)
        if not new:
            raise GilbenchError(
                "the server does not report what memory it holds: leave out --memory, or choose another model"
            )
        self.answers.append([json.loads(path.read_bytes()) for path in new])


def memory(cell: Cell, interpreter: Interpreter, plan: Plan) -> dict[str, Any]:
    """Return the memory that a server holds before the load and at its end, by line, as in ``memory.json``.

    Raises:
        GilbenchError: the server does not start, ends during the load, or does not answer.
    """
    with tempfile.TemporaryDirectory(prefix="gilbench-") as folder:
        more = {"PYTHONPATH": str(INSIDE), "GILBENCH_MEMORY": folder}
        server = Server(with_environment(interpreter, more), cell.model, plan.serves(cell))
        try:
            server.ready()
            asking = _Asking(server, Path(folder))
            asking.end()
            measured = window(cell, server, plan, observers=[asking])
        finally:
            server.stop()
    before, after = asking.answers
    return {
        "before": _receive(before),
        "after": _receive(after),
        "lines": _lines(before, after),
        "requests": measured.result.requests,
        "throughput_rps": measured.result.throughput_rps,
    }


def _receive(answers: list[dict[str, Any]]) -> dict[str, int]:
    return {
        "processes": len(answers),
        "held_bytes": sum(one["held_bytes"] for one in answers),
        "peak_bytes": sum(one["peak_bytes"] for one in answers),
    }


def _lines(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the lines that gained most memory under load, and of equal ones those that hold most."""
    held: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for which, answers in enumerate((before, after)):
        for answer in answers:
            for file, line, size, _ in answer["lines"]:
                held[f"{short(file)}:{line}"][which] += size
    ordered = sorted(held.items(), key=lambda item: (item[1][0] - item[1][1], -item[1][1], item[0]))
    return [{"line": line, "before_bytes": had, "after_bytes": has} for line, (had, has) in ordered[:LINES_KEPT]]
