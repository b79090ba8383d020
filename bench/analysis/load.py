"""Read a run's folder into a :class:`Run`."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from bench.schema.cell import MIXED, Cell, parse_workload
from bench.schema.plan import Plan
from bench.schema.record import RECORDS, Record, field_names
from bench.schema.run_meta import RunMeta, read_meta
from loadgen.errors import InvalidInput

PAGE: Final = "report.html"
_PINNED: Final = re.compile(r"\+cpus=(\d+)")

# Objects in a record become columns whose names end in the unit.
_FLAT: Final = {
    "latency_ns": "latency_{}_ns",
    "connect_ns": "connect_{}_ns",
    "server_cpu_s": "server_cpu_{}_s",
    "context_switches": "context_switches_{}",
    "page_faults": "page_faults_{}",
    "thread_states": "thread_{}_share",
}
_NOT_NUMBERS: Final = {
    *("model", "workload", "interpreter", "latency_hdr", "context_switches_estimated", "error_kinds", "warnings"),
    *("roles", "thread_accounting_unknown", "thread_accounting_estimated"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A run, as stored in its folder.

    Attributes:
        folder: where it was read from.
        meta: the content of ``run.json``.
        windows: a row for each record. Columns are the record's fields, flattened, each with its unit in its name
            (``latency_p99_ns``, ``server_cpu_user_s``, ...). In addition, ``server_cpu_s`` is user and system time
            together, ``cpu_s_per_request`` the same per answered request, ``errors`` the number of failed requests,
            ``error_kinds`` their number by kind, ``roles`` the thread accounting of each role, ``background_rps`` the
            throughput of computing clients, ``latency_hdr`` the full histogram as encoded by
            :mod:`loadgen.histograms.hdr_encoding`. NaN: unknown.
        dropped_lines: number of records cut short by a crash and left out: 0 or 1.
    """

    folder: Path
    meta: RunMeta
    windows: pd.DataFrame
    dropped_lines: int

    @property
    def plan(self) -> Plan | None:
        """The plan of the run; ``None`` if unknown."""
        return self.meta.plan

    @property
    def objective(self) -> str:
        """The objective of its recommendation."""
        return self.plan.objective if self.plan else "throughput"

    @property
    def baseline(self) -> str:
        """The interpreter that others are compared with."""
        return (self.plan.baseline if self.plan else "") or str(self.values("interpreter")[0])

    def is_free(self, interpreter: str) -> bool:
        """Return whether an interpreter ran without a GIL."""
        build = self.meta.interpreters.get(interpreter)
        return build is not None and not build.gil_enabled

    def variants(self, interpreter: str) -> str:
        """Return the variants of an interpreter, such as ``+jit``; empty: none, or unknown."""
        build = self.meta.interpreters.get(interpreter)
        return build.variants if build else ""

    def pinned_cpus(self, interpreter: str) -> int | None:
        """Return how many CPUs the servers of an interpreter were pinned to; ``None``: to none."""
        found = _PINNED.search(self.variants(interpreter))
        return int(found[1]) if found else None

    def pool_size(self, model: str, interpreter: str) -> int | None:
        """Return the number of workers of a model with a pool; ``None``: it has none, or its size is unknown."""
        return self.meta.pools.get(model, {}).get(interpreter)

    def packages(self, model: str, interpreter: str) -> dict[str, str]:
        """Return the version of each package of a deployed server; empty: a reference model, or unknown."""
        found = self.meta.deployed.get(model, {}).get(interpreter)
        return found.packages if found else {}

    def values(self, column: str) -> list[Any]:
        """Return the measured values of model, workload, clients or interpreter, in the plan's order."""
        measured = list(dict.fromkeys(self.windows[column].tolist()))
        if column == "clients":
            return sorted(measured)
        planned = self.plan.values(column) if self.plan else []
        return [v for v in planned if v in measured] + sorted(v for v in measured if v not in planned)

    def computing_clients(self) -> list[int]:
        """Return the numbers of computing clients that ``mixed`` was measured with."""
        numbers = (clients for served, clients in map(parse_workload, self.values("workload")) if served == MIXED)
        return sorted(clients for clients in numbers if clients is not None)

    @property
    def cells(self) -> list[Cell]:
        """Cells with a window, in the order of their first window."""
        return [Cell(*key) for key in self.windows[list(Cell._fields)].drop_duplicates().itertuples(index=False)]

    def machine_differences(self, other: Run) -> tuple[str, ...]:
        """Return in what the machines of two runs differ, the other's value first; empty: in nothing known."""
        here = self.meta.machine
        return ("one is not known",) if here is None else here.differences(other.meta.machine)

    @property
    def memory_column(self) -> str:
        """Column of a server's memory: ``pss_bytes`` if it is known for all windows, else ``peak_rss_bytes``."""
        return "peak_rss_bytes" if self.windows["pss_bytes"].isna().any() else "pss_bytes"

    @property
    def name(self) -> str:
        return self.meta.name

    @property
    def cpus(self) -> float | None:
        """CPUs that the run could keep busy, fewer than 1 by a quota; ``None`` where not known."""
        return self.meta.machine.usable_cpus if self.meta.machine else None


