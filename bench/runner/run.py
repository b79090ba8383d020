"""A run from start to end; this file is the main path."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from bench.errors import GilbenchError
from bench.isolation import ignored
from bench.planning.budget import Budget
from bench.planning.run_request import RunRequest
from bench.runner import machine
from bench.runner.experiment import Calibration, Experiment, calibrate
from bench.runner.lock import only_run
from bench.runner.trial import Trial, try_servers
from bench.schema.plan import Plan
from bench.schema.record import SCHEMA
from bench.schema.run_folder import RunFolder
from bench.schema.run_meta import RunMeta, State
from bench.terminal import github
from bench.terminal.console import Terminal
from bench.terminal.live_table import Seen
from bench.terminal.progress import Progress


def run(plan: Plan, request: RunRequest, command: str, console: Terminal, verbosity: int = 0) -> Experiment:
    """Measure everything in ``plan``, with every record on disk as soon as it is complete.

    Ctrl-C ends the run early and keeps the records so far; so does SIGTERM, which ``timeout`` and cancelled jobs send.

    Args:
        plan: what to measure.
        request: the interpreters, and where the results go.
        command: the command line, for the record.
        console: where progress is shown.
        verbosity: below 0 only problems are printed; above 0 each window has a line.

    Raises:
        GilbenchError: a server does not start, the plan does not fit in its budget, another run is measuring, the
            folder cannot be written to, or nothing had been measured before Ctrl-C.
    """
    with only_run(), _sigterm_as_ctrl_c(), github.group("measuring", console.stream):
        if verbosity >= 0:
            console.print(console.spell(f"\ntrying out the servers under {', '.join(request.interpreters)}"))
            if verbosity > 0 and ignored:
                console.print(console.spell(f"ignored by the harness, not by handlers: {', '.join(sorted(ignored))}"))
            for gap in request.gaps:
                console.print(console.spell(f"left out: {gap}"))
        if request.resumed:
            request.resumed.require_machine(machine.describe_machine())
        trial = try_servers(plan, request.interpreters)
        plan = trial.plan
        for gap in trial.gaps:
            console.print(console.spell(f"left out: {gap}"))
        calibration = calibrate(plan, request.interpreters)
        resumed = request.resumed
        if resumed:  # it was accepted once: it takes the time that it takes
            budget = Budget.planned(plan, calibration.start_and_stop_s, resumed.elapsed_s)
        else:
            budget = Budget.start(plan, calibration.start_and_stop_s)
        if plan.precision is not None:
            plan = replace(plan, passes=budget.passes)
        if resumed:
            records, folder = resumed.load_resumable(), RunFolder.reopen(resumed.path, resumed.meta)
        else:
            planned = replace(plan, window_s=round(budget.window_s(0), 3))
            records, folder = (
                [],
                RunFolder(request.results, request.name, describe_run(planned, request, command, calibration, trial)),
            )
        progress = Progress(console, plan, [Seen.of(record) for record in records], verbosity)
        experiment = Experiment(plan, request.interpreters, folder, progress, records)
        # Ctrl-C is caught outside the progress, which then leaves its table as it is.
        with contextlib.suppress(KeyboardInterrupt), contextlib.closing(folder), progress:
            experiment.run(budget)
    _say_how_it_ended(experiment, console, verbosity)
    if not experiment.records and not experiment.complete:
        raise GilbenchError("interrupted before anything was measured: there is nothing to draw")
    return experiment


@contextlib.contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def describe_run(
    plan: Plan, request: RunRequest, command: str, calibration: Calibration | None = None, trial: Trial | None = None
) -> RunMeta:
    """Return the content of ``run.json`` before anything is measured."""
    return RunMeta(
        schema=SCHEMA,
        name=request.name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        state=State.RUNNING,
        command=command,
        plan=plan,
        work=calibration.work if calibration else {},
        pools=(calibration.pools if calibration else {}) | (trial.pools if trial else {}),
        deployed=trial.deployed if trial else {},
        machine=machine.describe_machine(),
        control=machine.describe_control(),
        interpreters={name: interpreter.build for name, interpreter in request.interpreters.items()},
        gaps=(*request.gaps, *(trial.gaps if trial else ())),
    )


def _say_how_it_ended(experiment: Experiment, console: Terminal, verbosity: int) -> None:
    if experiment.complete and verbosity < 0:
        return
    meta = experiment.folder.meta
    how = "measured" if experiment.complete else "interrupted: measured"
    of_all = f" of {experiment.plan.windows}" if experiment.plan.precision is None else ""
    console.print(
        console.spell(
            f"{how} {len(experiment.records)}{of_all} windows in {meta.elapsed_s or 0:.0f} s, "
            f"{meta.measured_share or 0:.0%} of that inside windows"
        )
    )
