"""The head of a figure: a title that states the finding, how to read the figure, and a key if needed."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path

from bench.report.plots import style

TITLE: Final = 12.0  # points
SMALL: Final = 8.5

# Inches.
EDGE: Final = 0.2
LINE: Final = {TITLE: 0.24, SMALL: 0.165}
SWATCH: Final = 0.16
APART: Final = 0.22


class Key(NamedTuple):
    """The meaning of a colour or mark; a swatch unless it has a marker or a line."""

    text: str
    colour: str
    marker: str = ""
    line: str = ""
    filled: bool = True
    hatch: str = ""
    size: float = 5.5


def figure_with_head(
    width: float, body: float, titles: str | Sequence[str], subtitle: str, keys: Sequence[Key] = ()
) -> Figure:
    """Return a figure with its head, as high as head and body need.

    Args:
        width: width of the figure, in inches.
        body: height of the body, in inches; its axes are placed from the bottom, see :func:`place`.
        titles: the first that fits into one line is used, else the last, wrapped.
        subtitle: how to read the figure.
        keys: keys side by side, wrapped into as many lines as needed.
    """
    room = width - 2 * EDGE
    tried = [titles] if isinstance(titles, str) else list(titles)
    title = next((one for one in tried if wide(one, TITLE, "bold") <= room), tried[-1])
    lines = [(text, TITLE) for text in wrap_text(title, room, TITLE, "bold")]
    lines += [(text, SMALL) for text in wrap_text(subtitle, room, SMALL)]
    rows = list(_rows(keys, room))
    above = EDGE + sum(LINE[size] for _, size in lines) + 0.06 + (0.05 + 0.2 * len(rows) if rows else 0) + 0.12
    figure = style.blank(width, above + body)
    at = figure.get_figheight() - EDGE * 0.8
    for number, (text, size) in enumerate(lines):
        if number and size != lines[number - 1][1]:
            at -= 0.06
        appearance = (
            {"fontsize": size, "weight": "bold", "color": style.INK}
            if size == TITLE
            else {"fontsize": size, "color": style.QUIET}
        )
        _text(figure, EDGE, at, text, va="top", **appearance)
        at -= LINE[size]
    for row in rows:
        at -= 0.2
        _key_row(figure, row, at + 0.03)
    style.describe(figure, f"{title}. {subtitle[:1].upper()}{subtitle[1:]}.")
    return figure


def place(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Return new axes, placed in inches from the lower left corner."""
    w, h = figure.get_size_inches()
    return figure.add_axes((left / w, bottom / h, width / w, height / h))


def _text(figure: Figure, x: float, y: float, text: str, **appearance: object) -> None:
    figure.text(x, y, text, transform=figure.dpi_scale_trans, **appearance)  # type: ignore[arg-type]


def _rows(keys: Sequence[Key], room: float) -> Iterator[list[tuple[float, Key]]]:
    """Yield lines of keys, each with its position from the left."""
    row: list[tuple[float, Key]] = []
    at = 0.0
    for key in keys:
        need = SWATCH + 0.08 + wide(key.text, SMALL)
        if row and at + need > room:
            yield row
            row, at = [], 0.0
        row.append((at, key))
        at += need + APART
    if row:
        yield row


def _key_row(figure: Figure, row: Sequence[tuple[float, Key]], y: float) -> None:
    inches = figure.dpi_scale_trans
    for at, key in row:
        x = EDGE + at
        if key.marker or key.line:
            face = key.colour if key.filled else style.PAPER
            line = Line2D(
                [x, x + SWATCH / 2, x + SWATCH], [y, y, y], color=key.colour, linestyle=key.line or "none",  # type: ignore[arg-type]
                marker=key.marker or None, markevery=[1], markerfacecolor=face, markersize=key.size, linewidth=1.4,
                markeredgewidth=2 if key.marker == "|" and key.size > 7 else 1, transform=inches,
            )  # fmt: skip
            figure.add_artist(line)
        else:
            edge = style.QUIET if key.hatch else key.colour
            patch = Rectangle(
                (x, y - 0.055), SWATCH, 0.11, facecolor=key.colour, edgecolor=edge, hatch=key.hatch, linewidth=0.4
            )
            patch.set_transform(inches)
            figure.add_artist(patch)
        _text(figure, x + SWATCH + 0.08, y, key.text, va="center_baseline", fontsize=SMALL, color=style.INK)


def wrap_text(text: str, room: float, size: float, weight: str = "normal") -> list[str]:
    """Wrap a text into lines that fit."""
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and wide(longer, size, weight) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


@functools.lru_cache(maxsize=4096)
def wide(text: str, size: float, weight: str = "normal") -> float:
    """Return the width of a text in inches, in the font of all plots."""
    font = FontProperties(family=style.RC["font.family"], size=size, weight=weight)
    return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]) / 72
