"""Effective cores over the number of clients: 1 means concurrency only, more means parallelism."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from bench.analysis.load import Run
from bench.analysis.overlap import SEVERAL_CORES_ABOVE
from bench.analysis.stats import Answer, pass_spreads, pick
from bench.narrative import wording
from bench.report.plots import grid, style, titles


def draw(run: Run) -> Figure | None:
    """Return the figure; ``None`` if no CPU time is known, or another plot shows it."""
    known = run.windows["effective_cores"].dropna()
    if known.empty or (len(run.values("clients")) == 1 and run.windows["roles"].map(bool).any()):
        return None  # one point per line: the plot of cores and the GIL has them all
    spreads = pass_spreads(run.windows, "effective_cores")
    every = f", and all {run.cpus:g} CPUs" if run.cpus and run.cpus > 1 else ""
    sheet = grid.make_grid(
        run,
        several(run, spreads),
        f"CPU-seconds of the server per second, {grid.passes_note(run)}; dashed: one core{every}",
        "effective cores",
    )
    top = max(float(known.max()), run.cpus or 1, 1.0)
    labelled = []
    for panel in sheet.panels:
        axes = panel.axes
        grid.clients_axis(axes, run.values("clients"))
        axes.set_ylim(0, top * 1.12)
        for height in {1, run.cpus or 1}:
            axes.axhline(height, color=style.QUIET, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1.5)
        labelled.append((panel, grid.draw_lines(run, panel, spreads)))
    grid.label_all(labelled)
    return sheet.figure


def several(run: Run, spreads: pd.DataFrame) -> list[str]:
    """Return titles, longest first: which models keep more than one core busy, or may, with most clients."""
    workload, clients = titles.choose_workload(run), run.values("clients")[-1]
    names, many = style.short_names(run.values("interpreter")), len(run.values("interpreter")) > 1
    shown: dict[Answer, dict[str, list[str]]] = {Answer.YES: {}, Answer.UNCLEAR: {}}
    count = 0
    for model in run.values("model"):
        for interpreter in run.values("interpreter"):
            spread = pick(spreads, (model, workload, clients, interpreter))
            if spread is None:
                continue
            verdict = spread.above(SEVERAL_CORES_ABOVE)
            count += verdict is Answer.YES
            if verdict in shown:
                shown[verdict].setdefault(model, []).append(names[interpreter])
    about = f"More than one core busy with {workload}, {wording.plural(clients, 'client')}"
    parts = [
        "; ".join(
            f"{model} {titles.interpreters_phrase(interpreters, len(names))}" if many else model
            for model, interpreters in models.items()
        )
        for models in shown.values()
    ]
    sure, unsure = parts[0] or "no model", f"; perhaps {parts[1]}" if parts[1] else ""
    brief = wording.join_words(shown[Answer.YES]) if shown[Answer.YES] else "no model"
    hedge = (
        ", not on every interpreter"
        if many and any(len(one) < len(names) for one in shown[Answer.YES].values())
        else ""
    )
    few = f"{len(shown[Answer.YES])} of {len(run.values('model'))} models"
    return [f"{about}: {sure}{unsure}", f"{about}: {brief}{hedge}", f"{about}: {few}{hedge}"]
