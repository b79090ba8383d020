"""The laws: how throughput answers to more of something, a row each.

All say how many times the throughput of one is had with ``n``. The throughput of one is a parameter of its own, since
what was measured with one is as noisy as the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
RATE: Final = "rate"
"""Name of the throughput of one, in requests per second."""


class Law(NamedTuple):
    """A row.

    Attributes:
        title: as it is called in a sentence.
        gain: times the throughput of one, from n and the coefficients.
        coefficients: their names; each lies between 0 and 1.
    """

    title: str
    gain: Callable[..., Any]
    coefficients: tuple[str, ...]

    @property
    def parameters(self) -> tuple[str, ...]:
        return (RATE, *self.coefficients)

    @property
    def fewest(self) -> int:
        """Different n that a fit needs: one more than there are parameters, so that it can be wrong."""
        return len(self.parameters) + 1

    def throughput(self, n: Floats, rate: float, *coefficients: float) -> Floats:
        found: Floats = rate * self.gain(n, *coefficients)
        return found


def _amdahl(n: Floats, serial: float) -> Floats:
    # A share of each request is served one at a time.
    return n / (1 + serial * (n - 1))


def _gustafson(n: Floats, serial: float) -> Floats:
    # Each brings its own work, and all of it is done at the same time but for a share.
    return n - serial * (n - 1)


def _usl(n: Floats, contention: float, crosstalk: float) -> Floats:
    # A share is served one at a time, and besides each waits for each other.
    return n / (1 + contention * (n - 1) + crosstalk * n * (n - 1))


LAWS: Final = {
    "amdahl": Law("Amdahl's law", _amdahl, ("serial",)),
    "gustafson": Law("Gustafson's law", _gustafson, ("serial",)),
    "usl": Law("the Universal Scalability Law", _usl, ("contention", "crosstalk")),
}
"""Amdahl, Validity of the single processor approach, AFIPS 1967. Gustafson, Reevaluating Amdahl's law, CACM 31, 1988.
Gunther, Guerrilla Capacity Planning, Springer 2007, chapters 4 to 6; without crosstalk the USL is Amdahl's law."""
