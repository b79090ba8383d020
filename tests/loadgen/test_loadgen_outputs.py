"""Objectives, the search for capacity, files written by the command line, and loads in the background.

Over 300 lines, because its tests share fixtures: xdist gives a worker one file at a time.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import subprocess
import sys
import threading
from argparse import ArgumentTypeError
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hdrh.histogram import HdrHistogram

from loadgen import GilbenchError, Load, LoadResult, start
from loadgen.__main__ import main
from loadgen.capacity import find_capacity
from loadgen.cli import options
from loadgen.histograms.histogram import Histogram
from loadgen.interval import Interval
from loadgen.objective import read_objective, read_objectives
from loadgen.result import EngineUse
from loadgen.stages import Stage
from loadgen.validation.ceiling import ceiling_rps
from loadgen.validation.responder import responder
from tests.support.exit_code import exit_code
from tests.support.load import histogram, made_result
from tests.support.reference import ROOT
from tests.support.tcp import REPLY


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


TIMES = histogram([1_000_000] * 90 + [5_000_000] * 10)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("p90<1.1ms", True),
        ("p90<1ms", False),
        ("p90.1>=5ms", True),
        ("p90.1>5.1ms", False),
        ("p99.9<=5ms", True),
        ("mean<=1.4ms", True),
        ("mean<1.4ms", False),
        ("max>4.9ms", True),
        ("max>5ms", False),
        ("rate>49", True),
        ("rate>=50", True),
        ("rate>50", False),
        ("errors<2%", False),
        ("errors<=2%", True),
        ("errors<3", True),
        ("errors<=0", False),
        ("errors>1", True),
    ],
)
def test_objective_holds_exactly_up_to_its_bound(text: str, holds: bool) -> None:
    result = made_result(requests=98, errors={"reset": 2}, wall_s=1.96, latency=TIMES)
    assert read_objective(text).holds(result) is holds


def test_objective_does_not_hold_for_a_result_without_figures() -> None:
    nothing = made_result(requests=0, latency=Histogram())
    assert not any(read_objective(text).holds(nothing) for text in ("p50<1h", "mean>0s", "max<1h"))


@pytest.mark.parametrize("text", ["p99", "p99<", "p101<1s", "p99=1s", "speed>1", "p99<fast", "errors<x%", "rate>x", ""])
def test_read_objective_refuses_anything_else(text: str) -> None:
    with pytest.raises(ArgumentTypeError):
        read_objective(text)


def test_objective_holds_no_upper_bound_among_time_outs() -> None:
    result = made_result(latency=TIMES, censored=10, censored_from_ns=5_000_000)
    holding = [text for text in ("p99<10s", "max<10s", "p50<10s", "p99>1ms") if read_objective(text).holds(result)]
    assert holding == ["p50<10s", "p99>1ms"]


def server_of(capacity_rps: float) -> tuple[Callable[..., LoadResult], list[Load]]:
    """Return a stand-in for ``run`` with a server that has exactly this capacity, and the list of its loads."""
    loads: list[Load] = []

    def run(load: Load, **_: object) -> LoadResult:
        loads.append(load)
        assert load.rate_rps is not None
        requests = round(min(load.rate_rps, capacity_rps) * load.duration_s)
        left = round(load.rate_rps * load.duration_s) - requests
        return made_result(load=load, wall_s=load.duration_s, requests=requests, unfinished=left, due=left)

    return run, loads


@pytest.mark.parametrize(("first_rps", "capacity_rps"), [(100.0, 166.0), (100.0, 1000.0), (400.0, 90.0)])
def test_find_capacity_brackets_a_known_capacity(
    first_rps: float, capacity_rps: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, loads = server_of(capacity_rps)
    monkeypatch.setattr("loadgen.capacity.run", run)
    load = Load(host="127.0.0.1", port=1, connections=8, duration_s=0.1, rate_rps=first_rps)
    found = find_capacity(load, read_objectives("p99<40ms,errors<1%"))
    assert found.is_bracketed
    assert found.holds_rps is not None
    assert found.fails_rps is not None
    assert found.holds_rps * 0.98 <= capacity_rps < found.fails_rps <= found.holds_rps * 1.05
    assert [step.rate_rps for step in found.steps] == [one.rate_rps for one in loads]
    assert found.steps[0].holds is (first_rps <= capacity_rps)
    # Each step lasts for 20 requests beyond the 99th percentile, and at least 1 s.
    assert [one.duration_s for one in loads] == pytest.approx([max(1.0, 2000 / (one.rate_rps or 0)) for one in loads])


def test_find_capacity_searches_nothing_once_an_objective_never_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    run, loads = server_of(1e9)
    monkeypatch.setattr("loadgen.capacity.run", run)
    found = find_capacity(Load(host="127.0.0.1", port=1, rate_rps=8), read_objectives("p50<1ms"))
    assert [one.rate_rps for one in loads] == [8, 4, 2, 1]
    assert (found.is_bracketed, found.holds_rps, found.fails_rps) == (False, None, 1)


def test_find_capacity_refuses_a_rate_as_an_objective() -> None:
    with pytest.raises(GilbenchError, match="asks for a rate"):
        find_capacity(Load(host="127.0.0.1", port=1), read_objectives("rate>5"))


def test_ceiling_rps_measures_once_and_keeps_the_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[Load] = []

    def run(load: Load, **_: object) -> LoadResult:
        runs.append(load)
        return made_result(requests=1000, wall_s=0.5, engines=(EngineUse(cpu_s=0.1, utilisation=0.25),))

    monkeypatch.setattr("loadgen.validation.ceiling.run", run)
    assert [ceiling_rps(1), ceiling_rps(2)] == [8000, 16000]  # 2,000/s, busy a quarter of the time
    assert len(runs) == 1
    (kept,) = (tmp_path / "cache" / "gilbench").iterdir()
    kept.write_text("not JSON", encoding="utf-8")
    assert ceiling_rps(1) == 8000
    assert len(runs) == 2


def test_ceiling_rps_measures_a_real_responder() -> None:
    assert ceiling_rps(1) > 0


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Write every kind of file once; return their folder and the output."""
    folder = tmp_path_factory.mktemp("written")
    names = {"--json": "r.json", "--csv": "r.csv", "--hdr": "r.hdr", "--plot": "r.svg"}
    files = [part for option, name in names.items() for part in (option, str(folder / name))]
    with responder(b"hello\n", REPLY) as port, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        arguments = ["--rate", "500", "--duration", "1.3s", "--warmup", "100ms", "--connections", "4", "--late", "60s"]
        with contextlib.redirect_stdout(io.StringIO()) as out:
            assert main([f"127.0.0.1:{port}", *arguments, *files]) == 0
    return folder, out.getvalue()


