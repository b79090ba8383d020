"""Placement of labels next to their points, moved apart where they would touch."""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

from bench.report.plots import style
from bench.report.plots.head import wide

FONT: Final = 8.0
GAP_POINTS: Final = 11.0  # between the baselines of two labels
_LEADER: Final[dict[str, Any]] = {"arrowstyle": "-", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 3}


Boxes = np.ndarray[Any, np.dtype[np.float64]]
"""Boxes as rows: left, bottom, right, top, in pixels."""


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


def label_points(axes: Axes, labels: list[Label], *, avoid: list[Bbox]) -> None:
    """Write the labels of points on the right in a column to their left, and others around their points.

    For many points in a small panel; limits must be final.
    """
    panel = axes.get_window_extent()
    places = [axes.transData.transform((label.x, label.y)) for label in labels]
    close = [n for n, (x, _) in enumerate(places) if x > panel.x0 + panel.width / 2]
    if len(close) < _STACKED:
        around_points(axes, labels, avoid=avoid)
        return
    around_points(axes, [label for n, label in enumerate(labels) if n not in close], avoid=avoid)
    scale = axes.figure.dpi / 72
    close.sort(key=lambda n: float(places[n][1]))
    left = min(float(places[n][0]) for n in close) - 16 * scale
    half = GAP_POINTS * scale / 2
    found = _spread_out([float(places[n][1]) for n in close], 2 * half, panel.y0 + half, panel.y1 - half)
    for n, pixel in zip(close, found, strict=True):
        label = labels[n]
        axes.annotate(
            label.text,
            (label.x, label.y),
            xytext=_offset(axes, label, left, pixel),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=FONT,
            color=label.colour,
            arrowprops=_LEADER | {"color": label.leader, "relpos": (1, 0.5)},
        )


_STACKED: Final = 3


def around_points(axes: Axes, labels: list[Label], *, avoid: list[Bbox]) -> None:
    """Write each label near its point, clear of points, other labels and the areas to avoid.

    Greedy: the nearest free position of a fan, else the one that covers least. Limits must be final.
    """
    scale = axes.figure.dpi / 72
    points = [axes.transData.transform((label.x, label.y)) for label in labels]
    near = [(x - 5 * scale, y - 5 * scale, x + 5 * scale, y + 5 * scale) for x, y in points]
    taken = np.array([*(box.extents for box in avoid), *near]).reshape(-1, 4)
    panel = np.array(axes.get_window_extent().extents)
    places: list[Boxes | None] = [None] * len(labels)
    # One after another, then each again once all others are placed.
    for number in [*range(len(labels)), *range(len(labels))]:
        label, point = labels[number], points[number]
        others = [(points[n], box) for n, box in enumerate(places) if box is not None and n != number]
        texts = np.array([box for _, box in others]).reshape(-1, 4)
        filled = np.vstack([taken, texts, *(_leader(*other) for other in others)])
        size = (wide(label.text, FONT) * axes.figure.dpi, FONT * 1.2 * scale)
        boxes = np.array([_box(point, size, angle, radius * scale) for radius in _RADII for angle in _ANGLES])
        outside = 10 * (size[0] * size[1] - _common(boxes, panel[None])[:, 0])
        covered = _common(boxes + _MARGIN, filled).sum(axis=1)
        crossed = [20 * float(_common(_leader(point, box) + _MARGIN, texts).sum()) for box in boxes]
        tangled = [_CROSSING * sum(_cross(point, box, *other) for other in others) for box in boxes]
        near_it = np.delete(np.array(near), number, axis=0)
        through = [_THROUGH * float((_common(_leader(point, box), near_it) > 0).sum()) for box in boxes]
        far = np.repeat(_RADII, len(_ANGLES)) * scale
        places[number] = boxes[int(np.argmin(covered + outside + crossed + tangled + through + far))]
    for label, box in zip(labels, places, strict=True):
        if box is None:
            continue
        axes.annotate(
            label.text,
            (label.x, label.y),
            xytext=_offset(axes, label, box[0], (box[1] + box[3]) / 2),
            textcoords="offset points",
            va="center",
            fontsize=FONT,
            color=label.colour,
            arrowprops=_LEADER | {"color": style.QUIET},
        )


_THROUGH: Final = 60.0  # penalty, as covered area, for each part of a line that lies on another point
_MARGIN: Final = np.array([-2, -2, 2, 2])  # pixels kept free around a label
_CROSSING: Final = 400.0  # penalty, as covered area, for two lines to labels that cross
_RADII: Final = (12, 20, 30, 42, 56, 72)
_ANGLES: Final = tuple(math.radians(degrees) for degrees in (0, 35, -35, 180, 145, -145, 65, -65, 115, -115, 90, -90))


def _box(point: Any, size: tuple[float, float], angle: float, radius: float) -> tuple[float, float, float, float]:
    """Return a text's box whose nearest edge is ``radius`` away from a point in a direction."""
    x = point[0] + math.cos(angle) * (radius + size[0] / 2) - size[0] / 2
    y = point[1] + math.sin(angle) * (radius + size[1] / 2) - size[1] / 2
    return x, y, x + size[0], y + size[1]


def _cross(point: Any, box: Boxes, other: Any, its: Boxes) -> bool:
    """Return whether the lines from two points to the middles of their labels cross."""
    ends = [np.array([(one[0] + one[2]) / 2, (one[1] + one[3]) / 2]) for one in (box, its)]

    def side(a: Any, b: Any, c: Any) -> bool:
        return bool((b[0] - a[0]) * (c[1] - a[1]) > (b[1] - a[1]) * (c[0] - a[0]))

    return side(point, ends[0], other) != side(point, ends[0], ends[1]) and side(other, ends[1], point) != side(
        other, ends[1], ends[0]
    )


def _leader(point: Any, box: Boxes) -> Boxes:
    """Return small boxes along the line from a point to the middle of its label, the label's own area left out."""
    middle = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
    spots = np.asarray(point) + (middle - point) * np.arange(1, 12)[:, None] / 12
    every = np.hstack([spots - 1, spots + 1])
    clear: Boxes = every[_common(every, box[None])[:, 0] == 0]
    return clear


def _common(some: Boxes, others: Boxes) -> Boxes:
    """Return the areas that boxes share, a row for each of ``some`` and a column for each of ``others``."""
    low = np.maximum(some[:, None, :2], others[None, :, :2])
    high = np.minimum(some[:, None, 2:], others[None, :, 2:])
    shared: Boxes = np.maximum(high - low, 0).prod(axis=2)
    return shared
