"""The cells to profile: named by their parts, by the names that a page shows, or the slowest of a run."""

from __future__ import annotations

import argparse
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from bench.errors import InvalidInput
from bench.planning import read_options
from bench.planning.options import OPTIONS
from bench.planning.resume import Interrupted, load_run
from bench.planning.run_request import RunRequest
from bench.schema.cell import Cell, parse_cell
from bench.schema.record import RECORDS, Record
from loadgen.nearest import COMPOUNDS_ALIKE, did_you_mean
from servers.deployed import EVERY
from servers.workloads import WORKLOADS

PARTS: Final = {"servers": "server", "workloads": "workload", "pythons": "python", "clients": "clients"}
"""Options of a run, and their names here."""

_DEFAULTS: Final = {"servers": "threaded", "workloads": "cpu", "clients": "4", "rounds": "5", "window": "500ms"}
_NAMED: Final = "like threaded-cpu-8-3.14: model, workload, clients, interpreter"


@dataclass(frozen=True, slots=True)
class Profiling:
    """What to profile.

    Attributes:
        request: the settings, as for a run.
        cells: the cells, in the order in which they are profiled.
        run: the folder of the run that the profiles belong to; ``None``: a new one.
    """

    request: RunRequest
    cells: tuple[Cell, ...]
    run: Path | None


def profiling(typed: argparse.Namespace) -> Profiling:
    """Read the options, and find the interpreters.

    Raises:
        InvalidInput: an option is invalid; the message gives the remedy.
    """
    common = _option_words(
        {name: getattr(typed, name.replace("-", "_")) for name in (*read_options.CHANGEABLE, "results")}
    )
    if typed.from_ is not None:
        run = load_run(typed.from_)
        return _profile_run(run, typed.cell or [_slowest(run)], common)
    if typed.slowest:
        raise InvalidInput("--slowest needs a run: name it, for example --from results/latest")
    names = [_parts(name) for name in typed.cell or ()]
    parts = {name: getattr(typed, own) for name, own in PARTS.items()}
    chosen = [dict(zip(PARTS, cell, strict=True)) for cell in names] or [parts]
    defaults = {name: option.default for name, option in OPTIONS.items()} | _DEFAULTS
    whole = defaults | common | {"passes": "1", "precision": None, "baseline": None, "name": "profile"}
    found = [read_options.read(whole | _option_words(one)) for one in chosen]
    cells = tuple(dict.fromkeys(cell for wanted in found for cell in wanted.cells))
    if not typed.cell and typed.python is None:
        cells = tuple(
            cell for cell in cells if cell.interpreter == cells[0].interpreter
        )  # half a minute is enough for one interpreter
    if len(found) > 1:
        interpreters = {name: interpreter for wanted in found for name, interpreter in wanted.interpreters.items()}
        handlers = {name: place for wanted in found for name, place in wanted.handlers.items()}
        found[0].interpreters.update(interpreters)
        found[0].handlers.update(handlers)
    return Profiling(found[0], cells, None)


def _option_words(options_: Mapping[str, Any]) -> dict[str, Any]:
    return {name: text for name, text in options_.items() if text is not None}


def _parts(name: str) -> tuple[str, ...]:
    """Split the name of a cell; models, workloads and interpreters may contain hyphens themselves.

    Raises:
        InvalidInput: there is no such cell.
    """
    cell = parse_cell(name, EVERY, WORKLOADS)
    if cell is not None:
        return cell.model, cell.workload, cell.interpreter, str(cell.clients)
    clients_and_interpreter = name.split("-")[-2:]
    cells = ["-".join((model, workload, *clients_and_interpreter)) for model in EVERY for workload in WORKLOADS]
    meant = did_you_mean(name, cells, COMPOUNDS_ALIKE)
    raise InvalidInput(f"--cell {name}: there is no such cell{meant}; write it {_NAMED}")


