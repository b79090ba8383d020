"""What overlaps waiting, and what overlaps computing: two dot plots, a row for each model."""

from __future__ import annotations

from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import blended_transform_factory

from bench.analysis.disturbance import is_speedup_disturbed
from bench.analysis.load import Run
from bench.analysis.overlap import COMPUTES, WAITS
from bench.analysis.stats import BASELINE, Spread, pick, speedups
from bench.narrative import wording
from bench.narrative.headlines import headline
from bench.report.plots import style
from bench.report.plots.head import EDGE, SMALL, Key, figure_with_head, place, wide
from bench.schema.cell import Cell

TITLES: Final = {
    WAITS: "Concurrency: while one request waits, others go on",
    COMPUTES: "Parallelism: several compute at the same instant",
}

# Inches.
LINE: Final = 0.165
GAP: Final = 0.1
TOP, BOTTOM = 0.32, 0.34
BETWEEN: Final = 0.3
VALUE: Final = 0.75  # for the figure to the right of a dot


def draw(run: Run) -> Figure | None:
    """Return the figure; ``None`` without serial, a second client, or either workload."""
    found = speedups(run.windows)
    clients = max((cell.clients for cell in run.cells if cell.workload in TITLES and cell.clients > 1), default=0)
    spreads = {
        cell: spread
        for cell in run.cells
        if cell.workload in TITLES and cell.clients == clients and (spread := pick(found, cell))
    }
    workloads = [name for name in TITLES if any(c.workload == name and c.model != BASELINE for c in spreads)]
    if not workloads:
        return None
    lines = [(model, name) for model in run.values("model") for name in _interpreters(run, model, spreads)]
    at, height = _places(lines)
    left = EDGE + max(_name_width(run, model) for model, _ in lines) + 0.15
    panel = (style.WIDEST - left - BETWEEN * len(workloads)) / len(workloads)
    cpus = f" on {wording.plural(run.cpus, 'CPU')}" if run.cpus else ""
    several = run.windows["pass"].nunique() > 1
    subtitle = f"throughput, times serial, with {clients} clients{cpus}; {'95% intervals' if several else 'one pass'}"
    figure = figure_with_head(
        left + (panel + BETWEEN) * len(workloads), TOP + height + BOTTOM, headline(run), subtitle, _keys(run)
    )
    for column, workload in enumerate(workloads):
        axes = place(figure, left + column * (panel + BETWEEN), BOTTOM, panel, height)
        here = {cell: spread for cell, spread in spreads.items() if cell.workload == workload}
        limit = run.cpus if workload == COMPUTES else clients
        _panel(run, axes, here, at, limit)
        axes.set_ylim(height, 0)
        axes.set_title(TITLES[workload], pad=14, fontsize=9.5)
        unit = "CPU" if workload == COMPUTES else "client"
        _limit(axes, limit, wording.plural(limit, unit) if limit else "")
        if column == 0:
            _names(run, axes, at)
    return figure


def _interpreters(run: Run, model: str, spreads: dict[Cell, Spread]) -> list[str]:
    measured = {cell.interpreter for cell in spreads if cell.model == model}
    return [name for name in run.values("interpreter") if name in measured]


def _places(lines: list[tuple[str, str]]) -> tuple[dict[tuple[str, str], float], float]:
    """Return where each line is, in inches from the top, and the height of all."""
    at: dict[tuple[str, str], float] = {}
    y = 0.0
    for number, line in enumerate(lines):
        if not number or line[0] != lines[number - 1][0]:
            y += GAP if number else GAP / 2
        at[line] = y + LINE / 2
        y += LINE
    return at, y + GAP / 2


def _name_width(run: Run, model: str) -> float:
    texts = (wording.model_name(run, model), wording.model_summary(run, model))
    return max(wide(text, size) for text, size in zip(texts, (9.5, 7.5), strict=True))


def _names(run: Run, axes: Axes, at: dict[tuple[str, str], float]) -> None:
    """Write each model's name, and what serves connections if there is room for a second line."""
    edge = blended_transform_factory(axes.transAxes, axes.transData)
    for model in dict.fromkeys(model for model, _ in at):
        places = [y for (name, _), y in at.items() if name == model]
        two = len(places) > 1
        middle = sum(places) / len(places)
        common = {"transform": edge, "ha": "right", "va": "center"}
        axes.text(
            -0.02, middle - 0.08 * two, wording.model_name(run, model), fontsize=9.5, weight="bold", color=style.INK,
            **common,  # type: ignore[arg-type]
        )  # fmt: skip
        if two:
            axes.text(
                -0.02, middle + 0.09, wording.model_summary(run, model), fontsize=7.5, color=style.QUIET,
                **common,  # type: ignore[arg-type]
            )  # fmt: skip


def _panel(
    run: Run, axes: Axes, spreads: dict[Cell, Spread], at: dict[tuple[str, str], float], limit: float | None
) -> None:
    appearances = style.appearances(run)
    names = style.short_names(run.values("interpreter"))
    top = 1.05 * max(2.0, limit or 0.0, *(one.middle for one in spreads.values()))
    for cell, spread in spreads.items():
        y, colour = at[cell.model, cell.interpreter], style.colour(cell.model)
        appearance = appearances[cell.interpreter]
        end = spread.middle
        if spread.has_range:
            end = min(max(spread.high, spread.middle), top)
            axes.plot([max(spread.low, 0), end], [y, y], color=colour, linewidth=1.2)
        axes.plot(
            [spread.middle], [y], appearance.marker, color=colour, markerfacecolor=appearance.face(colour), markersize=5
        )
        hit = " disturbed" if is_speedup_disturbed(run, cell) else ""
        text = f"{wording.ratio(spread.middle)}×{hit}"
        place_ = {"xytext": (7, 0), "textcoords": "offset points", "va": "center_baseline"}
        axes.annotate(f"{text}  {names[cell.interpreter]}", (end, y), fontsize=7.5, color=style.INK, **place_)  # type: ignore[arg-type]
    width = axes.bbox.width / axes.figure.dpi
    axes.set_xlim(0, top * width / max(width - VALUE, VALUE))
    axes.axvline(1, color=style.AXIS, linewidth=0.9, zorder=0)
    ticks = [tick for tick in axes.get_xticks() if 1 < tick <= top]
    axes.set_xticks([1, *ticks], [f"{tick:g}×" for tick in (1, *ticks)])
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def _limit(axes: Axes, limit: float | None, text: str) -> None:
    if limit:
        axes.axvline(limit, color=style.AXIS, linewidth=1, linestyle=(0, (3, 2)), zorder=0)
        axes.annotate(
            text, (limit, 1), xycoords=("data", "axes fraction"), xytext=(0, 2), textcoords="offset points",
            ha="center", fontsize=SMALL - 1, color=style.QUIET,
        )  # fmt: skip


def _keys(run: Run) -> list[Key]:
    names = style.short_names(run.values("interpreter"))
    return [
        Key(
            f"{names[name]}{', no GIL' if run.is_free(name) else ''}",
            style.INK,
            marker=appearance.marker,
            filled=appearance.filled,
        )
        for name, appearance in style.appearances(run).items()
    ]
