"""Whole runs in this process, with real servers, real load and windows as short as a test allows."""

from __future__ import annotations

import dataclasses
import io
import signal
import stat
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.errors import GilbenchError
from bench.interpreters import affinity
from bench.interpreters.interpreter import Interpreter
from bench.interpreters.selection import resolve
from bench.planning.options import OPTIONS
from bench.planning.read_options import read
from bench.planning.resume import Interrupted, load_interrupted
from bench.planning.run_request import RunRequest
from bench.runner.experiment import Experiment
from bench.runner.run import run
from bench.runner.server import Server
from bench.runner.window_checks import WindowConditions
from bench.schema.cell import Cell
from bench.schema.record import Record
from bench.schema.run_meta import RunMeta, read_meta
from bench.terminal.console import Terminal
from bench.terminal.progress import Progress

OWN = resolve(f"own={sys.executable}", list)[0]


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


class Job:
    """A run of a few cells below ``folder``; ``console`` keeps the output."""

    resumed: Interrupted | None = None

    def __init__(self, folder: Path, *interpreters: Interpreter) -> None:
        self.console = Terminal(file=io.StringIO(), width=100)
        self.interpreters = {interpreter.name: interpreter for interpreter in interpreters or (OWN,)}
        self.folder = folder

    def __call__(self, *groups: tuple[str, str, int], budget_s: float = 600, **changes: Any) -> Experiment:
        cells = tuple(Cell(*group, interpreter) for group in groups for interpreter in self.interpreters)
        wanted = RunRequest(
            interpreters=self.interpreters,
            models=[],
            handlers={},
            request="hello",
            objective="throughput",
            workloads=[],
            clients=[],
            requests_per_connection=10,
            rounds=1,
            window_s=0.05,
            warmup_s=0.02,
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
        return run(dataclasses.replace(wanted.plan(cells), **changes), wanted, "typed", self.console)

    @property
    def meta(self) -> RunMeta:
        return read_meta(self.folder / "latest")

    @property
    def records(self) -> list[Record]:
        lines = (self.folder / "latest" / "records.jsonl").read_text(encoding="utf-8").splitlines()
        return [Record.from_json(line) for line in lines]


def script(folder: Path, name: str, text: str) -> Interpreter:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return Interpreter(name, replace(OWN.build, program=str(path)))


def test_run_writes_a_record_of_every_window(tmp_path: Path) -> None:
    job = Job(tmp_path)
    done = job(("threaded", "cpu", 4), ("multiprocess", "cpu", 4), ("asyncio", "io", 4), window_s=0.25)
    assert done.complete
    assert job.records == done.records
    assert len(job.records) == 6
    assert sorted(record.launch for record in job.records) == [0, 1, 2, 3, 4, 5]
    assert [record.pass_ for record in job.records] == [0, 0, 0, 1, 1, 1]
    for record in job.records:
        assert record.wall_s >= 0.25
        assert record.errors == {}
        assert record.throughput_rps == record.requests / record.wall_s
        assert (record.latency_ns.p99 is not None) is (record.requests > 0)
        assert record.peak_rss_bytes is not None
        assert record.peak_rss_bytes > 5e6
        assert record.pss_bytes is not None  # pages that forked workers share count once
        assert 1e6 < record.pss_bytes < record.peak_rss_bytes
        assert record.server_cpu_s.total >= 0
        assert record.thread_accounting.unknown is None
    assert any(record.requests for record in job.records)
    for record in job.records:
        if record.model == "asyncio" and record.requests:
            assert record.latency_ns.min is not None
            assert record.latency_ns.min >= 5_000_000


def test_run_describes_itself_in_run_json_and_on_the_console(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job(("serial", "cpu", 1), ("thread-pool", "cpu", 1))
    meta = job.meta
    assert (meta.state, meta.command, meta.failures) == ("complete", "typed", ())
    assert meta.work == {"cpu": {"rounds": 8000}}
    assert meta.pools == {"thread-pool": {"own": affinity.pool_size()}}
    assert meta.interpreters["own"].version == sys.version.split()[0]
    assert meta.machine is not None
    assert meta.machine.cpus >= 1
    assert meta.control["numba"]
    assert meta.plan is not None
    assert meta.plan.cells == (Cell("serial", "cpu", 1, "own"), Cell("thread-pool", "cpu", 1, "own"))
    walls_s = sum(record.wall_s for record in job.records)
    assert meta.elapsed_s is not None
    assert meta.elapsed_s > walls_s
    assert meta.measured_share == pytest.approx(walls_s / meta.elapsed_s, rel=0.01)
    said = job.console.file.getvalue()  # type: ignore[attr-defined]
    assert "pass 2 of 2" in said
    assert "measured 4 of 4 windows" in said


def test_run_fails_before_it_measures_if_a_server_does_not_start(tmp_path: Path) -> None:
    job = Job(tmp_path, OWN, script(tmp_path, "broken", "echo 'no such module' >&2; exit 1"))
    with pytest.raises(GilbenchError, match="serial with echo under broken ended during startup: no such module"):
        job(("serial", "echo", 1))
    assert not (tmp_path / "runs").exists()


def test_run_leaves_no_folder_of_a_plan_that_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(GilbenchError, match="do not fit in --budget 3s"):
        Job(tmp_path)(("serial", "echo", 1), budget_s=3)
    assert not (tmp_path / "runs").exists()


KILLED_BY_A_REQUEST = """
import os, signal
from servers import __main__
from servers.workloads import io_wait
io_wait.respond = lambda request: os.kill(os.getpid(), signal.SIGKILL)
__main__.main()
"""


def test_run_notes_a_cell_that_cannot_be_measured_and_measures_the_others(tmp_path: Path) -> None:
    # Its servers work until the run has a folder, which is created after the servers have been tried.
    brittle = script(
        tmp_path,
        "brittle",
        f'[ -e {tmp_path}/runs ] || exec {OWN.program} "$@"\n'
        f"shift\nexec {OWN.program} -c '{KILLED_BY_A_REQUEST}' \"$@\"",
    )
    job = Job(tmp_path, OWN, brittle)
    done = job(("threaded", "io", 2), window_s=0.25)
    assert done.complete
    assert [record.interpreter for record in job.records] == ["own", "own"]
    assert [(failure.cell, failure.pass_) for failure in job.meta.failures] == [
        ("threaded-io-2-brittle", 0),
        ("threaded-io-2-brittle", 1),
    ]
    assert "ended by itself" in job.meta.failures[0].reason


class Interrupting(Progress):
    """Progress that raises Ctrl-C, or another signal, at the third window."""

    windows = 0
    number = signal.SIGINT

    def window(self, cell: Cell, pass_: int) -> None:
        Interrupting.windows += 1
        if Interrupting.windows == 3:
            signal.raise_signal(self.number)
        super().window(cell, pass_)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run_keeps_what_was_measured_before_an_interrupt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    servers: list[Server] = []

    class Noted(Server):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            servers.append(self)

    before = signal.getsignal(number)
    monkeypatch.setattr("bench.runner.experiment.Server", Noted)
    monkeypatch.setattr("bench.runner.run.Progress", Interrupting)
    monkeypatch.setattr(Interrupting, "windows", 0)
    monkeypatch.setattr(Interrupting, "number", number)
    job = Job(tmp_path)
    done = job(("serial", "echo", 1), ("threaded", "echo", 1), ("asyncio", "echo", 1))
    assert not done.complete
    assert job.meta.state == "partial"
    assert len(job.records) == len(done.records) == 2
    assert len(servers) > 3
    assert all(server.stop() is None for server in servers)  # all had been stopped
    assert signal.getsignal(number) == before


def test_run_resumes_to_the_records_of_an_uninterrupted_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Interrupting, "windows", -4)  # in the middle of the fourth visit, between two rounds
    monkeypatch.setattr("bench.runner.run.Progress", Interrupting)
    groups = (("serial", "echo", 1), ("threaded", "echo", 1))
    job = Job(tmp_path)
    changes: dict[str, Any] = {"rounds": 2, "window_s": 0.05}
    assert not job(*groups, **changes).complete
    folder = (tmp_path / "latest").resolve()
    before = job.records
    with (folder / "records.jsonl").open("ab") as file:
        file.write(b'{"cut in the mid')
    found = load_interrupted(folder)
    monkeypatch.setattr("bench.planning.read_options.discover", list)
    typed = {name: option.default for name, option in OPTIONS.items()} | {"resume": str(folder)}
    wanted = read(typed)
    assert set(wanted.cells) == set(found.plan.cells)
    assert (wanted.rounds, wanted.window_s, wanted.passes, wanted.seed) == (2, 0.05, 2, 1)
    monkeypatch.setattr("bench.runner.run.Progress", Progress)
    job.resumed = found
    done = job(*groups, budget_s=1, **changes)  # a run that was accepted takes the time that it takes
    assert done.complete
    assert (tmp_path / "latest").resolve() == folder
    assert job.meta.state == "complete"
    windows = [(one.pass_, one.round_, one.cell) for one in job.records]
    assert len(windows) == len(set(windows)) == 2 * 2 * 2
    whole = [one for one in before if sum((o.pass_, o.cell) == (one.pass_, one.cell) for o in before) == 2]
    assert job.records[: len(whole)] == whole
    assert len({one.launch for one in job.records}) == 4
    aside = (folder / "interrupted.jsonl").read_text(encoding="utf-8").splitlines() if len(before) > len(whole) else []
    assert len(aside) == len(before) - len(whole)
    here = job.meta.machine
    assert here is not None
    found.require_machine(here)
    says = r"begun on another machine \(processor: .* and another; CPUs: \d+ and 64\)"
    with pytest.raises(GilbenchError, match=says):
        found.require_machine(replace(here, cpu_model="another", cpus=64))
    with pytest.raises(GilbenchError, match="is complete"):
        load_interrupted(folder)
    with pytest.raises(GilbenchError, match="cannot read"):
        load_interrupted(tmp_path)


def test_run_fails_if_interrupted_before_the_first_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Interrupting, "windows", 2)
    monkeypatch.setattr("bench.runner.run.Progress", Interrupting)
    with pytest.raises(GilbenchError, match="before anything was measured"):
        Job(tmp_path)(("serial", "echo", 1))


# Disturbed windows.

QUIET = WindowConditions(wall_s=1.0, cpus=2, busy_s=1.2, generator_cpu_s=0.2, foreign_cpu_s=0.02, steal_share=0.0)


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
def test_window_conditions_warn_of_what_disturbs_a_window(change: dict[str, Any], code: str) -> None:
    assert QUIET.warnings() == []
    assert [warning["code"] for warning in dataclasses.replace(QUIET, **change).warnings()] == [code]


@pytest.mark.parametrize(
    "change",
    [{"steal_share": None}, {"mhz": (None, 2600.0)}, {"throttled": 0}, {"busy_s": 2.0, "generator_cpu_s": 0.05}],
)
def test_window_conditions_do_not_warn_of_what_is_unknown_or_harmless(change: dict[str, Any]) -> None:
    assert dataclasses.replace(QUIET, **change).warnings() == []
