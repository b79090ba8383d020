"""Profiling cells, one after another, into the folder of a run."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from bench.profile import folder
from bench.profile.memory import memory
from bench.profile.request import Profiling
from bench.profile.windows import PLAIN, How, Profile, profile
from bench.runner.run import describe_run
from bench.schema.plan import Plan
from bench.schema.record import Record
from bench.schema.run_folder import RunFolder
from bench.schema.run_meta import State


def profile_cells(asked: Profiling, how: How, command: str, console: Console, *, with_memory: bool) -> Path:
    """Profile the cells one after another, and return the folder of the run with the profiles."""
    request = asked.request
    plan = request.plan(asked.cells)
    with _open_run(asked, plan, command) as (run, keep):
        for cell in asked.cells:
            began_s = time.monotonic()
            console.print(f"\n{cell.name}")
            interpreter = request.interpreters[cell.interpreter]
            found = profile(cell, interpreter, plan, how)
            _say(found, console)
            held = memory(cell, interpreter, plan) if with_memory and found.cut_short is None else None
            folder.write(run, found, interpreter=interpreter, how=how, command=command, memory=held)
            keep([record for with_, record in found.windows if with_ == PLAIN])
            if found.cut_short is not None:
                raise found.cut_short
            console.print(f"took {time.monotonic() - began_s:.0f} s")
    return run


@contextlib.contextmanager
def _open_run(asked: Profiling, plan: Plan, command: str) -> Iterator[tuple[Path, Callable[[list[Record]], None]]]:
    """Yield the folder of the run, and a function that keeps plain windows, which does nothing for an earlier run."""
    if asked.run is not None:
        yield asked.run, lambda _: None
        return
    run = RunFolder(asked.request.results, asked.request.name, describe_run(plan, asked.request, command))
    state = State.PARTIAL
    with contextlib.closing(run):
        try:
            yield run.path, run.append
            state = State.COMPLETE
        finally:
            run.update(replace(run.meta, state=state))


def _say(found: Profile, console: Console) -> None:
    for name, reason in found.refused.items():
        console.print(f"not used: {name}: {reason}")
    if found.profiler is not None:
        console.print(f"stacks by {found.profiler.name}: {found.profiler.why}")
    for failure in found.failures:
        console.print(f"failed: {failure}")
    for with_, cost in sorted(found.costs().items()):
        sure = (
            f"95% interval {cost.low - 1:+.1%} to {cost.high - 1:+.1%}" if cost.launches > 1 else "one pair of windows"
        )
        console.print(f"throughput with {with_}: {cost.ratio - 1:+.1%} ({sure})")
