"""Waits for the GIL, with CPython's own sampling profiler as the second instrument."""

from __future__ import annotations

import functools
import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from bench.errors import GilbenchError
from bench.interpreters.interpreter import Interpreter, interpreter_environment
from bench.live.account import watch
from bench.validate.studies.waits import GIL, WAITS_WITH_GIL, WATCHED_S, running
from bench.validate.study import Gap, Known, Observations, Observed, Row, Study

SINCE: Final = (3, 15)  # profiling.sampling, PEP 799


def studies(interpreters: Mapping[str, Interpreter]) -> Iterator[Study | Gap]:
    """Yield a study for each program, under the first interpreter that has the profiler."""
    found = [name for name, one in interpreters.items() if one.release >= SINCE and not one.build.freethreaded]
    if not found:
        yield Gap("profiler", "no CPython 3.15 or newer was found, whose own profiler is the witness")
        return
    name = found[0]
    for program in WAITS_WITH_GIL:
        row = Row(
            name=f"{name}, {program}: {GIL} by CPython's profiler",
            says="profiling.sampling attached to the program samples the same state from inside, right after.",
            known=Known.INSTRUMENT,
            unit="share",
            bound=0.06,
        )
        yield Study(
            f"profiler {program}", (row,), functools.partial(_observe_profiled, row, interpreters[name], program)
        )


def _observe_profiled(row: Row, interpreter: Interpreter, program: str) -> Observations:
    with running(interpreter, program) as process:
        ours = watch(process.pid, WATCHED_S).serving.shares[GIL]
        with tempfile.TemporaryDirectory(prefix="gilbench-") as folder:
            observer = _read_profiler(interpreter, process.pid, Path(folder) / "profile.json")
    return {row.name: Observed(ours, observer)}


def _read_profiler(interpreter: Interpreter, pid: int, to: Path) -> float:
    command = [
        str(interpreter.program),
        "-m",
        "profiling.sampling",
        "attach",
        "-a",
        "-d",
        "1",
        "--gecko",
        "-o",
        str(to),
    ]
    done = subprocess.run(
        [*command, str(pid)], capture_output=True, text=True, check=False, env=interpreter_environment()
    )
    if done.returncode or not to.exists():
        raise GilbenchError(f"profiling.sampling failed: {(done.stderr.strip() or 'no output').splitlines()[-1]}")
    profiled = json.loads(to.read_bytes())
    names = profiled["shared"]["stringArray"]
    shares = [
        sum(
            end - begin
            for name, begin, end in zip(markers["name"], markers["startTime"], markers["endTime"], strict=True)
            if names[name] == "Waiting for GIL"
        )
        / 1000
        for markers in (thread["markers"] for thread in profiled["threads"] if not thread["isMainThread"])
    ]
    return float(sum(shares)) / max(1, len(shares))
