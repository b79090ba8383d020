"""Counters of the system: throttling of CPUs, and page faults of a process tree."""

from __future__ import annotations

import dataclasses
import mmap
import os
from pathlib import Path

from bench.runner import cpu_clocks
from bench.schema.record_parts import PageFaults
from bench.threads import usage


def test_clocks_add_up_the_throttling_of_all_cores(tmp_path: Path) -> None:
    for cpu, count in ("cpu0", "3"), ("cpu1", "4"), ("cpu10", "not known"):
        folder = tmp_path / cpu / "thermal_throttle"
        folder.mkdir(parents=True)
        (folder / "core_throttle_count").write_text(f"{count}\n", encoding="ascii")
    assert cpu_clocks.read(tmp_path).throttled == 7


def test_clocks_report_throttling_as_unknown_where_the_system_does_not(tmp_path: Path) -> None:
    assert cpu_clocks.read(tmp_path).throttled is None


def test_usage_counts_page_faults() -> None:
    pages = 500
    before = usage.read(os.getpid())
    with mmap.mmap(-1, pages * mmap.PAGESIZE) as memory:
        memory.madvise(mmap.MADV_NOHUGEPAGE)
        for page in range(pages):
            memory[page * mmap.PAGESIZE] = 1
    faults = usage.faults_between(before, usage.read(os.getpid()))
    assert faults.minor is not None
    assert faults.minor >= pages
    later = dataclasses.replace(before, minor_faults=before.minor_faults + 7, major_faults=before.major_faults + 2)
    assert usage.faults_between(before, later) == PageFaults(minor=7, major=2)
