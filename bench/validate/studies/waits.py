"""Thread accounting of programs whose threads wait in known proportions, and against other instruments."""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from bench.errors import GilbenchError
from bench.interpreters.interpreter import Interpreter, interpreter_environment
from bench.live.account import watch
from bench.paths import ROOT
from bench.runner.server import serving
from bench.runner.window import measure
from bench.schema.cell import Cell
from bench.threads.account import CPU, RUN_QUEUE
from bench.threads.fast_sampler import FastSampler
from bench.threads.timeline import Activity
from bench.threads.wait_state import State
from bench.validate.study import Gap, Known, Observations, Observed, Row, Study

GIL, LOCK, OWN = State.GIL.value, State.LOCK.value, State.OWN.value
_PROGRAMS: Final = Path(__file__).parent.parent / "programs.py"
WATCHED_S = 0.6
_INTERPRETERS_SINCE = (3, 14)
_UNPRIVILEGED: Final = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", "--")

Shares = Mapping[str, float]


class Waits(NamedTuple):
    """The known shares of the time of a program's threads.

    Attributes:
        says: why it is known.
        shares: the truth, by states; ``a + b`` is their sum.
        bound: deviation that agrees.
    """

    says: str
    shares: Shares
    bound: float


def _turns(threads: int, bound: float) -> Waits:
    return Waits(
        f"{threads} threads compute under one GIL: one is on a CPU, the others wait for the GIL, or for a CPU once "
        "they have it.",
        {CPU: 1 / threads, f"{GIL} + {RUN_QUEUE}": 1 - 1 / threads, LOCK: 0.0},
        bound,
    )


WAITS_WITH_GIL: Final = {
    "two compute": _turns(2, 0.04),
    "four compute": _turns(4, 0.03),
    "C that holds the GIL": Waits(
        "Two threads sleep in C without releasing the GIL: one sleeps, the other waits for the GIL.",
        {GIL: 0.5, OWN: 0.5},
        0.06,
    ),
}
WAITS_WITHOUT_GIL: Final = {
    "four compute": Waits(
        "Four threads compute without a GIL: each is on a CPU or waits for one.",
        {f"{CPU} + {RUN_QUEUE}": 1.0, GIL: 0.0, LOCK: 0.0, CPU: min(1.0, (os.cpu_count() or 1) / 4)},
        0.05,
    ),
}
ALWAYS: Final = {
    "one computes": Waits("One thread computes alone: it waits for nobody.", {CPU: 1.0, GIL: 0.0, LOCK: 0.0}, 0.05),
    "four under one lock": Waits(
        "Four threads sleep under one lock: one sleeps, three wait for the lock.",
        {LOCK: 0.75, OWN: 0.25, GIL: 0.0},
        0.03,
    ),
    "C that releases the GIL": Waits("Two threads sleep in C with the GIL released.", {OWN: 1.0, GIL: 0.0}, 0.04),
}
_CPUS = os.cpu_count() or 1
INTERPRETERS: Final = Waits(
    "Two threads compute in each of two interpreters: each interpreter has a GIL of its own, so two of the four are on "
    "a CPU.",
    {CPU: min(2, _CPUS) / 4, f"{GIL} + {RUN_QUEUE}": 1 - min(2, _CPUS) / 4, LOCK: 0.0},
    0.05,
)


def studies(interpreters: Mapping[str, Interpreter]) -> Iterator[Study | Gap]:
    """Yield the studies for each interpreter."""
    for name, interpreter in interpreters.items():
        free = bool(interpreter.build.freethreaded)
        for program, waits in (ALWAYS | (WAITS_WITHOUT_GIL if free else WAITS_WITH_GIL)).items():
            yield _waits(name, interpreter, program, waits)
        if not free and interpreter.release >= _INTERPRETERS_SINCE:
            yield _waits(name, interpreter, "two interpreters", INTERPRETERS)
        yield _contended_study(name, interpreter)
        if not free:
            yield _timeline(name, interpreter)
    yield _unprivileged_study(interpreters)


@contextlib.contextmanager
def running(interpreter: Interpreter, program: str, prefix: Sequence[str] = ()) -> Iterator[subprocess.Popen[str]]:
    """Run one of the programs until the block ends.

    Args:
        interpreter: the interpreter to run it under.
        program: a key of :data:`~bench.validate.programs.PROGRAMS`.
        prefix: command that starts the program, if any.

    Raises:
        GilbenchError: it does not run.
    """
    command = [*prefix, str(interpreter.program), str(_PROGRAMS), program]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, text=True, cwd=ROOT, env=interpreter_environment()) as process:  # type: ignore[call-overload]
        try:
            if process.stdout.readline() != "ready\n":
                raise GilbenchError(f"{program!r} does not run under {interpreter.name}")
            yield process
        finally:
            process.kill()


