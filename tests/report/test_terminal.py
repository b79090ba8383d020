"""Output to a terminal, to a file and to a log of GitHub Actions: widths, characters and timing.

Over 300 lines, because its tests share fixtures: xdist gives a worker one file at a time.
"""

from __future__ import annotations

import io
import itertools
import os
import pty
import re
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.analysis import summarise
from bench.analysis.load import Run
from bench.cli import account, compare, doctor, explain, pythons
from bench.errors import GilbenchError
from bench.interpreters.interpreter import Interpreter
from bench.narrative.findings import collect_findings
from bench.narrative.run_warnings import collect_warnings
from bench.planning import budget
from bench.report import step_summary
from bench.report.markdown import code, escape, table
from bench.report.terminal import show_run
from bench.runner import host_checks
from bench.schema.cell import Cell
from bench.schema.plan import Plan
from bench.stats.ratios import ratio_of_logs
from bench.terminal import estimate, github
from bench.terminal.console import Terminal, narrow, says_ascii, shorten
from bench.terminal.live_table import LiveTable, Seen, sparkline
from bench.terminal.progress import Progress
from bench.threads.account import STATES, Account, Role
from bench.threads.roles import WORKER
from loadgen.cli.spelling import spell
from tests.support.builds import made_build
from tests.support.made import MODELS, Made

LONG = ("3.14+jit+nogc", "a-build-of-mine+switch=0.0005+malloc=mimalloc+env:A=1")


def planned(**changes: Any) -> Plan:
    wanted: dict[str, Any] = {
        "models": MODELS,
        "clients": (1, 4, 8),
        "interpreters": ("3.13", "3.13t"),
        "workloads": ("echo", "io", "cpu"),
    }
    wanted |= {name: changes.pop(name) for name in list(changes) if name in wanted}
    cells = tuple(
        Cell(model, workload, clients, interpreter)
        for workload in wanted["workloads"]
        for model in wanted["models"]
        for clients in wanted["clients"]
        for interpreter in wanted["interpreters"]
    )
    fields: dict[str, Any] = {
        "passes": 3,
        "budget_s": 180.0,
        "requests_per_connection": 10,
        "seed": 1,
        "baseline": cells[0].interpreter,
    }
    return Plan(cells=cells, **(fields | changes))


def console(width: int = 80, height: int = 24, **options: Any) -> Terminal:
    return Terminal(file=io.StringIO(), width=width, height=height, **options)


def written(on: Terminal) -> list[str]:
    assert isinstance(on.stream, io.StringIO)
    return on.stream.getvalue().splitlines()


