"""A run from first to last, in this process: real servers, real load."""

from __future__ import annotations

import dataclasses
import io
import json
import signal
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.checks import Surroundings
from bench.errors import GilbenchError
from bench.experiment import Experiment
from bench.interpreters.targets import Target, resolve
from bench.planning.options import OPTIONS, read
from bench.planning.plan import Cell
from bench.planning.resume import Interrupted, interrupted
from bench.planning.wanted import Wanted
from bench.record import Record
from bench.run import carry_out
from bench.server import Server
from bench.terminal.console import Terminal
from bench.terminal.progress import Progress

pytestmark = pytest.mark.quiet

OWN = resolve(f"own={sys.executable}", [])[0]


@pytest.fixture(autouse=True)
def a_lock_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


class Job:
    """A run of a few cells below ``folder``; ``console`` keeps what was said."""

    resumed: Interrupted | None = None

    def __init__(self, folder: Path, *targets: Target) -> None:
        self.console = Terminal(file=io.StringIO(), width=100)
        self.targets = {target.name: target for target in targets or (OWN,)}
        self.folder = folder

    def __call__(self, *groups: tuple[str, str, int], budget_s: float = 13, **changes: Any) -> Experiment:
        cells = tuple(Cell(*group, target) for group in groups for target in self.targets)
        wanted = Wanted(
            targets=self.targets,
            models=[],
            handlers={},
            request="hello",
            objective="throughput",
            workloads=[],
            clients=[],
            conversation=10,
            rounds=1,
            window_s=None,
            warmup_s=0.1,
            precision=None,
            same_within=0.01,
            baseline="own",
            fixed_layout=False,
            passes=2,
            budget_s=budget_s,
            results=self.folder,
            name="test",
            seed=1,
            resumed=self.resumed,
        )
        return carry_out(dataclasses.replace(wanted.plan(cells), **changes), wanted, "typed", self.console)

    @property
    def meta(self) -> dict[str, Any]:
        meta: dict[str, Any] = json.loads((self.folder / "latest" / "run.json").read_text(encoding="utf-8"))
        return meta

    @property
    def records(self) -> list[Record]:
        lines = (self.folder / "latest" / "records.jsonl").read_text(encoding="utf-8").splitlines()
        return [Record.from_json(line) for line in lines]


def script(folder: Path, name: str, text: str) -> Target:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return Target(name, OWN.build | {"executable": str(path)})


def test_every_window_is_on_disk_with_all_that_is_known_of_it(tmp_path: Path) -> None:
    job = Job(tmp_path)
    done = job(("threaded", "cpu", 4), ("multiprocess", "cpu", 4), ("asyncio", "io", 4))
    assert done.complete
    assert job.records == done.records
    assert len(job.records) == 6
    assert sorted(record.start for record in job.records) == [0, 1, 2, 3, 4, 5]
    assert [record.pass_ for record in job.records] == [0, 0, 0, 1, 1, 1]
    for record in job.records:
        assert record.wall_s == pytest.approx(job.meta["plan"]["window_s"], rel=0.2)
        assert record.requests > 0
        assert record.errors == {}
        assert record.throughput_rps == pytest.approx(record.requests / record.wall_s)
        assert record.latency_ns.p99 is not None
        assert record.peak_rss_bytes is not None
        assert record.peak_rss_bytes > 5e6
        assert record.server_cpu_s.total == pytest.approx(record.effective_cores * record.wall_s, rel=0.05)
        assert "littles_law" not in [warning["code"] for warning in record.warnings]
    by_model = {record.model: record for record in job.records}
    assert 0.4 < by_model["threaded"].effective_cores < 1.15
    assert by_model["asyncio"].effective_cores < 0.5
    assert by_model["asyncio"].latency_ns.min is not None
    assert by_model["asyncio"].latency_ns.min >= 5_000_000