def read_run(path: Path | str) -> Run:
    """Read a run's folder.

    A last line cut short by a crash is dropped and counted.

    Raises:
        InvalidInput: there is no such folder, it has no records, or a file in it cannot be parsed.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise InvalidInput(
            f"{folder} is not a folder: name a run's folder such as results/latest, or create one with gilbench bench"
        )
    try:
        meta = read_meta(folder)
        records, dropped = _read_records(folder / RECORDS)
    except OSError as exc:
        raise InvalidInput(
            f"cannot read {exc.filename}: {exc.strerror}; name a run's folder such as results/latest"
        ) from exc
    if not records:
        raise InvalidInput(f"{folder / RECORDS} holds no complete record: measure again with gilbench bench")
    try:
        windows = _tidy(records)
    except (ValueError, TypeError, AttributeError) as exc:
        raise InvalidInput(f"{folder / RECORDS} has a field of the wrong type: {exc}; restore the file") from exc
    return Run(folder, meta, windows, dropped)


def _read_records(path: Path) -> tuple[list[Record], int]:
    *whole, last = path.read_bytes().split(b"\n")
    lines = list(enumerate(whole, 1))
    dropped = 0
    if last.strip():
        if _is_json(last):
            lines.append((len(lines) + 1, last))
        else:
            dropped = 1
    return [_read_record(path, number, line) for number, line in lines if line.strip()], dropped


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _read_record(path: Path, number: int, line: bytes) -> Record:
    try:
        return Record.from_json(line.decode(errors="replace"))
    except InvalidInput as exc:
        raise InvalidInput(f"{path}, line {number}: {exc}") from exc


def _tidy(records: list[Record]) -> pd.DataFrame:
    frame = pd.DataFrame([_flatten(record) for record in records])
    for name in frame.columns.difference(list(_NOT_NUMBERS)):
        frame[name] = pd.to_numeric(frame[name])
    return frame


def _shallow(fields: object) -> dict[str, Any]:
    """Return a dataclass's fields without deep copies, which would be most of the cost of reading a run."""
    kind: type = fields.__class__
    return {name: getattr(fields, name) for name in field_names(kind)}


def _flatten(record: Record) -> dict[str, Any]:
    fields = _shallow(record)
    flat: dict[str, Any] = {
        "model": str(fields.pop("model")),
        "workload": str(fields.pop("workload")),
        "clients": int(fields.pop("clients")),
        "interpreter": str(fields.pop("interpreter")),
        "pass": int(fields.pop("pass_")),
        "launch": int(fields.pop("launch")),
        "round": int(fields.pop("round_")),
    }
    del fields["schema"]
    kinds = dict(fields.pop("errors"))
    del fields["background_load"]
    interval = fields.pop("cpu_interval")
    answered = record.requests if interval is None else interval.requests
    thread_accounting = _shallow(fields.pop("thread_accounting"))
    warnings = [dict(warning) for warning in fields.pop("warnings")]
    for name, value in fields.items():
        if name in _FLAT:
            flat |= {_FLAT[name].format(part): figure for part, figure in _shallow(value).items()}
        else:
            flat[name] = value
    return flat | {
        "server_cpu_s": record.server_cpu_s.total,
        "cpu_s_per_request": record.server_cpu_s.total / answered if answered else math.nan,
        "background_rps": math.nan if record.background_load is None else record.background_load.throughput_rps,
        "errors": sum(kinds.values()),
        "error_kinds": kinds,
        "roles": thread_accounting["roles"],
        "waiting_connections": thread_accounting["waiting_connections"],
        "thread_share_error": max(thread_accounting["errors"].values(), default=math.nan),
        "thread_accounting_unknown": thread_accounting["unknown"],
        "thread_accounting_estimated": thread_accounting["estimated"],
        "warnings": warnings,
    }
