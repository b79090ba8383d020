"""Warnings of the load generator: the condition, the wording and the remedy of each code."""

from __future__ import annotations

from typing import Final, NamedTuple

GENERATOR_BUSY_ABOVE = 0.8
LITTLES_LAW_WITHIN = 0.02
FEW_REQUESTS = 100
STRADDLING_ABOVE = 0.5
LATE_ABOVE = 0.001
UNFINISHED_ABOVE = 0.01
RECONNECTED_ABOVE = 0.01
TREND_ABOVE = 0.2
GAPS_WITHIN = 0.1
STEAL_ABOVE = 0.02
FOREIGN_CORES_ABOVE = 0.1
EDGES_WITHIN = 0.02


class WarningCode(NamedTuple):
    """A row of the table.

    Attributes:
        condition: when a result has the warning.
        wording: its sentence, with figures in braces.
        remedy: what to do about it.
    """

    condition: str
    wording: str
    remedy: str


WARNING_CODES: Final = {
    "unreachable": WarningCode(
        "open loop: attempts to connect failed; the requests waited",
        "attempts to connect to {where} failed: {kinds}",
        "check that the server runs and accepts connections as fast as they come",
    ),
    "nothing_due": WarningCode(
        "open loop: no request was due in the window",
        "no request was due within {wall_s:.3g} s at this rate",
        "measure for longer, or raise the rate",
    ),
    "errors": WarningCode(
        "requests failed",
        "requests failed: {kinds}",
        "check what the server logs about them",
    ),
    "not_connected": WarningCode(
        "connections could not be established before the timing began",
        "{missing} of {connections} connections could not be established",
        "check the server's backlog, or connect more slowly with --connect-rate",
    ),
    "few_requests": WarningCode(
        f"fewer than {FEW_REQUESTS} requests were answered: high percentiles are unreliable",
        "only {requests} requests: p99 and above are unreliable",
        "measure for longer",
    ),
    "generator_busy": WarningCode(
        (
            f"the generator was busy for more than {GENERATOR_BUSY_ABOVE:.0%} of the time and may have been "
            "the bottleneck"
        ),
        "the generator was busy {utilisation:.0%} of the time and may have been the bottleneck",
        "give it more --threads or a dedicated CPU",
    ),
    "near_ceiling": WarningCode(
        f"throughput was above {GENERATOR_BUSY_ABOVE:.0%} of what the generator can do on this machine",
        "the rate is {share:.0%} of the maximum that this generator reaches against a server that does nothing "
        "({ceiling_rps:,.0f}/s)",
        "treat it as a lower bound, or use more --threads",
    ),
    "late": WarningCode(
        f"more than {LATE_ABOVE:.1%} of the requests were sent late although a connection was free",
        "{late} requests ({share:.1%}) were sent more than {bound_s:g} s late because the generator was busy",
        "lower the rate, or give the generator more --threads or a dedicated CPU",
    ),
    "gaps": WarningCode(
        f"the median gap between sends was more than {GAPS_WITHIN:.0%} off, although no request was left unfinished",
        "gaps between sends are not as intended (p50 {sent_us:.0f} instead of {intended_us:.0f} µs)",
        "the generator cannot keep the schedule; lower the rate or give it a dedicated CPU",
    ),
    "unfinished": WarningCode(
        (
            f"open loop: more than {UNFINISHED_ABOVE:.0%} of the requests were in flight at the end beyond what the "
            "service time explains"
        ),
        "the server fell behind: {in_flight} requests were in flight at the end, the oldest for {oldest_s:.3g} s; "
        "the rate and the service time explain {expected:.0f}",
        "lower the rate: it exceeds what the server can do, and the percentiles are too low",
    ),
    "connections_limit": WarningCode(
        f"open loop: more than {UNFINISHED_ABOVE:.0%} of the requests waited for a connection at the end",
        "all {connections} connections were busy: {due} requests ({share:.1%}) waited for one at the end, the oldest "
        "for {oldest_s:.3g} s",
        "use more --connections, or lower the rate if the service time rises with them: then the server is the limit",
    ),
    "reconnected": WarningCode(
        f"the server closed connections after more than {RECONNECTED_ABOVE:.0%} of the replies without announcing it",
        "the server closed {reconnections} connections between two requests without announcing it ({share:.1%} of the "
        "replies)",
        "if it is meant to, let it send Connection: close; each costs a connection",
    ),
    "littles_law": WarningCode(
        f"clients and throughput × latency differ by more than {LITTLES_LAW_WITHIN:.0%}",
        "clients and throughput × latency differ by {residual:+.1%} (Little's law)",
        "do not trust this result; measure again on a quiet machine",
    ),
    "short_window": WarningCode(
        (
            f"closed loop: more than {STRADDLING_ABOVE:.0%} of the clients' time was in requests that "
            "straddle the window's edges"
        ),
        "requests that straddle the window's edges took {straddling:.0%} of the clients' time",
        "measure for longer",
    ),
    "trend": WarningCode(
        (
            f"mean latency changed by more than {TREND_ABOVE:.0%} from the first third to the last, and by more than "
            "its spread explains"
        ),
        "latency went {direction} during the window, by {change:+.0%} from its first third to its last",
        "warm up for longer, or find out what fills up",
    ),
    "steal": WarningCode(
        f"the machine's host took more than {STEAL_ABOVE:.0%} of the CPU time",
        "the machine's host took {share:.1%} of the CPU time",
        "measure on a dedicated machine",
    ),
    "foreign_cpu": WarningCode(
        f"other programs used more than {FOREIGN_CORES_ABOVE:g} cores",
        "other programs used {cores:.2f} cores",
        "stop them and measure again",
    ),
    "edges_late": WarningCode(
        (
            "the server's CPU clocks were read at instants that differ from the window's edges by more than "
            f"{EDGES_WITHIN:.0%} of its length, both edges together"
        ),
        "the server's CPU clocks were read {share:.1%} of the window away from its edges",
        "CPU time and throughput cover different intervals: stop other programs, or measure for longer",
    ),
}
"""The warnings by code; the check of each is in :mod:`loadgen.validation.checks`."""
