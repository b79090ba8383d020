"""One figure for an interpreter: the geometric mean of its ratios over all cells, with an interval over launches.

The geometric mean is the one mean of ratios that does not depend on which side is the baseline (Fleming and Wallace,
How not to lie with statistics, CACM 29, 1986). It describes the chosen cells, each with equal weight.
"""

from __future__ import annotations

import numpy as np

from bench.analysis import launches
from bench.analysis.load import Run
from bench.analysis.metrics import METRICS, NONE
from bench.schema.cell import Cell
from bench.stats import ratios
from bench.stats.ratios import Ratio


def overall(run: Run, interpreter: str, baseline: str, metric: str = "throughput") -> Ratio | None:
    """Return the geometric mean over the cells that both interpreters have; ``None`` if there are none.

    The launches of a pass form one value, so that the interval includes what moves all cells of a pass together; passes
    in which a cell is missing do not count.
    """
    by_cell = []
    for group in launches.groups(run):
        above, below = (METRICS[metric].figures(run, Cell(*group, name), NONE) for name in (interpreter, baseline))
        if above and below:
            by_cell.append(ratios.launch_logs(above, below))
    if not by_cell:
        return None
    passes = sorted(set.intersection(*(set(one) for one in by_cell)))
    return ratios.ratio_of_logs(
        [float(np.mean([one[pass_] for one in by_cell])) for pass_ in passes], launches.confidence(run)
    )
