"""The run itself: pass after pass, group after group, window after window."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from bench.errors import GilbenchError
from bench.interpreters import affinity
from bench.interpreters.interpreter import Interpreter
from bench.planning.budget import Budget
from bench.planning.defaults import SETTLE_S, THREAD_ACCOUNTING_FROM_S
from bench.planning.stopping import Stopping
from bench.runner.planned_load import planned_load
from bench.runner.server import Server
from bench.runner.verification import DESCRIBING, verify
from bench.runner.window import Measured, measure
from bench.schema.cell import Cell
from bench.schema.plan import Plan
from bench.schema.record import Record
from bench.schema.run_folder import RunFolder
from bench.schema.run_meta import State
from bench.schema.warning_codes import GIL_WAIT_ABOVE
from bench.terminal.live_table import Seen
from bench.terminal.progress import Progress
from bench.threads import usage


@dataclass
class Experiment:
    """A plan under way.

    Attributes:
        plan: what is measured.
        interpreters: the interpreters, by the names that the plan's cells use.
        folder: folder for the records, as they are measured.
        progress: display of the progress.
        records: the records so far, including those from before an interruption.
    """

    plan: Plan
    interpreters: Mapping[str, Interpreter]
    folder: RunFolder
    progress: Progress
    records: list[Record] = field(default_factory=list)
    _launches: int = field(init=False)

    def __post_init__(self) -> None:
        self._launches = max((record.launch for record in self.records), default=-1) + 1

    @property
    def complete(self) -> bool:
        """Whether every cell was visited as often as planned."""
        return self.folder.meta.state is State.COMPLETE

    def run(self, budget: Budget) -> None:
        """Visit every cell as often as planned, or until all ratios are known precisely enough.

        A cell that cannot be measured is noted in ``run.json``, and the others continue. However the run ends, what was
        measured is on disk, ``run.json`` says how it ended, and no server is left running.

        Raises:
            GilbenchError: the records could not be written.
        """
        plan, state, stopping = self.plan, State.PARTIAL, Stopping(self.plan, budget)
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
                budget.learn(done, self._measured_s)
            state = State.COMPLETE
        finally:
            elapsed_s = time.monotonic() - budget.began_s
            share = round(self._measured_s / elapsed_s, 4)
            ended = replace(self.folder.meta, state=state, elapsed_s=round(elapsed_s, 3), measured_share=share)
            self.folder.update(ended)

    @property
    def _measured_s(self) -> float:
        return sum(record.wall_s for record in self.records)

    def _visit(self, rounds: list[list[Cell]], pass_: int, window_s: float) -> None:
        """Measure the cells of one group round after round, one right after another, with all servers up."""
        launched: dict[Cell, _Launched] = {}
        try:
            for cell in rounds[0]:
                with self._note_failures(cell, pass_):
                    launched[cell] = self._launch(cell)
            for cell, one in launched.items():
                with self._note_failures(cell, pass_):
                    one.ready()
            up = {cell for cell, one in launched.items() if one.at_ready is not None}
            for cells in rounds:
                for cell in cells:
                    self.progress.window(cell, pass_)
                    seen = None
                    if cell in up:
                        up.discard(cell)  # a cell that fails once is not tried again in this pass
                        with self._note_failures(cell, pass_):
                            seen = launched[cell].measure(self.plan, window_s, pass_)
                            up.add(cell)
                    self.progress.done(seen)
        finally:
            self._keep([record for one in launched.values() for record in self._end(one, pass_)])

    @contextlib.contextmanager
    def _note_failures(self, cell: Cell, pass_: int) -> Iterator[None]:
        """Note the failure of a cell, and let the others continue."""
        try:
            yield
        except GilbenchError as exc:
            self.folder.fail(cell.name, pass_, str(exc))

    def _launch(self, cell: Cell) -> _Launched:
        self._launches += 1
        return _Launched(cell, self._launches - 1, self._server(cell))

    def _server(self, cell: Cell) -> Server:
        interpreter, workload = self.interpreters[cell.interpreter], self.plan.serves(cell)
        return Server(interpreter, cell.model, workload, fixed_layout=self.plan.fixed_layout, path=self.plan.path)

    def _end(self, one: _Launched, pass_: int) -> list[Record]:
        life = one.server.stop()
        if one.at_ready is None:
            return []
        disturbances = [*one.server.disturbances(), *self._shared_warnings(one.cell.interpreter)]
        if "gil_returned" not in {found["code"] for found in disturbances}:
            disturbances += self._gil_seen(one)
        return [
            window.record(
                pass_=pass_,
                launch=one.number,
                round_=round_,
                at_ready=one.at_ready,
                life=life,
                disturbances=disturbances,
            )
            for round_, window in enumerate(one.measured)
        ]

    def _shared_warnings(self, interpreter: str) -> Iterator[dict[str, object]]:
        """Yield the warning for windows in which the load generator has no CPUs of its own."""
        if interpreter in self.plan.cpus and not self.plan.generator_cpus:
            yield {"code": affinity.SHARES, "cpus": self.plan.cpus[interpreter]}

    def _gil_seen(self, one: _Launched) -> Iterator[dict[str, object]]:
        """Yield that threads waited for a GIL where the interpreter was started without one."""
        share = max((window.thread_states.gil_wait or 0.0 for window in one.measured), default=0.0)
        if not self.interpreters[one.cell.interpreter].build.gil_enabled and share > GIL_WAIT_ABOVE:
            reason = f"its threads waited for a GIL up to {share:.0%} of their time, and it did not say why it has one"
            yield {"code": "gil_returned", "reason": reason}

    def _keep(self, found: list[Record]) -> None:
        """Write the records of a visit together: syncing them to disk takes as long as some windows."""
        self.folder.append(found)
        self.records += found


@dataclass
class _Launched:
    """A running server for one cell, and its measured windows."""

    cell: Cell
    number: int
    server: Server
    at_ready: usage.Usage | None = None
    measured: list[Measured] = field(default_factory=list)

    def ready(self) -> None:
        self.server.ready()
        self.at_ready = usage.read(self.server.pid)

    def measure(self, plan: Plan, window_s: float, pass_: int) -> Seen:
        """Measure one more window, without thread accounting if it is too short."""
        with affinity.pinned(plan.generator_cpus if self.cell.interpreter in plan.cpus else ()):
            window = measure(
                self.cell,
                self.server,
                window_s=window_s,
                warmup_s=SETTLE_S if self.measured else plan.warmup_s,
                **planned_load(plan, self.cell),
                thread_accounting=window_s >= THREAD_ACCOUNTING_FROM_S,
            )
        self.measured.append(window)
        result = window.result
        return Seen(self.cell, pass_, result.throughput_rps, result.latency.percentile_ns(99), window.codes)


class Calibration(NamedTuple):
    """What the servers show before anything is measured.

    Attributes:
        start_and_stop_s: seconds to start and stop the servers of one group, the longest seen.
        work: for each workload, what one request does, as its server reports it.
        pools: for each model with a pool, its number of workers under each interpreter.
    """

    start_and_stop_s: float
    work: dict[str, dict[str, object]]
    pools: dict[str, dict[str, int]]


def calibrate(plan: Plan, interpreters: Mapping[str, Interpreter]) -> Calibration:
    """Start and stop each model and each workload once under every interpreter.

    This shows failures before anything is measured, lets each interpreter write its compiled modules, and measures the
    overhead of a launch.

    Raises:
        ServerFailed: a server does not start, and the message has its last lines; or an interpreter is not what its
            name says.
    """
    longest_s = 0.0
    work: dict[str, dict[str, object]] = {}
    pools: dict[str, dict[str, int]] = {}
    models = list(dict.fromkeys(cell.model for cell in plan.cells))
    workloads = list(dict.fromkeys(cell.group.served for cell in plan.cells))
    of_model = {model: {cell.interpreter for cell in plan.cells if cell.model == model} for model in models}
    of_workload = {name: {cell.interpreter for cell in plan.cells if cell.group.served == name} for name in workloads}
    for number in range(max(len(models), len(workloads)) + 1):
        model, workload = models[number % len(models)], workloads[number % len(workloads)]
        began_s = time.monotonic()
        able, served = of_model[model] & of_workload[workload], plan.handlers.get(workload, workload)
        with _all_up(interpreters, able, model, served, plan.path) as servers:
            for server, _ in servers:
                work[workload] = server.said.get("work", {"application": served, "path": plan.path})
        if number:  # the first launch under an interpreter compiles
            longest_s = max(longest_s, time.monotonic() - began_s)
    for model in models:
        if plan.path is not None:
            continue  # a user's application does not describe its interpreter
        with _all_up(interpreters, of_model[model], model, DESCRIBING) as servers:
            for server, interpreter in servers:
                verify(server, model, interpreter)
                if workers := server.said["workers"]:
                    pools.setdefault(model, {})[interpreter.name] = int(workers)
    return Calibration(longest_s, work, pools)


@contextlib.contextmanager
def _all_up(
    interpreters: Mapping[str, Interpreter],
    able: Collection[str],
    model: str,
    workload: str,
    path: str | None = None,
) -> Iterator[list[tuple[Server, Interpreter]]]:
    """Have a server of a model ready under each interpreter that is able to run it."""
    servers: list[tuple[Server, Interpreter]] = []
    try:
        for interpreter in (interpreter for name, interpreter in interpreters.items() if name in able):
            servers.append((Server(interpreter, model, workload, path=path), interpreter))  # noqa: PERF401 - those launched must be stopped
        for server, _ in servers:
            server.ready()
        yield servers
    finally:
        for server, _ in servers:
            server.stop()
