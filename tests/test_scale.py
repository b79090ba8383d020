"""Many connections: all established, none lost, and little memory for them."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time

import pytest

from loadgen import Load, run
from loadgen.peers import servers
from tests.support.reference import ROOT
from tests.test_open_loop import one_thread

pytestmark = pytest.mark.quiet

MEMORY_BYTES = 250e6

# Not getrusage(): what it tells goes back to before the program was started, to the process that did.
MANY = """
import re, sys
from pathlib import Path
from loadgen.__main__ import main
code = main(sys.argv[1:])
print(re.search("VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
sys.exit(code)
"""


def as_many_as_allowed(wanted: int) -> int:
    """Return ``wanted``, or as many connections as a process may have where that is less."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard - 100)


@pytest.mark.parametrize("loop", [["--warmup", "500ms"], ["--rate", "2000", "--late", "1s"]])
def test_ten_thousand_connections(loop: list[str]) -> None:
    connections = as_many_as_allowed(10_000)
    with servers.own("responder") as port:
        options = ["--connections", str(connections), "--duration", "2s", *loop, "--json", "-"]
        # The limit of open files is raised by the command itself.
        limited = ["bash", "-c", 'ulimit -Sn 1024 && exec "$@"', "bash"]
        done = subprocess.run(
            [*limited, sys.executable, "-c", MANY, f"http://127.0.0.1:{port}/", *options],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    told, peak_kib = map(json.loads, done.stdout.splitlines())
    assert told["connections"] == connections
    assert told["errors"] == {}
    assert "not_connected" not in [warning["code"] for warning in told["warnings"]]
    assert told["requests"] > 3000
    assert peak_kib * 1024 < MEMORY_BYTES


def test_connects_do_not_overrun_a_backlog_of_128() -> None:
    """A server of one Python thread, which takes 0.2 ms longer than it must for every request."""
    with one_thread(lambda: time.sleep(0.0002), backlog=128) as port:
        result = run(Load(host="127.0.0.1", port=port, connections=800, duration_s=0.5))
    assert (result.connected, result.errors) == (800, {})
    assert result.connect.max_ns is not None
    assert result.connect.max_ns < 0.9e9  # where a backlog overflows, the kernel tries again after a second


def test_the_pace_of_connects_is_kept() -> None:
    with one_thread() as port:
        began_s = time.monotonic()
        result = run(Load(host="127.0.0.1", port=port, connections=51, connect_rate=100, duration_s=0.1))
        took_s = time.monotonic() - began_s
    assert result.connected == 51
    assert 0.59 < took_s < 2  # half a second for the connects, and the window
