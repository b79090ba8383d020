"""perf: the kernel's own sampling of what is on a CPU, with Python frames and those of C code.

The interpreter has to describe its functions to perf (``-X perf_jit``, CPython 3.13 and newer, works whether or not the
interpreter was built with frame pointers: docs.python.org/3/howto/perf_profiling.html). A separate server is therefore
launched for it, and the overhead is part of its windows.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.interpreters.interpreter import Interpreter
from bench.paths import ROOT
from bench.profile.profilers.profiler import Asked, Profiler, Refusal
from bench.profile.stacks import Kind, Stacks, frame

SINCE = (3, 13)

_PARANOID = Path("/proc/sys/kernel/perf_event_paranoid")
_STACK_BYTES = 16384  # of the stack, copied with each sample
_PYTHON = re.compile(r"^py::(.*):(/.*|<.*>)$")
_TEMPORARY = Path("/tmp")  # noqa: S108 - where the interpreter and perf write, regardless of TMPDIR


def refusal(interpreter: Interpreter) -> Refusal | None:
    perf = shutil.which("perf")
    if perf is None:
        return Refusal("it is not installed", "install linux-perf (Debian), linux-tools (Ubuntu) or perf")
    if interpreter.release < SINCE:
        return Refusal("it needs CPython 3.13 or newer to see Python frames", "choose --profiler py-spy")
    ran = subprocess.run([perf, "stat", "-e", "cpu-clock", "true"], capture_output=True, check=False)
    if ran.returncode or b"<not supported>" in ran.stderr:
        level = _PARANOID.read_text(encoding="ascii").strip() if _PARANOID.exists() else "unknown"
        return Refusal(
            f"the kernel does not permit it (perf_event_paranoid is {level})",
            "run sudo sysctl kernel.perf_event_paranoid=1",
        )
    return None


def command(asked: Asked) -> Sequence[str]:
    return (
        *("perf", "record", "--quiet", "--event", "cpu-clock", "--freq", str(asked.rate_hz), "--clockid", "mono"),
        *("--call-graph", f"dwarf,{_STACK_BYTES}", "--no-buildid-cache", "--pid", str(asked.pid)),
        *("--output", str(_output(asked))),
    )


def stacks(asked: Asked) -> Stacks:
    """Return the sampled stacks: Python frames, and the C frames that the innermost of them calls.

    Raises:
        FileNotFoundError: perf wrote nothing.
    """
    recorded, injected = _output(asked), asked.folder / "injected.data"
    if not recorded.exists():
        raise FileNotFoundError(recorded)
    perf = ("perf", "--buildid-dir", str(asked.folder))
    _run([*perf, "inject", "--jit", "--input", str(recorded), "--output", str(injected)])
    text = _run([*perf, "script", "--input", str(injected), "--fields", "tid,ip,sym"])
    found = Stacks()
    for sample in text.split("\n\n"):
        stack = tuple(_frames(sample.splitlines(), native=asked.native))
        if stack:
            found[stack] += 1
    return found


def _frames(lines: Sequence[str], *, native: bool) -> Iterator[str]:
    """Yield the frames of a sample, outermost first; perf lists them innermost first, below a heading."""
    symbols = [line.strip().partition(" ")[2] for line in reversed(lines[1:])]
    last = max((at for at, symbol in enumerate(symbols) if _PYTHON.match(symbol)), default=len(symbols))
    for at, symbol in enumerate(symbols):
        python = _PYTHON.match(symbol)
        if python:
            yield frame(python[1], python[2])
        elif (native and symbol and symbol != "[unknown]") or (at > last and symbol.startswith(("Py", "_Py"))):
            yield f"{symbol} (C)".replace(";", ",")


def _run(words: Sequence[str]) -> str:
    return subprocess.run(words, capture_output=True, check=False, encoding="utf-8", errors="replace").stdout


def _output(asked: Asked) -> Path:
    return asked.folder / "perf.data"


def tidy() -> None:
    """Remove the files that ended servers and their children, and perf for them, have left."""
    for dump in _TEMPORARY.glob("jit-*.dump"):
        pid = dump.stem.removeprefix("jit-")
        with contextlib.suppress(OSError):
            if not Path("/proc", pid).exists() and str(ROOT / "servers").encode() in dump.read_bytes():
                for path in (dump, *_TEMPORARY.glob(f"jitted-{pid}-*.so")):
                    path.unlink(missing_ok=True)


PERF = Profiler(
    name="perf",
    kinds=(Kind.CPU,),
    why="the kernel's own: exact about what is on a CPU, also with free-threaded builds",
    refusal=refusal,
    command=command,
    stacks=stacks,
    environment={"PYTHON_PERF_JIT_SUPPORT": "1"},
    tidy=tidy,
)
