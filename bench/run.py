"""A run from first to last; this file is the main path."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

from rich.console import Console

from bench import machine
from bench.budget import Budget
from bench.errors import GilbenchError
from bench.experiment import Experiment, try_out
from bench.plan import Plan
from bench.progress import Progress
from bench.run_folder import RunFolder, only_run
from bench.wanted import Wanted


def carry_out(plan: Plan, wanted: Wanted, command: str, console: Console) -> Experiment:
    """Measure everything in ``plan``, every record on disk as soon as it is measured.

    Ctrl-C ends it early, with what has been measured by then.

    Args:
        plan: what to measure.
        wanted: the interpreters, and where the results go.
        command: what was typed, for the record.
        console: where progress is shown.

    Raises:
        GilbenchError: a server does not start, the plan does not fit in its budget, another run is going on, the
            folder cannot be written to, or nothing had been measured before Ctrl-C.
    """
    with only_run():
        console.print(f"\ntrying out the servers under {', '.join(wanted.targets)}", highlight=False)
        for gap in wanted.gaps:
            console.print(f"left out: {gap}", highlight=False)
        start_and_stop_s, work = try_out(plan, wanted.targets)
        resumed = wanted.resumed
        budget = Budget.start(plan, start_and_stop_s, resumed.elapsed_s if resumed else 0.0)
        if plan.precision is not None:
            plan = replace(plan, passes=budget.passes)
        if resumed:
            records, folder = resumed.take_up(), RunFolder.again(resumed.path, resumed.meta)
        else:
            meta = described(plan, wanted, command) | {"work": work}
            meta["plan"]["window_s"] = round(budget.window_s(0), 3)
            records, folder = [], RunFolder(wanted.results, wanted.name, meta)
        with contextlib.closing(folder), Progress(console, plan.windows - len(records), plan.passes) as progress:
            experiment = Experiment(plan, wanted.targets, folder, progress, records)
            with contextlib.suppress(KeyboardInterrupt):
                experiment.run(budget)
    _say_how_it_ended(experiment, console)
    if not experiment.records and not experiment.complete:
        raise GilbenchError("interrupted before anything was measured: there is nothing to draw")
    return experiment


def described(plan: Plan, wanted: Wanted, command: str) -> dict[str, Any]:
    """Return what ``run.json`` says of a run before anything is measured."""
    return {
        "command": command,
        "plan": plan.to_dict(),
        "machine": machine.describe(),
        "control": machine.describe_control(),
        "targets": {name: target.build for name, target in wanted.targets.items()},
        "gaps": [gap._asdict() for gap in wanted.gaps],
    }


def _say_how_it_ended(experiment: Experiment, console: Console) -> None:
    meta = experiment.folder.meta
    how = "measured" if experiment.complete else "interrupted: measured"
    of_all = f" of {experiment.plan.windows}" if experiment.plan.precision is None else ""
    console.print(
        f"{how} {len(experiment.records)}{of_all} windows in {meta['elapsed_s']:.0f} s, "
        f"{meta['measured_share']:.0%} of that inside windows",
        highlight=False,
    )
