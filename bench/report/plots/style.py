"""Style of plots: one colour for each model, one line for each kind of build, and reproducible files."""

from __future__ import annotations

import contextlib
import io
import math
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bench.analysis.load import Run
from bench.report.plots.palette_png import png
from bench.report.plots.svg import finish
from bench.schema.thread_state import THREAD_STATES
from loadgen.cli import picture

# Every colour of every plot is named here: a page replaces each by that of its theme. Hues mean models, and have Okabe
# and Ito's colours; their yellow is too faint for lines on white, so wine (Paul Tol's) and a brown are used instead.
# States of threads are shades of one blue, with a signal red for the GIL; verdicts are marks in ink.
MODELS: Final = {
    "serial": "#000000",
    "threaded": picture.ORANGE,
    "asyncio": picture.BLUE,
    "multiprocess": picture.GREEN,
    "thread-pool": "#e69f00",
    "prefork": picture.PINK,
    "process-pool": "#56b4e9",
    "subinterpreters": "#882255",
    "asyncio-per-thread": "#4008b0",
    "asyncio-threads": "#5f4b00",
}
OTHER: Final = "#777777"

# Servers that people deploy have the colours of reference models, of which a run with many of them has few.
COLOURS: Final = MODELS | {
    "gunicorn-sync": MODELS["prefork"],
    "gunicorn-gthread": MODELS["thread-pool"],
    "gunicorn-asgi": MODELS["asyncio-per-thread"],
    "gunicorn-gevent": MODELS["subinterpreters"],
    "uvicorn": MODELS["asyncio"],
    "uvicorn-uvloop": MODELS["process-pool"],
    "granian-asgi": MODELS["asyncio-threads"],
    "granian-wsgi": MODELS["multiprocess"],
    "hypercorn": OTHER,
    "waitress": MODELS["serial"],
    "cheroot": "#a58a7a",
    "http-server": MODELS["threaded"],
}

# The same, dark enough for small text on white: a contrast of 4.5 or more.
_DARKER: Final = {
    MODELS["threaded"]: "#b85000",
    MODELS["multiprocess"]: "#00805d",
    MODELS["thread-pool"]: "#966700",
    MODELS["prefork"]: "#9d5c80",
    MODELS["process-pool"]: "#37789d",
    COLOURS["cheroot"]: "#7d6252",
    OTHER: "#6f6f6f",
}
LABELS: Final = {model: _DARKER.get(colour, colour) for model, colour in COLOURS.items()}
OTHER_LABEL: Final = _DARKER[OTHER]

INK: Final = picture.INK
QUIET: Final = picture.QUIET
FAINT: Final = picture.FAINT
PAPER: Final = "#ffffff"
AXIS: Final = picture.AXIS
ZONE: Final = "#d1d5db"  # a mark behind the data: the number of CPUs, what counts as the same
SHADE: Final = "#f3f4f6"  # an area behind the data

# What a thread does, or what else a request waits for.
STATES: Final = {
    **{state.key: state.colour for state in THREAD_STATES},
    "holding": "#8c0f1c",
    "overlapped": "#c7d7c9",
    "turn": "#6a5f85",
    "queue": "#9aa0a8",
    "accepted": QUIET,
    "on_the_way": ZONE,
    "unexplained": PAPER,
}

NO_GIL: Final = QUIET  # where lines are interpreters, not models: those without a GIL; the others are in ink

PALETTE: Final = {
    "paper": PAPER,
    "ink": INK,
    "quiet": QUIET,
    "axis": AXIS,
    "faint": FAINT,
    "zone": ZONE,
    "shade": SHADE,
    **{f"model-{name}": colour for name, colour in COLOURS.items()},
    "model-other": OTHER,
    **{f"label-{name}": colour for name, colour in LABELS.items()},
    "label-other": OTHER_LABEL,
    **{f"state-{name}": colour for name, colour in STATES.items()},
    "verdict-faster": INK,
    "verdict-slower": INK,
    "verdict-same": INK,
    "verdict-undecided": QUIET,
    "no-gil": NO_GIL,
}
"""Every colour of the plots by its meaning, as six lower-case digits; several names may share one."""

RC: Final[Any] = {  # Matplotlib spells out every key in its type
    "axes.edgecolor": AXIS,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.labelcolor": QUIET,
    "axes.labelsize": 9,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "figure.facecolor": PAPER,
    "font.family": "DejaVu Sans",  # comes with Matplotlib, so that text has the same width everywhere
    "font.size": 9,
    "grid.color": FAINT,
    "grid.linewidth": 0.7,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "butt",
    "lines.markersize": 5,
    "svg.fonttype": "none",  # text can be searched, selected and read aloud
    "svg.hashsalt": "gilbench",
    "text.color": INK,
    "text.parse_math": False,  # an interpreter's name may have a dollar in it
    "xtick.color": AXIS,
    "xtick.major.size": 0,  # the grid's lines end at the labels
    "xtick.labelcolor": QUIET,
    "xtick.labelsize": 8.5,
    "ytick.color": AXIS,
    "ytick.major.size": 0,
    "ytick.labelcolor": QUIET,
    "ytick.labelsize": 8.5,
}

DPI: Final = 144  # of PNGs
WIDEST: Final = 11.3  # inches: the width of a page, so that text is not scaled down


