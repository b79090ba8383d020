"""Runs as pandas frames, for notebooks: a frame of windows goes in, tidy frames come out.

The frame of :func:`load_run` may be filtered before it is passed to the others: ``cells(windows[~windows.disturbed])``.
Figures equal those of the page: both use :mod:`~bench.analysis.stats`, :mod:`~bench.analysis.comparison` and the rest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

import pandas as pd
from pandas.api.types import union_categoricals

from bench.analysis.columns import CELLS, LATENCY, NAME, RATIOS, TEXT, WINDOWS, Table, returns, shape
from bench.analysis.comparison import Comparison, compare_interpreters
from bench.analysis.disturbance import disturbed_windows
from bench.analysis.load import Run, read_run
from bench.analysis.metrics import METRICS
from bench.analysis.stats import CELL, pass_spreads
from bench.analysis.summary import summarise
from bench.analysis.verdict import Verdict
from bench.schema.run_meta import RunMeta
from loadgen.errors import InvalidInput
from loadgen.histograms.histogram import Histogram

PERCENTILES: Final = (50.0, 90.0, 99.0, 99.9, 100.0)

_RUNS: Final = "runs"
_NAMES: Final = ("model", "workload", "interpreter")  # categories, in the plan's order
_PLAIN: Final = {column.name: object for column in WINDOWS if column.dtype in {NAME, TEXT}}


@returns(WINDOWS)
def load_run(path: Path | str) -> pd.DataFrame:
    """Read a run's folder into a frame with one row per window, in the order of measurement.

    ``frame.attrs`` has the content of ``run.json``: plan, machine, interpreters with their builds. ``to_parquet()`` and
    the selection of rows keep it; ``pandas.concat()`` loses it, hence :func:`load_runs`.

    Args:
        path: the folder, for example ``results/latest``.

    Raises:
        InvalidInput: there is no such folder, it has no records, or a file in it cannot be parsed.
    """
    run = read_run(path)
    frame = _windows(run)
    frame.attrs.update(json.loads(json.dumps(run.meta.to_dict())))
    return frame


@returns(WINDOWS)
def load_runs(paths: Iterable[Path | str]) -> pd.DataFrame:
    """Read several runs' folders into one frame; the column ``run`` distinguishes them.

    Categories are in the order of the first run, followed by those that others add. ``frame.attrs["runs"]`` maps each
    run's name to the content of its ``run.json``.

    Raises:
        InvalidInput: as for :func:`load_run`; or no run is given, or one is given twice.
    """
    frames = [load_run(path) for path in paths]
    metas = {str(frame.attrs["name"]): frame.attrs for frame in frames}
    if not frames or len(metas) < len(frames):
        raise InvalidInput(f"{len(frames)} runs, {len(metas)} of them different: name each run's folder once")
    whole = _stack(frames)
    whole.attrs = {_RUNS: metas}
    return whole


@returns(CELLS)
def cells(windows: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each cell: the figures of ``summary.csv``, from these windows.

    Args:
        windows: what :func:`load_run` or :func:`load_runs` returned, or rows of it.

    Raises:
        InvalidInput: there are no rows, or they do not come from these functions.
    """
    return _per_run(windows, summarise, CELLS)


@returns(RATIOS)
def ratios(
    windows: pd.DataFrame,
    baseline: str = "",
    candidate: str = "",
    *,
    same_within: float | None = None,
    metrics: Sequence[str] = tuple(METRICS),
) -> pd.DataFrame:
    """Return the paired ratios of interpreters that were measured side by side, a row for each cell and metric.

    p-values are corrected for the number of cells passed in: select cells by your question, not by their results.

    Args:
        windows: what :func:`load_run` or :func:`load_runs` returned, or rows of it.
        baseline: name of the baseline; empty: the plan's.
        candidate: name of the candidate; empty: every other interpreter.
        same_within: ratios closer to 1 count as the same; ``None``: the plan's.
        metrics: keys of :data:`bench.analysis.metrics.METRICS`.

    Raises:
        InvalidInput: there are no rows, they do not come from these functions, or an interpreter or metric is unknown.
    """
    unknown = [name for name in metrics if name not in METRICS]
    if unknown:
        raise InvalidInput(f"unknown metric {', '.join(unknown)}: choose from {', '.join(METRICS)}")

    def compared(run: Run) -> pd.DataFrame:
        return _ratio_rows(compare_interpreters(run, baseline, candidate, same_within, tuple(metrics)), run)

    return _per_run(windows, compared, RATIOS)


@returns(LATENCY)
def latency(windows: pd.DataFrame, percentiles: Sequence[float] = PERCENTILES) -> pd.DataFrame:
    """Return percentiles of latency from the histograms, a row for each cell and percentile.

    All windows of a cell in one pass are merged, accurate to 0.1%. Figures are medians over passes, with ranges.

    Args:
        windows: what :func:`load_run` or :func:`load_runs` returned, or rows of it.
        percentiles: above 0, up to 100.

    Raises:
        InvalidInput: there are no rows, they do not come from these functions, or a percentile is out of range.
    """
    if not percentiles or not all(0 < one <= 100 for one in percentiles):
        raise InvalidInput(
            f"invalid percentiles {', '.join(map(str, percentiles)) or 'none'}: use values above 0 and up to 100"
        )
    return _per_run(windows, lambda run: _percentiles(run, percentiles), LATENCY)


