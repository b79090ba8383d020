"""Live table of a run: the results of the cells that were measured last, and the progress of the run.

It fits the terminal: one line per cell, as many as there is room for, with priority for the current group.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from rich.console import Group, JustifyMethod, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bench.planning.stopping import precise_enough
from bench.schema.cell import Cell
from bench.schema.plan import Plan
from bench.schema.record import Record
from bench.stats.ratios import Ratio
from bench.terminal.console import Terminal, narrow, shorten

BLOCKS: Final = "▁▂▃▄▅▆▇█"
FLAT_WITHIN: Final = 0.1
"""A sparkline spans at least this share of the median to either side, so that noise of one percent looks flat."""
FAILED: Final = "failed"

_ROUNDING: Final = 1e-9
_AROUND: Final = 6  # lines other than cells, including the one that the cursor is left on
_LEAST, _RANGE, _RATIO = 12, 7, 13  # columns
_SPARK, _SPARK_MOST, _CODES, _CODES_MOST = 10, 30, 16, 26
_CODES_FROM, _SPARK_FROM, _RATIO_FROM, _BAR_FROM = 72, 56, 44, 60  # of a terminal
_ECHO: Final = 2  # the terminal writes ^C at the cursor: on a separate line it would spoil the table
_NAME_OF_BASELINE: Final = 16
_TO_DO, _DONE = "bright_black", "cyan"  # visible on dark and on light


class Seen(NamedTuple):
    """Result of one window.

    Attributes:
        cell: cell of the window.
        pass_: number of the pass, from 0.
        throughput_rps: requests per second.
        p99_ns: 99th percentile of the latency; ``None`` if nothing was answered.
        codes: codes of its warnings.
    """

    cell: Cell
    pass_: int
    throughput_rps: float
    p99_ns: float | None
    codes: tuple[str, ...]

    @classmethod
    def of(cls, record: Record) -> Seen:
        """Return the result in a record."""
        codes = tuple(str(warning.get("code")) for warning in record.warnings)
        return cls(record.cell, record.pass_, record.throughput_rps, record.latency_ns.p99, codes)


@dataclass
class _History:
    """All windows of a cell."""

    rates: list[float] = field(default_factory=list)
    by_pass: dict[int, list[float]] = field(default_factory=dict)
    codes: Counter[str] = field(default_factory=Counter)
    ratio: Ratio | None = None

    @property
    def passes(self) -> list[float]:
        """Throughput by pass; several windows of a pass count as their median, as in the final tables."""
        return [statistics.median(rates) for rates in self.by_pass.values()]


@dataclass
class LiveTable:
    """The table, and the results that it shows.

    Attributes:
        plan: what is measured.
        done: number of windows so far.
        pass_: number of the pass under way, from 0.
        window_s: length of its windows.
        now: the cell being measured; ``None``: servers are being started or stopped.
    """

    plan: Plan
    done: int = 0
    pass_: int = 0
    window_s: float = 0.0
    now: Cell | None = None
    _cells: dict[Cell, _History] = field(default_factory=dict)  # those last measured last

    def take(self, seen: Seen) -> None:
        """Add the result of a window."""
        history = self._update(seen.cell)
        history.rates.append(seen.throughput_rps)
        history.by_pass.setdefault(seen.pass_, []).append(seen.throughput_rps)
        history.codes.update(seen.codes)

    def fail(self, cell: Cell) -> None:
        """Note that a window could not be measured."""
        self._update(cell).codes[FAILED] += 1

    def know(self, ratios: Mapping[Cell, Ratio | None]) -> None:
        """Note how precisely ratios to the baseline are known."""
        for cell, ratio in ratios.items():
            if cell in self._cells:
                self._cells[cell].ratio = ratio

    def _update(self, cell: Cell) -> _History:
        history = self._cells.pop(cell) if cell in self._cells else _History()
        self._cells[cell] = history
        return history

    def precision(self) -> str:
        """Return in words how precisely ratios to the baseline are known; empty if no precision was requested."""
        asked = self.plan.precision
        if asked is None:
            return ""
        groups = {cell.group for cell in self.plan.cells if cell.interpreter == self.plan.baseline}
        cells = [cell for cell in self.plan.cells if cell.interpreter != self.plan.baseline and cell.group in groups]
        others = [self._cells[cell].ratio if cell in self._cells else None for cell in cells]
        enough = sum(precise_enough(one, asked) for one in others)
        baseline = shorten(self.plan.baseline, _NAME_OF_BASELINE)
        says = f"precision ±{asked * 100:.3g}%: reached by {enough} of {len(others)} ratios to {baseline}"
        known = [one.precision for one in others if one is not None and one.has_interval]
        return says + (f", the worst is {_share(max(known))}" if known and enough < len(others) else "")

    def drawn(self, console: Terminal, elapsed_s: float, left_s: float | None) -> RenderableType:
        """Return the table for a console, at most as wide and as high as it is."""
        room = console.height - _AROUND
        rows = self._rows(room)
        parts: list[RenderableType] = []
        if rows:
            parts += [self._title(console, len(rows)), self._table(console, rows), Text()]
        parts.append(self._bar(console, elapsed_s, left_s))
        if self.plan.precision is not None and room > 0:
            parts.append(console.fit(self.precision(), console.width - _ECHO))
        return Group(*parts)

    def _rows(self, room: int) -> list[Cell]:
        """Return the cells to show, in the plan's order, so that a row keeps its place while there is room."""
        under_way = [cell for cell in self.plan.cells if self.now is not None and cell.group == self.now.group]
        wanted = [*([self.now] if self.now else []), *under_way, *reversed(self._cells)]
        chosen = set(list(dict.fromkeys(wanted))[: max(0, room)])
        return [cell for cell in self.plan.cells if cell in chosen]

    def _title(self, console: Terminal, shown: int) -> Text:
        of_all = f" of {self.plan.passes}" if self.plan.precision is None else ""
        says = f"pass {self.pass_ + 1}{of_all}, windows of {self.window_s:.2f} s"
        rows = f"; {shown} of {len(self.plan.cells)} cells, those last measured"
        fits = shown < len(self.plan.cells) and len(says + rows) <= console.width
        return console.fit(says + rows if fits else says, console.width, "bold")

    def _table(self, console: Terminal, rows: Sequence[Cell]) -> Table:
        figures = {cell: self._figures(cell) for cell in rows}
        columns = self._columns(console.width, max(len(rate) for rate, _ in figures.values()))
        table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, header_style="dim")
        for title, width in columns.items():
            justify: JustifyMethod = "right" if title == "req/s" else "left"
            table.add_column(console.spell(title), width=width, no_wrap=True, justify=justify)
        for cell in rows:
            history, style = self._cells.get(cell) or _History(), "bold" if cell == self.now else ""
            rate, spread = figures[cell]
            texts = {
                "": ("▸" if cell == self.now else "", style),
                "cell": (_name(cell, columns["cell"]), style),
                "windows": (sparkline(history.rates, columns.get("windows", 0)), "cyan"),
                "req/s": (rate, style),
                "ratio": (spread, style),
                "±": (spread, style),
                "warnings": (_codes(history, columns.get("warnings", 0)), "yellow"),
            }
            table.add_row(*(console.spell(*texts[title]) for title in columns))
        return table

    def _columns(self, width: int, rate: int) -> dict[str, int]:
        """Return the titles and widths of the columns that there is room for."""
        ratio = {"±": _RANGE} if self.plan.precision is None else {"ratio": _RATIO}
        columns = {
            "": 1,
            "cell": _LEAST,
            "windows": _SPARK,
            "req/s": max(rate, len("req/s")),
            **ratio,
            "warnings": _CODES,
        }
        for title, least in (
            ("warnings", _CODES_FROM),
            ("windows", _SPARK_FROM),
            *((one, _RATIO_FROM) for one in ratio),
        ):
            if width < least:
                del columns[title]
        spare = width - sum(columns.values()) - (len(columns) - 1)
        longest = max(len(cell.name) for cell in self.plan.cells)
        for title, most in (("cell", longest), ("warnings", _CODES_MOST), ("windows", _SPARK_MOST)):
            if title in columns:
                more = max(0, min(spare, most - columns[title]))
                columns[title] += more
                spare -= more
        return columns

    def _figures(self, cell: Cell) -> tuple[str, str]:
        """Return the median over passes, and its range or, with a precision, the ratio to the baseline."""
        history = self._cells.get(cell)
        if history is None or not history.rates:
            return "–", ""
        passes = history.passes
        median = statistics.median(passes)
        spread = _share((max(passes) - min(passes)) / 2 / median) if len(passes) > 1 and median else ""
        if self.plan.precision is not None:
            spread = "baseline" if cell.interpreter == self.plan.baseline else _ratio(history.ratio)
        return rate(median), spread

    def _bar(self, console: Terminal, elapsed_s: float, left_s: float | None) -> RenderableType:
        most = "" if self.plan.precision is None else "at most "
        left = "" if left_s is None else f", {most}{clock(left_s)} left"
        says = f"{self.done} of {most}{self.plan.windows} windows, {clock(elapsed_s)} gone{left}"
        if console.width < _BAR_FROM:
            return console.fit(says, console.width - _ECHO)
        line = Table.grid(padding=(0, 2, 0, 0), expand=True)
        line.width = console.width - _ECHO
        line.add_column(ratio=1)
        line.add_column(no_wrap=True)
        bar = ProgressBar(self.plan.windows, self.done, style=_TO_DO, complete_style=_DONE, finished_style=_DONE)
        line.add_row(bar, console.spell(says))
        return line