def under_way(plan: Plan, windows: int, rate: float = 1234.5) -> LiveTable:
    """Return a table after ``windows`` windows, while the next one is measured."""
    live = LiveTable(plan, window_s=0.5)
    cells = [cell for pass_ in range(plan.passes) for rounds in plan.order(pass_) for cells in rounds for cell in cells]
    for number, cell in enumerate(cells[:windows]):
        live.take(
            Seen(cell, number // len(plan.cells), rate, 3e6, ("contended", "generator_shares_cpus")[: number % 3])
        )
        live.done += 1
    live.now = cells[windows]
    return live


# The live table.


@pytest.mark.parametrize("language", ["C.UTF-8", "C"])
@pytest.mark.parametrize("height", [3, 8, 24, 60])
@pytest.mark.parametrize("width", [30, 60, 80, 200])
@pytest.mark.parametrize("precision", [None, 0.01])
def test_live_table_fits_into_any_terminal(
    width: int, height: int, precision: float | None, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", language)
    plan = planned(interpreters=LONG, models=("subinterpreters", "serial"), precision=precision, window_s=0.1)
    live, on = under_way(plan, 20, rate=12_345_678.0), console(width, height, force_terminal=True, no_color=True)
    live.know({cell: ratio_of_logs([0.1, 0.5, -0.7]) for cell in plan.cells if cell.interpreter != plan.baseline})
    on.print(live.drawn(on, 83.0, 3700.0))
    lines = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in written(on)]
    assert max(map(len, lines)) <= width
    assert len(lines) < height
    assert len(lines[-1].rstrip()) <= width - 2  # leaves space for ^C
    text = "\n".join(lines)
    assert "20 of" in text
    assert text.isascii() or language != "C"
    if height >= 24 and width >= 80:
        assert text.isascii() is (language == "C")
        rows = [line for line in lines if re.match(r"[>▸ ] s", line)]
        assert len(rows) == height - 6 if height == 24 else len(rows) in {21, 22}
        assert sum(line.startswith((">", "▸")) for line in lines) == 1
        assert "1:23 gone" in text
        assert "1:01:40 left" in text


def test_live_table_shows_the_median_over_passes_and_half_their_range() -> None:
    plan = planned(models=("serial",), workloads=("echo",), clients=(4,))
    live, on = LiveTable(plan), console()
    for pass_, rates in enumerate(([90.0, 100.0, 999.0], [110.0], [104.0])):  # the windows of a pass count as one value
        for rate in rates:
            live.take(Seen(plan.cells[0], pass_, rate, None, ()))
    live.fail(plan.cells[1])
    on.print(live.drawn(on, 1.0, None))
    row, other = (next(line for line in written(on) if f" {cell.name} " in line) for cell in plan.cells)
    assert row.split()[-2:] == ["104", "±4.8%"]
    assert "–" in other
    assert "failed" in other


def test_live_table_shows_the_cells_last_measured_in_the_order_of_the_plan() -> None:
    plan = planned()
    live, on = under_way(plan, 100), console()
    on.print(live.drawn(on, 1.0, 2.0))
    text = [line.split() for line in written(on)]
    shown = [cell for cell in plan.cells if any(cell.name in words for words in text)]
    assert len(shown) == 24 - 6
    assert [cell.name for cell in shown] == [
        word for words in text for word in words if word in {c.name for c in plan.cells}
    ]
    assert live.now in shown
    assert "; 18 of 72 cells" in written(on)[0]


def test_live_table_shows_the_precision_of_the_ratios_that_stop_a_run() -> None:
    plan = planned(models=("serial",), workloads=("echo",), precision=0.02, window_s=0.1)
    live = under_way(plan, 3)
    known = [cell for cell in plan.cells if cell.interpreter == "3.13t"]
    enough, too_few, vague = [0.0, 0.001] * 3, [0.0, 0.0001], [0.0, 0.2] * 3
    for cell in known:
        live.take(Seen(cell, 0, 100.0, None, ()))
    live.know({cell: ratio_of_logs(logs) for cell, logs in zip(known, (enough, too_few, vague), strict=True)})
    worst = ratio_of_logs(vague)
    assert worst is not None
    said = live.precision()
    assert said.startswith("precision ±2%: reached by 1 of 3 ratios to 3.13, the worst is ")
    assert said.endswith(f"±{worst.precision:.0%}")
    on = console()
    on.print(live.drawn(on, 1.0, 2.0))
    assert said in written(on)
    assert any(f"{worst.ratio:.3f} ±{worst.precision:.0%}" in line for line in written(on))


@pytest.mark.parametrize(
    ("values", "width", "blocks"),
    [
        ([100, 101, 99, 100], 9, "▅▅▄▅"),  # noise of 1% looks flat
        ([10, 100, 190], 9, "▁▅█"),
        ([1, 2, 3, 100, 101], 2, "▄▅"),
        ([0, 0], 9, "▁▁"),
        ([], 9, ""),
    ],
)
def test_sparkline_draws_the_last_windows(values: list[float], width: int, blocks: str) -> None:
    assert sparkline(values, width) == blocks
    assert len(spell(blocks, "ascii")) == len(blocks)
    assert spell(blocks, "ascii").isascii()


# Progress on a terminal.


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Terminal, Callable[[], str]]]:
    """Yield a console on a separate terminal, and a function that returns its output."""
    monkeypatch.setenv("TERM", "xterm")
    master, slave = pty.openpty()
    received: list[bytes] = []

    def receive() -> None:
        try:
            while chunk := os.read(master, 65536):
                received.append(chunk)
        except OSError:  # the other end was closed
            pass

    reader = threading.Thread(target=receive)
    reader.start()
    with os.fdopen(slave, "w", encoding="utf-8") as file:
        on = Terminal(file=file, width=80, height=24)

        def printed() -> str:
            file.close()
            reader.join()
            return b"".join(received).decode()

        yield on, printed
    reader.join()
    os.close(master)


