"""The mind map, a summary of the concepts in one picture: ``python -m docs.generate.mindmap``.

A trunk with a card on each branch, two cards side by side, so that it can be read on a phone. The cards have a
background and the picture has none, so that it looks the same on light and dark pages.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path as Line

from bench.report.plots import style
from docs.generate.mindmap_cards import FREE, GIL, NEWER, Card, Row, cards
from docs.generate.mindmap_figures import Figures
from docs.sessions import ROOT
from loadgen.cli.picture import FAINT, INK, QUIET
from loadgen.errors import GilbenchError

EXAMPLE: Final = Path("results/example")
FOLDER: Final = Path("docs/pictures")
NAME: Final = "mindmap"


# In points.
WIDTH: Final = 408.0
MARGIN: Final = 3.0
GUTTER: Final = 26.0
CARD: Final = (WIDTH - 2 * MARGIN - GUTTER) / 2
PADDING: Final = 9.0
HEADER: Final = 23.0
ROW: Final = 17.0
NOTE: Final = 13.0
BETWEEN: Final = 16.0
TRUNK: Final = WIDTH / 2
TURN: Final = 12.0  # where a branch leaves the trunk, above its card's header
BAR: Final = (84.0, CARD - 84 - 42)  # where bars begin, from a card's left edge, and their maximum length

TEXT: Final = 8.6
STRONG: Final = 8.8
TITLE: Final = 10.2


def draw(figures: Figures) -> Figure:
    """Return the mind map as a figure."""
    branches = cards(figures)
    pairs = [branches[place : place + 2] for place in range(0, len(branches), 2)]
    top, root = 4.0, 63.0
    height = top + root + sum(max(_height(card) for card in pair) + BETWEEN for pair in pairs) + MARGIN
    figure = style.blank(WIDTH / 72, height / 72)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(height, 0))
    axes.axis("off")
    at = top + root + BETWEEN
    places = []
    for pair in pairs:
        places += [(card, left, at) for card, left in zip(pair, (MARGIN, WIDTH - MARGIN - CARD), strict=True)]
        at += max(_height(card) for card in pair) + BETWEEN
    last = places[-1][2] + HEADER / 2
    axes.plot([TRUNK, TRUNK], [top + root, last - TURN], color=style.AXIS, linewidth=3.2, solid_capstyle="butt")
    for _, left, where in places:
        _branch(axes, left, where)
    _root(axes, top, root)
    for card, left, where in places:
        tallest = max(_height(other) for other, _, height_at in places if height_at == where)
        _card(axes, card, left, where, tallest)
    style.describe(
        figure,
        "Mind map: "
        + "; ".join(f"{card.title}: {', '.join(f'{row.text} {row.figure}' for row in card.rows)}" for card in branches),
    )
    return figure


def _height(card: Card) -> float:
    return HEADER + len(card.rows) * ROW + len(card.notes) * NOTE + 1.9 * PADDING


def _root(axes: Axes, top: float, height: float) -> None:
    width = 250.0
    _box(axes, (TRUNK - width / 2, top, width, height), INK, edge=style.AXIS, rounded=14)
    for at, text, size, colour in (
        (17, "Several things at once", 13.0, style.PAPER),
        (35, "under way: concurrency · computed: parallelism", 7.9, FAINT),
        (49, f"CPython {GIL} · {FREE}, without a GIL · {NEWER} for interpreters", 7.0, style.ZONE),
    ):
        weight = "bold" if size > TITLE else "normal"
        _text(axes, TRUNK, top + at, text, size=size, colour=colour, weight=weight, ha="center")


def _branch(axes: Axes, left: float, top: float) -> None:
    """Draw a line that leaves the trunk and rounds into the card's header."""
    edge = left + CARD if left < TRUNK else left
    level = top + HEADER / 2
    line = Line([(TRUNK, level - TURN), (TRUNK, level), (edge, level)], [Line.MOVETO, Line.CURVE3, Line.CURVE3])
    axes.add_patch(PathPatch(line, facecolor="none", edgecolor=style.AXIS, linewidth=3.2, capstyle="butt"))


def _card(axes: Axes, card: Card, left: float, top: float, height: float) -> None:
    _box(axes, (left, top, CARD, height), style.PAPER, edge=card.colour)
    _box(axes, (left, top, CARD, HEADER), card.colour, edge=card.colour)
    _box(axes, (left, top + HEADER / 2, CARD, HEADER / 2), card.colour, edge=card.colour, rounded=0.01)
    _text(axes, left + PADDING, top + HEADER / 2, card.title, size=TITLE, colour=style.PAPER, weight="bold")
    at = top + HEADER + PADDING * 0.65
    for row in card.rows:
        _row(axes, row, left, at + ROW / 2)
        at += ROW
    at = top + height - PADDING * 0.55 - len(card.notes) * NOTE
    for note in card.notes:
        _text(axes, left + PADDING, at + NOTE / 2, note, size=7.9, colour=QUIET)
        at += NOTE


_SERIAL: Final[Any] = {"color": QUIET, "linewidth": 0.9, "linestyle": (0, (2, 1.4))}
_RANGE: Final[Any] = {"color": INK, "linewidth": 1.1, "marker": "|", "markersize": 5, "markeredgewidth": 1.1}


def _row(axes: Axes, row: Row, left: float, middle: float) -> None:
    if row.bar is not None:
        begin, unit = left + BAR[0], BAR[1] / row.longest
        face = style.PAPER if row.hollow else row.colour
        _box(axes, (begin, middle - 4.2, row.bar.middle * unit, 8.4), face, edge=row.colour, rounded=1.6)
        serial = begin + unit
        axes.plot([serial] * 2, [middle - ROW / 2, middle + ROW / 2], **_SERIAL)
        axes.plot([begin + row.bar.low * unit, begin + row.bar.high * unit], [middle] * 2, **_RANGE)
    _text(axes, left + PADDING, middle, row.text, size=TEXT)
    _text(axes, left + CARD - PADDING, middle, row.figure, size=STRONG, weight="bold", ha="right")


def _box(
    axes: Axes, place: tuple[float, float, float, float], colour: str, *, edge: str = "none", rounded: float = 6
) -> None:
    """Draw a box; ``place`` is left, top, width, height."""
    left, top, width, height = place
    shape = f"round,pad=0,rounding_size={rounded}"
    box = FancyBboxPatch((left, top), width, height, boxstyle=shape, facecolor=colour, edgecolor=edge, linewidth=1.2)
    axes.add_patch(box)


def _text(
    axes: Axes,
    x: float,
    y: float,
    text: str,
    *,
    size: float,
    colour: str = INK,
    weight: str = "normal",
    ha: str = "left",
) -> None:
    axes.text(x, y, text, fontsize=size, color=colour, fontweight=weight, ha=ha, va="center_baseline")


def main() -> int:
    """Draw the mind map from the example run, and return the exit status."""
    try:
        with style.style():
            style.save(draw(Figures(ROOT / EXAMPLE)), ROOT / FOLDER, NAME)
    except GilbenchError as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    sys.stdout.write(f"{FOLDER / NAME}.svg and .png written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
