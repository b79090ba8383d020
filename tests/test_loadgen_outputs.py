"""Objectives, the search for capacity, and what the command line writes besides its summary."""

from __future__ import annotations

import csv
import io
import json
import time
from argparse import ArgumentTypeError
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hdrh.histogram import HdrHistogram

from loadgen import GilbenchError, Load, options
from loadgen.__main__ import main
from loadgen.capacity import find_capacity
from loadgen.ceiling import ceiling_rps
from loadgen.objective import read_objective, read_objectives
from loadgen.responder import responder
from loadgen.stages import Stage
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
        arguments = ["--rate", "500", "--duration", "2.5s", "--warmup", "100ms", "--connections", "4", *files]
        assert main([f"127.0.0.1:{port}", *arguments]) == 0
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
    assert sum(totals) == told["requests"]
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
