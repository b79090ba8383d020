"""The map: who overlaps waiting, along x, and who overlaps computing, along y."""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from matplotlib.transforms import Bbox

from bench.analysis import wording
from bench.analysis.findings import COMPUTES, OVERLAPS_ABOVE, WAITS
from bench.analysis.load import Run
from bench.analysis.plots import grid, style
from bench.analysis.plots.labels import Label, around_points
from bench.analysis.stats import BASELINE, Spread, Verdict, against_serial, pick

# Name, and its corner as shares of the axes.
_QUADRANTS: Final = (
    ("neither", 0.0, 0.0),
    ("concurrency", 1.0, 0.0),
    ("parallelism", 0.0, 1.0),
    ("both", 1.0, 1.0),
)
TITLE_FITS: Final = 60  # letters
BAR_PIXELS: Final = 5  # to either side of a range bar is kept free of text
_TICKS: Final = (0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class _Point(NamedTuple):
    model: str
    target: str
    waiting: Spread
    computing: Spread


def draw(run: Run) -> Figure | None:
    """Return the figure; ``None`` without serial, either workload, or more than one client."""
    clients, points = _points(run)
    if clients < 2:
        return None
    figure = style.blank(7.6, 6.2)
    note = grid.passes_note(run)
    hollow = "; hollow: no GIL" if any(style.is_free(run, target) for target in run.values("target")) else ""
    grid.headline(
        figure,
        _title(run, points),
        f"speed-up over serial with {clients} clients, {note}; lines at {OVERLAPS_ABOVE}×{hollow}",
    )
    axes = figure.add_axes((0.09, 0.09, 0.87, 0.77))
    _scales(axes, points)
    avoid = _quadrants(axes)
    looks = style.looks(run)
    axes.plot([1], [1], "X", color=style.colour(BASELINE), markersize=7)
    labels = [Label("serial = 1", 1, 1, style.colour(BASELINE))]
    several = len(run.values("target")) > 1
    for point in points:
        colour, look = style.colour(point.model), looks[point.target]
        x, y = point.waiting, point.computing
        axes.errorbar(
            x.median,
            y.median,
            xerr=_ends(x),
            yerr=_ends(y),
            color=colour,
            marker=look.marker,
            markersize=7,
            markerfacecolor=colour if look.filled else "white",
            elinewidth=1,
            capsize=2,
        )
        avoid += _bars(axes, x, y)
        labels.append(
            Label(f"{point.model} {style.short(point.target)}" if several else point.model, x.median, y.median, colour)
        )
    around_points(axes, labels, avoid=avoid)
    return figure


def _points(run: Run) -> tuple[int, list[_Point]]:
    """Return the highest number of clients for which there are points, or 0, and the points."""
    ratios = against_serial(run.windows)
    for clients in reversed(run.values("clients")):
        points = [
            _Point(model, target, waiting, computing)
            for target in run.values("target")
            for model in run.values("model")
            if model != BASELINE
            and (waiting := pick(ratios, (model, WAITS, clients, target)))
            and (computing := pick(ratios, (model, COMPUTES, clients, target)))
            and waiting.median > 0
            and computing.median > 0
        ]
        if points:
            return clients, points
    return 0, []


def _title(run: Run, points: list[_Point]) -> str:
    parallel: dict[str, list[str]] = {}
    for point in points:
        if point.computing.above(OVERLAPS_ABOVE) is Verdict.YES:
            parallel.setdefault(point.model, []).append(style.short(point.target))
    several = len(run.values("target")) > 1
    names = [f"{model} on {', '.join(targets)}" if several else model for model, targets in parallel.items()]
    if sum(map(len, names)) <= TITLE_FITS:
        return f"Computing in parallel: {'; '.join(names) or 'none'}"
    counts = Counter(target for targets in parallel.values() for target in targets)
    each = (f"{wording.plural(count, 'model')} on {target}" for target, count in counts.items())
    return f"Computing in parallel: {', '.join(each)}"


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
        # Room for every quadrant's name, even where nobody is: the lower ones get that share of the axis at least.
        high = max(*ends, 2.0) * 1.35
        low = min(min(*ends, 1.0) / 1.5, OVERLAPS_ABOVE * (OVERLAPS_ABOVE / high) ** (share / (1 - share)))
        limit(low, high)
        axis.set_major_locator(FixedLocator([tick for tick in _TICKS if low <= tick <= high]))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
        axis.set_label_text(name)


def _quadrants(axes: Axes) -> list[Bbox]:
    """Shade and name the quadrants; return where their names and borders are."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    axes.axvline(OVERLAPS_ABOVE, color="#9ca3af", linewidth=1)
    axes.axhline(OVERLAPS_ABOVE, color="#9ca3af", linewidth=1)
    axes.fill_between([OVERLAPS_ABOVE, right], OVERLAPS_ABOVE, top, color="#f3f4f6", zorder=0, linewidth=0)
    axes.fill_between([left, OVERLAPS_ABOVE], bottom, OVERLAPS_ABOVE, color="#f3f4f6", zorder=0, linewidth=0)
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
            fontsize=11,
            style="italic",
            color=style.QUIET,
        )
        boxes.append(text.get_window_extent())
    return boxes
