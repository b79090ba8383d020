"""Pages of profiles: flame graphs, timelines, exports, and a cell explained in words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.analysis.load import read_run
from bench.analysis.profile import flame, top
from bench.analysis.profile.concurrency import running_at_once
from bench.analysis.profile.flame import boxes
from bench.analysis.profile.load import Profile, Stacks, load_profiles
from bench.cli import commands as command_line
from bench.cli.report import main as draw
from bench.cli.report_profile import main as draw_profiles
from bench.narrative.explain import explain
from bench.report.plots.style import style
from bench.report.profile import timeline
from bench.report.profile.exports import speedscope, trace
from loadgen.errors import GilbenchError
from tests.support.drawing import plots
from tests.support.made import Made

RUN, WORK, IDLE = "run (threading.py:9)", "work (servers/workloads/cpu.py:13)", "idle (app.py:2)"
GIL: Stacks = Stacks({(RUN, WORK): 60, (RUN, IDLE): 40})
CPU: Stacks = Stacks({(RUN, WORK): 90, (RUN,): 10})


def folded(stacks: Mapping[tuple[str, ...], int]) -> str:
    return "".join(f"{';'.join(stack)} {count}\n" for stack, count in stacks.items())


def write_profile(run: Path, interpreter: str, *, gil: bool, extra: str = "") -> Path:
    """Write a synthetic profile of threaded-cpu-4, with two threads of which one waits or both run."""
    folder = run / "profile" / f"threaded-cpu-4-{interpreter}"
    folder.mkdir(parents=True)
    spans = {
        1: [[0, 400_000, "holding"], [400_000, 1_000_000, "gil_wait"]],
        2: [[0, 400_000, "gil_wait"], [400_000, 1_000_000, "holding"]],
    }
    if not gil:
        spans = {tid: [[0, 1_000_000, "running"]] for tid in spans}
    lanes = [{"tid": tid, "pid": 1, "name": f"worker {tid}", "spans": found} for tid, found in spans.items()]
    lanes.append({"tid": 3, "pid": 1, "name": "brief", "spans": []})
    requests = [[client, 1000.0 * n, 1000.0 * (n + 1)] for n in range(999) for client in range(4)]
    (folder / "timeline.json").write_text(json.dumps({"end_us": 1e6, "lanes": lanes, "requests": requests}))
    (folder / "stacks-cpu.folded").write_text(folded(CPU) + extra)
    if gil:
        (folder / "stacks-gil.folded").write_text(folded(GIL) + extra)
    cell = {"model": "threaded", "workload": "cpu", "clients": 4, "interpreter": interpreter}
    meta: dict[str, Any] = {
        "schema": 1,
        "cell": cell,
        "command": "nox -s profile",
        "profiler": "py-spy",
        "why": "reads it",
        "passed_over": {"sampling": "it comes with CPython 3.15"},
        "failures": [],
        "native": False,
        "rate_hz": 100,
        "sampled_s": {"cpu": 1.0, "gil": 1.0},
        "costs": {
            "gil": {"ratio": 0.98, "low": 0.97, "high": 0.99, "windows": 5},
            "timeline": {"ratio": 1.0, "low": None, "high": None, "windows": 1},
        },
        "timeline": {
            "samples": 1000,
            "resolution_us": 1000.0,
            "overhead_cores": 0.05,
            "shares": {"gil_wait": 0.5 if gil else 0.0},
        },
    }
    (folder / "profile.json").write_text(json.dumps(meta))
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = Made().write(tmp_path / "run")
    write_profile(folder, "3.13", gil=True)
    write_profile(folder, "3.13t", gil=False)
    return folder


@pytest.fixture
def profile(run: Path) -> Profile:
    return load_profiles(run)[0]


def test_flame_draws_boxes_whose_widths_are_shares(profile: Profile) -> None:
    found = boxes(profile.stacks["gil"])
    shown = {box.name: (box.depth, round(box.left, 6), round(box.width, 6), box.kind) for box in found}
    assert shown == {
        "run (threading.py)": (0, 0.0, 1.0, "library"),
        "work (servers/workloads/cpu.py)": (1, 0.0, 0.6, "own"),
        "idle (app.py)": (1, 0.6, 0.4, "library"),
    }


def test_flame_compares_shares_not_numbers() -> None:
    here = Stacks({("a (x.py)", "b (x.py)"): 90, ("a (x.py)", "c (x.py)"): 10})
    there = Stacks({("a (x.py)", "b (x.py)"): 5, ("a (x.py)", "c (x.py)"): 5})
    found = {box.name: (box.other, round(box.change, 3)) for box in boxes(here, there)}
    assert found == {"a (x.py)": (1.0, 0.0), "b (x.py)": (0.5, 0.444), "c (x.py)": (0.5, -0.8)}
    (alone,) = boxes(Stacks({("new (x.py)",): 3}), there)
    assert (alone.other, alone.change) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("respond (servers/workloads/cpu.py)", "own"),
        ("price (/home/me/shop.py)", "own"),
        ("converse (servers/conversation.py)", "server"),
        ("wait (threading.py)", "library"),
        ("PyNumber_Add (C)", "c"),
    ],
)
def test_flame_colours_a_frame_by_whose_code_it_is(name: str, kind: str) -> None:
    assert flame.frame_kind(name) == kind


def test_top_ranks_lines_by_the_time_they_take(profile: Profile) -> None:
    first, second = top.lines(profile, "gil")
    assert (first.name, first.share, first.time_share) == ("work (servers/workloads/cpu.py:13)", 0.6, 0.6)
    assert second.name == "idle (app.py:2)"
    assert [one.name for one in top.functions(profile, "cpu")] == [
        "work (servers/workloads/cpu.py)",
        "run (threading.py)",
    ]
    assert top.lines(profile, "blocked") == []


def test_timeline_says_how_many_threads_run_at_once(run: Path) -> None:
    profiles = load_profiles(run)
    assert [running_at_once(profile) for profile in profiles] == [1.0, 2.0]
    with style():
        figure = timeline.draw(profiles)
    assert figure is not None
    texts = [text.get_text() for text in figure.texts]
    assert "threaded, cpu, 4 clients: 1.0 threads run at once on 3.13, 2.0 on 3.13t" in texts
    assert any("a sample every 1.0 ms, overhead 5% of a core" in text for text in texts)


def test_trace_has_every_span_and_request(profile: Profile) -> None:
    events = trace(profile)["traceEvents"]
    complete = [event for event in events if event["ph"] == "X"]
    assert len(complete) == 4 + 999 * 4
    assert all(event["dur"] >= 0 and {"name", "pid", "tid", "ts"} <= event.keys() for event in complete)
    assert {event["args"]["name"] for event in events if event["ph"] == "M"} >= {"worker 1", "client 4", "clients"}


def test_speedscope_has_weights_in_seconds(profile: Profile) -> None:
    exported = speedscope(profile)
    frames = exported["shared"]["frames"]
    gil = next(one for one in exported["profiles"] if one["name"].endswith("gil"))
    assert gil["endValue"] == pytest.approx(1.0)
    assert {
        frames[sample[-1]]["name"]: weight for sample, weight in zip(gil["samples"], gil["weights"], strict=True)
    } == {
        "work (servers/workloads/cpu.py:13)": pytest.approx(0.6),
        "idle (app.py:2)": pytest.approx(0.4),
    }


def test_page_shows_memory_and_failures_of_a_profile(tmp_path: Path) -> None:
    run = Made(models=("threaded",), workloads=("cpu",)).write(tmp_path / "small")
    folder = write_profile(run, "3.13", gil=True)
    held = {"processes": 2, "held_bytes": 4096, "peak_bytes": 8192}
    lines = [{"line": "shop.py:3", "before_bytes": 0, "after_bytes": 2048}]
    memory = {"before": held, "after": held, "lines": lines, "requests": 10, "throughput_rps": 100.0}
    (folder / "memory.json").write_text(json.dumps(memory))
    meta = json.loads((folder / "profile.json").read_text())
    (folder / "profile.json").write_text(json.dumps(meta | {"failures": ["py-spy failed: no; run as root"]}))
    with plots("cores"):
        assert draw([str(run), "--quiet"]) == 0
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "2 processes held 4.0 KiB at the end of the load" in page
    assert '<code>shop.py:3</code></td><td class="n">2.0 KiB</td>' in page
    assert "py-spy failed: no; run as root" in page


def test_page_links_a_figure_to_its_profile(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Made(models=("serial", "threaded"), workloads=("cpu",), clients=(4,)).write(tmp_path / "run")
    for interpreter in ("3.13", "3.13t"):
        write_profile(run, interpreter, gil=interpreter == "3.13")
    assert draw_profiles([str(run)]) == 0
    assert "On 3.13, 1.0 threads were on a CPU at once" in capsys.readouterr().out
    page = (run / "report.html").read_text(encoding="utf-8")
    data = json.loads(page.split('id="data">')[1].split("</script>")[0])
    assert data["cells"]["profile"].count("threaded-cpu-4") == 2
    assert 'id="profile-threaded-cpu-4"' in page
    assert "−2.0%" in page
    assert page.count('class="flame"') == 4  # GIL, CPU; CPU; and the difference
    for name in ("flame-cpu.html", "difference-cpu-3.13t-3.13.html", "stacks.speedscope.json", "timeline.trace.json"):
        assert list((run / "profile").glob(f"*/{name}")), name
    assert (run / "profile" / "timeline-threaded-cpu-4.png").stat().st_size < 1e6
    for href in re.findall(r'href="(profile/[^"]+)"', page):
        assert (run / href).is_file(), href


def test_page_escapes_the_names_of_frames(tmp_path: Path) -> None:
    run = Made(models=("threaded",), workloads=("cpu",)).write(tmp_path / "small")
    write_profile(run, "3.14", gil=True, extra='<script>alert(1)</script> ("x.py:1) 50\n')
    with plots("cores"):
        assert draw([str(run), "--quiet"]) == 0
    for path in (run / "report.html", run / "profile" / "threaded-cpu-4-3.14" / "flame-gil.html"):
        text = path.read_text(encoding="utf-8")
        assert "<script>alert(1)" not in text
        assert "&lt;script&gt;alert(1)" in text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("profile.json", "{"),
        ("profile.json", '{"schema": 99, "cell": {}}'),
        ("timeline.json", '{"lanes": 3, "requests": [], "end_us": 1}'),
        ("stacks-cpu.folded", "no number\n"),
    ],
)
def test_load_refuses_in_one_line_a_profile_that_cannot_be_read(
    run: Path, name: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "profile" / "threaded-cpu-4-3.13" / name).write_text(text)
    assert draw_profiles([str(run)]) == 2
    err = capsys.readouterr().err
    assert err.startswith("gilbench profile: error: ")
    assert err.count("\n") == 1


# Explanations of a cell.


def sentences(run: Path, cell: str) -> str:
    return " ".join(explain(read_run(run), cell))


def test_explain_says_what_a_cell_does_by_its_figures(run: Path) -> None:
    text = sentences(run, "threaded-cpu-4-3.13")
    assert re.search(
        r"threaded on 3.13 answers [\d,]+ cpu requests/s \([\d,]+ to [\d,]+ over passes\) with 4 clients", text
    )
    assert "of 2 CPUs busy: not more than one at once" in text
    assert "76% waiting for the GIL" in text
    assert "the GIL was held 100% of the time, 60% of that by work (servers/workloads/cpu.py)" in text
    assert "work (servers/workloads/cpu.py:13) 60% of the time" in text
    assert (
        "an interpreter without a GIL, since threads wait for it 76% of the time: threaded on 3.13t served 1.4" in text
    )
    assert "multiprocess on 3.13 served 1.59×" in text
    assert "Fit of its throughput" in text


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("serial-io-8-3.13", "% of the time: asyncio on 3.13 served 8.0×"),
        ("asyncio-cpu-8-3.13", "a model that uses more cores, since its single core is saturated: multiprocess"),
        ("asyncio-io-8-3.13", "so the load is the limit, not the server"),
        ("serial-echo-1-3.13", "It has not been profiled: nox -s profile -- --from"),
    ],
)
def test_explain_suggests_what_to_try_next(run: Path, cell: str, says: str) -> None:
    assert says in sentences(run, cell)


def test_explain_says_what_disturbed_the_windows_of_a_cell(tmp_path: Path) -> None:
    warned = Made(
        passes=2, warnings=lambda model, *_: [{"code": "contended", "busy_share": 0.99}] * (model == "serial")
    )
    folder = warned.write(tmp_path / "run")
    assert "Warning for 2 of 2 windows: serial-cpu-1-3.13: up to 99.0% of all CPUs" in sentences(
        folder, "serial-cpu-1-3.13"
    )
    assert "Warning for" not in sentences(folder, "threaded-cpu-1-3.13")


def test_explain_is_a_command_that_refuses_unknown_cells(run: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["explain", "threaded-cpu-4-3.13t", "--from", str(run)]) == 0
    assert "threaded on 3.13t answers" in capfd.readouterr().out
    assert command_line.main(["explain", "nosuch", "--from", str(run)]) == 2
    assert "has no cell nosuch: use a name from its page, for example" in capfd.readouterr().err
    with pytest.raises(GilbenchError, match="has no cell"):
        list(explain(read_run(run), "threaded-cpu-5-3.13"))
