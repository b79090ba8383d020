"""Stack samples of the GIL, for a handler whose parts are known."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from bench.errors import GilbenchError
from bench.interpreters.interpreter import Interpreter
from bench.profile.profilers import AUTO, choose
from bench.profile.profilers.profiler import Asked, Profiler
from bench.profile.stacks import Kind
from bench.runner.server import serving
from bench.validate.studies import parts
from bench.validate.study import Gap, Known, Observations, Observed, Row, Study
from loadgen import Load, run
from loadgen.protocols import any_line_protocol

_HANDLER: Final = f"{Path(__file__).with_name('parts.py')}:parts"
_SAMPLED_S, _RATE_HZ = 1.5, 500
_WHOLE_S: Final = parts.HOLDS_S + parts.RELEASES_S + parts.WAITS_S
HOLDING: Final = {"holds": parts.HOLDS_S / _WHOLE_S, "releases": 0.0, "waits": 0.0}
"""Share of the time for which each function of the handler holds the GIL."""


def studies(interpreters: Mapping[str, Interpreter]) -> Iterator[Study | Gap]:
    """Yield a study for each interpreter that has a GIL and a profiler."""
    for name, interpreter in interpreters.items():
        if not interpreter.build.gil_enabled:
            continue
        profiler, refused = choose(AUTO, interpreter)
        if profiler is None or Kind.GIL not in profiler.kinds:
            yield Gap(f"GIL samples {name}", "; ".join(refused.values()) or "no profiler sees its GIL")
            continue
        rows = {
            function: Row(
                name=f"{name}, GIL samples by {profiler.name}: {function}",
                says=f"A handler computes for {parts.HOLDS_S * 1e3:g} ms, hashes for {parts.RELEASES_S * 1e3:g} ms "
                f"with the GIL released and sleeps for {parts.WAITS_S * 1e3:g} ms, one request after another.",
                known=Known.CONSTRUCTION,
                unit="share",
                bound=0.05,
            )
            for function in HOLDING
        }
        observe = functools.partial(_observe, rows, profiler, interpreter)
        yield Study(f"GIL samples {name}", tuple(rows.values()), observe)


def _observe(rows: Mapping[str, Row], profiler: Profiler, interpreter: Interpreter) -> Observations:
    with serving(interpreter, "serial", _HANDLER) as server, tempfile.TemporaryDirectory(prefix="gilbench-") as folder:
        asked = Asked(server.pid, interpreter, Kind.GIL, _HANDLER, False, _RATE_HZ, Path(folder))
        with profiler.sample(asked) as sample:
            load = Load(host="127.0.0.1", port=server.port, duration_s=_SAMPLED_S, protocol=any_line_protocol([b"x"]))
            result = run(load, on_end=sample.end)
        stacks = sample.stacks()
    if not result.requests:
        raise GilbenchError("no request was answered")
    held = {
        function: sum(
            count for stack, count in stacks.items() if any(part.startswith(f"{function} (") for part in stack)
        )
        for function in rows
    }
    return {
        row.name: Observed(held[function] / _RATE_HZ / _SAMPLED_S, HOLDING[function]) for function, row in rows.items()
    }
