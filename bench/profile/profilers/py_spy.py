"""py-spy: reads the memory of any CPython with a GIL from outside, without stopping the process.

Without ``--nonblocking`` it stops the process for each sample, which disturbs threads that wait for the GIL; frames of
C code are available only in that mode.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.interpreters.interpreter import Interpreter
from bench.profile.profilers.profiler import Asked, Profiler, Refusal
from bench.profile.stacks import Kind, Stacks, frame

PROGRAM = Path(sys.executable).with_name("py-spy")

_FLAGS = {Kind.CPU: (), Kind.GIL: ("--gil",), Kind.WALL: ("--idle",)}
_FRAME = re.compile(r"^(.*) \((.*?)(?::(\d+))?\)$")


def refusal(interpreter: Interpreter) -> Refusal | None:
    if not PROGRAM.exists():
        return Refusal("it is not installed", "run gilbench profile, or pip install py-spy")
    if interpreter.build.freethreaded:
        return Refusal("it cannot read free-threaded builds", "choose --profiler perf")
    return None


def command(asked: Asked) -> Sequence[str]:
    return (
        *(str(PROGRAM), "record", "--pid", str(asked.pid), "--subprocesses", "--rate", str(asked.rate_hz)),
        *("--format", "raw", "--full-filenames", "--output", str(_output(asked))),
        *_FLAGS[asked.kind],
        "--native" if asked.native else "--nonblocking",
    )


def stacks(asked: Asked) -> Stacks:
    """Return the stacks that it has written.

    Raises:
        FileNotFoundError: it has written nothing.
    """
    found = Stacks()
    for line in _output(asked).read_text(encoding="utf-8", errors="replace").splitlines():
        text, _, count = line.rpartition(" ")
        frames = tuple(_frame(part) for part in text.split(";") if not part.startswith("process "))
        found[frames] += int(count)
    return found


def _output(asked: Asked) -> Path:
    return asked.folder / f"{asked.kind.value}.raw"


def _frame(text: str) -> str:
    parts = _FRAME.match(text)
    return frame(parts[1], parts[2], parts[3] or "") if parts else text


PY_SPY = Profiler(
    name="py-spy",
    kinds=(Kind.CPU, Kind.GIL, Kind.WALL),
    why="reads every CPython with a GIL from outside, without stopping it",
    refusal=refusal,
    command=command,
    stacks=stacks,
    started=b"Sampling process",
)