def measure(progress: Progress, plan: Plan, windows: int, *, interrupted: bool = False) -> None:
    progress.begin_pass(0, 0.5)
    cells = [cell for rounds in plan.order(0) for cells in rounds for cell in cells]
    for cell in (cells * (1 + windows // len(cells)))[:windows]:
        progress.window(cell, 0)
        progress.done(Seen(cell, 0, 100.0, 1e6, ()))
    if interrupted:
        raise KeyboardInterrupt


def test_progress_leaves_the_cursor_and_the_last_table_at_ctrl_c(screen: tuple[Terminal, Callable[[], str]]) -> None:
    on, printed = screen
    plan = planned(models=("serial",), workloads=("cpu",))
    with pytest.raises(KeyboardInterrupt), Progress(on, plan) as progress:
        measure(progress, plan, 5, interrupted=True)
    on.print("after")
    out = printed()
    assert out.count("\x1b[?25l") == 1
    last = out.rindex("5 of 18 windows")
    assert out.index("\x1b[?25l") < last < out.index("\x1b[?25h")
    assert "\x1b[2K" not in out[last:]  # nothing is erased
    assert out.endswith("after\r\n")


def test_progress_removes_the_table_of_a_run_that_is_complete(screen: tuple[Terminal, Callable[[], str]]) -> None:
    on, printed = screen
    plan = planned(models=("serial",), workloads=("cpu",))
    with Progress(on, plan, verbosity=1) as progress:
        measure(progress, plan, 5)
    out = printed()
    assert out.count("pass 1  serial-cpu-") == 5  # the lines above the table stay
    assert out.rindex("\x1b[2K") > out.rindex("5 of 18 windows")
    assert "\x1b[?25h" in out[out.rindex("5 of 18 windows") :]


def test_progress_draws_between_windows_only_and_once_in_a_while(
    screen: tuple[Terminal, Callable[[], str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 0.0
    monkeypatch.setattr("bench.terminal.progress.time.monotonic", lambda: now_s)
    on, printed = screen
    plan, threads = planned(), threading.active_count()
    with Progress(on, plan) as progress:
        assert threading.active_count() == threads, "nothing refreshes by itself"
        for _ in range(3):
            measure(progress, plan, 72)
            now_s += 60.0
    heads = re.findall(r"(\d+) of 216 windows", printed())
    # At the first window after each step of time, at the end, and when the terminal is released.
    assert heads == ["0", "72", "144", "216", "216"]


def test_progress_finishes_a_drawing_before_it_obeys_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupting(io.StringIO):
        def write(self, text: str) -> int:
            if " gone" in text and " gone" not in self.getvalue():
                signal.raise_signal(signal.SIGINT)
            return super().write(text)

    monkeypatch.setenv("TERM", "xterm")
    file, plan = Interrupting(), planned()
    with (
        pytest.raises(KeyboardInterrupt),
        Progress(Terminal(file=file, width=80, height=24, force_terminal=True), plan) as progress,
    ):
        measure(progress, plan, 1)
    heads = [found.start() for found in re.finditer("pass 1 of 3", file.getvalue())]
    wiped = [file.getvalue().count("\x1b[2K", begin, end) for begin, end in itertools.pairwise(heads)]
    assert len(heads) >= 2
    assert all(wiped), "each picture takes the place of the one before"
    assert file.getvalue().rindex("\x1b[?25h") > heads[-1]


# Progress elsewhere.


@pytest.mark.parametrize("host_load", [{}, {"FORCE_COLOR": "1"}, {"TERM": "dumb"}])
def test_progress_prints_plain_lines_where_there_is_no_terminal(
    host_load: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 0.0
    monkeypatch.setattr("bench.terminal.progress.time.monotonic", lambda: now_s)
    for name, value in host_load.items():
        monkeypatch.setenv(name, value)
    plan, on = planned(passes=1), console()
    cell = plan.cells[0]
    with Progress(on, plan) as progress:
        progress.begin_pass(0, 0.5)
        for number in range(40):
            progress.window(cell, 0)
            now_s += 1.0
            progress.done(Seen(cell, 0, 100.0, 1e6, ()) if number else None)
    assert written(on) == [
        "pass 1 of 1: windows of 0.50 s",
        *(f"{done} of 72 windows, about {72 - done} s left: serial-echo-1-3.13" for done in (10, 20, 30)),
    ]


def test_progress_prints_the_precision_reached_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 0.0
    monkeypatch.setattr("bench.terminal.progress.time.monotonic", lambda: now_s)
    plan, on = planned(precision=0.02, window_s=0.1, models=("serial",), workloads=("cpu",)), console(width=200)
    with Progress(on, plan) as progress:
        for pass_ in range(3):
            progress.begin_pass(pass_, 0.1)
            progress.window(plan.cells[0], pass_)
            progress.done(Seen(plan.cells[0], pass_, 100.0, 1e6, ()))
            progress.visited({plan.cells[1]: ratio_of_logs([0.0, 0.1])})
            now_s += 6.0
    [line] = written(on)
    assert line.startswith("2 of at most 18 windows, 0:12, precision ±2%: reached by 0 of 3 ratios to 3.13")


@pytest.mark.parametrize(("verbosity", "says"), [(-1, 0), (-2, 0), (0, 1), (1, 1 + 2)])
def test_progress_prints_as_much_as_its_verbosity_says(verbosity: int, says: int) -> None:
    plan, on = planned(), console()
    with Progress(on, plan, verbosity=verbosity) as progress:
        progress.begin_pass(0, 0.5)
        progress.window(plan.cells[0], 0)
        progress.done(Seen(plan.cells[0], 0, 12_345.0, 3.21e6, ("contended", "steal")))
        progress.window(plan.cells[1], 0)
        progress.done(None)
    lines = written(on)
    assert len(lines) == says
    if verbosity > 0:
        assert " ".join(lines[1].split()) == "pass 1 serial-echo-1-3.13 12,345 req/s p99 3.21 ms contended steal"
        assert lines[2].endswith("could not be measured")


def test_progress_counts_the_windows_of_a_run_that_is_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 0.0
    monkeypatch.setattr("bench.terminal.progress.time.monotonic", lambda: now_s)
    plan, on = planned(passes=1), console()
    before = [Seen(cell, 0, 100.0, None, ()) for cell in plan.cells[:60]]
    with Progress(on, plan, before) as progress:
        for cell in plan.cells[60:66]:
            progress.window(cell, 0)
            now_s += 4.0
            progress.done(Seen(cell, 0, 100.0, None, ()))
    assert written(on)[0].startswith("63 of 72 windows, about 36 s left")


@pytest.mark.parametrize(
    ("environ", "ascii_only"),
    [
        ({}, False),
        ({"LANG": "C.UTF-8"}, False),
        ({"LANG": "C"}, True),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, True),  # CPython sets this itself
        ({"LC_CTYPE": "C.UTF-8"}, False),
        ({"LANG": "C", "LC_CTYPE": "de_DE.UTF-8"}, False),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "POSIX"}, True),
        ({"LANG": "C", "LC_ALL": "C.UTF-8"}, False),
    ],
)
def test_console_writes_ascii_where_the_locale_asks_for_it(environ: dict[str, str], ascii_only: bool) -> None:
    assert says_ascii(environ) is ascii_only


def test_console_replaces_what_the_encoding_cannot_write() -> None:
    assert spell("7.8× ±2% – 3 µs → …", "ascii") == "7.8x +-2% - 3 us -> ~"
    assert spell("7.8× ±2%", "latin-1") == "7.8× ±2%"
    assert spell("naïve", "ascii") == "na?ve"
    assert shorten("0123456789", 5) == "01…89"
    assert [len(shorten("0123456789", width)) for width in range(1, 12)] == [*range(1, 11), 10]
    assert narrow([10, 3, 7], 15, least=2) == [6, 3, 6]
    assert narrow([10, 10], 4, least=8) == [8, 8]


# The tables at the end.

MADE = {
    "long names": Made(
        models=["serial", "multiprocess"],
        workloads=["io"],
        clients=[1, 8],
        interpreters=[*LONG, "/opt/builds/of/mine/python3.14-with-everything"],
    ),
    "big numbers": Made(
        models=["serial"],
        workloads=["cpu"],
        clients=[1, 1000, 10000],
        interpreters=["3.13"],
        rates={
            ("serial", "cpu", clients, "3.13", pass_): 1.5e8 / (1 + pass_)
            for clients in (1, 1000, 10000)
            for pass_ in range(3)
        },
    ),
    "many clients": Made(models=["serial", "asyncio"], workloads=["io"], clients=[1, 2, 3, 4, 16, 64]),
}


def shown(run: Run, on: Terminal) -> list[str]:
    show_run(on, run, summarise(run), collect_warnings(run))
    return written(on)


@pytest.mark.parametrize("language", ["C.UTF-8", "C"])
@pytest.mark.parametrize("name", MADE)
def test_show_fits_tables_and_cuts_no_figure(
    name: str, language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", language)
    run = MADE[name].load(tmp_path)
    lines = shown(run, console())
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    assert text.isascii() is (language == "C")
    assert "\x1b" not in text
    assert "…" not in text
    assert "~" not in text
    if name == "big numbers":
        assert "75,000,000 ±" in text or "75,000,000 +-" in text
    if name == "long names":
        begins = next(line for line in lines if line.startswith("model ")).index("interpreter")
        folded = "".join(line[begins:].split(" ")[0] for line in lines if line[begins - 1 : begins] == " ")
        for interpreter in run.values("interpreter"):
            assert interpreter in folded


def test_show_obeys_no_color(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steal = {"code": "steal", "share": 0.5}
    run = Made(["serial"], ["io"], [1], ["3.13"], warnings=lambda *_: [steal]).load(tmp_path)
    colour = re.compile(r"\x1b\[[\d;]*3\d")
    text = "\n".join(shown(run, console(force_terminal=True, color_system="standard")))
    assert colour.search(text)
    assert "\x1b[33msteal\x1b[0m: the" in text  # the rest is plain
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colour.search("\n".join(shown(run, console(force_terminal=True, color_system="standard"))))


@pytest.mark.parametrize("language", ["C.UTF-8", "C"])
def test_compare_fits_into_80_columns(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LANG", language)
    monkeypatch.setenv("COLUMNS", "80")
    slow, models = {("threaded", "cpu", 4, LONG[1], pass_): 300.0 for pass_ in range(3)}, ("threaded", "multiprocess")
    folder = Made(interpreters=LONG, models=models, workloads=("cpu",), rates=slow).write(tmp_path / "run")
    assert compare.main([str(folder)]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert out.isascii() is (language == "C")
    assert re.search(r"threaded-cpu-4 +\d\.\d{3} \[\d\.\d{3}, \d\.\d{3}\] +\S", out)
    assert re.search(r"^\? not enough data in \d of 6 cells: about \d+ (min|h) more", out, re.MULTILINE)


@pytest.mark.parametrize("language", ["C.UTF-8", "C"])
def test_commands_fit_into_80_columns(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LANG", language)
    monkeypatch.setenv("COLUMNS", "80")
    build = made_build(
        version="3.14.0rc2",
        version_info=(3, 14, 0, "candidate", 2),
        freethreaded=True,
        debug=True,
        built="(main, Sep  9 2026, 10:00:00)",
        compiler="Clang 21.1.0 (https://github.com/llvm/llvm-project.git 0123456789abcdef)",
        pgo=None,
        lto=None,
        gil_enabled=False,
        jit="unavailable",
        executable="/a/long/path" * 12,
    )
    found = [Interpreter(name, build) for name in LONG]
    monkeypatch.setattr(pythons, "discover", lambda: found)
    assert pythons.main([]) == 0
    finding = host_checks.Finding("a check", "what it is " * 9, "what it costs " * 9, "how to fix it " * 9)
    monkeypatch.setattr(doctor, "run_checks", lambda _: [finding])
    assert doctor.main([]) == 0
    roles = tuple(Role(name, 1234.5, dict.fromkeys(STATES, 1.0)) for name in ("event loop", WORKER))
    accounted = Account(9.9, roles, {}, dict.fromkeys(STATES, 1.0), 99, 0.5, None, estimated=True)
    monkeypatch.setattr(account, "watch", lambda *_: accounted)
    assert account.main(["1"]) == 0
    folder = Made(["serial", "threaded"], ["cpu"], [1, 8], ["3.13"]).write(tmp_path / "run")
    assert explain.main(["threaded-cpu-8-3.13", "--from", str(folder)]) == 0
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if len(line) > 80] == []
    assert out.isascii() is (language == "C")
    assert "100.0%" in out


# GitHub Actions.


@pytest.fixture
def step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of a step's summary."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    return tmp_path / "summary.md"


EVIL = "::warning::<b>|`*x*`\n|@you ##[error]"


def test_github_folds_tables_and_runs_no_command_hidden_in_a_name(step: Path, tmp_path: Path) -> None:
    made = Made(["serial"], ["io", "cpu"], [1, 8], [EVIL, "3.13"], warnings=lambda *_: [{"code": EVIL, "x": 1}])
    lines = shown(made.load(tmp_path), console())
    commands = [line for line in lines if line.startswith("::")]
    assert [line for line in lines if "##[" in line and not line.startswith("::warning")] == []
    kinds = [command.split("::")[1].split()[0] for command in commands]
    assert kinds[:6] == ["group", "endgroup"] * 3
    assert set(kinds[6:]) == {"warning"}
    assert "::group::cpu: requests per second" in commands
    assert not any(line.strip().startswith("::") for line in lines if line not in commands)


def test_github_bounds_warnings_and_keeps_each_on_one_line(step: Path) -> None:
    out = io.StringIO()
    github.warn([("a: title, 50%", f"line {number}\nand 50%") for number in range(30)], out)
    lines = out.getvalue().splitlines()
    assert len(lines) == github.MOST_WARNINGS
    assert lines[0] == "::warning title=a%3A title%2C 50%25::line 0%0Aand 50%25"
    assert lines[-1].startswith("::warning::and 21 more")


def test_github_writes_no_commands_elsewhere() -> None:
    out = io.StringIO()
    github.warn([("a", "b")], out)
    with github.group("title", out):
        out.write("text\n")
    assert out.getvalue() == "text\n"


def test_step_summary_is_appended_and_escapes_names(step: Path, tmp_path: Path) -> None:
    step.write_text("before\n", encoding="utf-8")
    evil = "<script>`|*x*\n# no"
    run = Made(["serial", "threaded"], ["io", "cpu"], [1, 4, 8], [evil, "3.13"], meta={"command": evil}).load(tmp_path)
    step_summary.append(run, summarise(run), collect_findings(run), collect_warnings(run))
    text = step.read_text(encoding="utf-8")
    assert text.startswith("before\n## ")
    assert not re.search(r"(?<!\\)<(?!/?(details|summary)>)", text.replace(code(evil), ""))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {2 + 3 + 2 + 1}
    assert text.count("<details>") == text.count("</details>") == 2
    assert not re.search(r"^# ", text, re.MULTILINE)


def test_github_writes_the_short_summary_if_the_long_one_is_too_large(
    step: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(github, "MOST_BYTES", 100)
    github.summarise("long " * 100, "short")
    github.summarise("x" * 200, "y" * 200)
    assert step.read_text(encoding="utf-8") == "short"


def test_compare_writes_markdown_into_the_step_summary(
    step: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(Made(models=["threaded"], workloads=["cpu"]).write(tmp_path / "run"))
    assert compare.main([folder, "--format", "markdown"]) == 0
    assert step.read_text(encoding="utf-8").strip() == capsys.readouterr().out.strip()


def test_markdown_escapes_text() -> None:
    assert escape("a|b <i> `c` *d* _e_\nf #1 @g") == r"a\|b \<i\> \`c\` \*d\* \_e\_ f \#1 \@g"
    assert code("a ``b`` c") == "``` a ``b`` c ```"
    assert table(("name", "req/s"), 1, [("a|b", "1")]) == "| name | req/s |\n|---|---:|\n| a\\|b | 1 |\n"


# The cost of a plan.


@pytest.mark.parametrize(
    "changes", [{}, {"budget_s": 30.0}, {"precision": 0.01, "window_s": 0.1, "rounds": 7}, {"window_s": 2.0}]
)
def test_estimate_plan_agrees_with_the_budget(changes: dict[str, Any]) -> None:
    plan = planned(**changes)
    costs = estimate.estimate_plan(plan)
    start_and_stop_s = estimate.START_S + 2 * estimate.EACH_S
    if costs.refusal:
        with pytest.raises(GilbenchError, match=re.escape(costs.refusal)):
            budget.Budget.start(plan, start_and_stop_s)
        assert changes == {"budget_s": 30.0} or "window_s" in changes
        return
    started = budget.Budget.start(plan, start_and_stop_s)
    assert costs.window_s == pytest.approx(started.window_s(0), rel=0.01)
    assert costs.measuring_s + costs.drawing_s <= plan.budget_s + 0.1
    assert costs.windows == (plan.windows if plan.precision is None else 72 * 7 * started.passes)
    if plan.window_s is None:
        assert costs.measuring_s == pytest.approx(plan.budget_s - started.drawing_s, rel=0.01)


def test_show_prints_a_plan_with_what_it_takes() -> None:
    on, gap = console(), "subinterpreters under 3.13 needs CPython 3.14"
    estimate.show(on, planned(), [gap])
    text = " ".join(" ".join(written(on)).split())
    for part in (
        "threaded",
        "echo, io, cpu",
        "1, 4, 8",
        "3.13, 3.13t",
        "72, in 36 groups",
        "216: 3 passes",
        gap,
        "180 s",
    ):
        assert part in text
    assert "an estimate" in text
    assert re.search(r"total about 3\.\d min$", text)
    assert max(map(len, written(on))) <= 80


def test_show_is_one_figure_if_quiet_and_a_refusal_names_the_remedy() -> None:
    on = console()
    estimate.show(on, planned(), [], quiet=True)
    assert re.fullmatch(r"about 3\.\d min", "\n".join(written(on)))
    on = console(width=200)
    estimate.show(on, planned(budget_s=30.0), [], quiet=True)
    assert re.fullmatch(r"would be refused: 216 windows .* give --budget \d+s, .*", "\n".join(written(on)))
