"""Plot of the comparison: each generator's CPU time per request over connections, a panel per server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from loadgen.cli.picture import BLUE, GREEN, INK, ORANGE, PINK, QUIET, SKY, blank, headline, plain, render
from loadgen.peers.compare import Row, rows
from loadgen.peers.plan import Record
from loadgen.peers.tools import TOOLS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STYLE: Final = {
    "gilbench": (BLUE, "o"),
    "floor": (QUIET, "_"),
    "c_loop": (SKY, "v"),
    "wrk": (ORANGE, "s"),
    "asyncio_streams": (GREEN, "^"),
    "locust": (PINK, "D"),
}
_REFERENCES: Final = {"floor", "c_loop"}  # loops that are no load generators
_APART: Final = 1.22  # labels closer than this ratio would touch


def draw(records: Sequence[Record], name: str) -> bytes:
    """Return the plot as SVG or PNG, according to the suffix of ``name``.

    Raises:
        GilbenchError: Matplotlib is not installed.
    """
    costs = [r for r in records if r["kind"] == "cost"]
    server_names = sorted({r["server"] for r in costs})
    counts = sorted({r["connections"] for r in costs})
    height = 1.4 + 3.2 * len(server_names)
    figure, panels = blank((1,) * len(server_names), size=(8.4, height))
    figure.subplots_adjust(right=0.8, top=1 - 0.9 / height, bottom=0.5 / height, hspace=0.16)
    lowest, highest = float("inf"), 0.0
    for axes, server in zip(panels, server_names, strict=True):
        found = {count: rows(records, server, count, list(TOOLS)) for count in counts}
        ends: list[tuple[float, float, str]] = []
        for tool, (colour, marker) in _STYLE.items():
            line = [(count, row) for count, at in found.items() for row in at if row.tool == tool and row.per_cpu_s]
            if not line:
                continue
            heights = [_cost_us(row) for _, row in line]
            axes.plot([count for count, _ in line], heights, color=colour, marker=marker, linewidth=1.5, markersize=5)
            for count, row in line:
                one = row.per_cpu_s
                if one and one.low and one.high:
                    axes.plot([count, count], [1e6 / one.high, 1e6 / one.low], color=colour, linewidth=3, alpha=0.35)
            ends.append((heights[-1], line[-1][0], tool))
        _label(axes, ends, max(counts))
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xticks(counts)
        axes.xaxis.set_major_formatter(plain)
        axes.yaxis.set_major_formatter(plain)
        axes.yaxis.set_minor_formatter(lambda *_: "")
        axes.xaxis.minorticks_off()
        axes.set_ylabel("µs of CPU per request (log)")
        axes.set_title(f"on {server}", loc="left", fontsize=9.5, color=INK)
        lowest, highest = min(lowest, axes.get_ylim()[0]), max(highest, axes.get_ylim()[1])
    for axes in panels:
        axes.set_ylim(lowest, highest)
    panels[-1].set_xlabel("connections (log scale)")
    headline(
        figure,
        _finding(records, server_names[0], counts[-1]),
        f"CPU time per request, median of rounds; bars: 95% interval; {_references()}: references",
    )
    return render(figure, name)


def _references() -> str:
    return " and ".join(tool.title for name, tool in TOOLS.items() if name in _REFERENCES)


def _finding(records: Sequence[Record], server: str, connections: int) -> str:
    """Return a headline with the cheapest generator and those tied with it, whose intervals overlap."""
    compared = [name for name in TOOLS if name not in _REFERENCES]
    found = [row for row in rows(records, server, connections, compared) if row.per_cpu_s]
    found.sort(key=_cost_us)
    if not found:
        return "CPU time of the generator per request"
    first, *others = found
    least = first.per_cpu_s.low if first.per_cpu_s and first.per_cpu_s.low else None
    alike = [one for one in others if least and one.per_cpu_s and one.per_cpu_s.high and one.per_cpu_s.high >= least]
    names = " or ".join(TOOLS[one.tool].title for one in (first, *alike))
    once = "" if least else ", in one round"
    cost = f"{_cost_us(first):.3g} µs of CPU per request"
    return f"Cheapest generator at {connections:,} connections{once}: {names}, {cost}"


def _cost_us(row: Row) -> float:
    return 1e6 / row.per_cpu_s.median if row.per_cpu_s else 0.0


def _label(axes: Axes, ends: list[tuple[float, float, str]], rightmost: float) -> None:
    """Label each line at its end, one label above the other where they would touch."""
    last = 0.0
    for height, at, tool in sorted(ends):
        shown = max(height, last * _APART)
        axes.annotate(
            TOOLS[tool].title,
            (at, height),
            xytext=(rightmost * 1.25, shown),
            textcoords="data",
            fontsize=8.5,
            color=INK if tool == "floor" else _STYLE[tool][0],
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": _STYLE[tool][0], "linewidth": 0.5, "alpha": 0.6},
        )
        last = shown
