"""The profilers: one module and one row each, the best first."""

from __future__ import annotations

from typing import Final

from bench.interpreters.interpreter import Interpreter
from bench.profile.profilers.perf import PERF
from bench.profile.profilers.profiler import Profiler, Refused
from bench.profile.profilers.py_spy import PY_SPY
from bench.profile.profilers.sampling import SAMPLING

AUTO: Final = "auto"
PROFILERS: Final = {profiler.name: profiler for profiler in (SAMPLING, PY_SPY, PERF)}


def choose(wanted: str, interpreter: Interpreter) -> tuple[Profiler | None, dict[str, str]]:
    """Return the profiler for servers under an interpreter, and why those before it were passed over.

    Args:
        wanted: a key of :data:`PROFILERS`, or "auto": the first that works here.
        interpreter: the interpreter.

    Raises:
        Refused: the profiler that was chosen by name is not available.
    """
    refused: dict[str, str] = {}
    for profiler in PROFILERS.values() if wanted == AUTO else [PROFILERS[wanted]]:
        refusal = profiler.refusal(interpreter)
        if refusal is None:
            return profiler, refused
        if wanted != AUTO:
            raise Refused(f"{wanted} cannot profile {interpreter.name}: {refusal}")
        refused[profiler.name] = refusal.reason
    return None, refused
