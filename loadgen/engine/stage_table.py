"""Stages as compiled code reads them, and when each request is intended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from loadgen.native.compiled import inline
from loadgen.stages import Stage

STAGE = np.dtype(
    [
        ("begin_ns", np.int64),  # since the first stage began
        ("length_ns", np.int64),
        ("from_rps", np.float64),
        ("to_rps", np.float64),
        ("before", np.float64),  # requests intended before this stage
    ],
    align=True,
)


def table(stages: Sequence[Stage]) -> npt.NDArray[Any]:
    """Return the stages as compiled code reads them: STAGE[n]."""
    rows = np.zeros(len(stages), STAGE)
    begin_ns, before = 0, 0.0
    for row, stage in zip(rows, stages, strict=True):
        length_ns = int(stage.duration_s * 1e9)
        row["begin_ns"], row["length_ns"], row["before"] = begin_ns, length_ns, before
        row["from_rps"], row["to_rps"] = stage.from_rps, stage.to_rps
        begin_ns += length_ns
        before += stage.requests
    return rows


@inline
def when_ns(stages: Any, number: float) -> int:
    """Return when the request ``number`` (from 0, fractions allowed) is intended, in ns since the first stage began.

    The inverse of the integral of the rate; -1 if all stages end before that request.
    """
    for index in range(len(stages)):
        stage = stages[index]
        length_s = stage.length_ns * 1e-9
        here = number - stage.before
        inside = (stage.from_rps + stage.to_rps) * 0.5 * length_s
        if here < inside:
            bend = (stage.to_rps - stage.from_rps) / (2.0 * length_s)
            root = (stage.from_rps * stage.from_rps + 4.0 * bend * here) ** 0.5
            # This form of the quadratic's solution also holds for a constant rate.
            after_s = 2.0 * here / (stage.from_rps + root) if here > 0.0 else 0.0
            return int(stage.begin_ns + after_s * 1e9)
    return -1
