"""wrk (https://github.com/wg/wrk) with one thread: its own report, and its CPU time as the system counts it."""

from __future__ import annotations

import os
import re
import subprocess

from loadgen.peers.drivers.report import HOST, Report, tell

_NS = {"us": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9}


def drive(
    port: int,
    connections: int,
    seconds: float,
    rate_rps: float | None,  # noqa: ARG001 - no open loop
    *,
    secure: bool = False,
) -> Report:
    """Run wrk and return its report."""
    whole_s = max(1, round(seconds))  # wrk takes no fractions
    command = ["wrk", "-t1", f"-c{connections}", f"-d{whole_s}s", "--latency", f"http{'s' * secure}://{HOST}:{port}/"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as wrk:
        assert wrk.stdout is not None  # noqa: S101 - a pipe was asked for
        said = wrk.stdout.read()
        _, status, usage = os.wait4(wrk.pid, 0)
        wrk.returncode = os.waitstatus_to_exitcode(status)
    total = re.search(r"(\d+) requests in", said)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if wrk.returncode or not total or not rate or not float(rate[1]) or "Non-2xx" in said or "Socket errors" in said:
        reason = re.search(r"Socket errors.*|Non-2xx.*", said)
        raise SystemExit(f"wrk: {reason[0] if reason else 'no reply'}")
    percentiles = dict(re.findall(r"(50|99)%\s+([\d.]+[a-z]+)", said))
    return Report(
        requests=int(total[1]),
        wall_s=int(total[1]) / float(rate[1]),
        cpu_s=usage.ru_utime + usage.ru_stime,
        p50_ns=_ns(percentiles["50"]),
        p99_ns=_ns(percentiles["99"]),
    )


def _ns(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)([a-z]+)", text).groups()  # type: ignore[union-attr]
    return float(number) * _NS[unit]


if __name__ == "__main__":
    tell(drive)