def test_the_run_says_where_it_comes_from(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job(("serial", "cpu", 1))
    meta = job.meta
    assert (meta["state"], meta["command"], meta["failures"]) == ("complete", "typed", [])
    assert meta["work"] == {"cpu": {"rounds": 8000}}
    assert meta["targets"]["own"]["version"] == sys.version.split()[0]
    assert meta["machine"]["cpus"] >= 1
    assert meta["control"]["numba"]
    assert meta["plan"]["cells"] == ["serial-cpu-1-own"]
    assert meta["measured_share"] > 0.6
    assert meta["elapsed_s"] < 13
    said = job.console.file.getvalue()  # type: ignore[attr-defined]
    assert "pass 2 of 2" in said
    assert "measured 2 of 2 windows" in said


def test_the_budget_holds(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job(("serial", "echo", 1), ("threaded", "echo", 2), budget_s=12)
    assert job.meta["elapsed_s"] < 12 - 8 + 0.5  # the rest is for drawing; on a busy machine a start takes longer


def test_a_server_that_does_not_start_ends_it_before_anything_is_measured(tmp_path: Path) -> None:
    job = Job(tmp_path, OWN, script(tmp_path, "broken", "echo 'no such module' >&2; exit 1"))
    with pytest.raises(GilbenchError, match="serial with echo under broken ended at its start: no such module"):
        job(("serial", "echo", 1))
    assert not (tmp_path / "runs").exists()


def test_a_plan_that_does_not_fit_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(GilbenchError, match="do not fit in --budget 3s"):
        Job(tmp_path)(("serial", "echo", 1), budget_s=3)
    assert not (tmp_path / "runs").exists()


def test_a_cell_that_cannot_be_measured_is_noted_and_the_others_go_on(tmp_path: Path) -> None:
    brittle = script(tmp_path, "brittle", f'exec timeout --foreground -s KILL 0.7 {OWN.executable} "$@"')
    job = Job(tmp_path, OWN, brittle)
    done = job(("threaded", "io", 2), budget_s=14)
    assert done.complete
    assert [record.target for record in job.records] == ["own", "own"]
    assert [(failure["cell"], failure["pass"]) for failure in job.meta["failures"]] == [
        ("threaded-io-2-brittle", 0),
        ("threaded-io-2-brittle", 1),
    ]
    assert "ended by itself" in job.meta["failures"][0]["reason"]


class Interrupting(Progress):
    """Ctrl-C, or another signal, at the third window."""

    windows = 0
    number = signal.SIGINT

    def window(self, cell: Cell, pass_: int) -> None:
        Interrupting.windows += 1
        if Interrupting.windows == 3:
            signal.raise_signal(self.number)
        super().window(cell, pass_)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_was_measured_before_an_interrupt_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    servers: list[Server] = []

    class Noted(Server):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            servers.append(self)

    before = signal.getsignal(number)
    monkeypatch.setattr("bench.experiment.Server", Noted)
    monkeypatch.setattr("bench.run.Progress", Interrupting)
    monkeypatch.setattr(Interrupting, "windows", 0)
    monkeypatch.setattr(Interrupting, "number", number)
    job = Job(tmp_path)
    done = job(("serial", "echo", 1), ("threaded", "echo", 1), ("asyncio", "echo", 1))
    assert not done.complete
    assert job.meta["state"] == "partial"
    assert len(job.records) == len(done.records) == 2
    assert len(servers) > 3
    assert all(server.stop() is None for server in servers)  # each had been stopped
    assert signal.getsignal(number) == before


def test_a_run_that_is_gone_on_with_has_what_an_uninterrupted_one_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Interrupting, "windows", -4)  # in the middle of the fourth visit, between two rounds
    monkeypatch.setattr("bench.run.Progress", Interrupting)
    groups = (("serial", "echo", 1), ("threaded", "echo", 1))
    job = Job(tmp_path)
    changes: dict[str, Any] = {"rounds": 2, "window_s": 0.05}
    assert not job(*groups, **changes).complete
    folder = (tmp_path / "latest").resolve()
    before = job.records
    with (folder / "records.jsonl").open("ab") as file:
        file.write(b'{"cut in the mid')
    found = interrupted(folder)
    typed = {name: option.default for name, option in OPTIONS.items()} | {"resume": str(folder)}
    wanted = read(typed)
    assert {cell.name for cell in wanted.cells} == found.cells
    assert (wanted.rounds, wanted.window_s, wanted.passes, wanted.seed) == (2, 0.05, 2, 1)
    monkeypatch.setattr("bench.run.Progress", Progress)
    job.resumed = found
    done = job(*groups, **changes)
    assert done.complete
    assert (tmp_path / "latest").resolve() == folder
    assert job.meta["state"] == "complete"
    windows = [(one.pass_, one.round_, one.cell) for one in job.records]
    assert len(windows) == len(set(windows)) == 2 * 2 * 2
    whole = [one for one in before if sum((o.pass_, o.cell) == (one.pass_, one.cell) for o in before) == 2]
    assert job.records[: len(whole)] == whole
    assert len({one.start for one in job.records}) == 4
    aside = (folder / "interrupted.jsonl").read_text(encoding="utf-8").splitlines() if len(before) > len(whole) else []
    assert len(aside) == len(before) - len(whole)
    with pytest.raises(GilbenchError, match="is complete"):
        interrupted(folder)
    with pytest.raises(GilbenchError, match="holds no run"):
        interrupted(tmp_path)


def test_an_interrupt_before_the_first_window_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Interrupting, "windows", 2)
    monkeypatch.setattr("bench.run.Progress", Interrupting)
    with pytest.raises(GilbenchError, match="before anything was measured"):
        Job(tmp_path)(("serial", "echo", 1))


# What spoils a window.

QUIET = Surroundings(wall_s=1.0, cpus=2, busy_s=1.2, generator_cpu_s=0.2, foreign_cpu_s=0.02, steal_share=0.0)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"busy_s": 1.95}, "contended"),
        ({"steal_share": 0.05}, "steal"),
        ({"foreign_cpu_s": 0.3}, "foreign_cpu"),
        ({"mhz": (3400.0, 2600.0)}, "clock"),
        ({"throttled": 2}, "throttled"),
        ({"major_faults": 40}, "paging"),
    ],
)
def test_surroundings_that_spoil_a_window_are_told(change: dict[str, Any], code: str) -> None:
    assert QUIET.warnings() == []
    assert [warning["code"] for warning in dataclasses.replace(QUIET, **change).warnings()] == [code]


@pytest.mark.parametrize(
    "change",
    [{"steal_share": None}, {"mhz": (None, 2600.0)}, {"throttled": 0}, {"busy_s": 2.0, "generator_cpu_s": 0.05}],
)
def test_what_is_unknown_or_harmless_is_no_warning(change: dict[str, Any]) -> None:
    assert dataclasses.replace(QUIET, **change).warnings() == []