def sparkline(values: Sequence[float], width: int) -> str:
    """Return the last ``width`` values as blocks."""
    shown = values[-width:] if width else ()
    if not shown:
        return ""
    median = statistics.median(shown)
    low, high = min(*shown, median * (1 - FLAT_WITHIN)), max(*shown, median * (1 + FLAT_WITHIN))
    step = (high - low) / len(BLOCKS) or 1.0
    return "".join(BLOCKS[min(len(BLOCKS) - 1, int((value - low) / step + _ROUNDING))] for value in shown)


def rate(value: float) -> str:
    """Return requests per second as text, such as ``1,234``."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def clock(seconds: float) -> str:
    """Return a time as minutes and seconds, ``2:05``, or with hours before them."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"


def _share(share: float) -> str:
    return f"±{share:.1%}" if share < 0.0995 else f"±{share:.0%}" if share < 9.995 else "±>999%"


def _ratio(ratio: Ratio | None) -> str:
    if ratio is None:
        return ""
    figure = f"{ratio.ratio:.3f}" if ratio.ratio < 100 else f"{ratio.ratio:.0f}"
    return figure + (f" {_share(ratio.precision)}" if ratio.has_interval else "")


def _name(cell: Cell, width: int) -> str:
    """Return a cell's name; if it is too long, its longest parts are shortened, but never the clients."""
    parts, clients = [cell.model, cell.workload, cell.interpreter], str(cell.clients)
    widths = narrow([len(part) for part in parts], width - len(clients) - 3)
    model, workload, interpreter = map(shorten, parts, widths)
    return shorten(f"{model}-{workload}-{clients}-{interpreter}", width)


def _codes(history: _History, width: int) -> str:
    """Return the most frequent code, and the number of others."""
    codes = [code for code, _ in history.codes.most_common()]
    if not codes or not width:
        return ""
    more = f" +{len(codes) - 1}" if len(codes) > 1 else ""
    return shorten(codes[0], width - len(more)) + more
