"""The run itself: pass after pass, group after group, window after window."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bench.errors import GilbenchError
from bench.interpreters import affinity
from bench.interpreters.targets import Target
from bench.planning.budget import Budget
from bench.planning.plan import ACCOUNTS_FROM_S, SETTLE_S, Plan
from bench.planning.stopping import Stopping
from bench.runner.server import Server
from bench.runner.verification import DESCRIBING, prove
from bench.runner.window import Measured, measure
from bench.schema.cell import Cell
from bench.schema.record import Record
from bench.schema.run_folder import RunFolder
from bench.terminal.live_table import Seen
from bench.terminal.progress import Progress
from bench.threads import usage
from loadgen.wires import any_line_wire


@dataclass
class Experiment:
    """A plan under way.

    Attributes:
        plan: what is measured.
        targets: the interpreters, by the names that the plan's cells use.
        folder: where records go, as they are measured.
        progress: shows what is going on.
        records: what was measured so far, before an interruption too.
    """

    plan: Plan
    targets: Mapping[str, Target]
    folder: RunFolder
    progress: Progress
    records: list[Record] = field(default_factory=list)
    _starts: int = field(init=False)

    def __post_init__(self) -> None:
        self._starts = max((record.start for record in self.records), default=-1) + 1

    @property
    def complete(self) -> bool:
        """Whether every cell was visited as often as planned."""
        return bool(self.folder.meta["state"] == "complete")

    def run(self, budget: Budget) -> None:
        """Visit every cell as often as planned, or until all ratios are known well enough.

        A cell that cannot be measured is noted in ``run.json`` and the others go on. However the run ends, what was
        measured is on disk, ``run.json`` tells how it ended, and no server is left.

        Raises:
            GilbenchError: the records could not be written.
        """
        plan, meta, stopping = self.plan, self.folder.meta, Stopping(self.plan, budget)
        visited = {(record.pass_, record.cell.group) for record in self.records}
        done = len(self.records)
        try:
            for pass_ in itertools.count():
                wanted = stopping.wanted(pass_, self.records)
                if not wanted:
                    break
                window_s = budget.window_s(done)
                self.progress.begin_pass(pass_, window_s)
                for rounds in plan.order(pass_):
                    group = rounds[0][0].group
                    if group not in wanted or (pass_, group) in visited or (plan.precision and budget.spent):
                        continue
                    self._visit(rounds, pass_, window_s)
                    self.progress.visited({} if plan.precision is None else stopping.known(group, self.records))
                    done += len(rounds) * len(rounds[0])
                budget.learn(done, self._in_windows_s)
            meta["state"] = "complete"
        except BaseException:
            meta["state"] = "partial"
            raise
        finally:
            elapsed_s = time.monotonic() - budget.began_s
            meta["elapsed_s"] = round(elapsed_s, 3)
            meta["measured_share"] = round(self._in_windows_s / elapsed_s, 4)
            self.folder.save()

    @property
    def _in_windows_s(self) -> float:
        return sum(record.wall_s for record in self.records)

    def _visit(self, rounds: list[list[Cell]], pass_: int, window_s: float) -> None:
        """Measure the cells of one group, all servers up, round after round, one right after another."""
        started: dict[Cell, _Started] = {}
        try:
            for cell in rounds[0]:
                with self._noted(cell, pass_):
                    started[cell] = self._start(cell)
            for cell, one in started.items():
                with self._noted(cell, pass_):
                    one.ready()
            up = {cell for cell, one in started.items() if one.at_ready is not None}
            for cells in rounds:
                for cell in cells:
                    self.progress.window(cell, pass_)
                    seen = None
                    if cell in up:
                        up.discard(cell)  # who fails once is not tried again in this pass
                        with self._noted(cell, pass_):
                            seen = started[cell].measure(self.plan, window_s, pass_)
                            up.add(cell)
                    self.progress.done(seen)
        finally:
            self._keep([record for one in started.values() for record in self._end(one, pass_)])

    @contextlib.contextmanager
    def _noted(self, cell: Cell, pass_: int) -> Iterator[None]:
        """Let what fails on one cell be noted, and the others go on."""
        try:
            yield
        except GilbenchError as exc:
            self.folder.fail(cell.name, pass_, str(exc))

    def _start(self, cell: Cell) -> _Started:
        self._starts += 1
        return _Started(cell, self._starts - 1, self._server(cell))

    def _server(self, cell: Cell) -> Server:
        target, workload = self.targets[cell.target], self.plan.serves(cell)
        return Server(target, cell.model, workload, fixed_layout=self.plan.fixed_layout)

    def _end(self, one: _Started, pass_: int) -> list[Record]:
        life = one.server.stop()
        if one.at_ready is None:
            return []
        spoilt = [*one.server.spoilt(), *self._shared(one.cell.target)]
        return [
            window.record(pass_=pass_, start=one.number, round_=round_, at_ready=one.at_ready, life=life, spoilt=spoilt)
            for round_, window in enumerate(one.measured)
        ]

    def _shared(self, target: str) -> Iterator[dict[str, object]]:
        """Yield what is to be said of windows in which the load generator has no CPUs of its own."""
        if target in self.plan.cpus and not self.plan.generator_cpus:
            yield {"code": affinity.SHARES, "cpus": self.plan.cpus[target]}

    def _keep(self, found: list[Record]) -> None:
        """Write the records of a visit at once: making sure that they are on disk takes as long as some windows."""
        self.folder.append(found)
        self.records += found


@dataclass
class _Started:
    """A server up for one cell, and what was measured on it."""

    cell: Cell
    number: int
    server: Server
    at_ready: usage.Usage | None = None
    measured: list[Measured] = field(default_factory=list)

    def ready(self) -> None:
        self.server.ready()
        self.at_ready = usage.read(self.server.pid)

    def measure(self, plan: Plan, window_s: float, pass_: int) -> Seen:
        """Measure one window more; those too short for looking at the server's threads go without."""
        with affinity.on(plan.generator_cpus if self.cell.target in plan.cpus else ()):
            window = measure(
                self.cell,
                self.server,
                window_s=window_s,
                warmup_s=SETTLE_S if self.measured else plan.warmup_s,
                conversation=plan.conversation,
                wire=any_line_wire(plan.request.encode()) if self.cell.workload in plan.handlers else "line",
                accounts=window_s >= ACCOUNTS_FROM_S,
            )
        self.measured.append(window)
        result = window.result
        return Seen(self.cell, pass_, result.throughput_rps, result.latency.percentile_ns(99), window.codes)


