"""Map of models: overlap of waiting along x, overlap of computing along y."""

from __future__ import annotations

import math
from collections import Counter
from typing import Final, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from matplotlib.transforms import Bbox

from bench.analysis.load import Run
from bench.analysis.overlap import COMPUTES, OVERLAPS_ABOVE, WAITS, find_overlaps
from bench.analysis.stats import BASELINE, Answer, Spread, pick, speedups
from bench.narrative import wording
from bench.report.plots import grid, style, titles
from bench.report.plots.head import figure_with_head, place
from bench.report.plots.labels import Label, around_points, label_points

# Name, and its corner as shares of the axes.
_QUADRANTS: Final = (
    ("neither", 0.0, 0.0),
    ("concurrency", 1.0, 0.0),
    ("parallelism", 0.0, 1.0),
    ("both", 1.0, 1.0),
)
MOST_IN_ONE: Final = 16  # points; with more, each interpreter has its own panel

# Inches.
LARGE: Final = (8.2, 4.9)
SMALL_FIGURE: Final = (3.2, 2.7)
ACROSS: Final = 3
LEFT, BOTTOM, BETWEEN = 0.72, 0.4, 0.32

BAR_PIXELS: Final = 5  # kept free of text on either side of a range bar
_TICKS: Final = (0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class _Point(NamedTuple):
    model: str
    interpreter: str
    waiting: Spread
    computing: Spread


def draw(run: Run) -> Figure | None:
    """Return the figure; ``None`` without serial, either workload, or more than one client."""
    clients, points = _points(run)
    if clients < 2:
        return None
    interpreters = [name for name in run.values("interpreter") if any(point.interpreter == name for point in points)]
    apart = len(points) > MOST_IN_ONE and len(interpreters) > 1
    hollow = "; hollow: no GIL" if any(run.is_free(interpreter) for interpreter in run.values("interpreter")) else ""
    cpus = f" on {wording.plural(run.cpus, 'CPU')}" if run.cpus else ""
    subtitle = f"speed-up over serial with {clients} clients{cpus}, {grid.passes_note(run)}"
    subtitle += f"; lines at {OVERLAPS_ABOVE}×{hollow}"
    across = min(ACROSS, len(interpreters)) if apart else 1
    panel = SMALL_FIGURE if apart else LARGE
    down = math.ceil(len(interpreters) / across) if apart else 1
    body = BOTTOM + down * (panel[1] + BETWEEN) - (0 if apart else BETWEEN - 0.08)
    figure = figure_with_head(LEFT + across * (panel[0] + 0.2), body, _titles(run, points, clients), subtitle)
    names = style.short_names(run.values("interpreter"))
    for number, shown in enumerate(interpreters if apart else [None]):
        row, column = divmod(number, across)
        bottom = body - (BETWEEN if apart else 0.08) - panel[1] - row * (panel[1] + BETWEEN)
        axes = place(figure, LEFT + column * (panel[0] + 0.2), bottom + 0.12, *panel)
        here = [point for point in points if shown in {None, point.interpreter}]
        if shown is not None:
            axes.set_title(names[shown])
        _scales(axes, points)
        _map(run, axes, here, names if len(interpreters) > 1 and not apart else {})
        lowest = number + across >= len(interpreters) or not apart
        axes.tick_params(labelleft=column == 0, labelbottom=lowest)
        axes.set_ylabel(axes.get_ylabel() if column == 0 else "")
        axes.set_xlabel(axes.get_xlabel() if lowest else "")
    return figure


def _map(run: Run, axes: Axes, points: list[_Point], names: dict[str, str]) -> None:
    """Draw the points of one panel; labels include the interpreter if ``names`` has it."""
    avoid = _quadrants(axes, 11 if axes.bbox.width / axes.figure.dpi > SMALL_FIGURE[0] + 0.1 else 8.5)
    appearances = style.appearances(run)
    axes.plot([1], [1], "X", color=style.colour(BASELINE), markersize=7)
    labels = [Label.of(BASELINE, 1, 1, text=f"{BASELINE} = 1")]
    for point in points:
        colour, appearance = style.colour(point.model), appearances[point.interpreter]
        x, y = point.waiting, point.computing
        axes.errorbar(
            x.median,
            y.median,
            xerr=_ends(x),
            yerr=_ends(y),
            color=colour,
            marker=appearance.marker,
            markersize=7,
            markerfacecolor=appearance.face(colour),
            elinewidth=1,
            capsize=2,
        )
        avoid += _bars(axes, x, y)
        text = f"{point.model} {names[point.interpreter]}" if names else point.model
        labels.append(Label.of(point.model, x.median, y.median, text=text))
    write = around_points if names or axes.bbox.width / axes.figure.dpi > SMALL_FIGURE[0] + 0.1 else label_points
    write(axes, labels, avoid=avoid)


def _points(run: Run) -> tuple[int, list[_Point]]:
    """Return the highest number of clients for which there are points, or 0, and the points."""
    ratios = speedups(run.windows)
    for clients in reversed(run.values("clients")):
        points = [
            _Point(model, interpreter, waiting, computing)
            for interpreter in run.values("interpreter")
            for model in run.values("model")
            if model != BASELINE
            and (waiting := pick(ratios, (model, WAITS, clients, interpreter)))
            and (computing := pick(ratios, (model, COMPUTES, clients, interpreter)))
            and waiting.median > 0
            and computing.median > 0
        ]
        if points:
            return clients, points
    return 0, []


def _titles(run: Run, points: list[_Point], clients: int) -> list[str]:
    """Return titles, longest first: which models compute in parallel, and which may."""
    judged = find_overlaps(run)
    names = style.short_names(run.values("interpreter"))
    texts: dict[Answer, dict[str, list[str]]] = {Answer.YES: {}, Answer.UNCLEAR: {}}
    for point in points:
        of = judged.get((point.model, point.interpreter), [])
        verdict = next(
            (one.verdict for one in of if (one.workload, one.clients) == (COMPUTES, clients)), Answer.UNCLEAR
        )
        if verdict is not None and verdict in texts:
            texts[verdict].setdefault(point.model, []).append(names[point.interpreter])
    several = len(names) > 1
    sure, unsure = (
        [f"{model} {titles.interpreters_phrase(on, len(names))}" if several else model for model, on in models.items()]
        for models in texts.values()
    )
    about = "Computing in parallel" if run.windows["pass"].nunique() > 1 else "In one pass, computing in parallel"
    many = f"{len(texts[Answer.YES])} of {len({point.model for point in points})} models"
    perhaps = f"; perhaps {'; '.join(unsure)}" if unsure else ""
    more = f"; perhaps {len(unsure)} more" if unsure else ""
    counts = Counter(interpreter for interpreters in texts[Answer.YES].values() for interpreter in interpreters)
    each = (f"{wording.plural(count, 'model')} on {interpreter}" for interpreter, count in counts.items())
    return [
        f"{about}: {'; '.join(sure) or 'none'}{perhaps}",
        f"{about}: {'; '.join(sure) or 'none'}{more}",
        f"{about}: {', '.join(each) or 'none'}{more}",
        f"{about}: {many}, not on every interpreter",
    ]


def _ends(spread: Spread) -> list[list[float]] | None:
    return [[spread.median - spread.low], [spread.high - spread.median]] if spread.has_range else None


def _bars(axes: Axes, x: Spread, y: Spread) -> list[Bbox]:
    """Return where a point's range bars are, somewhat widened."""
    ends = [
        ((one.low, y.median), (one.high, y.median)) if one is x else ((x.median, one.low), (x.median, one.high))
        for one in (x, y)
        if one.has_range
    ]
    corners = [axes.transData.transform(pair) for pair in ends]
    return [Bbox.from_extents(*low, *high).padded(BAR_PIXELS) for low, high in corners]


def _scales(axes: Axes, points: list[_Point]) -> None:
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    for axis, spreads, limit, share, name in (
        (axes.xaxis, [p.waiting for p in points], axes.set_xlim, 0.24, f"waiting ({WAITS}), times serial (log scale)"),
        (
            axes.yaxis,
            [p.computing for p in points],
            axes.set_ylim,
            0.16,
            f"computing ({COMPUTES}), times serial (log scale)",
        ),
    ):
        ends = [end for s in spreads for end in (s.median, s.low, s.high) if end > 0]
        # Room for every quadrant's name, even without a point: the lower ones get at least that share of the axis.
        high = max(*ends, 2.0) * 1.35
        low = min(min(*ends, 1.0) / 1.5, OVERLAPS_ABOVE * (OVERLAPS_ABOVE / high) ** (share / (1 - share)))
        limit(low, high)
        axis.set_major_locator(FixedLocator([tick for tick in _TICKS if low <= tick <= high]))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
        axis.set_label_text(name)


def _quadrants(axes: Axes, size: float) -> list[Bbox]:
    """Shade and name the quadrants; return where their names and borders are."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    axes.axvline(OVERLAPS_ABOVE, color=style.AXIS, linewidth=1)
    axes.axhline(OVERLAPS_ABOVE, color=style.AXIS, linewidth=1)
    axes.fill_between([OVERLAPS_ABOVE, right], OVERLAPS_ABOVE, top, color=style.SHADE, zorder=0, linewidth=0)
    axes.fill_between([left, OVERLAPS_ABOVE], bottom, OVERLAPS_ABOVE, color=style.SHADE, zorder=0, linewidth=0)
    edge = axes.transData.transform((OVERLAPS_ABOVE, OVERLAPS_ABOVE))
    panel = axes.get_window_extent()
    boxes = [
        Bbox.from_extents(edge[0] - 1, panel.y0, edge[0] + 1, panel.y1),
        Bbox.from_extents(panel.x0, edge[1] - 1, panel.x1, edge[1] + 1),
    ]
    for name, x, y in _QUADRANTS:
        text = axes.annotate(
            name,
            (x, y),
            xycoords="axes fraction",
            xytext=(8 - 16 * x, 8 - 16 * y),
            textcoords="offset points",
            ha="right" if x else "left",
            va="top" if y else "bottom",
            fontsize=size,
            style="italic",
            color=style.QUIET,
        )
        boxes.append(text.get_window_extent())
    return boxes