def test_outputs_agree_with_each_other(written: tuple[Path, str]) -> None:
    folder, out = written
    report = json.loads((folder / "r.json").read_text(encoding="utf-8"))
    assert report["requests"] + report["unfinished"] == 650
    assert (report["loop"], report["arrivals"], report["intended_rps"]) == ("open", "constant", 500)
    assert report["belief"]["ceiling_rps"] > 0
    assert report["server"]["cpu_s"] > 0  # the responder runs in this process
    rows = list(csv.DictReader(io.StringIO((folder / "r.csv").read_text(encoding="utf-8"))))
    assert sum(int(row["requests"]) for row in rows) == report["requests"]
    assert ET.parse(folder / "r.svg").getroot().tag.endswith("svg")  # noqa: S314 - our own file
    assert "service" in out
    assert max(map(len, out.splitlines())) <= 80


def test_export_writes_a_log_that_hdr_histogram_reads(written: tuple[Path, str]) -> None:
    folder, _ = written
    lines = (folder / "r.hdr").read_text(encoding="utf-8").splitlines()
    data = [line for line in lines if line[0] not in '#"']
    untagged = [line for line in data if not line.startswith("Tag=")]
    report = json.loads((folder / "r.json").read_text(encoding="utf-8"))
    totals = [HdrHistogram.decode(line.split(",")[-1]).get_total_count() for line in untagged]
    assert sum(totals) == report["requests"]
    assert len(data) == 2 * len(untagged)
    begins_s = [float(line.split(",")[0]) for line in untagged]
    assert begins_s[0] == 0
    assert all(later_s - earlier_s >= 0.999 for earlier_s, later_s in pairwise(begins_s))  # written in ms


