"""The columns of the frames of :mod:`bench.analysis.frames`: the one list that docstrings, Parquet files and docs show.

Units: ``s``, ``min``, ``ns``, ``bytes``, ``MHz``; ``req/s``, requests per second; ``cores``, CPU-seconds per second;
``share``, of 1; ``ratio``; ``%``; ``count``, how many; none for names, texts and answers. What is not known is NaN or
``<NA>``, never 0.
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
NUMBER: Final = "float64"  # with NaN: a count that may be unknown as well
TIME: Final = "datetime64[us, UTC]"


class Column(NamedTuple):
    """A column.

    Attributes:
        name: of it, with the unit at its end.
        unit: empty where there is none.
        dtype: of pandas.
        meaning: what it holds.
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
_WORKLOAD: Final = Column("workload", "", NAME, "what one request costs")
_CLIENTS: Final = Column("clients", "count", COUNT, "clients of the load, each with one connection at a time")
_INTERPRETER: Final = Column("interpreter", "", NAME, "name of the interpreter that ran the server")
_CELL: Final = Column("cell", "", TEXT, "model-workload-clients-interpreter, as commands take it")

_LATENCY: Final = {
    "min": "the least",
    "mean": "mean",
    "p50": "median",
    "p90": "90th percentile",
    "p99": "99th percentile",
    "p999": "99.9th percentile",
    "max": "the greatest",
}
_CONNECT: Final = {"p50": "median", "p99": "99th percentile", "max": "the greatest"}
WINDOWS: Final[Table] = (
    _RUN,
    _CELL,
    _MODEL,
    _WORKLOAD,
    _CLIENTS,
    _INTERPRETER,
    Column("python_version", "", TEXT, "version of the interpreter; NaN: not known"),
    Column("gil_enabled", "", YES_OR_NO, "whether the interpreter ran with its GIL on; <NA>: not known"),
    Column(
        "requests_per_connection", "count", COUNT_OR_NONE, "requests over one connection; <NA>: no end (keep-alive)"
    ),
    Column("pass", "count", COUNT, "which pass, from 0"),
    Column("launch", "count", COUNT, "which launch of a server in this run, from 0"),
    Column(
        "round",
        "count",
        COUNT,
        "which window of that launch, from 0; all interpreters' in one pass and round are a pair",
    ),
    Column("began", "", TIME, "when the window began, UTC"),
    Column("wall_s", "s", NUMBER, "length of the window"),
    Column("requests", "count", COUNT, "requests answered rightly in the window"),
    Column("throughput_rps", "req/s", NUMBER, "requests / wall_s"),
    Column("errors", "count", COUNT, "failed requests"),
    Column("error_kinds", "", TEXT, "failed requests by kind, a JSON object"),
    Column("unfinished", "count", COUNT, "requests in flight when the window ended"),
    *(
        Column(f"latency_{part}_ns", "ns", NUMBER, f"latency of the requests answered rightly: {says}")
        for part, says in _LATENCY.items()
    ),
    *(
        Column(f"connect_{part}_ns", "ns", NUMBER, f"time to establish a connection: {says}; NaN: none was made")
        for part, says in _CONNECT.items()
    ),
    Column("server_cpu_s", "s", NUMBER, "CPU time of the server's process tree, user and system"),
    Column("cpu_s_per_request", "s", NUMBER, "server_cpu_s / requests answered in its interval; NaN: none"),
    Column("server_cpu_user_s", "s", NUMBER, "CPU time of the server's process tree in user mode"),
    Column("server_cpu_system_s", "s", NUMBER, "CPU time of the server's process tree in the kernel"),
    Column("effective_cores", "cores", NUMBER, "CPU-seconds of the server a second; more than 1 is parallelism"),
    *(
        Column(f"thread_{state.key}_share", "share", NUMBER, f"share of the serving threads' time: {state.phrase}")
        for state in THREAD_STATES
    ),
    Column("thread_share_error", "share", NUMBER, "standard error of the least certain of these shares"),
    Column("roles", "", TEXT, "the same shares for each role of thread, and how many threads, a JSON object"),
    Column("waiting_connections", "count", NUMBER, "connections that no worker had taken yet, on average"),
    Column("thread_accounting_unknown", "", TEXT, "why there are no shares; NaN where there are"),
    Column("thread_accounting_estimated", "", YES_OR_NO, "whether threads came and went, so that shares are estimates"),
    Column("context_switches_voluntary", "count", NUMBER, "times that the server gave a CPU up to wait"),
    Column("context_switches_involuntary", "count", NUMBER, "times that the server lost a CPU to somebody else"),
    Column("context_switches_estimated", "", YES_OR_NO, "whether threads or processes came and went, as above"),
    Column("page_faults_minor", "count", NUMBER, "page faults of the server that needed no disk"),
    Column("page_faults_major", "count", NUMBER, "page faults of the server that needed the disk"),
    Column("peak_rss_bytes", "bytes", NUMBER, "sum of the largest resident set of each of the server's processes"),
    Column(
        "background_rps", "req/s", NUMBER, "what computing clients got meanwhile (workload mixed); NaN: there were none"
    ),
    Column("generator_cpu_s", "s", NUMBER, "CPU time of the load engine's thread"),
    Column("generator_utilisation", "share", NUMBER, "share of the window that this thread did not wait for events"),
    Column("foreign_cpu_s", "s", NUMBER, "CPU time of everything but the server and the load generator"),
    Column("steal_share", "share", NUMBER, "share of the machine's CPU time that its host took"),
    Column("cpu_mhz", "MHz", NUMBER, "clock of the CPUs at the window's end, their mean"),
    Column("throttled", "count", NUMBER, "times that a core was slowed for being too hot"),
    Column("disturbed", "", YES_OR_NO, "whether other programs or the machine's host took CPU time"),
    Column("warnings", "", TEXT, "codes of what spoils this window, joined by spaces; empty: nothing"),
    Column("latency_hdr", "", TEXT, "the whole latency histogram: HdrHistogram's compressed V2 encoding, in base64"),
)

