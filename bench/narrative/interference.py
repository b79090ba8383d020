"""Interference of computing clients with quick requests, in words: the workload ``mixed``."""

from __future__ import annotations

from collections.abc import Iterator

from bench.analysis.load import Run
from bench.analysis.stats import paired_ratio, pass_spreads, pick
from bench.narrative import wording
from bench.schema.cell import MIXED


def describe_interference(run: Run) -> Iterator[tuple[str, str]]:
    """Yield for each model and interpreter the effect of one computing client (or the fewest measured) on others."""
    numbers = run.computing_clients()
    if len(numbers) < 2 or numbers[0] != 0:
        return
    clients, some = int(run.windows["clients"].min()), numbers[1]
    p99 = pass_spreads(run.windows, "latency_p99_ns")
    for interpreter in run.values("interpreter"):
        for model in run.values("model"):
            alone, among = ((model, f"{MIXED}+{number}", clients, interpreter) for number in (0, some))
            before, after = pick(p99, alone), pick(p99, among)
            ratio = paired_ratio(run.windows, "throughput_rps", among, alone)
            if before is None or after is None or ratio is None:
                continue
            interval = f" ({wording.span(ratio.low, ratio.high)})" if ratio.has_range else ""
            says = (
                f"next to {wording.plural(some, 'computing client')}, {wording.plural(clients, 'client')} with quick "
                f"requests get {wording.ratio(ratio.middle)}×{interval} the throughput they get alone, and a p99 of "
                f"{wording.milliseconds(after.middle)} ms instead of {wording.milliseconds(before.middle)} ms"
            )
            yield f"{model} on {interpreter}", says
