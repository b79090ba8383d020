"""Warnings of windows and of runs: the condition, the wording and the remedy of each code, and what it spoils."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from bench.schema.build import BUILT_ALIKE
from loadgen.validation.warning_codes import WARNING_CODES as _LOAD

CONTENDED_ABOVE = 0.95
GIL_WAIT_ABOVE = 0.01  # of the threads' time, in a build without a GIL
GENERATOR_CORES_ABOVE = 0.1
CLOCK_MOVED_ABOVE = 0.05
MAJOR_FAULTS_ABOVE_PER_S = 10.0
UNEXPLAINED_ABOVE = 0.05  # of a latency
UNSTEADY_ABOVE = 1.2  # CPU time per request of a cell in one pass over that in another

FOREIGN_CPU: Final = "foreign_cpu"

Raw = Mapping[str, Any]
"""A warning as in a record: its code and figures."""


class WindowWarning(NamedTuple):
    """A warning of a window.

    Attributes:
        condition: when a record has it.
        wording: the sentence for all windows that have it; ``{}`` is the figure of the worst.
        remedy: what to do about it.
        badness: orders windows, worst last.
        figure: formats the figure of a window.
        disturbs: something else took resources from the server: ratios are also judged without such windows.
    """

    condition: str
    wording: str
    remedy: str
    badness: Callable[[Raw], float]
    figure: Callable[[Raw], str]
    disturbs: bool = False


def _share(name: str) -> Callable[[Raw], str]:
    return lambda raw: f"{abs(float(raw[name])):.1%}"


def _kinds(raw: Raw) -> str:
    kinds: Counter[str] = Counter(raw["kinds"])
    return ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())


WINDOW_WARNINGS: Final = {
    "errors": WindowWarning(
        _LOAD["errors"].condition,
        "requests failed, at worst {} in a window; they are in neither throughput nor latency",
        "start the server by hand and read what it prints; fewer clients may help",
        lambda raw: sum(raw["kinds"].values()),
        _kinds,
    ),
    "handler_failed": WindowWarning(
        "a user handler raised exceptions: ``reasons``, the first of each kind",
        "your handler raised {}",
        "fix it, or ask it something else with --request; failed requests are in neither throughput nor latency",
        lambda raw: len(raw["reasons"]),
        lambda raw: ", ".join(f"{kind} ({reason})" for kind, reason in raw["reasons"].items()),
    ),
    "gil_returned": WindowWarning(
        (
            "a free-threaded interpreter turned its GIL back on while it served, or its threads waited for a GIL more "
            f"than {GIL_WAIT_ABOVE:.0%} of their time: ``reason``"
        ),
        "a free-threaded interpreter turned its GIL back on in the middle: {}",
        "do not treat these windows as those of a build without a GIL",
        lambda raw: len(raw["reason"]),
        lambda raw: str(raw["reason"]),
    ),
    "not_connected": WindowWarning(
        _LOAD["not_connected"].condition,
        "up to {} connections could not be established before the timing began",
        "check the server's backlog; fewer clients may help",
        lambda raw: raw["missing"],
        lambda raw: str(raw["missing"]),
    ),
    "littles_law": WindowWarning(
        _LOAD["littles_law"].condition,
        "clients and throughput × latency differ by up to {}: time was lost somewhere",
        "do not trust these latencies; measure again on a quiet machine, with longer windows",
        lambda raw: abs(raw["residual"]),
        _share("residual"),
    ),
    "generator_busy": WindowWarning(
        _LOAD["generator_busy"].condition,
        "the load generator was busy for up to {} of a window and may be what was measured",
        "treat these rates as lower bounds; give the server more work per request",
        lambda raw: raw["utilisation"],
        _share("utilisation"),
    ),
    "contended": WindowWarning(
        (
            f"more than {CONTENDED_ABOVE:.0%} of all CPUs were in use, the generator taking more than "
            f"{GENERATOR_CORES_ABOVE:g} of them"
        ),
        "up to {} of all CPUs were in use, so the generator competed with the server",
        "the real speed-up is probably larger than shown; measure on a machine with more CPUs",
        lambda raw: raw["busy_share"],
        _share("busy_share"),
    ),
    "generator_shares_cpus": WindowWarning(
        "the server was pinned to ``cpus`` CPUs, and none were left over for the load generator",
        "servers were pinned to up to {} CPUs, and the load generator shared them: there were no others",
        "treat throughput over cores as a lower bound; pin servers to fewer CPUs, or use a larger machine",
        lambda raw: raw["cpus"],
        lambda raw: str(raw["cpus"]),
    ),
    "steal": WindowWarning(
        _LOAD["steal"].condition,
        "the machine's host took up to {} of the CPU time",
        "trust the paired ratios more than the rates; measure on a dedicated machine",
        lambda raw: raw["share"],
        _share("share"),
        disturbs=True,
    ),
    "clock": WindowWarning(
        f"the CPUs' clock differed by more than {CLOCK_MOVED_ABOVE:.0%} between the window's edges",
        "the CPUs' clock changed within a window, at worst {}",
        "fix the frequency (gilbench doctor says how), and trust the paired ratios more than the rates",
        lambda raw: abs(float(raw["to_mhz"]) / float(raw["from_mhz"]) - 1),
        lambda raw: f"from {raw['from_mhz']:.0f} to {raw['to_mhz']:.0f} MHz",
        disturbs=True,
    ),
    "throttled": WindowWarning(
        "a core was slowed for being too hot",
        "cores were slowed for being too hot, up to {} times in a window",
        "let the machine cool, switch turbo off, and measure again",
        lambda raw: raw["times"],
        lambda raw: str(raw["times"]),
        disturbs=True,
    ),
    "cpu_quota": WindowWarning(
        "the quota of the control group, ``cpus`` CPUs, was used up and the kernel stopped all of it, ``times`` times",
        "the control group's CPU quota stopped server and load generator, {}",
        "lift the quota; what is measured here is the quota, not the server",
        lambda raw: raw["times"],
        lambda raw: f"at worst {raw['times']} times in a window ({raw['cpus']:g} CPUs)",
        disturbs=True,
    ),
    "paging": WindowWarning(
        f"the server read memory back from disk more than {MAJOR_FAULTS_ABOVE_PER_S:g} times per second",
        "the server read its memory back from disk, up to {} times per second",
        "free some memory, or measure with fewer clients",
        lambda raw: raw["faults_per_s"],
        lambda raw: f"{raw['faults_per_s']:.0f}",
        disturbs=True,
    ),
    FOREIGN_CPU: WindowWarning(
        _LOAD["foreign_cpu"].condition,
        "other programs used up to {} cores",
        "stop them and measure again",
        lambda raw: raw["cores"],
        lambda raw: f"{raw['cores']:.2f}",
        disturbs=True,
    ),
    "edges_late": WindowWarning(
        _LOAD["edges_late"].condition,
        "the server's CPU clocks were read off the window's edges, by up to {} of the window",
        "CPU time and throughput cover different intervals: measure again on a quiet machine, with longer windows",
        lambda raw: raw["share"],
        _share("share"),
        disturbs=True,
    ),
    "unanswered": WindowWarning(
        "no request was answered in the window, and none failed: a request takes longer than the window",
        "no request was answered in a window of {}: --window must be several times as long as a request takes",
        "measure with a longer --window, and a --budget for it",
        lambda raw: raw["window_s"],
        lambda raw: f"{raw['window_s']:.1f} s",
    ),
    "few_requests": WindowWarning(
        _LOAD["few_requests"].condition,
        "as few as {} requests in a window: high percentiles say little",
        "measure with longer windows: --window, a larger --budget, or fewer cells",
        lambda raw: -raw["requests"],
        lambda raw: str(raw["requests"]),
    ),
    "short_window": WindowWarning(
        _LOAD["short_window"].condition,
        "most of the clients' time was in requests that straddle the window's edges",
        "measure with longer windows, several times as long as a request takes: --window, or a larger --budget",
        lambda raw: 0.0,  # noqa: ARG005
        lambda raw: "",  # noqa: ARG005
    ),
}
"""By code."""

DISTURBING: Final = frozenset(code for code, row in WINDOW_WARNINGS.items() if row.disturbs)


class RunWarning(NamedTuple):
    """A warning of the run as a whole.

    Attributes:
        condition: when a run has it.
        remedy: what to do about it.
    """

    condition: str
    remedy: str


RUN_WARNINGS: Final = {
    "partial": RunWarning(
        "the run was ended early, was killed, or is still running",
        "missing passes make ranges narrower than they should be; measure again",
    ),
    "failed_cells": RunWarning("windows could not be measured", "fix what the reason names and measure again"),
    "gaps": RunWarning(
        "an interpreter cannot run a model",
        "compare such a model with others under the interpreters that have both",
    ),
    "one_pass": RunWarning(
        "cells have only one pass: it is unknown how much another would differ",
        "measure with --passes 3 or more",
    ),
    "unsteady": RunWarning(
        f"the CPU time per request of one cell differs between passes by more than {UNSTEADY_ABOVE - 1:.0%}, for half "
        "of the cells that compute: the CPUs' speed moved, which a virtual machine need not report",
        "trust ratios of windows side by side, within their intervals, and no rate by itself; measure on a machine of "
        "your own, or at another time",
    ),
    "different_builds": RunWarning(
        f"the interpreters differ in how they were built ({', '.join(BUILT_ALIKE)})",
        "a difference between them is not due to their versions; compare builds made the same way",
    ),
    "different_servers": RunWarning(
        "a deployed server, or a package it uses, has another version under another interpreter, as no version exists "
        "for both",
        "a difference between the interpreters is also one between the versions; leave one of them out",
    ),
    "unexplained": RunWarning(
        f"the parts of a request's life miss its mean latency by more than {UNEXPLAINED_ABOVE:.0%}",
        "below 0, time is counted twice, as threads also wait for the GIL between two requests; above 0, no thread "
        "of the server shows it: trust the large parts, not the small ones",
    ),
    "dropped_lines": RunWarning("a record was cut short, as a crash leaves it", "the others are intact"),
}
"""By code."""