def calibrate(plan: Plan, targets: Mapping[str, Target]) -> tuple[float, dict[str, dict[str, object]]]:
    """Start and stop each model and each workload once under every target.

    It shows before anything is measured what would fail later, lets each target write its compiled modules, and tells
    what a start costs.

    Returns:
        Seconds that starting and stopping the servers of one group takes, the longest seen; and the work that each
        workload says a request does.

    Raises:
        ServerFailed: a server does not start, and the message has its last lines; or a target is not what it is called.
    """
    longest_s = 0.0
    work: dict[str, dict[str, object]] = {}
    models = list(dict.fromkeys(cell.model for cell in plan.cells))
    workloads = list(dict.fromkeys(cell.group.served for cell in plan.cells))
    for number in range(max(len(models), len(workloads)) + 1):
        model, workload = models[number % len(models)], workloads[number % len(workloads)]
        began_s = time.monotonic()
        with _all_up(plan, targets, model, plan.handlers.get(workload, workload)) as servers:
            for server, _ in servers:
                work[workload] = server.said["work"]
        if number:  # the first start under a target compiles
            longest_s = max(longest_s, time.monotonic() - began_s)
    for model in models:
        with _all_up(plan, targets, model, DESCRIBING) as servers:
            for server, target in servers:
                prove(server, model, target)
    return longest_s, work


@contextlib.contextmanager
def _all_up(
    plan: Plan, targets: Mapping[str, Target], model: str, workload: str
) -> Iterator[list[tuple[Server, Target]]]:
    """Have a server of a model ready under each target that it is planned for."""
    possible = {cell.target for cell in plan.cells if cell.model == model}
    servers: list[tuple[Server, Target]] = []
    try:
        for target in (target for name, target in targets.items() if name in possible):
            servers.append((Server(target, model, workload), target))  # noqa: PERF401 - those started must be stopped
        for server, _ in servers:
            server.ready()
        yield servers
    finally:
        for server, _ in servers:
            server.stop()
