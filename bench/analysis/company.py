"""Interference of computing clients with quick requests, in words: the workload ``mixed``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bench.analysis import wording
from bench.analysis.load import Run
from bench.analysis.stats import over_passes, paired_ratio, pick

MIXED: Final = "mixed+"


def describe_company(workload: str) -> int:
    """Return how many clients let the server compute while others are measured."""
    return int(workload.removeprefix(MIXED))


def sentences(run: Run) -> Iterator[tuple[str, str]]:
    """Yield for each model and target what one computing client, or as few as were measured, does to the others."""
    numbers = sorted(describe_company(name) for name in run.values("workload") if name.startswith(MIXED))
    if len(numbers) < 2 or numbers[0] != 0:
        return
    clients, some = int(run.windows["clients"].min()), numbers[1]
    p99 = over_passes(run.windows, "latency_p99_ns")
    for target in run.values("target"):
        for model in run.values("model"):
            alone, among = ((model, f"{MIXED}{number}", clients, target) for number in (0, some))
            before, after = pick(p99, alone), pick(p99, among)
            ratio = paired_ratio(run.windows, "throughput_rps", among, alone)
            if before is None or after is None or ratio is None:
                continue
            interval = f" ({wording.span(ratio.low, ratio.high)})" if ratio.has_range else ""
            says = (
                f"beside {wording.plural(some, 'computing client')}, {wording.plural(clients, 'client')} with quick "
                f"requests get {wording.ratio(ratio.median)}×{interval} the throughput they get alone, and a p99 of "
                f"{wording.milliseconds(after.median)} ms instead of {wording.milliseconds(before.median)} ms"
            )
            yield f"{model} on {target}", says
