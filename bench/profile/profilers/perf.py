"""perf: the kernel's own sampling of what is on a CPU, with Python's frames and those of C code.

The interpreter has to tell perf of its functions (``-X perf_jit``, CPython 3.13 and later: it works whether or not the
interpreter was built with frame pointers, docs.python.org/3/howto/perf_profiling.html). So the server is started anew
for it, and what that costs is in its windows.
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
_STACK_BYTES = 16384  # copied of each sample
_PYTHON = re.compile(r"^py::(.*):(/.*|<.*>)$")
_TEMPORARY = Path("/tmp")  # noqa: S108 - where the interpreter and perf write, whatever TMPDIR says


def refusal(interpreter: Interpreter) -> Refusal | None:
    perf = shutil.which("perf")
    if perf is None:
        return Refusal("it is not installed", "install linux-perf (Debian), linux-tools (Ubuntu) or perf")
    if interpreter.release < SINCE:
        return Refusal("CPython tells it of Python's frames since 3.13", "choose --profiler py-spy")
    ran = subprocess.run([perf, "stat", "-e", "cpu-clock", "true"], capture_output=True, check=False)
    if ran.returncode or b"<not supported>" in ran.stderr:
        level = _PARANOID.read_text(encoding="ascii").strip() if _PARANOID.exists() else "unknown"
        return Refusal(
            f"the system forbids it (perf_event_paranoid is {level})", "sudo sysctl kernel.perf_event_paranoid=1"
        )
    return None


def command(asked: Asked) -> Sequence[str]:
    return (
        *("perf", "record", "--quiet", "--event", "cpu-clock", "--freq", str(asked.rate_hz), "--clockid", "mono"),
        *("--call-graph", f"dwarf,{_STACK_BYTES}", "--no-buildid-cache", "--pid", str(asked.pid)),
        *("--output", str(_output(asked))),
    )


def stacks(asked: Asked) -> Stacks:
    """Return what it has written, with Python's frames, and those of C code that the innermost of them calls.

    Raises:
        FileNotFoundError: it has written nothing.
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
    """Yield the frames of a sample from the outermost on; perf has them the other way round, below a heading."""
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
    """Remove what servers that have ended, and perf on their account, have left, their children's too."""
    for dump in _TEMPORARY.glob("jit-*.dump"):
        pid = dump.stem.removeprefix("jit-")
        with contextlib.suppress(OSError):
            if not Path("/proc", pid).exists() and str(ROOT / "servers").encode() in dump.read_bytes():
                for path in (dump, *_TEMPORARY.glob(f"jitted-{pid}-*.so")):
                    path.unlink(missing_ok=True)


PERF = Profiler(
    name="perf",
    kinds=(Kind.CPU,),
    why="the kernel's own, exact about what is on a CPU, and with free-threaded builds too",
    refusal=refusal,
    command=command,
    stacks=stacks,
    environment={"PYTHON_PERF_JIT_SUPPORT": "1"},
    tidy=tidy,
)
