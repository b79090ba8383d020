"""Common parts of the load generator's plots."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from loadgen.errors import GilbenchError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, QUIET, AXIS, FAINT = "#1f2328", "#5f6772", "#9ca3af", "#e5e7eb"
BLUE, ORANGE, RED = "#0072b2", "#d55e00", "#a02020"  # distinguishable with red-green colour blindness
GREEN, PINK, SKY = "#009e73", "#cc79a7", "#56b4e9"  # likewise; all but RED are Okabe and Ito's


def blank(heights: tuple[int, ...], *, size: tuple[float, float] = (8.4, 5.2)) -> tuple[Figure, list[Axes]]:
    """Return a figure with stacked axes of these relative heights that share the horizontal axis.

    Raises:
        GilbenchError: Matplotlib is not installed.
    """
    try:
        import matplotlib as mpl  # noqa: PLC0415 - heavy, and only for plots
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError:
        raise GilbenchError("a plot needs Matplotlib: install it, or leave the plot out") from None
    mpl.rcdefaults()  # not what a matplotlibrc says
    figure = Figure(figsize=size, layout=None)
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    figure.subplots_adjust(left=0.1, right=0.92, top=0.86, bottom=0.1, hspace=0.12)
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
        one.spines[["left", "bottom"]].set_color(AXIS)
        one.grid(color=FAINT, linewidth=0.7)
        one.set_axisbelow(True)
        one.tick_params(which="both", color=AXIS, labelcolor=QUIET, labelsize=8)
        for label in (one.xaxis.label, one.yaxis.label):
            label.set(size=9, color=QUIET)
    return figure, list(axes)


def plain(value: float, _: object) -> str:
    """Format a number on an axis."""
    return f"{value:,g}"


def headline(figure: Figure, title: str, subtitle: str) -> None:
    """Add a title and a subtitle to a plot."""
    inch = 1 / figure.get_figheight()
    figure.text(0.02, 1 - 0.18 * inch, title, fontsize=12, weight="bold", color=INK, va="top", parse_math=False)
    figure.text(0.02, 1 - 0.44 * inch, subtitle, fontsize=8.5, color=QUIET, va="top", parse_math=False)


def render(figure: Figure, name: str) -> bytes:
    """Return the plot in the format of the suffix of ``name``."""
    out = io.BytesIO()
    figure.savefig(
        out, format=name.rpartition(".")[2], dpi=144, metadata={"Date": None} if name.endswith("svg") else None
    )
    return out.getvalue()
