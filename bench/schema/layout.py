"""The files of a run's folder: the tables from which the reference is generated.

A record, a line of ``records.jsonl``, is described in :mod:`bench.schema.record`, ``run.json`` in
:mod:`bench.schema.run_meta`.
"""

from __future__ import annotations

from typing import Final

from bench.schema.record import RECORDS
from bench.schema.run_meta import META

MEASURED: Final = {
    META: "what was planned, where, on which builds, and how it ended",
    RECORDS: "one record per line, each written to disk as soon as it is complete",
    "benchmark.json": "the same in the form of pytest-benchmark: seconds per request, a round for each window",
    "interrupted.jsonl": "windows of a visit that was interrupted, and repeated when the run was resumed; not used",
    "profile/": "profiles of cells, by ``gilbench profile``",
    "micro/": "microbenchmarks, by ``gilbench micro --into``",
}
"""Measured files: they cannot be recreated."""

DRAWN: Final = {
    "report.html": "the page, self-contained",
    "plots/*.svg": "the plots; with `gilbench report --png` also `plots/*.png`",
    "summary.csv": "a line for each cell: median and spread over the passes",
    "scaling.csv": "a line for each series and law: what was scaled (``over`` clients or cores), the coefficients as "
    "shares with the ends of their 95% intervals (``_low``, ``_high``), the peak, ``misfit`` (how far the curve "
    "misses the means, as a share), ``refused`` and why, and over cores the throughput predicted ``at_8_rps`` and so "
    "on; empty: unknown",
}
"""Files that ``gilbench report`` draws from them."""

PROFILE_SCHEMA: Final = 1
"""Version of the layout of a profile."""

PROFILE: Final = {
    "profile.json": "the cell; ``profiler``, and those ``passed_over`` and why; ``sampled_s``, seconds of load under "
    "which each kind of stacks was sampled, at ``rate_hz``; ``costs``, throughput with it over throughput "
    "without, with the 95% interval ``low`` to ``high`` over pairs of ``windows``; of the timeline its ``samples``, "
    "``resolution_us``, ``overhead_cores``, the ``effective_cores`` of that window and the ``shares`` of the serving "
    "threads' time",
    "windows.jsonl": "records, and ``with``: what the window was measured with",
    "stacks-KIND.folded": "a line for each stack, its frames separated by semicolons, and how often it was seen",
    "timeline.json": "for each thread ``spans`` of begin, end and state, and ``requests`` of client, begin and end, in "
    "microseconds from the first sample",
    "memory.json": "with ``--memory``: bytes held before the load and at its end, by ``line``",
    "flame-KIND.html, difference-KIND-A-B.html": "drawn: flame graphs, and their difference between interpreters",
    "stacks.speedscope.json": "drawn: the stacks for speedscope",
    "timeline.trace.json": "drawn: the timeline for Perfetto and the Firefox Profiler",
}
"""In ``profile/CELL/`` of a run's folder; ``timeline-GROUP.svg`` and ``.png`` are next to it."""
