"""Many connections: all established, none lost, and little memory for them."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time

import pytest

from loadgen import Load
from loadgen.peers import servers
from tests.support.load import run_until
from tests.support.reference import ROOT
from tests.support.tcp import one_thread

MEMORY_BYTES = 250e6

# Not getrusage(): its maximum includes the process that started the program.
MANY = """
import re, sys
from pathlib import Path
from loadgen.__main__ import main
code = main(sys.argv[1:])
print(re.search("VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
sys.exit(code)
"""


def allowed(wanted: int) -> int:
    """Return ``wanted``, or the number of connections that a process may have, whichever is less."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard - 100)


@pytest.mark.parametrize("loop", [["--warmup", "100ms"], ["--rate", "2000", "--late", "60s"]])
def test_run_serves_ten_thousand_connections_in_little_memory(loop: list[str]) -> None:
    connections = allowed(10_000)
    with servers.own("responder") as port:
        options = ["--connections", str(connections), "--duration", "500ms", "--timeout", "10m", *loop, "--json", "-"]
        # The command itself raises the limit of open files.
        limited = ["bash", "-c", 'ulimit -Sn 1024 && exec "$@"', "bash"]
        done = subprocess.run(
            [*limited, sys.executable, "-c", MANY, f"http://127.0.0.1:{port}/", *options],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    assert done.returncode == 0, done.stderr
    shown, peak_kib = map(json.loads, done.stdout.splitlines())
    assert shown["connections"] == connections
    assert shown["errors"] == {}
    assert "not_connected" not in [warning["code"] for warning in shown["warnings"]]
    assert shown["requests"] + shown["unfinished"] > 0
    assert peak_kib * 1024 < MEMORY_BYTES


def test_engine_keeps_the_pace_of_connects_before_it_sends_anything() -> None:
    with one_thread() as port:
        load = Load(host="127.0.0.1", port=port, connections=21, connect_rate=100, trace=1)
        began_ns = time.monotonic_ns()
        result = run_until(load, lambda requests, _: requests > 0)
    assert (result.connected, result.connect.total, result.errors) == (21, 21, {})
    assert result.trace[0].since_ns - began_ns >= 0.2e9
