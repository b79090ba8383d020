"""From a run's folder to frames, summaries, comparisons and fits: numbers only. It reads files and measures nothing.

In a notebook, started where gilbench lies or with its folder on ``sys.path``::

    from bench.analysis import cells, latency, load_run, ratios

    windows = load_run("results/latest")  # a row a window, all columns documented: help(load_run)
    cells(windows)                        # a row a cell: medians and ranges over passes
    ratios(windows, baseline="3.13")      # interpreters against each other, with intervals and verdicts
    latency(windows)                      # percentiles from the histograms
    cells(windows[~windows.disturbed])    # of some windows only

``load_runs`` reads several runs into one frame. ``windows.to_parquet("windows.parquet")`` keeps everything, also the
run's meta in ``windows.attrs``; ``gilbench export`` does the same with units and meanings in the file.

The order in which data passes through:

:mod:`~bench.analysis.load`
    a folder becomes a :class:`Run`, whose ``windows`` has a row for each record.
:mod:`~bench.analysis.stats`
    the one definition of each statistic: median, range over passes, paired ratio.
:mod:`~bench.analysis.summary`
    a row for each cell; ``summary.csv``.
:mod:`~bench.narrative.findings`, :mod:`~bench.narrative.run_warnings`
    sentences about them.
:mod:`~bench.analysis.scaling`
    laws of how throughput grows with clients and with cores; ``scaling.csv``.
:mod:`~bench.report.plots`
    one file per plot.
:mod:`~bench.report.page`, :mod:`~bench.report.terminal`
    all of it for a browser and for a terminal.
:mod:`~bench.analysis.columns`, :mod:`~bench.analysis.frames`, :mod:`~bench.cli.export`
    the frames above, what their columns mean, and files of them.
"""

from bench.analysis.frames import cells, latency, load_run, load_runs, ratios
from bench.analysis.load import Run, read_run
from bench.analysis.summary import summarise

__all__ = [
    "Run",
    "cells",
    "latency",
    "load_run",
    "load_runs",
    "ratios",
    "read_run",
    "summarise",
]
