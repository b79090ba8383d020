"""Placement of labels next to their points, moved apart where they would touch."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from matplotlib.axes import Axes

from bench.report.plots import style

FONT: Final = 8.0
GAP_POINTS: Final = 11.0  # between the baselines of two labels
_LEADER: Final[dict[str, Any]] = {"arrowstyle": "-", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 3}


class Label(NamedTuple):
    """A text and the point that it names, in data coordinates; the colours of the text, and of the line to it."""

    text: str
    x: float
    y: float
    colour: str
    leader: str

    @classmethod
    def of(cls, model: str, x: float, y: float, text: str = "") -> Label:
        """Return a label in a model's colours, with its name unless a text is given."""
        return cls(text or model, x, y, style.label_colour(model), style.colour(model))


def label_line_ends(axes: Axes, labels: list[Label]) -> None:
    """Write labels to the right of the panel, each at its line's end or as near as the others allow.

    The axes' position and limits must be final.
    """
    if not labels:
        return
    gap = GAP_POINTS * axes.figure.dpi / 72
    labels = sorted(labels, key=lambda label: label.y)
    wanted = [float(axes.transData.transform((label.x, label.y))[1]) for label in labels]
    box = axes.get_window_extent()
    for label, pixel in zip(labels, _spread_out(wanted, gap, box.y0, box.y1), strict=True):
        axes.annotate(
            label.text,
            (label.x, label.y),
            xytext=_offset(axes, label, box.x1 + gap * 0.5, pixel),
            textcoords="offset points",
            va="center",
            fontsize=FONT,
            color=label.colour,
            annotation_clip=False,
            arrowprops=_LEADER
            | {"color": label.leader, "linewidth": 0.8, "relpos": (0, 0.5), "patchA": None, "shrinkA": 2},
        )


def _offset(axes: Axes, label: Label, x: float, y: float) -> tuple[float, float]:
    """Return a position in pixels as an offset in points from a label's point, valid at any resolution."""
    px, py = axes.transData.transform((label.x, label.y))
    return float(x - px) * 72 / axes.figure.dpi, float(y - py) * 72 / axes.figure.dpi


def _spread_out(wanted: list[float], gap: float, low: float, high: float) -> list[float]:
    """Return positions at least ``gap`` apart, near the wanted (ascending) ones, between low and high if they fit."""
    placed = list(wanted)
    for i in range(1, len(placed)):
        placed[i] = max(placed[i], placed[i - 1] + gap)
    # So far labels were only pushed up: centre every run of touching labels on its wanted position.
    start = 0
    for i in range(1, len(placed) + 1):
        if i == len(placed) or placed[i] - placed[i - 1] > gap * 1.001:
            shift = sum(placed[start:i]) / (i - start) - sum(wanted[start:i]) / (i - start)
            floor = placed[start - 1] + gap if start else low
            shift = min(shift, placed[start] - floor)
            placed[start:i] = [place - shift for place in placed[start:i]]
            start = i
    for i in reversed(range(len(placed))):
        placed[i] = min(placed[i], placed[i + 1] - gap if i + 1 < len(placed) else high)
    return placed
