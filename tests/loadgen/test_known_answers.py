"""The engine against servers and faults whose counts and lower bounds are known on any machine.

``nox -s validate`` studies how close figures come to the truth on an undisturbed machine.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.validate.studies.errors import FAULTS, faulty
from loadgen import Load, run
from loadgen.histograms.histogram import highest_in_bucket
from loadgen.protocols import http_protocol
from loadgen.protocols.http_request import request
from loadgen.validation import delays
from loadgen.validation.delays import delaying
from tests.support.compiled import callable_part
from tests.support.load import run_all, run_until
from tests.support.reference import ROOT
from tests.support.tcp import closed_port

LINE = b"Yes, yes\n"
MS = 1_000_000
PERCENTS = (1, 10, 50, 90, 94, 96, 99, 100)


def loading(port: int, **changes: Any) -> Load:
    """Return a load that counts no request as late, however slow the machine."""
    load: dict[str, Any] = {"connections": 64, "arrivals": "poisson", "late_s": 60.0, "timeout_s": 3600}
    return Load(host="127.0.0.1", port=port, **(load | changes))


# The arithmetic of the server with known delays.


def served_ms(arrivals_ms: list[float], delays_ms: list[float], **settings: float) -> list[float]:
    """Return the times at which a delaying server answers requests that arrive at the given times, in ms."""
    due_ns = callable_part(delays._due_ns)
    own = np.zeros(1, delays._SETTINGS)
    for name, value in settings.items():
        own[name] = round(value)
    delays_ns = np.array([round(delay * MS) for delay in delays_ms], np.int64)
    return [due_ns(own[0], delays_ns, round(arrival * MS)) / MS for arrival in arrivals_ms]


def test_delays_answers_each_request_after_its_delay() -> None:
    assert served_ms([100, 101, 102, 103], [5, 50]) == [105, 151, 107, 153]


def test_delays_answers_nothing_while_it_is_frozen() -> None:
    # It stops 20 ms after the first request, for 10 ms.
    frozen = {"freeze_at_ns": 20 * MS, "freeze_ns": 10 * MS}
    arrivals_ms = [100, 118.9, 119, 125, 129, 129.5]
    assert served_ms(arrivals_ms, [1], **frozen) == [101, 119.9, 130, 130, 130, 130.5]


def test_delays_makes_a_stall_whose_percentiles_arithmetic_knows() -> None:
    """In a stop of 1 s of 5 s at 1,000/s, requests that arrive in its first 990 ms wait for more than 10 ms."""
    arrivals_ms = np.arange(5000.0).tolist()
    answered_ms = served_ms(arrivals_ms, [0.1], freeze_at_ns=2000 * MS, freeze_ns=1000 * MS)
    waits_ms = np.sort(np.subtract(answered_ms, arrivals_ms))
    assert np.count_nonzero(waits_ms > 10) == 990
    assert waits_ms[int(0.99 * 5000) - 1] == pytest.approx(951, abs=1)


def test_delays_queues_requests_as_lindley_says() -> None:
    """Served one by one, each request waits for those before it; the mean is Pollaczek and Khinchine's for M/D/1."""
    rate_rps, service_ms = 200.0, 4.0
    gaps_ms = np.random.RandomState(53 * 257).exponential(1e3 / rate_rps, 2000)
    arrivals_ms = np.round(np.cumsum(gaps_ms), 6).tolist()
    answered_ms = served_ms(arrivals_ms, [service_ms], one_by_one=1)
    waits_ms = [0.0]
    for before_ms, arrival_ms in pairwise(arrivals_ms):
        waits_ms.append(max(0.0, waits_ms[-1] + service_ms - (arrival_ms - before_ms)))
    assert np.subtract(answered_ms, arrivals_ms) - service_ms == pytest.approx(waits_ms, abs=1e-4)
    utilisation = rate_rps * service_ms / 1e3
    assert np.mean(waits_ms) == pytest.approx(service_ms * utilisation / (2 * (1 - utilisation)), rel=0.01)


# The engine, against that server.


def test_engine_reports_no_service_time_below_those_drawn() -> None:
    draw = np.random.default_rng(7)
    drawn_s = np.where(draw.random(300) < 0.05, 0.05, draw.exponential(0.01, 300))
    with delaying(LINE, drawn_s.tolist()) as port:
        result = run_all(loading(port, arrivals="constant"), len(drawn_s), 1000.0)
    assert (result.requests, result.errors, result.unfinished) == (300, {}, 0)
    for percent in PERCENTS:
        truth_ns = float(np.percentile(drawn_s, percent, method="inverted_cdf")) * 1e9
        service_ns, latency_ns = (times.percentile_ns(percent) for times in (result.service, result.latency))
        assert service_ns is not None
        assert latency_ns is not None
        assert truth_ns - 1 <= service_ns <= latency_ns


