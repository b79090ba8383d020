"""Columns of the frames of :mod:`bench.analysis.frames`: the one list behind docstrings, Parquet files and docs.

Units: ``s``, ``min``, ``ns``, ``bytes``, ``MHz``; ``req/s``, requests per second; ``cores``, CPU-seconds per second;
``share``, of 1; ``ratio``; ``%``; ``count``, a number of things; empty for names, texts and booleans. Unknown values
are NaN or ``<NA>``, never 0.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple, TypeVar

import pandas as pd

from bench.schema.thread_state import THREAD_STATES

NAME: Final = "category"  # in the plan's order, which sorting and grouping keep
TEXT: Final = "str"
YES_OR_NO: Final = "boolean"  # with <NA>
COUNT: Final = "int64"
COUNT_OR_NONE: Final = "Int64"  # with <NA>
NUMBER: Final = "float64"  # with NaN; also for counts that may be unknown
TIME: Final = "datetime64[us, UTC]"


class Column(NamedTuple):
    """A column.

    Attributes:
        name: name, ending in the unit.
        unit: unit; empty if there is none.
        dtype: pandas dtype.
        meaning: description of the values.
    """

    name: str
    unit: str
    dtype: str
    meaning: str

    @property
    def kind(self) -> str:
        """The unit and dtype, as ``ns, float64``."""
        return f"{self.unit}, {self.dtype}" if self.unit else self.dtype


Table = tuple[Column, ...]

_RUN: Final = Column("run", "", NAME, "name of the run")
_MODEL: Final = Column("model", "", NAME, "concurrency model of the server")
_WORKLOAD: Final = Column("workload", "", NAME, "work of one request")
_CLIENTS: Final = Column("clients", "count", COUNT, "clients of the load generator, each with one connection at a time")
_INTERPRETER: Final = Column("interpreter", "", NAME, "name of the interpreter that ran the server")
_CELL: Final = Column("cell", "", TEXT, "model-workload-clients-interpreter, as used by commands")

_LATENCY: Final = {
    "min": "minimum",
    "mean": "mean",
    "p50": "median",
    "p90": "90th percentile",
    "p99": "99th percentile",
    "p999": "99.9th percentile",
    "max": "maximum",
}
_CONNECT: Final = {"p50": "median", "p99": "99th percentile", "max": "maximum"}
WINDOWS: Final[Table] = (
    _RUN,
    _CELL,
    _MODEL,
    _WORKLOAD,
    _CLIENTS,
    _INTERPRETER,
    Column("python_version", "", TEXT, "version of the interpreter; NaN: unknown"),
    Column("gil_enabled", "", YES_OR_NO, "whether the interpreter ran with the GIL enabled; <NA>: unknown"),
    Column(
        "requests_per_connection",
        "count",
        COUNT_OR_NONE,
        "requests sent over one connection; <NA>: unlimited (keep-alive)",
    ),
    Column("pass", "count", COUNT, "number of the pass, from 0"),
    Column("launch", "count", COUNT, "number of the server launch in this run, from 0"),
    Column(
        "round",
        "count",
        COUNT,
        "number of the window in its launch, from 0; windows of all interpreters in one pass and round are paired",
    ),
    Column("began", "", TIME, "start of the window, UTC"),
    Column("wall_s", "s", NUMBER, "length of the window"),
    Column("requests", "count", COUNT, "requests answered correctly in the window"),
    Column("throughput_rps", "req/s", NUMBER, "requests / wall_s"),
    Column("errors", "count", COUNT, "failed requests"),
    Column("error_kinds", "", TEXT, "failed requests by kind, a JSON object"),
    Column("unfinished", "count", COUNT, "requests in flight when the window ended"),
    *(
        Column(f"latency_{part}_ns", "ns", NUMBER, f"latency of the requests answered correctly: {says}")
        for part, says in _LATENCY.items()
    ),
    *(
        Column(
            f"connect_{part}_ns", "ns", NUMBER, f"time to establish a connection: {says}; NaN: no connection was made"
        )
        for part, says in _CONNECT.items()
    ),
    Column("server_cpu_s", "s", NUMBER, "CPU time of the server's process tree, user and system"),
    Column("cpu_s_per_request", "s", NUMBER, "server_cpu_s / requests answered in the same interval; NaN: none"),
    Column("server_cpu_user_s", "s", NUMBER, "CPU time of the server's process tree in user mode"),
    Column("server_cpu_system_s", "s", NUMBER, "CPU time of the server's process tree in the kernel"),
    Column("effective_cores", "cores", NUMBER, "CPU-seconds of the server per second; more than 1 means parallelism"),
    *(
        Column(f"thread_{state.key}_share", "share", NUMBER, f"share of the serving threads' time: {state.phrase}")
        for state in THREAD_STATES
    ),
    Column("thread_share_error", "share", NUMBER, "standard error of the least certain of these shares"),
    Column("roles", "", TEXT, "the same shares and the number of threads for each thread role, a JSON object"),
    Column("waiting_connections", "count", NUMBER, "mean number of connections not yet taken by a worker"),
    Column("thread_accounting_unknown", "", TEXT, "why the shares are unknown; NaN if they are known"),
    Column(
        "thread_accounting_estimated", "", YES_OR_NO, "whether threads started or ended, so that shares are estimates"
    ),
    Column("context_switches_voluntary", "count", NUMBER, "number of times the server gave up a CPU to wait"),
    Column("context_switches_involuntary", "count", NUMBER, "number of times the server was preempted"),
    Column(
        "context_switches_estimated",
        "",
        YES_OR_NO,
        "whether threads or processes started or ended, so that the numbers are estimates",
    ),
    Column("page_faults_minor", "count", NUMBER, "page faults of the server that needed no disk"),
    Column("page_faults_major", "count", NUMBER, "page faults of the server that needed the disk"),
    Column("peak_rss_bytes", "bytes", NUMBER, "sum of the largest resident set of each of the server's processes"),
    Column("pss_bytes", "bytes", NUMBER, "memory of the server's processes at the end, shared pages counted once"),
    Column(
        "background_rps", "req/s", NUMBER, "throughput of the computing clients (workload mixed); NaN: there were none"
    ),
    Column("generator_cpu_s", "s", NUMBER, "CPU time of the load engine's thread"),
    Column(
        "generator_utilisation", "share", NUMBER, "share of the window in which this thread was not waiting for events"
    ),
    Column("foreign_cpu_s", "s", NUMBER, "CPU time of everything except the server and the load generator"),
    Column("steal_share", "share", NUMBER, "share of the machine's CPU time taken by its host"),
    Column("cpu_mhz", "MHz", NUMBER, "mean clock frequency of the CPUs at the end of the window"),
    Column("throttled", "count", NUMBER, "number of times a core was throttled because of heat"),
    Column("disturbed", "", YES_OR_NO, "whether other programs or the machine's host took CPU time"),
    Column("warnings", "", TEXT, "warning codes of this window, joined by spaces; empty: none"),
    Column("latency_hdr", "", TEXT, "full latency histogram in HdrHistogram's compressed V2 encoding, base64"),
)

_UNIT_OF: Final = {column.name: column for column in WINDOWS}


def _spread_columns(name: str, *, ranged: bool) -> Iterator[Column]:
    """Yield the column of a median over passes and, if ``ranged``, those of its range."""
    of = _UNIT_OF[name]
    yield of._replace(dtype=NUMBER, meaning=f"{of.meaning}: median over passes")
    if ranged:
        yield Column(f"{name}_low", of.unit, NUMBER, "lowest pass; NaN with one pass")
        yield Column(f"{name}_high", of.unit, NUMBER, "highest pass; NaN with one pass")


CELLS: Final[Table] = (
    _RUN,
    _CELL,
    _MODEL,
    _WORKLOAD,
    _CLIENTS,
    _INTERPRETER,
    Column("passes", "count", COUNT, "number of passes with a window of the cell"),
    *_spread_columns("throughput_rps", ranged=True),
    Column("speedup", "ratio", NUMBER, "throughput / serial's in the same pass: median; NaN: serial was not measured"),
    Column("speedup_low", "ratio", NUMBER, "lowest pass; NaN with one pass"),
    Column("speedup_high", "ratio", NUMBER, "highest pass; NaN with one pass"),
    *(
        column
        for name in (
            *("effective_cores", "latency_p50_ns", "latency_p99_ns", "latency_p999_ns"),
            *("connect_p99_ns", "cpu_s_per_request", "peak_rss_bytes", "pss_bytes"),
        )
        for column in _spread_columns(name, ranged=True)
    ),
    *(
        column
        for name in (
            *("server_cpu_s", "generator_utilisation", "requests"),
            *(*(f"thread_{state.key}_share" for state in THREAD_STATES), "thread_share_error"),
        )
        for column in _spread_columns(name, ranged=False)
    ),
    Column(
        "thread_accounting_estimated",
        "",
        YES_OR_NO,
        "whether threads started or ended in a window, so that shares are estimates",
    ),
    Column("errors", "count", COUNT, "failed requests of all windows"),
    Column("warnings", "", TEXT, "warning codes of all windows, joined by spaces"),
)

RATIOS: Final[Table] = (
    _RUN,
    _MODEL,
    _WORKLOAD,
    _CLIENTS,
    Column("metric", "", NAME, "throughput, latency_p50, latency_p99 or cpu_per_request"),
    Column("baseline", "", NAME, "interpreter in the denominator"),
    Column("candidate", "", NAME, "interpreter in the numerator"),
    Column("ratio", "ratio", NUMBER, "candidate / baseline, geometric mean over launches of the servers"),
    Column("low", "ratio", NUMBER, "lower end of its confidence interval; NaN with one launch"),
    Column("high", "ratio", NUMBER, "upper end of its confidence interval; NaN with one launch"),
    Column("verdict", "", NAME, "of the candidate: faster (less, for latency and CPU), slower, same or undecided"),
    Column(
        "p_adjusted", "", NUMBER, "p-value of no difference, corrected for the number of rows of this metric and pair"
    ),
    Column("confidence", "share", NUMBER, "confidence level of the interval"),
    Column("launches", "count", COUNT, "number of server launches behind the ratio"),
    Column(
        "minutes_more", "min", NUMBER, "further measuring time that would probably decide it; NaN: decided, or unknown"
    ),
    Column("disturbed_share", "share", NUMBER, "share of both sides' windows that were disturbed"),
    Column("ratio_undisturbed", "ratio", NUMBER, "ratio without the disturbed windows; NaN: none left, or unknown"),
    Column("builds_differ_in", "", TEXT, "fields other than the version in which the builds differ, joined by spaces"),
)

LATENCY: Final[Table] = (
    _RUN,
    _CELL,
    _MODEL,
    _WORKLOAD,
    _CLIENTS,
    _INTERPRETER,
    Column("percentile", "%", NUMBER, "percentage of a pass's requests that took no longer"),
    Column("latency_ns", "ns", NUMBER, "latency at this percentile: median over passes; NaN: no request was answered"),
    Column("latency_ns_low", "ns", NUMBER, "lowest pass; NaN with one pass"),
    Column("latency_ns_high", "ns", NUMBER, "highest pass; NaN with one pass"),
    Column(
        "requests", "count", COUNT, "requests of all passes; with fewer than 1000, the 99.9th percentile is the slowest"
    ),
)

TABLES: Final = {"windows": WINDOWS, "cells": CELLS, "ratios": RATIOS, "latency": LATENCY}


def shape(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Return a frame with a table's columns, in its order and with its dtypes; existing categories are kept.

    Raises:
        KeyError: a column is missing.
    """
    columns = {column.name: _convert(frame[column.name], column.dtype) for column in table}
    return pd.DataFrame(columns)


def _convert(values: pd.Series[Any], dtype: str) -> pd.Series[Any]:
    if dtype == NAME and isinstance(values.dtype, pd.CategoricalDtype):
        return values
    return values.astype(dtype)  # type: ignore[call-overload, no-any-return]  # dtype known only at run time


def markdown_table(table: Table) -> str:
    """Return a markdown table of columns for the documentation."""
    rows = (f"| `{one.name}` | {one.unit} | `{one.dtype}` | {one.meaning} |\n" for one in table)
    return "| column | unit | type | meaning |\n|---|---|---|---|\n" + "".join(rows)


_Function = TypeVar("_Function", bound=Callable[..., pd.DataFrame])


def returns(table: Table) -> Callable[[_Function], _Function]:
    """Return a decorator that appends a table of columns to a function's docstring."""

    def document_columns(function: _Function) -> _Function:
        lines = [f"    {one.name} ({one.kind}): {one.meaning}" for one in table]
        function.__doc__ = "\n".join([inspect.cleandoc(function.__doc__ or ""), "", "Columns:", *lines])
        return function

    return document_columns
