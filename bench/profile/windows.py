"""The windows of one profiled cell: plain ones, and ones with each profiler, in random order, round after round.

All are measured on servers that stay up, so the cost of a profiler is a ratio of adjacent windows. A profiler that
needs the interpreter started differently has a separate server, and the difference between two launches is part of its
cost.
"""

from __future__ import annotations

import contextlib
import math
import random
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench.errors import GilbenchError
from bench.interpreters.interpreter import Interpreter
from bench.interpreters.variants import ENV, InterpreterSettings, Variant
from bench.live.tasks import Tasks, TaskSamples, has_readable_tasks
from bench.planning.defaults import THREAD_ACCOUNTING_FROM_S
from bench.profile.profilers import choose
from bench.profile.profilers.profiler import Asked, Profiler, Refused, Sample
from bench.profile.stacks import Kind, Stacks, blocked, merge
from bench.runner.planned_load import planned_load
from bench.runner.server import Server
from bench.runner.window import Measured, measure
from bench.schema.cell import Cell
from bench.schema.plan import Plan
from bench.schema.record import Record
from bench.stats import ratios
from bench.threads import usage
from bench.threads.fast_sampler import FastSampler
from bench.threads.timeline import Timeline
from loadgen.result import Traced
from servers.deployed import EVERY

PLAIN: Final = "plain"
TIMELINE: Final = "timeline"
TASKS: Final = "tasks"
TASKS_EVERY_S: Final = 0.02
TASKS_START_S: Final = 10.0  # longest wait for the sampler's own interpreter
TRACED: Final = 50_000
FIRST_S: Final = 0.3  # of load on a new server, so that one-time work is done
WARMUP_S: Final = 0.15
"""Load before each window: after a pause, for example to attach a profiler, the first 50 ms may be slower."""


@dataclass(frozen=True, slots=True)
class How:
    """How to profile a cell.

    Attributes:
        profiler: a key of :data:`bench.profile.profilers.PROFILERS`, or "auto".
        native: include frames of C code.
        rate_hz: stack samples of each thread per second.
    """

    profiler: str
    native: bool
    rate_hz: int


@dataclass(slots=True)
class Profile:
    """Profile of a cell.

    Attributes:
        cell: the cell.
        profiler: the profiler that sampled the stacks; ``None`` if none works here.
        refused: why others were passed over, by name.
        stacks: the stacks by kind, without kinds that the profiler cannot sample.
        sampled_s: seconds of load under which each kind was sampled.
        timeline: timeline of the last round.
        cores: effective cores of that window, by the kernel's exact clocks.
        requests: requests of each client in that window.
        windows: all windows, with what each was measured with.
        tasks: what asyncio tasks awaited under load; ``None``: they cannot be read, or the model has no event loop.
        failures: profilers that failed in a window, and why.
        cut_short: the exception that ended it early; the results so far are kept.
    """

    cell: Cell
    profiler: Profiler | None
    refused: dict[str, str]
    stacks: dict[Kind, Stacks] = field(default_factory=dict)
    sampled_s: dict[Kind, float] = field(default_factory=dict)
    timeline: Timeline | None = None
    cores: float = 0.0
    requests: tuple[Traced, ...] = ()
    windows: list[tuple[str, Record]] = field(default_factory=list)
    tasks: TaskSamples | None = None
    failures: list[str] = field(default_factory=list)
    cut_short: BaseException | None = None

    def costs(self) -> dict[str, ratios.Ratio]:
        """Return the ratio of throughput with each profiler to that without, paired by rounds."""
        rates: dict[str, dict[int, float]] = {}
        for with_, record in self.windows:
            rates.setdefault(with_, {})[record.round_] = record.throughput_rps
        plain = rates.pop(PLAIN, {})
        found = {}
        for with_, by_round in rates.items():
            logs = [
                math.log(rate / plain[round_])
                for round_, rate in by_round.items()
                if rate > 0 and plain.get(round_, 0) > 0
            ]
            ratio = ratios.ratio_of_logs(logs)
            if ratio is not None:
                found[with_] = ratio
        return found


def profile(cell: Cell, interpreter: Interpreter, plan: Plan, how: How) -> Profile:
    """Measure a cell's windows, profiled and plain; an early end, as by Ctrl-C, is part of the returned profile.

    Raises:
        GilbenchError: the requested profiler is not available, or the server does not start.
    """
    profiler, refused = choose(how.profiler, interpreter)
    found = Profile(cell, profiler, refused)
    workload = plan.serves(cell)
    kinds = [kind for kind in (profiler.kinds if profiler else ()) if _makes_sense(kind, interpreter)]
    rng = random.Random(plan.seed)  # noqa: S311 - an order, not a secret
    samples: list[tuple[Kind, Sample]] = []
    with _scratch(profiler) as scratch:
        with _servers(cell, interpreter, plan, workload, profiler) as (server, profiled):
            steps: dict[str, Callable[[], Measured | None]] = {
                PLAIN: partial(window, cell, server, plan),
                TIMELINE: partial(_measure_timeline, found, server, plan),
            }
            if EVERY[cell.model].event_loop and has_readable_tasks(server.pid, interpreter.build.version):
                steps[TASKS] = partial(_measure_tasks, found, server, plan)
            for kind in kinds:
                assert profiler is not None  # noqa: S101 - they are its kinds
                asked = Asked(profiled.pid, interpreter, kind, workload, how.native, how.rate_hz, scratch)
                steps[kind.value] = partial(
                    _measure_stacks, found, samples, profiler, asked, server=profiled, plan=plan
                )
            windows = _Windows(server)
            try:
                for round_ in range(plan.rounds):
                    for with_ in rng.sample(list(steps), len(steps)):
                        measured = steps[with_]()
                        if measured is not None:
                            windows.note(with_, round_, measured)
            except (GilbenchError, KeyboardInterrupt) as exc:
                found.cut_short = exc
        _take(found, samples)
    found.windows += windows.records()
    if Kind.WALL in found.stacks and Kind.CPU in found.stacks:
        found.stacks[Kind.BLOCKED] = blocked(found.stacks[Kind.WALL], found.stacks[Kind.CPU])
        found.sampled_s[Kind.BLOCKED] = found.sampled_s[Kind.WALL]
    return found