class InterpreterStyle(NamedTuple):
    """Appearance of an interpreter's lines and points, in any model's colour."""

    line: str
    marker: str
    filled: bool

    def face(self, colour: str) -> str:
        """Return the fill colour of its markers."""
        return colour if self.filled else PAPER


MARKERS: Final = ("o", "s", "D", "v", "^", "P")
_NAME_LENGTH: Final = 16
_NARROW: Final = 2.0  # ratio of a log scale's ends below which it is practically linear
_STEPS: Final = ((4.0, (1, 1.5, 2, 3, 4, 5, 6, 8)), (12.0, (1, 2, 3, 5)), (200.0, (1, 2, 5)), (math.inf, (1,)))


def colour(model: str) -> str:
    """Return a model's colour, the same in every plot of every run."""
    return COLOURS.get(model, OTHER)


def label_colour(model: str) -> str:
    """Return a model's colour for text, which is darker if the other is too light to read."""
    return LABELS.get(model, OTHER_LABEL)


def appearances(run: Run) -> dict[str, InterpreterStyle]:
    """Return the appearance of each interpreter: solid and filled with a GIL, dashed and hollow without."""
    counts = {False: 0, True: 0}
    found = {}
    for interpreter in run.values("interpreter"):
        free = run.is_free(interpreter)
        found[interpreter] = InterpreterStyle(
            "--" if free else "-", MARKERS[counts[free] % len(MARKERS)], filled=not free
        )
        counts[free] += 1
    return found


def short_name(name: str) -> str:
    """Return a name that fits, only its end if it is long: interpreters may be paths."""
    return name if len(name) <= _NAME_LENGTH else f"…{name[1 - _NAME_LENGTH :]}"


def short_names(names: Iterable[str]) -> dict[str, str]:
    """Return names that fit and are distinct: paths with the same end are prefixed with the part that differs.

    ``/opt/new/bin/python3.14`` and ``/opt/old/bin/python3.14`` become ``new/…/python3.14`` and ``old/…/python3.14``.
    """
    found = {name: short_name(name) for name in names}
    for ending in {text for text in found.values() if list(found.values()).count(text) > 1}:
        alike = [name for name in found if found[name] == ending]
        parts = [name.split("/") for name in alike]
        differ = next(
            (n for n in range(1, min(map(len, parts)) + 1) if len({one[-n] for one in parts}) == len(parts)), 0
        )
        for number, (name, one) in enumerate(zip(alike, parts, strict=True), 1):
            shown = f"{one[-differ][: _NAME_LENGTH // 2]}/…/{one[-1]}" if differ > 1 else f"{number}: {ending}"
            found[name] = shown[: _NAME_LENGTH + 6]
        if len({found[name] for name in alike}) < len(alike):
            found |= {name: f"{number}: {ending}" for number, name in enumerate(alike, 1)}
    return found


def log_ticks(low: float, high: float) -> list[float]:
    """Return round numbers between the ends of a log scale: few enough to read, and at least two if possible."""
    if high / low < _NARROW:
        ticks = MaxNLocator(nbins=5, steps=[1, 2, 5, 10]).tick_values(low, high)
        return [float(tick) for tick in ticks if low <= tick <= high]
    steps = next(steps for span, steps in _STEPS if high / low <= span)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [tick for decade in decades for step in steps if low <= (tick := step * 10.0**decade) <= high]


def blank(width: float, height: float) -> Figure:
    """Return an empty figure, width and height in inches, that can measure text before it is rendered."""
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def describe(figure: Figure, sentence: str) -> None:
    """Set the description of a figure, for screen readers."""
    figure.set_label(sentence)


def description(figure: Figure) -> str:
    """Return the description of a figure, one sentence; empty if it has none."""
    shown = figure.get_label()
    return "" if shown is None else str(shown)


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Apply the settings for drawing and rendering figures."""
    with mpl.rc_context(), warnings.catch_warnings():
        mpl.rcdefaults()  # whatever a matplotlibrc says
        mpl.rcParams.update(RC)
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a name in a script that the font lacks
        yield


def save(figure: Figure, folder: Path, name: str, *, png: bool = True) -> str:
    """Write a figure as SVG, and as PNG if wanted, and return the SVG.

    Raises:
        OSError: the folder cannot be written to.
    """
    svg = to_svg(figure, name)
    (folder / f"{name}.svg").write_text(svg, encoding="utf-8")
    if png:
        (folder / f"{name}.png").write_bytes(to_png(figure))
    return svg


def to_svg(figure: Figure, name: str) -> str:
    """Return a figure as SVG; the same figure gives the same text.

    It has no background, so that it takes that of its page, and has the :func:`description` as ``aria-label``.

    Args:
        figure: what to render.
        name: part of the ids, so that several can be on one page.
    """
    out = io.StringIO()
    with style():
        mpl.rcParams["svg.hashsalt"] = name
        figure.savefig(out, format="svg", facecolor="none", metadata={"Date": None, "Creator": None})
    return finish(out.getvalue(), description(figure))


def to_png(figure: Figure) -> bytes:
    """Return a figure as PNG, on white, with the :func:`description`; the same figure gives the same bytes."""
    raw = io.BytesIO()
    with style():
        figure.savefig(raw, format="raw", dpi=DPI, facecolor=PAPER)
    width, height = (int(inches * DPI) for inches in figure.get_size_inches())
    return png(raw.getvalue(), (width, height), DPI, description(figure))
