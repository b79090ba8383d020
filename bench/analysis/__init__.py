"""From a run's folder to ratios, tables, plots and a page. Reads files only; measures nothing.

The files, in the order in which data passes through them:

:mod:`~bench.analysis.load`
    a folder becomes a :class:`Run`, whose ``windows`` has a row for each record.
:mod:`~bench.analysis.stats`
    the one definition of each statistic: median, range over passes, paired ratio.
:mod:`~bench.analysis.summary`
    a row for each cell; ``summary.csv``.
:mod:`~bench.analysis.findings`, :mod:`~bench.analysis.cautions`
    what was seen, and what to be wary of, in sentences.
:mod:`~bench.analysis.scaling`
    laws of how throughput grows with clients and with cores; ``scaling.csv``.
:mod:`~bench.analysis.plots`
    a file for each plot.
:mod:`~bench.analysis.page`, :mod:`~bench.analysis.terminal`
    all of it together, for a browser and for a terminal.
"""

from bench.analysis.cautions import Caution, cautions
from bench.analysis.findings import Finding, findings
from bench.analysis.load import Run, load_run
from bench.analysis.summary import summarise

__all__ = ["Caution", "Finding", "Run", "cautions", "findings", "load_run", "summarise"]
