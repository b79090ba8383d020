"""What lies in a run's folder and what stands in its ``run.json``: the tables that the reference is made of.

A record, a line of ``records.jsonl``, is described where it is defined, in :mod:`bench.schema.record`; the plan in
:mod:`bench.planning.plan`.
"""

from __future__ import annotations

from typing import Final

MEASURED: Final = {
    "run.json": "what was planned, where, on which builds, and how it ended",
    "records.jsonl": "a record a line, each written to disk as soon as its window was measured",
    "benchmark.json": "the same as pytest-benchmark sees it: seconds per request, a round for each window",
    "interrupted.jsonl": "windows of a visit that was interrupted, and made again when the run was gone on with; used "
    "nowhere",
    "profile/": "profiles of cells, by ``nox -s profile``",
    "micro/": "the microscope, by ``nox -s micro -- --into``",
}
"""What cannot be had again."""

DRAWN: Final = {
    "report.html": "the page, with everything inside it",
    "plots/*.svg, plots/*.png": "the pictures",
    "summary.csv": "a line for each cell: median and spread over the passes",
    "scaling.csv": "a line for each series and law: what was scaled (``over`` clients or cores), the coefficients as "
    "shares with the ends of their 95% intervals (``_low``, ``_high``), the peak, ``misfit`` (how far the curve "
    "misses the means, as a share), ``refused`` and why, and over cores the throughput predicted ``at_8_rps`` and so "
    "on; empty: not known",
}
"""What ``nox -s report`` draws from it."""

PROFILE: Final = {
    "profile.json": "the cell; ``profiler``, and those ``passed_over`` and why; ``sampled_s``, seconds of load under "
    "which each kind of stacks was sampled, at ``rate_hz``; ``costs``, throughput with over without, ``low`` and "
    "``high`` being the 95% interval over pairs of ``windows``; of the timeline its ``samples``, ``resolution_us``, "
    "``overhead_cores``, the ``effective_cores`` of that window and the ``shares`` of the serving threads' time",
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

META: Final = {
    "schema": "version of the layout of this file and of the records",
    "name": "of the folder",
    "created": "when the run began, UTC",
    "state": "``running``; ``complete``; or ``partial``: it was ended early. ``running`` with nobody at it: it was "
    "killed",
    "command": "what was typed",
    "plan": "see below",
    "work": "for each workload, what one request does, as its server said",
    "machine": "see below",
    "control": "the interpreter of the harness and load generator, and the versions of what they stand on",
    "interpreters": "for each interpreter, its build; see below",
    "gaps": "models that an interpreter cannot run: ``model``, ``interpreter``, ``reason``",
    "failures": "cells that could not be measured: ``cell``, ``pass``, ``reason``",
    "elapsed_s": "from the end of set-up to the end of the last window",
    "measured_share": "share of it spent inside measured windows",
}

PLAN: Final = {
    "cells": "names (model-workload-clients-interpreter) of what was selected",
    "models": "of the cells, each once",
    "workloads": "of the cells, each once",
    "clients": "of the cells, each once",
    "interpreters": "of the cells, each once",
}
"""Keys of ``plan`` besides the fields of :class:`bench.planning.plan.Plan`."""

MACHINE: Final = {
    "system": "name of the operating system",
    "release": "of its kernel",
    "arch": "of the processor",
    "cpu_model": "name of the processor",
    "cpus": "how many CPUs the harness may use",
    "cpus_of_machine": "how many there are",
    "memory_bytes": "of the machine",
    "load_average": "over 1, 5 and 15 minutes when the run began",
}

BUILD: Final = {
    "executable": "path of the program",
    "version": "as ``3.13.1``",
    "version_info": "the same in parts",
    "implementation": "always ``CPython``",
    "compiler": "that it was built with",
    "built": "branch and date of the build",
    "libc": "C library; null: not known",
    "pgo": "built with profile-guided optimisation; null: not known, like the next two",
    "lto": "built with link-time optimisation",
    "bolt": "built with BOLT",
    "flags": "the compiler's flags that decide about code generation",
    "allocator": "``pymalloc``, ``mimalloc`` or ``malloc``",
    "freethreaded": "built without a GIL",
    "gil_enabled": "whether the GIL is on",
    "jit": "``on``, ``off`` or ``unavailable``",
    "debug": "a debug build",
    "variants": "what was changed about it, as ``+jit``; not there: nothing",
    "hash": "with ``+hashseed``: a hash that shows it",
}
