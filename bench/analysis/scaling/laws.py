"""Scaling laws of throughput, one row each.

Each law gives the throughput at ``n`` as a multiple of that at 1. The throughput at 1 is a parameter as well, since its
measurement is as noisy as the others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
RATE: Final = "rate"
"""Name of the throughput at n = 1, in requests per second."""


class Law(NamedTuple):
    """A scaling law.

    Attributes:
        title: its name in a sentence.
        gain: throughput relative to n = 1, from n and the coefficients.
        coefficients: names of the coefficients, each between 0 and 1.
    """

    title: str
    gain: Callable[..., Any]
    coefficients: tuple[str, ...]

    @property
    def parameters(self) -> tuple[str, ...]:
        return (RATE, *self.coefficients)

    @property
    def fewest(self) -> int:
        """Number of different n that a fit needs: one more than parameters, so that the fit can fail."""
        return len(self.parameters) + 1

    def throughput(self, n: Floats, rate: float, *coefficients: float) -> Floats:
        found: Floats = rate * self.gain(n, *coefficients)
        return found


def _amdahl(n: Floats, serial: float) -> Floats:
    # A share of each request is served one at a time.
    return n / (1 + serial * (n - 1))


def _gustafson(n: Floats, serial: float) -> Floats:
    # Each client brings its own work, all done at the same time except for a share.
    return n - serial * (n - 1)


def _usl(n: Floats, contention: float, crosstalk: float) -> Floats:
    # A share is served one at a time, and in addition each waits for every other.
    return n / (1 + contention * (n - 1) + crosstalk * n * (n - 1))


LAWS: Final = {
    "amdahl": Law("Amdahl's law", _amdahl, ("serial",)),
    "gustafson": Law("Gustafson's law", _gustafson, ("serial",)),
    "usl": Law("the Universal Scalability Law", _usl, ("contention", "crosstalk")),
}
"""Amdahl, Validity of the single processor approach, AFIPS 1967. Gustafson, Reevaluating Amdahl's law, CACM 31, 1988.
Gunther, Guerrilla Capacity Planning, Springer 2007, chapters 4 to 6; without crosstalk the USL is Amdahl's law."""
