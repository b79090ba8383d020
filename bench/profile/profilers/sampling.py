"""CPython 3.15's own sampling profiler, ``profiling.sampling`` (PEP 799), run by the interpreter that it profiles.

It knows the exact memory layout of its interpreter, and reads it from outside without stopping it. Its folded stacks
have only the base names of files: those of the servers and of a user handler are recognised by them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.interpreters.interpreter import Interpreter
from bench.paths import ROOT
from bench.profile.profilers.profiler import Asked, Profiler, Refusal
from bench.profile.stacks import Kind, Stacks, frame

SINCE = (3, 15)

_MODES = {Kind.CPU: "cpu", Kind.GIL: "gil", Kind.WALL: "wall"}


def refusal(interpreter: Interpreter) -> Refusal | None:
    return Refusal("it comes with CPython 3.15", "choose --profiler py-spy") if interpreter.release < SINCE else None


def command(asked: Asked) -> Sequence[str]:
    return (
        *(str(asked.interpreter.program), "-m", "profiling.sampling", "attach", "--all-threads", "--subprocesses"),
        *("--sampling-rate", str(asked.rate_hz), "--mode", _MODES[asked.kind], "--collapsed"),
        *("--native",) * asked.native,
        *("--output", str(_output(asked)), str(asked.pid)),
    )


def stacks(asked: Asked) -> Stacks:
    """Return the stacks that it has written, for the process and for its children.

    Raises:
        FileNotFoundError: it has written nothing.
    """
    outputs = [path for path in asked.folder.iterdir() if path.name.startswith(_output(asked).stem)]
    if not outputs:
        raise FileNotFoundError(_output(asked))
    known = _frame_name(asked.handler)
    found = Stacks()
    for output in outputs:
        for line in output.read_text(encoding="utf-8", errors="replace").splitlines():
            text, _, count = line.rpartition(" ")
            frames = tuple(_frame(part, known) for part in text.split(";") if not part.startswith("tid:"))
            found[frames] += int(count)
    return found


def _output(asked: Asked) -> Path:
    return asked.folder / f"{asked.kind.value}.collapsed"


def _frame_name(handler: str) -> dict[str, str]:
    """Return paths by base name, except where a module of the standard library has the same name."""
    ours = [path for path in (ROOT / "servers").rglob("*.py") if path.stem not in sys.stdlib_module_names]
    place = Path(handler.rpartition(":")[0])
    found = {path.name: str(path) for path in ours if not path.stem.startswith("__")}
    return found | ({place.name: str(place)} if place.suffix == ".py" else {})


def _frame(text: str, known: Mapping[str, str]) -> str:
    """Return the frame for ``file:function:line``; files such as ``<frozen runpy>`` have no colon."""
    file, function, line = ("", *text.rsplit(":", 2))[-3:]
    return frame(function, known.get(file, file), "" if line == "0" else line) if file else text


SAMPLING = Profiler(
    name="sampling",
    kinds=(Kind.CPU, Kind.GIL, Kind.WALL),
    why="the interpreter's own: knows its exact memory layout and stops nothing",
    refusal=refusal,
    command=command,
    stacks=stacks,
)