def test_engine_keeps_requests_intended_during_a_stall() -> None:
    """In a freeze of 0.2 s at 1,000/s, the requests intended meanwhile wait for its end, and none is dropped."""
    after_s, length_s, requests = 0.1, 0.2, 500
    with delaying(LINE, [0.0001], freeze=(after_s, length_s)) as port:
        result = run_all(loading(port, arrivals="constant", connections=32, trace=requests), requests, 1000.0)
    assert (result.requests, result.latency.total, result.unfinished) == (requests, requests, 0)
    traced = sorted(result.trace, key=lambda one: one.since_ns)
    # The freeze begins 0.1 s after the first request reaches the server, which is after it is intended and before its
    # answer.
    earliest_ns, latest_ns = (at_ns + round(after_s * 1e9) for at_ns in (traced[0].since_ns, traced[0].at_ns))
    end_ns = earliest_ns + round(length_s * 1e9)
    assert all(one.at_ns >= end_ns for one in traced if latest_ns <= one.since_ns < end_ns)
    waited = [int(n) for b, n in enumerate(result.latency.counts) if n and highest_in_bucket(b) > 10 * MS]
    assert sum(waited) >= (length_s - 0.01) * 1000 - 1


# Faults.

ANSWERED = [kind for kind in FAULTS if kind != "reply_timeout"]


def test_engine_counts_every_kind_of_fault() -> None:
    requests = 8 * len(ANSWERED) * 5
    with faulty(8, ANSWERED) as (port, done):
        load = loading(port, protocol=http_protocol([request("127.0.0.1")]), arrivals="constant", connections=32)
        result = run_all(load, requests, 1000.0)
    assert done.total() == requests
    assert result.unfinished == 0
    assert result.errors == dict.fromkeys(ANSWERED, 5) == dict(done - Counter(good=done["good"]))
    assert result.requests == result.latency.total == done["good"] == requests - 5 * len(ANSWERED)
    assert result.statuses == {"2xx": result.requests, "4xx": 5, "5xx": 5}
    # The intervals contain each of them, too.
    assert sum((Counter(interval.errors) for interval in result.intervals), Counter()) == Counter(result.errors)


def attempts_failed() -> int:
    """Return the kernel's count of failed connects on this machine."""
    rows = [line.split() for line in Path("/proc/self/net/snmp").read_text(encoding="utf-8").splitlines()]
    names, values = next((a, b) for a, b in pairwise(rows) if a[0] == b[0] == "Tcp:")
    return int(values[names.index("AttemptFails")])


def test_engine_counts_no_refusal_that_the_kernel_did_not_see() -> None:
    before = attempts_failed()
    with closed_port() as port:
        load = Load(host="127.0.0.1", port=port, connections=7)
        result = run_until(load, lambda _, errors: errors["refused"] >= 40)
    assert list(result.errors) == ["refused"]
    assert 40 <= result.errors["refused"] <= attempts_failed() - before  # the kernel counts other programs' too
    assert sum(one.errors["refused"] for one in result.intervals if one.errors) == result.errors["refused"]


def test_engine_counts_every_connect_that_hangs() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:  # its queue holds one connection
        load = Load(
            host="127.0.0.1",
            port=full.getsockname()[1],
            connections=6,
            connect_timeout_s=0.1,
            duration_s=0.05,  # too short for a second attempt to time out
        )
        result = run(load)
    assert result.errors == {"connect_timeout": 5}
    assert result.connected == 1


STOPPABLE = """
import json, sys, threading
from loadgen import Load, run
cancel = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), cancel.set())).start()
load = Load(host="127.0.0.1", port=int(sys.argv[1]), connections=256, duration_s=600, rate_rps=400, late_s=0.05)
tell = lambda one: print(one.requests + one.errors.get("late", 0), one.errors.get("late", 0), flush=True)
r = run(load, on_interval=tell, interval_s=0.02, cancel=cancel)
print(json.dumps([r.errors, r.late_sends, r.requests, r.latency.total, r.latency.max_ns, r.lateness.max_ns]))
"""


def test_engine_counts_what_a_stopped_generator_sends_late() -> None:
    """At 400/s, a stop of 0.2 s makes the requests due in its first 150 ms late, and their latency shows it."""
    with (
        delaying(LINE, [0.0001]) as port,
        subprocess.Popen(
            [sys.executable, "-c", STOPPABLE, str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        ) as generator,
    ):
        assert generator.stdin is not None
        assert generator.stdout is not None
        while generator.stdout.readline().split()[0] == "0":
            pass
        os.kill(generator.pid, signal.SIGSTOP)
        os.waitpid(generator.pid, os.WUNTRACED)  # from here on it is stopped
        stopped_s = time.monotonic()
        time.sleep(0.2)
        stopped_s = time.monotonic() - stopped_s
        os.kill(generator.pid, signal.SIGCONT)
        due = int((stopped_s - 0.05) * 400) - 1
        late = 0
        while late < due and (line := generator.stdout.readline()):
            late += int(line.split()[1])
        generator.stdin.close()
        *_, shown = generator.stdout
    errors, late_sends, requests, total, longest_ns, latest_ns = json.loads(shown)
    assert list(errors) == ["late"]
    assert late >= due >= 58
    assert late_sends >= errors["late"] >= late
    assert total == requests + errors["late"]
    for found_ns in (longest_ns, latest_ns):
        assert found_ns >= (stopped_s - 0.01) * 1e9
