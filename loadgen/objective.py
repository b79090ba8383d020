"""Objectives for a result, written as ``p99<20ms``, ``errors<0.1%`` or ``rate>5000``."""

from __future__ import annotations

import argparse
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from loadgen.duration import duration_s
from loadgen.nearest import did_you_mean

if TYPE_CHECKING:
    from loadgen.result import LoadResult

_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_SHAPE: Final = re.compile(r"\s*(p\d+(?:\.\d+)?|mean|max|rate|errors)\s*(<=|>=|<|>)\s*(\S+)\s*")
_FIGURES: Final = ("p50", "p90", "p95", "p99", "p99.9", "mean", "max", "rate", "errors")  # p with any other number, too
_EXAMPLES: Final = "p99<20ms, mean<1ms, rate>5000, errors<0.1%"


@dataclass(frozen=True, slots=True)
class Objective:
    """A bound on a figure of a result.

    Attributes:
        text: as it was written.
        figure: ``p99`` (any percentile), ``mean`` or ``max`` of the latency, ``rate``, or ``errors``.
        relation: one of < <= > >=.
        bound: in ns or requests per second; for ``errors``, a share of all requests (``as_share``) or their number.
        as_share: whether ``errors`` are compared as a share.
    """

    text: str
    figure: str
    relation: str
    bound: float
    as_share: bool = False

    @property
    def percent(self) -> float | None:
        """Return the percentile that the objective bounds, if any."""
        return float(self.figure[1:]) if self.figure[0] == "p" else None

    def value(self, result: LoadResult) -> float | None:
        """Return the figure; ``None`` if the result has no data for it."""
        if self.figure == "rate":
            return result.throughput_rps
        if self.figure == "errors":
            everything = result.requests + result.failed
            return result.failed / everything if self.as_share and everything else float(result.failed)
        if self.figure == "mean":
            return result.latency.mean_ns
        return result.latency.max_ns if self.percent is None else result.latency.percentile_ns(self.percent)

    def holds(self, result: LoadResult) -> bool:
        """Return whether the result meets the objective; without data it does not."""
        value = self.value(result)
        if value is None:
            return False
        if self.relation.startswith("<") and self.bound and self.figure[0] in "pm" and result.is_lower_bound(value):
            return False
        return _COMPARE[self.relation](value, self.bound)


def read_objective(text: str) -> Objective:
    """Parse one objective.

    Raises:
        argparse.ArgumentTypeError: ``text`` is not an objective.
    """
    match = _SHAPE.fullmatch(text)
    if not match:
        figure = re.split(r"[<>=]", text, maxsplit=1)[0].strip()
        meant = "" if figure in _FIGURES else did_you_mean(figure, _FIGURES)
        raise argparse.ArgumentTypeError(f"invalid objective {text!r}{meant}: use for example {_EXAMPLES}")
    figure, relation, bound = match.groups()
    try:
        if figure == "rate":
            return Objective(text.strip(), figure, relation, float(bound))
        if figure == "errors":
            share = bound.endswith("%")
            return Objective(text.strip(), figure, relation, float(bound.rstrip("%")) / (100 if share else 1), share)
    except ValueError:
        raise argparse.ArgumentTypeError(f"invalid number {bound!r}: use for example {_EXAMPLES}") from None
    if figure[0] == "p" and not 0 < float(figure[1:]) <= 100:
        raise argparse.ArgumentTypeError(f"invalid percentile {figure}: use one above p0 and up to p100")
    return Objective(text.strip(), figure, relation, duration_s(bound) * 1e9)


def read_objectives(text: str) -> tuple[Objective, ...]:
    """Parse objectives separated by commas."""
    return tuple(read_objective(part) for part in text.split(","))