def _share(shares: Shares, states: str) -> float:
    return math.fsum(shares[state] for state in states.split(" + "))


def _waits(name: str, interpreter: Interpreter, program: str, waits: Waits) -> Study:
    rows = {
        states: Row(
            name=f"{name}, {program}: {states}",
            says=waits.says,
            known=Known.CONSTRUCTION,
            unit="share",
            bound=waits.bound,
        )
        for states in waits.shares
    }

    def observe() -> Observations:
        with running(interpreter, program) as process:
            shares = watch(process.pid, WATCHED_S).serving.shares
        return {row.name: Observed(_share(shares, states), waits.shares[states]) for states, row in rows.items()}

    return Study(f"waits {name} {program}", tuple(rows.values()), observe)


def _contended_study(name: str, interpreter: Interpreter) -> Study:
    row = Row(
        name=f"{name}, three hash under one lock: {LOCK}",
        says="Three threads hash under one lock and time their waits for it themselves.",
        known=Known.INSTRUMENT,
        unit="share",
        bound=0.05,
    )

    def observe() -> Observations:
        with running(interpreter, "three hash under one lock") as process:
            _own_share(process)
            shares = watch(process.pid, WATCHED_S).serving.shares
            return {row.name: Observed(shares[LOCK], _own_share(process))}

    return Study(f"waits {name} contended", (row,), observe)


def _own_share(process: subprocess.Popen[str]) -> float:
    """Return the share of the time that a program's threads report to have waited since the last call."""
    assert process.stdin is not None  # noqa: S101 - pipes were asked for
    assert process.stdout is not None  # noqa: S101
    process.stdin.write("\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def _timeline(name: str, interpreter: Interpreter) -> Study:
    row = Row(
        name=f"{name}, timeline: {GIL}",
        says="The timeline's samples, 1,000 per second, and the thread accounting of the same window, 4 clients of "
        "the threaded server computing.",
        known=Known.INSTRUMENT,
        unit="share",
        bound=0.08,
    )

    def observe() -> Observations:
        with (
            serving(interpreter, "threaded", "cpu") as server,
            contextlib.closing(FastSampler(server.pid, frozenset({server.port}))) as sampler,
        ):
            measured = measure(
                Cell("threaded", "cpu", 4, name),
                server,
                window_s=WATCHED_S,
                warmup_s=0.1,
                requests_per_connection=None,
                observers=[sampler],
            )
            seen = sampler.timeline().shares()[Activity.GIL]
        if measured.thread_states.gil_wait is None:
            raise GilbenchError(measured.thread_accounting.unknown or "the server's threads were not seen")
        return {row.name: Observed(seen, measured.thread_states.gil_wait)}

    return Study(f"timeline {name}", (row,), observe)


def _unprivileged_study(interpreters: Mapping[str, Interpreter]) -> Study | Gap:
    """Return the study of an observer that may not trace others, such as the users of a shared machine."""
    (name, interpreter), *_ = ((name, one) for name, one in interpreters.items() if not one.build.freethreaded)
    prefix = _UNPRIVILEGED if os.geteuid() == 0 else ()
    if prefix and shutil.which(prefix[0]) is None:
        return Gap("unprivileged", "setpriv, of util-linux, was not found; or run this as another user than root")
    program, states = "four compute", f"{GIL} + {RUN_QUEUE}"
    row = Row(
        name=f"{name}, {program}, without privileges: {states}",
        says="An observer without any privilege accounts for a process of the same user: three of four threads wait.",
        known=Known.CONSTRUCTION,
        unit="share",
        bound=0.03,
    )

    def observe() -> Observations:
        with running(interpreter, program, prefix) as process:
            command = [*prefix, sys.executable, "-m", "bench", "account", str(process.pid), "--json"]
            done = subprocess.run(
                [*command, "--duration", f"{WATCHED_S}s"], capture_output=True, text=True, check=False, cwd=ROOT
            )
        if done.returncode:
            raise GilbenchError(done.stderr.strip())
        return {row.name: Observed(_share(json.loads(done.stdout)["serving"], states), 0.75)}

    return Study("unprivileged", (row,), observe)
