"""The metrics that are compared, and their figures by launch and round from a cell's windows."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from bench.analysis import launches
from bench.analysis.load import Run
from bench.schema.cell import Cell
from bench.stats import ratios
from bench.stats.ratios import Figures, Visit
from loadgen.histograms.histogram import Histogram

NONE: Final[frozenset[Visit]] = frozenset()
PERCENTS: Final = (50.0, 99.0)


class Metric(NamedTuple):
    """A metric that is compared.

    Attributes:
        title: displayed name.
        more: whether more is better.
        figures: returns the figures of a cell of a run, without the given launches and rounds.
        quantisation_error: returns the spread of a launch due to rounding alone, from both sides' requests per window
            and the number of rounds.
    """

    title: str
    more: bool
    figures: Callable[[Run, Cell, frozenset[Visit]], Figures]
    quantisation_error: Callable[[list[float], int], float]


def _each(column: str) -> Callable[[Run, Cell, frozenset[Visit]], Figures]:
    """Return a function that returns a column's figure of each window."""

    def figures(run: Run, cell: Cell, without: frozenset[Visit]) -> Figures:
        every = _of_windows(run, cell, column)
        return {visit: figure for visit, figure in every.items() if visit not in without} if without else every

    return figures


@functools.lru_cache(maxsize=4096)  # a few numbers, which every comparison with the cell needs
def _of_windows(run: Run, cell: Cell, column: str) -> Figures:
    windows = launches.windows_by_cell(run).get(cell)
    if windows is None:
        return {}
    visits = zip(windows["pass"].tolist(), windows["round"].tolist(), strict=True)
    return dict(zip(visits, windows[column].tolist(), strict=True))


def _percentile(percent: float) -> Callable[[Run, Cell, frozenset[Visit]], Figures]:
    """Return a function that computes one figure for each launch: a percentile of the requests of all its windows."""
    place = PERCENTS.index(percent)

    def figures(run: Run, cell: Cell, without: frozenset[Visit]) -> Figures:
        return {visit: values[place] for visit, values in _percentiles(run, cell, without).items()}

    return figures


@functools.lru_cache(maxsize=4096)  # a few numbers; the histograms would be many times as large as the records
def _percentiles(run: Run, cell: Cell, without: frozenset[Visit]) -> dict[Visit, tuple[float, ...]]:
    windows = launches.windows_by_cell(run).get(cell)
    if windows is None:
        return {}
    texts: dict[Visit, list[str]] = {}
    for pass_, round_, text in zip(windows["pass"], windows["round"], windows["latency_hdr"], strict=True):
        if (pass_, round_) not in without:
            texts.setdefault((pass_, 0), []).append(text)
    return {visit: _constant(several) for visit, several in texts.items()}


def _constant(texts: Sequence[str]) -> tuple[float, ...]:
    together = Histogram.decode(*texts)
    return tuple(math.nan if (value := together.percentile_ns(one)) is None else value for one in PERCENTS)


def _rate_error(counts: list[float], rounds: int) -> float:
    return ratios.counting_error(*counts, rounds=rounds) if all(counts) else math.inf


def _bucket_error(_: list[float], __: int) -> float:
    """Return the spread of the ratio of two values known to within a bucket of 0.1%."""
    return 0.001 / math.sqrt(12) * math.sqrt(2)


METRICS: Final = {
    "throughput": Metric("throughput", True, _each("throughput_rps"), _rate_error),
    "latency_p50": Metric("latency p50", False, _percentile(50), _bucket_error),
    "latency_p99": Metric("latency p99", False, _percentile(99), _bucket_error),
    "cpu_per_request": Metric(
        "CPU/request",
        False,
        _each("cpu_s_per_request"),
        lambda _, __: 0.0,
    ),
}