_UNIT_OF: Final = {column.name: column for column in WINDOWS}


def _spread_columns(name: str, *, ranged: bool) -> Iterator[Column]:
    """Yield the columns of a median over passes, and of its range where that is shown."""
    of = _UNIT_OF[name]
    yield of._replace(dtype=NUMBER, meaning=f"{of.meaning}: median over passes")
    if ranged:
        yield Column(f"{name}_low", of.unit, NUMBER, "its lowest pass; NaN with one pass")
        yield Column(f"{name}_high", of.unit, NUMBER, "its highest pass; NaN with one pass")


CELLS: Final[Table] = (
    _RUN,
    _CELL,
    _MODEL,
    _WORKLOAD,
    _CLIENTS,
    _INTERPRETER,
    Column("passes", "count", COUNT, "how many passes it was measured in"),
    *_spread_columns("throughput_rps", ranged=True),
    Column(
        "speedup", "ratio", NUMBER, "throughput over serial's of the same pass: median; NaN: serial was not measured"
    ),
    Column("speedup_low", "ratio", NUMBER, "its lowest pass; NaN with one pass"),
    Column("speedup_high", "ratio", NUMBER, "its highest pass; NaN with one pass"),
    *(
        column
        for name in (
            *("effective_cores", "latency_p50_ns", "latency_p99_ns", "latency_p999_ns"),
            *("connect_p99_ns", "cpu_s_per_request", "peak_rss_bytes"),
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
        "whether threads came and went in a window, so that shares are estimates",
    ),
    Column("errors", "count", COUNT, "failed requests of all windows"),
    Column("warnings", "", TEXT, "codes met in any window, joined by spaces"),
)

RATIOS: Final[Table] = (
    _RUN,
    _MODEL,
    _WORKLOAD,
    _CLIENTS,
    Column("metric", "", NAME, "throughput, latency_p50, latency_p99 or cpu_per_request"),
    Column("baseline", "", NAME, "interpreter below the line"),
    Column("candidate", "", NAME, "interpreter above the line"),
    Column("ratio", "ratio", NUMBER, "candidate / baseline, geometric mean over launches of the servers"),
    Column("low", "ratio", NUMBER, "lower end of its confidence interval; NaN with one launch"),
    Column("high", "ratio", NUMBER, "upper end of its confidence interval; NaN with one launch"),
    Column("verdict", "", NAME, "of the candidate: faster (of latency and CPU: less), slower, same or undecided"),
    Column("p_adjusted", "", NUMBER, "p-value of there being no difference, corrected for the rows of this metric"),
    Column("confidence", "share", NUMBER, "of the interval"),
    Column("launches", "count", COUNT, "launches of the servers that it rests on"),
    Column("minutes_more", "min", NUMBER, "time that would probably decide it; NaN where it is decided, or unknown"),
    Column("disturbed_share", "share", NUMBER, "share of both sides' windows that were disturbed"),
    Column("ratio_undisturbed", "ratio", NUMBER, "the ratio without those; NaN: nothing is left, or not known"),
    Column("builds_differ_in", "", TEXT, "what of the two builds differs besides the version, joined by spaces"),
)

LATENCY: Final[Table] = (
    _RUN,
    _CELL,
    _MODEL,
    _WORKLOAD,
    _CLIENTS,
    _INTERPRETER,
    Column("percentile", "%", NUMBER, "share of a pass's requests that took no longer"),
    Column(
        "latency_ns", "ns", NUMBER, "latency that they did not exceed: median over passes; NaN: nothing was answered"
    ),
    Column("latency_ns_low", "ns", NUMBER, "its lowest pass; NaN with one pass"),
    Column("latency_ns_high", "ns", NUMBER, "its highest pass; NaN with one pass"),
    Column("requests", "count", COUNT, "in the histograms of all passes; of fewer than 1000 the 99.9th is the slowest"),
)

TABLES: Final = {"windows": WINDOWS, "cells": CELLS, "ratios": RATIOS, "latency": LATENCY}


def shape(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Return a frame with the columns of a table, in its order and of its types; categories that are there stay.

    Raises:
        KeyError: one is missing.
    """
    columns = {column.name: _convert(frame[column.name], column.dtype) for column in table}
    return pd.DataFrame(columns)


def _convert(values: pd.Series[Any], dtype: str) -> pd.Series[Any]:
    if dtype == NAME and isinstance(values.dtype, pd.CategoricalDtype):
        return values
    return values.astype(dtype)  # type: ignore[call-overload, no-any-return]  # a type that is known at run time


def markdown_table(table: Table) -> str:
    """Return a table of columns for the documentation, in markdown."""
    rows = (f"| `{one.name}` | {one.unit} | `{one.dtype}` | {one.meaning} |\n" for one in table)
    return "| column | unit | type | meaning |\n|---|---|---|---|\n" + "".join(rows)


_Function = TypeVar("_Function", bound=Callable[..., pd.DataFrame])


def returns(table: Table) -> Callable[[_Function], _Function]:
    """Return a decorator that puts a table of columns at the end of a function's docstring."""

    def document_columns(function: _Function) -> _Function:
        lines = [f"    {one.name} ({one.kind}): {one.meaning}" for one in table]
        function.__doc__ = "\n".join([inspect.cleandoc(function.__doc__ or ""), "", "Columns:", *lines])
        return function

    return document_columns
