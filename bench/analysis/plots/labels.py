"""Labels beside what they name, moved apart where they would touch."""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

from bench.analysis.plots.style import QUIET

GAP_POINTS: Final = 11.0  # between the baselines of two labels of 8 points
_LEADER: Final[dict[str, Any]] = {"arrowstyle": "-", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 3}


class Label(NamedTuple):
    """A text and the point that it names, in data coordinates."""

    text: str
    x: float
    y: float
    colour: str


def at_line_ends(axes: Axes, labels: list[Label]) -> None:
    """Write labels right of the panel, each at its line's end or as near as the others allow.

    The axes' place and limits must be final.
    """
    if not labels:
        return
    gap = GAP_POINTS * axes.figure.dpi / 72
    labels = sorted(labels, key=lambda label: label.y)
    wanted = [float(axes.transData.transform((label.x, label.y))[1]) for label in labels]
    box = axes.get_window_extent()
    for label, pixel in zip(labels, _apart(wanted, gap, box.y0, box.y1), strict=True):
        axes.annotate(
            label.text,
            (label.x, label.y),
            xytext=_from_point(axes, label, box.x1 + gap * 0.5, pixel),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=label.colour,
            annotation_clip=False,
            arrowprops=_LEADER
            | {"color": label.colour, "alpha": 0.6, "relpos": (0, 0.5), "patchA": None, "shrinkA": 2},
        )


def _from_point(axes: Axes, label: Label, x: float, y: float) -> tuple[float, float]:
    """Return a place in pixels as points away from a label's own, which holds at any resolution."""
    px, py = axes.transData.transform((label.x, label.y))
    return float(x - px) * 72 / axes.figure.dpi, float(y - py) * 72 / axes.figure.dpi


def _apart(wanted: list[float], gap: float, low: float, high: float) -> list[float]:
    """Return places at least ``gap`` apart, near to the wanted (ascending) ones, between low and high if they fit."""
    placed = list(wanted)
    for i in range(1, len(placed)):
        placed[i] = max(placed[i], placed[i - 1] + gap)
    # What was pushed up only is pulled back: every run of touching labels is centred on where it wanted to be.
    start = 0
    for i in range(1, len(placed) + 1):
        if i == len(placed) or placed[i] - placed[i - 1] > gap * 1.001:
            shift = sum(placed[start:i]) / (i - start) - sum(wanted[start:i]) / (i - start)
            floor = placed[start - 1] + gap if start else low
            shift = min(shift, placed[start] - floor)
            placed[start:i] = [place - shift for place in placed[start:i]]
            start = i
    over = placed[-1] - high
    return [place - max(over, 0) for place in placed]


def around_points(axes: Axes, labels: list[Label], *, avoid: list[Bbox]) -> None:
    """Write each label near its point, clear of points, other labels and what is to be avoided.

    Greedy: the nearest of a fan of places that is free, else the one that covers least. Limits must be final.
    """
    scale = axes.figure.dpi / 72
    points = [axes.transData.transform((label.x, label.y)) for label in labels]
    taken = [*avoid, *(Bbox.from_bounds(x - 5 * scale, y - 5 * scale, 10 * scale, 10 * scale) for x, y in points)]
    panel = axes.get_window_extent()
    texts: list[Bbox] = []
    for label, (x, y) in zip(labels, points, strict=True):
        probe = axes.text(0, 0, label.text, fontsize=8)
        size = probe.get_window_extent()
        probe.remove()
        boxes = [_box((x, y), size, angle, radius * scale) for radius in _RADII for angle in _ANGLES]
        best = min(boxes, key=lambda box: _covered(box, taken) + _outside(box, panel) + _crossed(box, (x, y), texts))
        texts.append(best)
        taken += [best, *_leader((x, y), best)]
        axes.annotate(
            label.text,
            (label.x, label.y),
            xytext=_from_point(axes, label, best.x0, (best.y0 + best.y1) / 2),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=label.colour,
            arrowprops=_LEADER | {"color": QUIET},
        )


_RADII: Final = (12, 20, 30, 42, 56, 72)
_ANGLES: Final = tuple(math.radians(degrees) for degrees in (0, 35, -35, 180, 145, -145, 65, -65, 115, -115, 90, -90))


def _box(point: tuple[float, float], size: Bbox, angle: float, radius: float) -> Bbox:
    """Return a text's box whose nearest edge is ``radius`` away from a point in a direction."""
    x = point[0] + math.cos(angle) * (radius + size.width / 2) - size.width / 2
    y = point[1] + math.sin(angle) * (radius + size.height / 2) - size.height / 2
    return Bbox.from_bounds(x, y, size.width, size.height)


def _covered(box: Bbox, taken: list[Bbox]) -> float:
    return sum(_common(box.padded(2), other) for other in taken)


def _crossed(box: Bbox, point: tuple[float, float], texts: list[Bbox]) -> float:
    return sum(20 * _covered(spot, texts) for spot in _leader(point, box))


def _leader(point: tuple[float, float], box: Bbox) -> list[Bbox]:
    """Return small boxes along the line from a point to the middle of its label, the label's own area left out."""
    (x, y), to_x, to_y = point, (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    spots = (Bbox.from_bounds(x + (to_x - x) * i / 12 - 1, y + (to_y - y) * i / 12 - 1, 2, 2) for i in range(1, 12))
    return [spot for spot in spots if not _common(spot, box)]


def _outside(box: Bbox, panel: Bbox) -> float:
    return 10 * (box.width * box.height - _common(box, panel))


def _common(one: Bbox, two: Bbox) -> float:
    """Return the area that two boxes share; by hand, since Matplotlib's is slow and asked thousands of times."""
    (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = one.extents, two.extents
    return max(min(ax1, bx1) - max(ax0, bx0), 0.0) * max(min(ay1, by1) - max(ay0, by0), 0.0)
