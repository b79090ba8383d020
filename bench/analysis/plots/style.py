"""How plots look: one colour for each model, one line for each kind of build, and files that come out the same."""

from __future__ import annotations

import contextlib
import io
import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bench.analysis.load import Run

# Okabe and Ito's palette, which colour-blind readers can tell apart; its yellow is too faint for lines on white.
COLOURS: Final = {
    "serial": "#000000",
    "threaded": "#D55E00",
    "asyncio": "#0072B2",
    "multiprocess": "#009E73",
    "thread-pool": "#E69F00",
    "prefork": "#CC79A7",
    "process-pool": "#56B4E9",
    "subinterpreters": "#882255",  # this one and the next are Paul Tol's, chosen for the same readers
    "asyncio-threads": "#999933",
}
OTHER: Final = "#777777"
INK: Final = "#1f2328"
QUIET: Final = "#6b7280"
FAINT: Final = "#e5e7eb"

RC: Final[Any] = {  # Matplotlib spells out every key in its type
    "axes.edgecolor": "#9ca3af",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.labelcolor": QUIET,
    "axes.labelsize": 9,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "font.family": "DejaVu Sans",  # comes with Matplotlib, so that texts are as wide everywhere
    "font.size": 9,
    "grid.color": FAINT,
    "grid.linewidth": 0.7,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "svg.fonttype": "path",
    "svg.hashsalt": "gilbench",
    "text.color": INK,
    "text.parse_math": False,  # a target's name may have a dollar in it
    "xtick.color": "#9ca3af",
    "xtick.labelcolor": QUIET,
    "ytick.color": "#9ca3af",
    "ytick.labelcolor": QUIET,
}


class Look(NamedTuple):
    """How a target's lines and points look, whatever the model's colour."""

    line: str
    marker: str
    filled: bool


_MARKERS: Final = ("o", "s", "D", "v")
_NAME_LENGTH: Final = 16
_STEPS: Final = ((4.0, (1, 1.5, 2, 3, 4, 5, 6, 8)), (12.0, (1, 2, 3, 5)), (200.0, (1, 2, 5)), (math.inf, (1,)))


def colour(model: str) -> str:
    """Return a model's colour, the same in every plot of every run."""
    return COLOURS.get(model, OTHER)


def looks(run: Run) -> dict[str, Look]:
    """Return the look of each target: with a GIL solid and filled, without dashed and hollow."""
    counts = {False: 0, True: 0}
    found = {}
    for target in run.values("target"):
        free = is_free(run, target)
        found[target] = Look("--" if free else "-", _MARKERS[counts[free] % len(_MARKERS)], filled=not free)
        counts[free] += 1
    return found


def is_free(run: Run, target: str) -> bool:
    """Tell whether a target ran without a GIL."""
    build = run.section("targets").get(target)
    return isinstance(build, dict) and build.get("gil_enabled") is False


def short(name: str) -> str:
    """Return a name that fits, its end if it is long: targets may be paths."""
    return name if len(name) <= _NAME_LENGTH else f"…{name[1 - _NAME_LENGTH :]}"


def log_ticks(low: float, high: float) -> list[float]:
    """Return round numbers between two ends of a log scale, few enough to be read."""
    steps = next(steps for span, steps in _STEPS if high / low <= span)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [tick for decade in decades for step in steps if low <= (tick := step * 10.0**decade) <= high]


def blank(width: float, height: float) -> Figure:
    """Return an empty figure, width and height in inches, that can tell how large a text is before it is rendered."""
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Hold the settings in which figures are to be drawn and rendered."""
    with mpl.rc_context(RC), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a name in a script that the font lacks
        yield


def save(figure: Figure, folder: Path, name: str) -> str:
    """Write a figure as SVG and as PNG, and return the SVG.

    Raises:
        OSError: the folder cannot be written to.
    """
    svg, png = render(figure, name)
    (folder / f"{name}.svg").write_text(svg, encoding="utf-8")
    (folder / f"{name}.png").write_bytes(png)
    return svg


def render(figure: Figure, name: str) -> tuple[str, bytes]:
    """Return a figure as SVG and as PNG; the same figure gives the same bytes.

    Args:
        figure: what to render.
        name: goes into the SVG's ids, so that several can stand in one page.
    """
    svg, png = io.StringIO(), io.BytesIO()
    with style():
        mpl.rcParams["svg.hashsalt"] = name
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": "gilbench"})
        figure.savefig(png, format="png", dpi=144, metadata={"Software": None})
    return svg.getvalue(), png.getvalue()
