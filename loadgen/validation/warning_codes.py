"""Warnings of the load generator: the condition, the wording and the remedy of each code."""

from __future__ import annotations

from typing import Final, NamedTuple

GENERATOR_BUSY_ABOVE = 0.8
LITTLES_LAW_WITHIN = 0.02
FEW_REQUESTS = 100
STRADDLING_ABOVE = 0.5
LATE_ABOVE = 0.001
UNFINISHED_ABOVE = 0.01
TREND_ABOVE = 0.2
GAPS_WITHIN = 0.1
STEAL_ABOVE = 0.02
FOREIGN_CORES_ABOVE = 0.1
EDGES_WITHIN = 0.02


class WarningCode(NamedTuple):
    """A row.

    Attributes:
        condition: when the code is in a result.
        wording: the sentence for it; its figures stand in braces.
        remedy: what to do about it.
    """

    condition: str
    wording: str
    remedy: str


WARNING_CODES: Final = {
    "errors": WarningCode(
        "requests failed",
        "requests failed: {kinds}",
        "see what the server says of them",
    ),
    "not_connected": WarningCode(
        "connections could not be established before the timing began",
        "{missing} of {connections} connections could not be established",
        "check the server's backlog, or connect more slowly with --connect-rate",
    ),
    "few_requests": WarningCode(
        f"fewer than {FEW_REQUESTS} requests were answered: high percentiles say little",
        "only {requests} requests: p99 and above say little",
        "measure for longer",
    ),
    "generator_busy": WarningCode(
        (
            f"the generator was busy for more than {GENERATOR_BUSY_ABOVE:.0%} of the time and may have been "
            "the bottleneck"
        ),
        "the generator was busy {utilisation:.0%} of the time and may have been the bottleneck",
        "give it more --threads, or a CPU of its own",
    ),
    "near_ceiling": WarningCode(
        f"throughput was above {GENERATOR_BUSY_ABOVE:.0%} of what the generator can do on this machine",
        "the rate is {share:.0%} of the most that this generator reaches against a server that does nothing "
        "({ceiling_rps:,.0f}/s)",
        "treat it as a lower bound, or give more --threads",
    ),
    "late": WarningCode(
        f"more than {LATE_ABOVE:.1%} of the requests were sent late though a connection was free",
        "{late} requests ({share:.1%}) were sent more than {bound_s:g} s late, the generator being busy",
        "lower the rate, or give it more --threads or a CPU of its own",
    ),
    "gaps": WarningCode(
        f"the median gap between sends was more than {GAPS_WITHIN:.0%} off, at a rate that was kept up with",
        "gaps between sends are not as intended (p50 {sent_us:.0f} instead of {intended_us:.0f} µs)",
        "the generator cannot keep the schedule; lower the rate or give it a CPU of its own",
    ),
    "unfinished": WarningCode(
        f"open loop: more than {UNFINISHED_ABOVE:.0%} of the requests had no answer at the end",
        "{unfinished} requests ({share:.1%}) had no answer at the end, the oldest for {oldest_s:.3g} s",
        "lower the rate: it is more than the server can do, and percentiles are too low",
    ),
    "littles_law": WarningCode(
        f"clients and throughput × latency differ by more than {LITTLES_LAW_WITHIN:.0%}",
        "clients and throughput × latency differ by {residual:+.1%} (Little's law)",
        "distrust it",
    ),
    "short_window": WarningCode(
        (
            f"closed loop: more than {STRADDLING_ABOVE:.0%} of the clients' time was in requests that "
            "straddle the window's edges"
        ),
        "requests that straddle the window's edges are {straddling:.0%} of the time",
        "measure for longer",
    ),
    "trend": WarningCode(
        (
            f"mean latency changed by more than {TREND_ABOVE:.0%} from the first third to the last, and by more than "
            "its spread explains"
        ),
        "latency went {direction} during the window, by {change:+.0%} from its first third to its last",
        "warm up for longer, or find what fills up",
    ),
    "steal": WarningCode(
        f"the machine's host took more than {STEAL_ABOVE:.0%} of the CPU time",
        "the machine's host took {share:.1%} of the CPU time",
        "measure on a machine of your own",
    ),
    "foreign_cpu": WarningCode(
        f"other programs used more than {FOREIGN_CORES_ABOVE:g} cores",
        "other programs used {cores:.2f} cores",
        "end them and measure again",
    ),
    "edges_late": WarningCode(
        (
            "the server's CPU clocks were read at instants that differ from the window's edges by more than "
            f"{EDGES_WITHIN:.0%} of it, both edges together"
        ),
        "the server's CPU clocks were read {share:.1%} of the window off its edges",
        "CPU time and throughput are of different intervals: end other programs, or measure for longer",
    ),
}
"""By code; the check of each is in :mod:`loadgen.validation.checks`."""
