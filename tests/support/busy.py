"""A busy machine: one loop per CPU, at normal priority, for a bounded time.

``python -m tests.support.busy --for 600`` starts one by hand; ``nox -s tests -- --busy`` keeps one while the tests run.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator

LONGEST_S = 3600.0
_LOOP = """
import os, sys, time
deadline_s = time.monotonic() + float(sys.argv[1])
parent = os.getppid()
while time.monotonic() < deadline_s and os.getppid() == parent:
    for _ in range(100_000):
        pass
"""


@contextlib.contextmanager
def busy(seconds: float = LONGEST_S) -> Iterator[list[int]]:
    """Keep every CPU busy until the block ends, or for ``seconds`` at most; yield the loops' pids.

    A loop ends when its parent has gone, so that none is left behind.
    """
    command = [sys.executable, "-S", "-c", _LOOP, str(seconds)]
    loops = [subprocess.Popen(command) for _ in range(os.cpu_count() or 1)]
    try:
        yield [loop.pid for loop in loops]
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


if __name__ == "__main__":
    options = argparse.ArgumentParser(description="Keep every CPU busy for a while.")
    options.add_argument("--for", dest="seconds", type=float, default=600.0, help="seconds (default: 600)")
    with contextlib.suppress(KeyboardInterrupt):
        seconds = min(options.parse_args().seconds, LONGEST_S)
        with busy(seconds):
            time.sleep(seconds)
