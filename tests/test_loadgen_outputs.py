"""Objectives, the search for capacity, and what the command line writes besides its summary."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
import threading
import time
from argparse import ArgumentTypeError
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hdrh.histogram import HdrHistogram

from loadgen import GilbenchError, Load, options, start
from loadgen.__main__ import main
from loadgen.capacity import find_capacity
from loadgen.ceiling import ceiling_rps
from loadgen.objective import read_objective, read_objectives
from loadgen.responder import responder
from loadgen.stages import Stage
from tests.support.reference import ROOT
from tests.test_open_loop import REPLY, one_thread, scheduled


@pytest.fixture(autouse=True)
def a_cache_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("p99<1s", True),
        ("p99.9<=1s", True),
        ("p50<1us", False),
        ("mean<1s", True),
        ("max>0ms", True),
        ("rate>100", True),
        ("rate>=10000000", False),
        ("errors<1%", True),
        ("errors<=0", True),
        ("errors>0", False),
    ],
)
def test_objectives_are_held_against_results(text: str, holds: bool) -> None:
    with responder(b"hello\n", REPLY) as port:
        assert read_objective(text).holds(scheduled(port, duration_s=0.2)) is holds


@pytest.mark.parametrize("text", ["p99", "p99<", "p101<1s", "p99=1s", "speed>1", "p99<fast", "errors<x%", "rate>x", ""])
def test_other_objectives_are_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError):
        read_objective(text)


def test_a_percentile_among_time_outs_holds_no_upper_bound() -> None:
    with one_thread(reply=b"") as port:
        result = scheduled(port, connections=8, rate_rps=50, warmup_s=0.0, timeout_s=0.05)
    assert result.censored
    assert not read_objective("p50<10s").holds(result)


def test_capacity_is_bracketed_where_it_is_known() -> None:
    """A server that takes 6 ms for each request does 166/s at most, and no more than that can be kept up with."""
    with one_thread(lambda: time.sleep(0.006)) as port:
        load = Load(host="127.0.0.1", port=port, connections=8, duration_s=1.0, rate_rps=100)
        found = find_capacity(load, read_objectives("p50<40ms,errors<1%"))
    assert found.bracketed
    assert found.holds_rps is not None
    assert 100 < found.holds_rps < 172
    assert found.steps[0].holds
    assert not found.steps[1].holds  # 200/s


def test_a_search_for_a_rate_is_no_objective() -> None:
    with pytest.raises(GilbenchError, match="asks for a rate"):
        find_capacity(Load(host="127.0.0.1", port=1), read_objectives("rate>5"))


def test_the_ceiling_is_measured_once(tmp_path: Path) -> None:
    first = ceiling_rps(1)
    assert first > 1000
    assert ceiling_rps(2) == 2 * first
    assert len(list((tmp_path / "cache" / "gilbench").iterdir())) == 1


@pytest.fixture
def written(tmp_path: Path) -> Path:
    names = {"--json": "r.json", "--csv": "r.csv", "--hdr": "r.hdr", "--plot": "r.svg"}
    files = [part for option, name in names.items() for part in (option, str(tmp_path / name))]
    with responder(b"hello\n", REPLY) as port:
        arguments = ["--rate", "500", "--duration", "2.5s", "--warmup", "100ms", "--connections", "4", "--late", "1s"]
        assert main([f"127.0.0.1:{port}", *arguments, *files]) == 0
    return tmp_path


def test_files_tell_the_same(capsys: pytest.CaptureFixture[str], written: Path) -> None:
    told = json.loads((written / "r.json").read_text(encoding="utf-8"))
    assert told["requests"] + told["unfinished"] == 1250
    assert (told["loop"], told["arrivals"], told["intended_rps"]) == ("open", "constant", 500)
    assert told["belief"]["ceiling_rps"] > 1000
    assert told["server"]["cpu_s"] > 0  # the responder is in this very process
    rows = list(csv.DictReader(io.StringIO((written / "r.csv").read_text(encoding="utf-8"))))
    assert len(rows) == 3
    assert sum(int(row["requests"]) for row in rows) == told["requests"]
    assert ET.parse(written / "r.svg").getroot().tag.endswith("svg")  # noqa: S314 - our own file
    out = capsys.readouterr().out
    assert "service" in out
    assert max(map(len, out.splitlines())) <= 80


def test_hdr_histogram_s_own_reader_reads_the_log(written: Path) -> None:
    lines = (written / "r.hdr").read_text(encoding="utf-8").splitlines()
    data = [line for line in lines if line[0] not in '#"']
    untagged = [line for line in data if not line.startswith("Tag=")]
    told = json.loads((written / "r.json").read_text(encoding="utf-8"))
    totals = [HdrHistogram.decode(line.split(",")[-1]).get_total_count() for line in untagged]
    assert sum(totals) == told["requests"] + told["errors"].get("late", 0)
    assert len(data) == 2 * len(untagged)
    assert [float(line.split(",")[0]) for line in untagged] == pytest.approx([0, 1, 2], abs=0.1)


def test_a_missed_objective_has_an_exit_code_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    with responder(b"hello\n", REPLY) as port:
        brief = [f"127.0.0.1:{port}", "--duration", "200ms", "--warmup", "0s"]
        assert main([*brief, "--fail-if", "p50>1us", "--fail-if", "errors>0"]) == 99
        assert capsys.readouterr().err == "failed: p50>1us\n"
        assert main([*brief, "--fail-if", "p50>10s"]) == 0
        assert main([*brief, "--strict", "--rate", "20"]) == 99  # too few requests
        assert "strict: only 4 requests" in capsys.readouterr().err


def test_stages_and_urls_are_read() -> None:
    assert options.stages("1000:10s, ramp:0-8000:30s") == (Stage(1000, 1000, 10), Stage(0, 8000, 30))
    assert options.address("http://localhost/a/b?c") == ("localhost", 80, "/a/b?c")
    assert options.address("http://[::1]:81") == ("::1", 81, "/")
    assert options.rate("5k/s") == 5000
    assert options.escaped(r"\r\n\x00") == b"\r\n\0"
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
        ["localhost:80", "--wire", "raw"],
        ["localhost:80", "--payload", "/nowhere/at/all"],
        ["localhost:80", "--payload", "/dev/null"],
        ["localhost:80", "--plot", "x.pdf"],
        ["https://localhost/"],
        ["http://localhost/", "--wire", "line"],
        ["localhost:80", "--server-pid", "999999999"],
        ["nowhere.invalid:80", "--rate", "5"],
    ],
)
def test_what_contradicts_itself_is_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    out, err = capsys.readouterr()
    assert end.value.code == 2
    assert err.count("\n") == 1
    assert err.startswith("python -m loadgen: error: ")
    assert not out


# When the outside world fails.

FOR_LONG = ["--duration", "50s", "--warmup", "0", "--connections", "4"]

# A terminal becomes the controlling one of who opens it without having one.
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


def test_a_terminal_shows_how_it_goes_and_may_be_closed(tmp_path: Path) -> None:
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
            assert process.wait(20) == 130
    assert b"requests/s" in seen
    assert b"p99" in seen
    told = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert told["cancelled"]
    assert told["requests"] > 0


@pytest.mark.parametrize("full", ["file", "output"])
def test_a_full_disk_costs_only_what_was_to_go_there(full: str, tmp_path: Path) -> None:
    with responder(b"hello\n", REPLY) as port, Path("/dev/full").open("w", encoding="utf-8") as nowhere:
        command = [sys.executable, "-m", "loadgen", f"127.0.0.1:{port}", "--duration", "200ms", "--warmup", "0"]
        as_json = "/dev/full" if full == "file" else str(tmp_path / "r.json")
        done = subprocess.run(
            [*command, "--json", as_json, "--csv", str(tmp_path / "r.csv")],
            cwd=ROOT,
            stdout=nowhere if full == "output" else subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "cannot write" in done.stderr
    assert "No space left" in done.stderr
    assert "throughput_rps" in (tmp_path / "r.csv").read_text(encoding="utf-8")
    if full == "file":
        assert "throughput" in done.stdout
    else:
        assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["requests"] > 0


def test_nobody_reading_costs_nothing(tmp_path: Path) -> None:
    with responder(b"hello\n", REPLY) as port:
        command = [sys.executable, "-m", "loadgen", f"127.0.0.1:{port}", "--duration", "200ms", "--warmup", "0"]
        read_end, write_end = os.pipe()
        os.close(read_end)
        with os.fdopen(write_end, "w", encoding="utf-8") as unread:
            done = subprocess.run(
                [*command, "--json", str(tmp_path / "r.json")],
                cwd=ROOT,
                stdout=unread,
                stderr=subprocess.PIPE,
                check=False,
                timeout=60,
            )
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["requests"] > 0


# From Python.


def test_a_run_in_the_background_can_be_cancelled_from_elsewhere() -> None:
    with responder(b"hello\n", REPLY) as port:
        running = start(Load(host="127.0.0.1", port=port, connections=4, duration_s=50.0))
        time.sleep(0.3)
        assert not running.done()
        threading.Thread(target=running.cancel).start()
        result = running.result(5.0)
    assert running.done()
    assert result.cancelled
    assert result.requests > 0
    assert result.intervals[-1].connections == 4


def test_what_fails_in_the_background_is_raised_where_it_is_asked_for() -> None:
    running = start(Load(host="no-such-host.invalid", port=1))
    with pytest.raises(GilbenchError, match=r"no-such-host"):
        running.result(20.0)


def test_the_watched_load_that_the_documentation_shows_works(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "loadgen.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python[^\n]*\n(.*?)```", text, re.DOTALL)
    with responder(b"hello\n", b"Yes, yes\n") as port:
        example = example.replace("9000", str(port)).replace("\n...\n", "\nimport time\ntime.sleep(1.5)\n")
        (tmp_path / "watched.py").write_text(example, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, str(tmp_path / "watched.py")],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (0, "")
    *seen, p99_ns = done.stdout.splitlines()
    assert seen[0].startswith("Interval(at_s=0")
    assert 1000 < float(p99_ns) < 1e9
