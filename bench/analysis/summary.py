"""Summary of a run, one row for each cell."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from bench.analysis.load import Run
from bench.analysis.stats import CELL, pass_spreads, speedups
from bench.schema.thread_state import THREAD_STATES

# Column of the windows: whether its range over passes is shown in addition to its median.
_MEDIANS: Final = {
    "throughput_rps": True,
    "effective_cores": True,
    "latency_p50_ns": True,
    "latency_p99_ns": True,
    "latency_p999_ns": True,
    "connect_p99_ns": True,
    "cpu_s_per_request": True,
    "peak_rss_bytes": True,
    "pss_bytes": True,
    "server_cpu_s": False,
    "generator_utilisation": False,
    "requests": False,
    **{f"thread_{state.key}_share": False for state in THREAD_STATES},
    "thread_share_error": False,
}


def summarise(run: Run) -> pd.DataFrame:
    """Return the cells of a run, one row each, in the plan's order.

    Returns:
        Columns: the cell (model, workload, clients, interpreter); ``passes``; for each figure its median over passes
        under its own name (``throughput_rps``), and its range as ``throughput_rps_low`` and ``_high``, NaN with one
        pass; ``thread_cpu_share`` and the like, shares of the serving threads' time, NaN if unknown,
        ``thread_share_error``, the standard error of the least certain of them in a window, and
        ``thread_accounting_estimated``, whether threads started or ended; ``speedup`` over serial, with range, NaN
        without serial; ``errors``, the failed requests of all windows; ``warnings``, the warning codes of all windows,
        joined by spaces.
    """
    cells = run.windows.groupby(CELL)
    columns: dict[str, pd.Series[Any]] = {"passes": cells["pass"].nunique()}
    columns |= _name_columns("speedup", speedups(run.windows), ranged=True)
    for name, ranged in _MEDIANS.items():
        columns |= _name_columns(name, pass_spreads(run.windows, name), ranged=ranged)
    columns["thread_accounting_estimated"] = cells["thread_accounting_estimated"].agg(lambda values: bool(any(values)))
    columns["errors"] = cells["errors"].sum()
    columns["warnings"] = cells["warnings"].agg(_codes)
    frame = pd.DataFrame(columns).reset_index()
    ranks = {name: {value: rank for rank, value in enumerate(run.values(name))} for name in CELL}
    frame = frame.sort_values(
        ["workload", "clients", "model", "interpreter"],
        key=lambda column: column.map(ranks[str(column.name)]),
        ignore_index=True,
    )
    first = [*CELL, "passes", "throughput_rps", "throughput_rps_low", "throughput_rps_high"]
    return frame[first + [name for name in frame.columns if name not in first]]


def to_csv(summary: pd.DataFrame) -> str:
    """Return a summary as CSV; the same records give the same text."""
    return summary.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def _name_columns(name: str, spread: pd.DataFrame, *, ranged: bool) -> dict[str, pd.Series[Any]]:
    ends = {f"{name}_low": spread["low"], f"{name}_high": spread["high"]} if ranged else {}
    return {name: spread["middle"], **ends}


def _codes(lists: pd.Series[Any]) -> str:
    return " ".join(sorted({str(warning.get("code", "unknown")) for warnings in lists for warning in warnings}))