def _ratio_rows(comparison: Comparison, run: Run) -> pd.DataFrame:
    rows = [{**row.to_dict(), **row.group._asdict()} for row in comparison.rows]
    frame = pd.DataFrame(rows, columns=[column.name for column in RATIOS])
    return frame.assign(
        builds_differ_in=frame["builds_differ_in"].map(" ".join),
        metric=pd.Categorical(frame["metric"], list(METRICS)),
        verdict=pd.Categorical(frame["verdict"], list(map(str, Verdict))),
        **{side: pd.Categorical(frame[side], run.values("interpreter")) for side in ("baseline", "candidate")},
    )


def _percentiles(run: Run, percentiles: Sequence[float]) -> pd.DataFrame:
    rows = []
    for visit, windows in run.windows.groupby([*CELL, "pass"], sort=False):
        together = Histogram.decode(*windows["latency_hdr"])
        key = (*cast("tuple[Any, ...]", visit), together.total)
        rows += [(*key, percent, together.percentile_ns(percent)) for percent in percentiles]
    frame = pd.DataFrame(rows, columns=[*CELL, "pass", "requests", "percentile", "latency_ns"])
    parts = []
    for percent, part in frame.groupby("percentile"):
        spread = pass_spreads(part.assign(latency_ns=pd.to_numeric(part["latency_ns"])), "latency_ns")
        requests = part.groupby(CELL)["requests"].sum()
        parts.append(spread.assign(percentile=percent, requests=requests).reset_index())
    names = {"middle": "latency_ns", "low": "latency_ns_low", "high": "latency_ns_high"}
    shown = pd.concat(parts).rename(columns=names)
    order = ["workload", "clients", "model", "interpreter", "percentile"]
    return shown.assign(**_categories(run, shown)).sort_values(order, ignore_index=True)


def _windows(run: Run) -> pd.DataFrame:
    """Return the windows of a run with the columns of :data:`~bench.analysis.columns.WINDOWS`."""
    windows = run.windows
    builds = run.meta.interpreters
    known = {name: (build.version, build.gil_enabled) for name, build in builds.items()}
    codes = windows["warnings"].map(lambda shown: [str(one.get("code", "unknown")) for one in shown])
    frame = windows.assign(
        cell=_cell(windows),
        python_version=windows["interpreter"].map(lambda name: known.get(name, (None, None))[0]),
        gil_enabled=windows["interpreter"].map(lambda name: known.get(name, (None, None))[1]),
        began=pd.to_datetime((windows["at_s"] * 1e6).round().astype("int64"), unit="us", utc=True),
        error_kinds=windows["error_kinds"].map(json.dumps),
        roles=windows["roles"].map(json.dumps),
        disturbed=disturbed_windows(run),
        warnings=codes.map(" ".join),
        **_categories(run, windows),
    )
    return shape(frame, WINDOWS)


def _categories(run: Run, frame: pd.DataFrame) -> dict[str, pd.Categorical]:
    named = {name: pd.Categorical(frame[name], run.values(name)) for name in _NAMES if name in frame}
    return {"run": pd.Categorical([run.name] * len(frame)), **named}


def _cell(frame: pd.DataFrame) -> pd.Series[str]:
    return frame[CELL[0]].astype(str).str.cat(frame[CELL[1:]].astype(str), sep="-")


def _per_run(windows: pd.DataFrame, made: Callable[[Run], pd.DataFrame], table: Table) -> pd.DataFrame:
    """Apply a function to each run that the windows come from, and stack the results."""
    frames = []
    for run in _runs(windows):
        frame = made(run)
        if set(CELL) <= set(frame.columns):
            frame = frame.assign(cell=_cell(frame))
        frames.append(shape(frame.assign(**_categories(run, frame)), table))
    return _stack(frames)


def _runs(windows: pd.DataFrame) -> Iterator[Run]:
    """Yield the runs that windows come from, as :func:`bench.analysis.load.read_run` would, with these windows only.

    Raises:
        InvalidInput: there are no rows, or they do not come from :func:`load_run`.
    """
    metas: Mapping[str, Any] = windows.attrs.get(_RUNS) or {str(windows.attrs.get("name")): windows.attrs}
    missing = {column.name for column in WINDOWS} - {*map(str, windows.columns)}
    if missing or windows.empty or not set(windows["run"]) <= metas.keys():
        raise InvalidInput(
            "these are not windows of a known run: pass the frame that load_run or load_runs returned, or rows of it"
        )
    plain = windows.astype(_PLAIN).astype({"thread_accounting_estimated": bool})
    plain.attrs = {}  # pandas copies them with every selected column
    plain["warnings"] = plain["warnings"].map(lambda codes: [{"code": code} for code in codes.split()])
    for name, part in plain.groupby("run", sort=False):
        yield Run(Path(str(name)), RunMeta.from_dict(metas[str(name)]), part.reset_index(drop=True), 0)


def _stack(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Concatenate frames with the same columns; categories are in order of first appearance."""
    if len(frames) == 1:
        return frames[0]
    named = [name for name, dtype in frames[0].dtypes.items() if isinstance(dtype, pd.CategoricalDtype)]
    together = {str(name): union_categoricals([frame[name] for frame in frames]) for name in named}
    return pd.concat(frames, ignore_index=True).assign(**together)
