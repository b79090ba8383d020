"""The convoy effect: counts, plans and plots of quick requests next to clients that make the same server compute."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

from bench.analysis.life import life
from bench.analysis.load import read_run
from bench.interpreters.selection import resolve
from bench.narrative.findings import collect_findings
from bench.planning.options import OPTIONS
from bench.planning.read_options import read
from bench.report.plots import convoy
from bench.report.plots.style import style, to_svg
from bench.runner.server import Server
from bench.runner.window import measure
from bench.schema.cell import Cell, Group
from bench.schema.record import Record
from bench.schema.record_parts import BackgroundLoad
from tests.support.made import Made
from tests.support.until import until

OWN = resolve(f"own={sys.executable}", list)[0]


def record_of(server: Server, computing: int) -> Record:
    window = measure(
        Cell("threaded", f"mixed+{computing}", 1, OWN.name),
        server,
        window_s=0.3,
        warmup_s=0.1,
        requests_per_connection=None,
    )
    return window.record(pass_=0, launch=0, round_=0, at_ready=window.begin.usage, life=None)


def test_record_counts_computing_clients_apart() -> None:
    records: list[Record] = []

    def answered() -> bool:
        """Return whether the window was long enough for a computing request, however busy the machine."""
        records.append(record_of(server, 2))
        return records[-1].background_load is not None and records[-1].background_load.requests > 0

    server = Server(OWN, "threaded", "mixed")
    try:
        server.ready()
        alone = record_of(server, 0)
        assert until(answered)
    finally:
        server.stop()
    assert alone.background_load is None
    counted = records[-1].background_load
    assert counted is not None
    assert counted.clients == 2
    assert counted.errors == {}
    assert counted.latency_p50_ns is not None
    assert counted.latency_p50_ns > 0
    assert Record.from_json(records[-1].to_json()) == records[-1]
    assert Record.from_json(alone.to_json()) == alone


def test_options_measure_mixed_with_several_numbers_of_computing_clients() -> None:
    words = {name: option.default for name, option in OPTIONS.items()}
    wanted = read(words | {"pythons": f"mine={sys.executable}", "workloads": "echo,mixed,mixed+7", "servers": "serial"})
    assert wanted.workloads == ["echo", "mixed+0", "mixed+1", "mixed+2", "mixed+4", "mixed+7"]
    groups = [Group("threaded", name, 1) for name in wanted.workloads[::4]]
    assert [(group.served, group.computing_clients) for group in groups] == [("echo", 0), ("mixed", 4)]


def test_convoy_is_drawn_and_not_taken_for_overlap(tmp_path: Path) -> None:
    made = Made(workloads=("echo",), clients=(1,), passes=2)
    records = [
        dataclasses.replace(
            one,
            workload=f"mixed+{computing}",
            throughput_rps=one.throughput_rps / (1 + 10 * computing),
            background_load=BackgroundLoad(computing, 50, {}, 100.0, 10_000_000) if computing else None,
        )
        for one in made.records()
        for computing in (0, 1, 4)
    ]
    folder = made.write(tmp_path / "run")
    (folder / "records.jsonl").write_text("".join(one.to_json() + "\n" for one in records), encoding="utf-8")
    run = read_run(folder)
    with style():
        figure = convoy.draw(run)
    assert figure is not None
    assert len(figure.axes) == len(convoy.CONVOY_COLUMNS) * 4
    assert to_svg(figure, "convoy") == to_svg(figure, "convoy")
    texts = [str(finding) for finding in collect_findings(run)]
    assert not [one for one in texts if "effective cores" in one]
    (threaded,) = [one for one in texts if one.startswith("threaded on 3.13:")]
    assert "next to 1 computing client, 1 client with quick requests get 0.09× (0.09–0.09) the throughput" in threaded
    assert {cell[1] for cell in life(run).index} == {"mixed+0"}
    with style():
        assert convoy.draw(Made(workloads=("echo",)).load(tmp_path / "other")) is None