def test_cli_exits_with_99_when_an_objective_is_missed(capsys: pytest.CaptureFixture[str]) -> None:
    with responder(b"hello\n", REPLY) as port:
        brief = [f"127.0.0.1:{port}", "--duration", "500ms", "--warmup", "0s"]
        assert main([*brief, "--fail-if", "p50>1us", "--fail-if", "errors>0"]) == 99
        assert capsys.readouterr().err == "failed: p50>1us\n"
        assert main([*brief, "--fail-if", "p50>10s"]) == 0
        assert main([*brief, "--strict", "--rate", "20", "--late", "60s"]) == 99  # too few requests
        assert re.search(r"strict: only \d+ requests", capsys.readouterr().err)


def test_options_reads_stages_rates_and_headers() -> None:
    assert options.stages("1000:10s, ramp:0-8000:30s") == (Stage(1000, 1000, 10), Stage(0, 8000, 30))
    assert options.rate("5k/s") == 5000
    assert options.unescape(r"\r\n\x00") == b"\r\n\0"
    assert options.header("A-B:  c: d ") == ("A-B", "c: d")


@pytest.mark.parametrize(
    "arguments",
    [
        ["localhost:80", "--rate", "0"],
        ["localhost:80", "--rate", "many"],
        ["localhost:80", "--stages", "fast:1s"],
        ["localhost:80", "--stages", "0:1s"],
        ["localhost:80", "--stages", "5:1s", "--rate", "5"],
        ["localhost:80", "--stages", "5:1s", "--duration", "5s"],
        ["localhost:80", "--arrivals", "poisson"],
        ["localhost:80", "--threads", "2"],
        ["localhost:80", "--find-capacity", "p99"],
        ["localhost:80", "--method", "POST"],
        ["localhost:80", "--protocol", "raw"],
        ["localhost:80", "--payload", "/nowhere/at/all"],
        ["localhost:80", "--payload", "/dev/null"],
        ["localhost:80", "--plot", "x.pdf"],
        ["ftp://localhost/"],
        ["http://localhost:80", "--insecure"],
        ["https://localhost/", "--ca", "/nowhere/at/all"],
        ["http://localhost/a", "--request", "/b"],
        ["http://u:p@localhost/", "--header", "Authorization: Basic x"],
        ["http://localhost/", "--header", "Content-Length: 5"],
        ["localhost:80", "--think", "1s", "--rate", "5"],
        ["localhost:80", "--count", "5", "--stages", "5:1s"],
        ["localhost:80", "--bind", "192.0.2.1"],
        ["localhost:80", "--json", "-", "--csv", "-"],
        ["localhost:80", "--separator", "x"],
        ["http://localhost/", "--protocol", "line"],
        ["localhost:80", "--server-pid", "999999999"],
        ["nowhere.invalid:80", "--rate", "5"],
    ],
)
def test_cli_refuses_contradictory_options_in_one_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(main, arguments) == 2
    out, err = capsys.readouterr()
    assert err.count("\n") == 1
    assert err.startswith("gilbench load: error: ")
    assert not out


# Failures outside the program.

FOR_LONG = ["--duration", "50s", "--warmup", "0", "--connections", "4"]

# A process without a controlling terminal gets the first one that it opens.
ON_A_TERMINAL = """
import os, sys
terminal = os.open(sys.argv[1], os.O_RDWR)
for number in (0, 1, 2):
    os.dup2(terminal, number)
os.execv(sys.executable, [sys.executable, "-m", "loadgen", *sys.argv[2:]])
"""


def read_until(terminal: int, wanted: bytes) -> bytes:
    seen = b""
    while wanted not in seen:
        seen += os.read(terminal, 4096)
    return seen


