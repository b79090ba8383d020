"""The plots: one file and one row each.

A plot is a function that takes a :class:`~bench.analysis.load.Run` and returns a figure, or ``None`` if a narrowed plan
leaves nothing to show.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from matplotlib.figure import Figure

from bench.analysis.load import Run
from bench.report.plots import (
    convoy,
    cores,
    forest,
    gil,
    latency,
    life,
    memory,
    overlap,
    scaling,
    throughput,
)

PLOTS: Final[dict[str, Callable[[Run], Figure | None]]] = {
    "overlap": overlap.draw,
    "throughput": throughput.draw,
    "scaling": scaling.draw,
    "forest": forest.draw,
    "convoy": convoy.draw,
    "life": life.draw,
    "cores": cores.draw,
    "gil": gil.draw,
    "latency": latency.draw,
    "memory": memory.draw,
}
