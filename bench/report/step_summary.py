"""A run in the step summary of GitHub Actions, in markdown."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from bench.analysis.load import Run
from bench.narrative import wording
from bench.narrative.findings import Finding
from bench.narrative.headlines import headline
from bench.narrative.recommend import recommendations
from bench.narrative.run_warnings import WarningSummary
from bench.report.markdown import code, escape, fold_table, table
from bench.report.terminal import table_rows, titles
from bench.terminal import github


def append(run: Run, summary: pd.DataFrame, found: Sequence[Finding], warned: Sequence[WarningSummary]) -> None:
    """Append a run to the step summary, if run by GitHub Actions.

    Raises:
        OSError: the summary cannot be written to.
    """
    short = _head(run, found, warned)
    github.summarise(f"{short}{_tables(run, summary)}\n", f"{short}The tables are too large for this summary.\n")


def _head(run: Run, found: Sequence[Finding], warned: Sequence[WarningSummary]) -> str:
    """Return the findings and the warnings."""
    lines = [f"## {escape(run.name)}", ""]
    lines += [code(run.meta.command), ""] if run.meta.command else []
    lines += [f"**{escape(headline(run))}**", ""]
    lines += [f"- **{escape(finding.subject)}**: {escape(finding.says)}" for finding in found]
    best = recommendations(run)
    if best:
        lines += ["", f"### Recommendation, by {escape(run.objective)}", ""]
        lines += [f"- **{escape(one.workload)}**: {escape(one.says)}" for one in best]
    if warned:
        lines += ["", "### Warnings", ""]
    for one in warned:
        remedy = f"; {escape(one.remedy)}" if one.remedy else ""
        lines.append(f"- **{escape(one.code)}**: {escape(str(one)[len(one.code) + 2 :])}{remedy}")
    return "\n".join(lines) + "\n\n"


def _tables(run: Run, summary: pd.DataFrame) -> str:
    """Return a table for each workload, with all numbers of clients."""
    clients = run.values("clients")
    shown = []
    for workload in run.values("workload"):
        rows = [
            (model, interpreter, *figures)
            for model, interpreter, figures in table_rows(run, summary, workload, clients)
        ]
        shown.append(
            fold_table(f"{workload}: requests per second", table(("model", "interpreter", *titles(clients)), 2, rows))
        )
    passes = run.windows["pass"].nunique()
    shown.append(f"req/s: median ± half the range over {wording.plural(passes, 'pass')}.\n" if passes > 1 else "")
    return "\n".join(shown)