def _profile_run(run: Interrupted, names: Iterable[str], typed: dict[str, Any]) -> Profiling:
    """Return cells of a run with the settings of that run, except for the options given.

    Raises:
        InvalidInput: the run has no such cell, or an interpreter no longer exists.
    """
    cells = tuple(dict.fromkeys(_parse_cells(run, name) for name in names))
    wanted = read_options.request_of_run(run, cells, {"results": None, "name": "profile"} | typed)
    wanted = replace(wanted, passes=1, precision=None, baseline=next(iter(wanted.interpreters)))
    return Profiling(read_options.apply_changes(wanted, _DEFAULTS | typed), cells, run.path)


def _parse_cells(run: Interrupted, name: str) -> Cell:
    cells = {cell.name: cell for cell in run.plan.cells}
    if name in cells:
        return cells[name]
    known = ", ".join(sorted(cells)[:3])
    meant = did_you_mean(name, cells, COMPOUNDS_ALIKE)
    raise InvalidInput(f"--cell {name}: the run has no such cell{meant}; use a name from its page, for example {known}")


def _slowest(run: Interrupted) -> str:
    """Return the cell furthest behind the best with its workload and clients, by median throughput.

    Raises:
        InvalidInput: the records cannot be read, or there are none.
    """
    rates: dict[Cell, list[float]] = defaultdict(list)
    try:
        for line in (run.path / RECORDS).read_text(encoding="utf-8").splitlines():
            record = Record.from_json(line)
            rates[record.cell].append(record.throughput_rps)
    except OSError as exc:
        raise InvalidInput(f"--from {run.path}: {exc.strerror}; name a run that has records") from exc
    medians = {cell: statistics.median(found) for cell, found in rates.items()}
    best: Mapping[tuple[str, int], float] = {
        (cell.workload, cell.clients): max(
            rate for other, rate in medians.items() if (other.workload, other.clients) == (cell.workload, cell.clients)
        )
        for cell in medians
    }
    if not medians:
        raise InvalidInput(f"--from {run.path}: the run has no records; measure first, with gilbench bench")
    return min(medians, key=lambda cell: medians[cell] / (best[cell.workload, cell.clients] or 1.0)).name


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options to a parser."""
    add = parser.add_argument_group("what is profiled").add_argument
    add("--server", default=None, metavar="NAME", help=f"concurrency model (default: {_DEFAULTS['servers']})")
    add("--workload", default=None, metavar="NAME", help="as for gilbench bench, also your own handler (default: cpu)")
    add(
        "--python",
        default=None,
        metavar="LIST",
        help="interpreters, the first is the baseline (default: the newest)",
    )
    add("--clients", default=None, metavar="N", help=f"concurrent clients (default: {_DEFAULTS['clients']})")
    add("--cell", action="append", metavar="CELL", help=f"a cell by its name, {_NAMED}; can be repeated")
    add("--slowest", action="store_true", help="with --from: the cell that is furthest behind (default)")
    add(
        "--requests-per-connection",
        default=None,
        metavar="N|keep-alive",
        help="requests before a client reconnects (default: 10, or as in the run)",
    )
    add("--request", default=None, metavar="TEXT", help="the request to your own handler, as for gilbench bench")
    add("--requests", default=None, metavar="FILE", help="the requests to your own handler, as for gilbench bench")
    add("--order", default=None, metavar="ORDER", help="of several requests: sequence or random")
    add = parser.add_argument_group("how long and how precisely").add_argument
    add("--rounds", default=None, metavar="N", help=f"windows of each kind (default: {_DEFAULTS['rounds']})")
    add("--window", default=None, metavar="TIME", help=f"length of a window (default: {_DEFAULTS['window']})")
    add = parser.add_argument_group("where results go").add_argument
    add("--from", dest="from_", type=Path, metavar="RUN", help="the run whose page gets the profile")
    add("--results", default=None, metavar="FOLDER", help="where a new run goes (default: as for gilbench bench)")
