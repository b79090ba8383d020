"""Jobs done at the same time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.paths import ROOT
from bench.report.at_once import at_once
from tests.support.until import until

ENDLESS = """
import os, time
from bench.report.at_once import at_once
def endless():
    os.write(1, b"%d\\n" % os.getpid())  # whole, while the other writes
    time.sleep(600)
with at_once({"one": endless, "other": endless}, pays=True) as done:
    done["one"]()
"""


@pytest.mark.parametrize("pays", [False, True])
def test_at_once_gives_each_job_its_result(pays: bool) -> None:
    jobs = {str(number): lambda number=number: (number**2, os.getpid()) for number in range(5)}
    with at_once(jobs, pays=pays) as done:
        found = {name: wait() for name, wait in done.items()}
    assert [square for square, _ in found.values()] == [0, 1, 4, 9, 16]
    elsewhere = {pid for _, pid in found.values()} != {os.getpid()}
    assert elsewhere is (pays and (os.cpu_count() or 1) > 1)


def test_at_once_does_here_what_it_is_asked_to() -> None:
    computed: list[str] = []
    jobs = {"needs": lambda: (list(computed), os.getpid()), **{name: lambda: ([], os.getpid()) for name in "ab"}}
    with at_once(jobs, pays=True, here=["needs"]) as done:
        computed.append("by the block")
        assert done["needs"]() == (["by the block"], os.getpid())
        assert list(done) == list(jobs)


@pytest.mark.parametrize("pays", [False, True])
def test_at_once_raises_what_a_job_raised(pays: bool, tmp_path: Path) -> None:
    jobs = {"writes": lambda: (tmp_path / "no" / "such").write_text(""), "other": lambda: 1}
    with pytest.raises(FileNotFoundError), at_once(jobs, pays=pays) as done:
        done["writes"]()


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one CPU: there are no other processes")
def test_at_once_leaves_no_process_behind_when_it_is_killed() -> None:
    command = [sys.executable, "-c", ENDLESS]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            workers = [int(process.stdout.readline()) for _ in range(2)]
        finally:
            process.send_signal(signal.SIGKILL)
        assert until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