def _makes_sense(kind: Kind, interpreter: Interpreter) -> bool:
    return kind is not Kind.GIL or bool(interpreter.build.gil_enabled)


def _measure_timeline(found: Profile, server: Server, plan: Plan) -> Measured:
    try:
        sampler = FastSampler(server.pid, frozenset({server.port}))
    except OSError as exc:
        server.check()
        raise GilbenchError(
            f"cannot read what the server's threads wait for: {exc.strerror}; run on Linux as the server's user"
        ) from exc
    with contextlib.closing(sampler):
        measured = window(found.cell, server, plan, observers=[sampler], trace=TRACED)
        found.timeline, found.requests = sampler.timeline(), measured.result.trace
        found.cores = measured.cpu.total / measured.interval.wall_s
    return measured


def _measure_tasks(found: Profile, server: Server, plan: Plan) -> Measured:
    with contextlib.closing(Tasks(server.pid, TASKS_EVERY_S)) as tasks:
        tasks.wait(TASKS_START_S)
        within = _Within(tasks)
        measured = window(found.cell, server, plan, observers=[within])
    found.tasks = within.samples if found.tasks is None else found.tasks.together(within.samples)
    return measured


class _Within:
    """The samples of tasks within a window."""

    samples: TaskSamples

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks

    def begin(self) -> None:
        self._tasks.take()

    def end(self) -> None:
        self.samples = self._tasks.take()


def _measure_stacks(
    found: Profile, samples: list[tuple[Kind, Sample]], profiler: Profiler, asked: Asked, *, server: Server, plan: Plan
) -> Measured | None:
    """Measure a window with a profiler; ``None`` if it failed, which is noted and does not affect other windows."""
    asked = asked._replace(folder=Path(tempfile.mkdtemp(dir=asked.folder)))
    try:
        with profiler.sample(asked) as sample:
            measured = window(found.cell, server, plan, observers=[sample])
    except Refused as exc:
        server.check()
        found.failures.append(str(exc))
        return None
    samples.append((asked.kind, sample))
    window_s = measured.end.usage.at_s - measured.begin.usage.at_s
    found.sampled_s[asked.kind] = found.sampled_s.get(asked.kind, 0.0) + window_s + WARMUP_S
    return measured


def _take(found: Profile, samples: Sequence[tuple[Kind, Sample]]) -> None:
    """Merge the sampled stacks into the profile."""
    for kind, sample in samples:
        try:
            found.stacks[kind] = merge([found.stacks.get(kind, Stacks()), sample.stacks()])
        except Refused as exc:
            found.failures.append(str(exc))


def window(cell: Cell, server: Server, plan: Plan, **with_: Any) -> Measured:
    """Measure a window, with further arguments of :func:`~bench.runner.window.measure`."""
    assert plan.window_s is not None  # noqa: S101 - a profile's plan has one
    thread_accounting = plan.window_s >= THREAD_ACCOUNTING_FROM_S
    return _load(
        cell, server, plan, window_s=plan.window_s, warmup_s=WARMUP_S, thread_accounting=thread_accounting, **with_
    )


def _load(cell: Cell, server: Server, plan: Plan, **with_: Any) -> Measured:
    return measure(cell, server, **planned_load(plan, cell), **with_)


@contextlib.contextmanager
def _scratch(profiler: Profiler | None) -> Iterator[Path]:
    """Yield a folder for the files of profilers, and leave nothing behind afterwards."""
    with tempfile.TemporaryDirectory(prefix="gilbench-") as folder:
        try:
            yield Path(folder)
        finally:
            if profiler is not None:
                profiler.tidy()


@contextlib.contextmanager
def _servers(
    cell: Cell, interpreter: Interpreter, plan: Plan, workload: str, profiler: Profiler | None
) -> Iterator[tuple[Server, Server]]:
    """Yield the plain and the profiled server: the same one, unless the profiler needs it started differently."""
    environments: list[Mapping[str, str]] = [{}]
    if profiler is not None and profiler.environment:
        environments.append(profiler.environment)
    servers: list[Server] = []
    try:
        for environment in environments:
            servers.append(Server(with_environment(interpreter, environment), cell.model, workload, path=plan.path))
            servers[-1].ready()
            _load(cell, servers[-1], plan, window_s=FIRST_S, warmup_s=0.0, thread_accounting=False)
        yield servers[0], servers[-1]
    finally:
        for server in servers:
            server.stop()


def with_environment(interpreter: Interpreter, environment: Mapping[str, str]) -> Interpreter:
    """Return an interpreter with additional environment variables."""
    more = (Variant(f"{ENV}{name}", value) for name, value in environment.items())
    return replace(interpreter, changed=InterpreterSettings((*interpreter.changed.variants, *more)))


class _Windows:
    """The windows, until the servers have ended."""

    def __init__(self, server: Server) -> None:
        self._at_ready = usage.read(server.pid)
        self._windows: list[tuple[str, int, Measured]] = []

    def note(self, with_: str, round_: int, measured: Measured) -> None:
        self._windows.append((with_, round_, measured))

    def records(self) -> list[tuple[str, Record]]:
        return [
            (with_, measured.record(pass_=0, launch=0, round_=round_, at_ready=self._at_ready, life=None))
            for with_, round_, measured in self._windows
        ]
