"""What is read of the CPUs' clocks, and of page faults."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

from bench import clocks
from bench.accounting import usage


def test_every_cores_throttling_is_counted(tmp_path: Path) -> None:
    for cpu, count in ("cpu0", "3"), ("cpu1", "4"), ("cpu10", "not known"):
        folder = tmp_path / cpu / "thermal_throttle"
        folder.mkdir(parents=True)
        (folder / "core_throttle_count").write_text(f"{count}\n", encoding="ascii")
    assert clocks.read(tmp_path).throttled == 7


def test_what_is_not_told_is_not_nought(tmp_path: Path) -> None:
    assert clocks.read(tmp_path).throttled is None


def test_page_faults_are_counted() -> None:
    pages = 500
    before = usage.read(os.getpid())
    with mmap.mmap(-1, pages * mmap.PAGESIZE) as memory:
        memory.madvise(mmap.MADV_NOHUGEPAGE)
        for page in range(pages):
            memory[page * mmap.PAGESIZE] = 1
    faults = usage.faults_between(before, usage.read(os.getpid()))
    assert faults.minor is not None
    assert pages <= faults.minor < pages + 5_000
    assert faults.major is not None
    assert faults.major >= 0
