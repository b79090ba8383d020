"""Frames, summaries, comparisons and fits of runs: numbers only. It reads files and measures nothing.

In a notebook started in gilbench's folder, or with that folder on ``sys.path``::

    from bench.analysis import cells, latency, load_run, ratios

    windows = load_run("results/latest")  # one row per window; help(load_run) documents the columns
    cells(windows)                        # one row per cell: medians and ranges over passes
    ratios(windows, baseline="3.13")      # interpreters compared, with intervals and verdicts
    latency(windows)                      # percentiles from the histograms
    cells(windows[~windows.disturbed])    # from some windows only

``load_runs`` reads several runs into one frame. ``windows.to_parquet("windows.parquet")`` keeps everything, including
the run's metadata in ``windows.attrs``; ``gilbench export`` also writes units and meanings into the file.

Data flow:

:mod:`~bench.analysis.load`
    reads a folder into a :class:`Run`, whose ``windows`` has a row for each record.
:mod:`~bench.analysis.stats`
    the single definition of each statistic: median, range over passes, paired ratio.
:mod:`~bench.analysis.summary`
    a row for each cell; ``summary.csv``.
:mod:`~bench.narrative.findings`, :mod:`~bench.narrative.run_warnings`
    sentences about these numbers.
:mod:`~bench.analysis.scaling`
    scaling laws of throughput over clients and over cores; ``scaling.csv``.
:mod:`~bench.report.plots`
    one file per plot.
:mod:`~bench.report.page`, :mod:`~bench.report.terminal`
    the whole report for a browser and for a terminal.
:mod:`~bench.analysis.columns`, :mod:`~bench.analysis.frames`, :mod:`~bench.cli.export`
    the frames above, the meaning of their columns, and their export to files.
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