def test_live_shows_the_progress_on_a_terminal_that_may_be_closed(tmp_path: Path) -> None:
    terminal, other_end = os.openpty()
    name = os.ttyname(other_end)
    with responder(b"hello\n", REPLY) as port:
        command = [sys.executable, "-c", ON_A_TERMINAL, name, f"127.0.0.1:{port}", *FOR_LONG]
        environment = os.environ | {"TERM": "xterm", "COLUMNS": "100"}
        with subprocess.Popen(
            [*command, "--json", str(tmp_path / "r.json")], cwd=ROOT, env=environment, start_new_session=True
        ) as process:
            seen = read_until(terminal, b"connections 4")
            os.close(other_end)
            os.close(terminal)
            assert process.wait(300) == 130
    assert b"requests/s" in seen
    assert b"p99" in seen
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert report["cancelled"]
    assert report["requests"] > 0


BRIEFLY = ["--duration", "500ms", "--warmup", "0"]


def test_outputs_writes_the_rest_when_a_file_is_on_a_full_disk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with responder(b"hello\n", REPLY) as port:
        files = ["--json", "/dev/full", "--csv", str(tmp_path / "r.csv")]
        assert main([f"127.0.0.1:{port}", *BRIEFLY, *files]) == 1
    out, err = capsys.readouterr()
    assert len(err.splitlines()) == 1
    assert "cannot write" in err
    assert "No space left" in err
    assert "throughput" in out
    assert "throughput_rps" in (tmp_path / "r.csv").read_text(encoding="utf-8")


def test_outputs_writes_the_files_when_standard_output_is_on_a_full_disk(tmp_path: Path) -> None:
    with responder(b"hello\n", REPLY) as port, Path("/dev/full").open("w", encoding="utf-8") as nowhere:
        command = [sys.executable, "-m", "loadgen", f"127.0.0.1:{port}", *BRIEFLY]
        done = subprocess.run(
            [*command, "--json", str(tmp_path / "r.json")],
            cwd=ROOT,
            stdout=nowhere,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=300,
        )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "cannot write" in done.stderr
    assert "No space left" in done.stderr
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["requests"] > 0


def test_outputs_ignores_a_closed_pipe(tmp_path: Path) -> None:
    with responder(b"hello\n", REPLY) as port:
        command = [sys.executable, "-m", "loadgen", f"127.0.0.1:{port}", *BRIEFLY]
        read_end, write_end = os.pipe()
        os.close(read_end)
        with os.fdopen(write_end, "w", encoding="utf-8") as unread:
            done = subprocess.run(
                [*command, "--json", str(tmp_path / "r.json")],
                cwd=ROOT,
                stdout=unread,
                stderr=subprocess.PIPE,
                check=False,
                timeout=300,
            )
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["requests"] > 0


# From Python.


def test_running_can_be_cancelled_from_another_thread() -> None:
    with responder(b"hello\n", REPLY) as port:
        measured = threading.Event()

        def note(interval: Interval) -> None:
            if interval.requests:
                measured.set()

        load = Load(host="127.0.0.1", port=port, connections=4, duration_s=3600.0)
        running = start(load, on_interval=note, interval_s=0.05)
        assert measured.wait(60)
        assert not running.done()
        threading.Thread(target=running.cancel).start()
        result = running.result(60.0)
    assert running.done()
    assert result.cancelled
    assert result.requests > 0
    assert result.intervals[-1].connections == 4


def test_running_raises_the_error_where_the_result_is_asked_for() -> None:
    running = start(Load(host="no-such-host.invalid", port=1))
    with pytest.raises(GilbenchError, match=r"no-such-host"):
        running.result(60.0)


def test_start_works_as_the_documentation_shows(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "loadgen.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python[^\n]*\n(.*?)```", text, re.DOTALL)
    with responder(b"hello\n", b"Yes, yes\n") as port:
        example = example.replace("9000", str(port)).replace("\n...\n", "\nimport time\ntime.sleep(1.2)\n")
        (tmp_path / "watched.py").write_text(example, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, str(tmp_path / "watched.py")],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    assert (done.returncode, done.stderr) == (0, "")
    *seen, p99_ns = done.stdout.splitlines()
    assert seen[0].startswith("Interval(at_s=0")
    assert float(p99_ns) > 0
