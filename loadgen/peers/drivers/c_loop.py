"""A plain epoll loop in C (epoll.c), compiled by the system's compiler."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from loadgen.peers.drivers.report import WARMUP_S, Report, tell

SOURCE = Path(__file__).with_name("epoll.c")


def compiler() -> str | None:
    """Return the system's C compiler; ``None`` if there is none."""
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


def drive(port: int, connections: int, seconds: float, rate_rps: float | None) -> Report:  # noqa: ARG001 - no open loop
    """Compile the loop, run it, and return its report."""
    with tempfile.TemporaryDirectory(prefix="gilbench-c-") as folder:
        program = str(Path(folder, "epoll"))
        command = [compiler() or "cc", "-O3", "-march=native", "-o", program, str(SOURCE)]
        subprocess.run(command, check=True, capture_output=True)
        words = [program, str(port), str(connections), str(WARMUP_S), str(seconds)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr.strip() or "the loop failed")
    requests, wall_s, cpu_s, p50_ns, p99_ns = done.stdout.split()
    return Report(int(requests), float(wall_s), float(cpu_s), float(p50_ns), float(p99_ns))


if __name__ == "__main__":
    tell(drive)
