"""A run in a terminal of 80 columns: a table for each workload, then sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.analysis import wording
from bench.analysis.cautions import Caution
from bench.analysis.findings import Finding
from bench.analysis.load import Run
from bench.analysis.recommend import recommendations

CLIENTS_SHOWN: Final = 3  # as many as fit; the summary has them all


def show(console: Console, run: Run, summary: pd.DataFrame, found: Sequence[Finding], wary: Sequence[Caution]) -> None:
    """Write the tables, the findings and the cautions."""
    clients = _shown(run.values("clients"))
    for workload in run.values("workload"):
        console.print()
        console.print(_table(run, summary[summary["workload"] == workload], workload, clients))
    if summary["split_cpu_share"].notna().any():
        console.print()
        console.print(_split_table(summary, clients[-1]))
    console.print()
    note = "req/s: median ± half the range over passes." if run.windows["pass"].nunique() > 1 else "req/s: of one pass."
    hidden = len(run.values("clients")) - len(clients)
    note += f" {wording.plural(hidden, 'number')} of clients left out: see summary.csv." if hidden else ""
    console.print(Text(note, style="dim"))
    console.print()
    for finding in found:
        console.print(Text.assemble((finding.subject, "bold"), f": {finding.says}"))
    best = list(recommendations(run))
    if best:
        console.print()
        console.print(Text("what serves best, by " + str(run.section("plan").get("objective") or "throughput"), "bold"))
    for one in best:
        console.print(Text.assemble((one.workload, "bold"), f": {one.says}"))
    if wary:
        console.print()
    for caution in wary:
        console.print(Text.assemble((caution.code, "yellow"), str(caution)[len(caution.code) :]))


def _shown(clients: list[int]) -> list[int]:
    return clients if len(clients) <= CLIENTS_SHOWN else [clients[0], *clients[1 - CLIENTS_SHOWN :]]


def _empty(title: str) -> Table:
    return Table(
        title=Text(title, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        show_edge=False,
    )


def _table(run: Run, rows: pd.DataFrame, workload: str, clients: list[int]) -> Table:
    top = clients[-1]
    table = _empty(f"{workload}: requests per second")
    table.add_column("model", overflow="ellipsis", no_wrap=True)
    table.add_column("target", overflow="ellipsis", no_wrap=True, max_width=12)
    for count in clients:
        table.add_column(wording.plural(count, "client"), justify="right", no_wrap=True)
    table.add_column(f"cores@{top}", justify="right", no_wrap=True)
    table.add_column(f"p99@{top} ms", justify="right", no_wrap=True)
    cells = {(row["model"], row["target"], row["clients"]): row for _, row in rows.iterrows()}
    for model in run.values("model"):
        for target in run.values("target"):
            here = [cells.get((model, target, count)) for count in clients]
            if not any(row is not None for row in here):
                continue
            last = here[-1]
            table.add_row(
                Text(model),
                Text(target),
                *(wording.UNKNOWN if row is None else _rate(row) for row in here),
                wording.UNKNOWN if last is None else wording.ratio(last["effective_cores"]),
                wording.UNKNOWN if last is None else wording.milliseconds(last["latency_p99_ns"]),
            )
    return table


def _split_table(summary: pd.DataFrame, clients: int) -> Table:
    """Return where the time of the threads that serve went."""
    table = _empty(f"where the serving threads' time went, {wording.plural(clients, 'client')}")
    for title in ("workload", "model", "target"):
        table.add_column(title, overflow="ellipsis", no_wrap=True, max_width=15)
    for title in wording.SPLIT.values():
        table.add_column(title, justify="right", no_wrap=True)
    for _, row in summary[summary["clients"] == clients].iterrows():
        shares = (wording.share(float(row[f"split_{state}_share"])) for state in wording.SPLIT)
        table.add_row(Text(row["workload"]), Text(row["model"]), Text(row["target"]), *shares)
    return table


def _rate(row: pd.Series[Any]) -> str:
    median, low, high = (float(row[f"throughput_rps{end}"]) for end in ("", "_low", "_high"))
    return wording.rate(median) + ("" if math.isnan(low) or not median else f" ±{(high - low) / 2 / median:.0%}")
