"""Estimate of the time that a plan takes, before any of it is run.

It uses the definitions of :mod:`bench.planning.budget`. A run measures the one figure that is guessed here: the time to
start and stop servers. The guess is from a quiet machine with two CPUs; if servers start more slowly, windows get
shorter by that and set-up longer, but the budget holds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from rich.table import Table

from bench.planning.budget import Budget
from bench.schema.plan import Plan
from bench.terminal.console import Terminal

START_S: Final = 0.05
"""Time to start and stop the servers of a group, regardless of their number,"""
EACH_S: Final = 0.06
"""and for each of them."""
COMPILING_S: Final = 0.5
"""Once for each interpreter: modules are compiled at its first launch."""


class Estimate(NamedTuple):
    """Estimated time of a plan.

    Attributes:
        windows: number of windows; with a precision, the most that there is time for.
        window_s: length of each.
        overhead_s: overhead of a window, an estimate.
        set_up_s: time to start each model and each workload once, an estimate; not part of the budget.
        measuring_s: time for all windows, with their overhead; with a precision, at most.
        drawing_s: time reserved for drawing.
        refusal: why nothing would be measured, with the remedy; empty if it fits.
    """

    windows: int
    window_s: float
    overhead_s: float
    set_up_s: float
    measuring_s: float
    drawing_s: float
    refusal: str

    @property
    def total_s(self) -> float:
        return self.set_up_s + self.measuring_s + self.drawing_s


def estimate_plan(plan: Plan) -> Estimate:
    """Return the estimate of a plan; if it does not fit, with the shortest windows."""
    interpreters = len({cell.interpreter for cell in plan.cells})
    start_and_stop_s = START_S + EACH_S * len(plan.cells) / len(plan.groups)
    budget = Budget.planned(plan, start_and_stop_s)
    if plan.precision is not None:
        plan = replace(plan, passes=max(1, budget.passes))
    window_s = budget.window_s(0)
    models = len({cell.model for cell in plan.cells})
    workloads = len({cell.group.served for cell in plan.cells})
    return Estimate(
        windows=plan.windows,
        window_s=window_s,
        overhead_s=budget.overhead_s,
        set_up_s=COMPILING_S * interpreters + (max(models, workloads) + 1 + models) * start_and_stop_s,
        measuring_s=plan.windows * (budget.overhead_s + window_s),
        drawing_s=budget.drawing_s,
        refusal=budget.refusal,
    )


def show(console: Terminal, plan: Plan, gaps: Sequence[object], *, quiet: bool = False) -> None:
    """Print a plan and its estimate; ``quiet``: the estimate only."""
    costs = estimate_plan(plan)
    bound = "about" if plan.precision is None else "at most"
    in_all = f"{bound} {minutes(costs.total_s)} min" if not costs.refusal else f"would be refused: {costs.refusal}"
    if quiet:
        console.print(console.spell(in_all))
        return
    table = Table.grid(padding=(0, 2, 0, 0))
    rows = (*_plan(plan, costs), *(("left out", str(gap)) for gap in gaps), *_costs(costs, bound))
    for title, shown in (*rows, ("total", in_all)):
        table.add_row(console.spell(title), console.spell(shown, "bold" if shown == in_all else ""))
    console.print("", table, "", sep="\n")


def _plan(plan: Plan, costs: Estimate) -> Iterator[tuple[str, str]]:
    for title, place in (("models", 0), ("workloads", 1), ("clients", 2), ("interpreters", 3)):
        yield title, ", ".join(dict.fromkeys(str(cell[place]) for cell in plan.cells))
    yield "cells", f"{len(plan.cells)}, in {len(plan.groups)} groups whose interpreters are measured side by side"
    each = f"{len(plan.cells)} cells" + (f" × {plan.rounds} rounds" if plan.rounds > 1 else "")
    if plan.precision is None:
        yield "windows", f"{costs.windows}: {plan.passes} passes of {each}, of about {costs.window_s:.2f} s"
    else:
        yield "windows", f"at most {costs.windows}, of {costs.window_s:.2f} s, in passes of {each}"
        yield "until", f"each ratio to {plan.baseline} is known to ±{plan.precision * 100:.3g}%, or the budget is spent"
    yield "budget", f"{plan.budget_s:g} s, for measuring and drawing"


def _costs(costs: Estimate, bound: str) -> Iterator[tuple[str, str]]:
    yield "set-up", f"about {costs.set_up_s:.0f} s, to try out each model and each workload"
    overhead = f"about {costs.overhead_s:.2f} s of overhead per window, an estimate until servers have been started"
    yield "measuring", f"{bound} {costs.measuring_s:.0f} s; {overhead}"
    yield "drawing", f"{costs.drawing_s:.0f} s are reserved"


def minutes(seconds: float) -> str:
    """Return a time in minutes, such as ``3.1``; whole minutes from 10 on."""
    return f"{math.ceil(seconds / 60)}" if seconds >= 600 else f"{max(0.1, seconds / 60):.1f}"
