"""What each result lets check: figures that cannot all be true, and figures that say less than they seem to."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from loadgen.audit.claim import Claim, Figure

RATE_WITHIN: Final = 0.02
CLIENTS_WITHIN: Final = 0.02
IDLE_ABOVE: Final = 0.5
BEYOND: Final = 10
ROUNDED_ABOVE: Final = 0.2
REACHED: Final = 0.99
BUSY_ABOVE: Final = 0.8
NOT_SENT_ABOVE: Final = 0.001


class Finding(NamedTuple):
    """A finding: its code, whether figures contradict each other, and a sentence."""

    code: str
    contradicts: bool
    says: str


def audit(claim: Claim) -> list[Finding]:
    """Return what is wrong with a result, contradictions first."""
    found = [Finding(code, contradicts, says) for code, contradicts, check in CHECKS for says in check(claim)]
    return sorted(found, key=lambda one: not one.contradicts)


def _rate(claim: Claim) -> Iterator[str]:
    """Compare the rate with the number of requests over the duration."""
    if claim.requests is None or claim.duration is None or claim.rate is None or not claim.duration.high:
        return
    low, high = claim.requests / claim.duration.high, claim.requests / max(claim.duration.low, 1e-9)
    if claim.rate.high < low * (1 - RATE_WITHIN) or claim.rate.low > high * (1 + RATE_WITHIN):
        yield (
            f"{claim.requests:,} requests in {_time(claim.duration)} are "
            f"{claim.requests / claim.duration.value:,.1f}/s, not {claim.rate.value:,.1f}/s"
        )


def _busy_clients(claim: Claim) -> float | None:
    """Return how many clients the latencies occupy: Little's law (1961), mean number = rate times mean time."""
    if claim.rate is None or claim.mean is None or claim.clients is None:
        return None
    return claim.rate.value * claim.mean.value


def _too_many_clients(claim: Claim) -> Iterator[str]:
    """Compare the clients that the latencies occupy with those that there were, each in one request at a time."""
    busy = _busy_clients(claim)
    if busy is None or claim.rate is None or claim.mean is None or claim.clients is None:
        return
    if claim.rate.low * claim.mean.low > claim.clients * (1 + CLIENTS_WITHIN):
        yield (
            f"{claim.rate.value:,.0f}/s at a mean of {_time(claim.mean)} keep {busy:,.1f} clients busy, but there were "
            f"{claim.clients:,} (Little's law)"
        )


def _idle_clients(claim: Claim) -> Iterator[str]:
    """Look for clients that were not in a request, though they never pause."""
    busy = _busy_clients(claim)
    if busy is None or claim.rate is None or claim.mean is None or claim.clients is None:
        return
    if claim.rate.high * claim.mean.high < claim.clients * IDLE_ABOVE:
        yield (
            f"the latencies account for {busy:,.2g} of {claim.clients:,} clients: the others paused, or waited for the "
            "generator, in time that no latency contains (Little's law)"
        )


def _order(claim: Claim) -> Iterator[str]:
    """Check that percentiles rise, from the minimum to the maximum."""
    for (lower, one), (higher, other) in pairwise(claim.ordered):
        if other.high < one.low:
            yield f"{_name(lower)} is {_time(one)}, but {_name(higher)} is {_time(other)}"


def _mean_bounds(claim: Claim) -> tuple[float, float] | None:
    """Return the least and the greatest mean that the percentiles allow: each holds for a share of the requests."""
    known = claim.ordered
    if not known:
        return None
    low = high = below = 0.0
    previous = 0.0
    for percent, figure in known:
        share = (percent - below) / 100
        low, high = low + share * previous, high + share * figure.high
        below, previous = percent, figure.low
    if below < 100:
        return low + (100 - below) / 100 * previous, math.inf
    return low, high


def _mean(claim: Claim) -> Iterator[str]:
    """Compare the mean with the least and the greatest that the percentiles allow."""
    bounds = _mean_bounds(claim)
    if bounds is None or claim.mean is None:
        return
    low, high = bounds
    shown = ", ".join(f"{_name(percent)} {_time(figure)}" for percent, figure in claim.ordered)
    if claim.mean.high < low * 0.999:
        yield f"the mean {_time(claim.mean)} is below the least possible, {_seconds(low)} ({shown})"
    elif claim.mean.low > high * 1.001:
        yield f"the mean {_time(claim.mean)} is above the greatest possible, {_seconds(high)} ({shown})"


def _deviation(claim: Claim) -> Iterator[str]:
    """Compare the variance with its bound, (maximum - mean) (mean - minimum) (Bhatia and Davis, 2000)."""
    if claim.mean is None or claim.stdev is None or claim.maximum is None:
        return
    least = claim.minimum.low if claim.minimum else 0.0
    bound = math.sqrt(max(0.0, claim.maximum.high - claim.mean.low) * max(0.0, claim.mean.high - least))
    if claim.stdev.low > bound * 1.01:
        yield (
            f"a standard deviation of {_time(claim.stdev)} is above {_seconds(bound)}, the most that the mean and the "
            "maximum allow"
        )


def _longest(claim: Claim) -> Iterator[str]:
    """Compare the longest request with the test, which may wait as long again for what is in flight."""
    if claim.maximum and claim.duration and claim.maximum.low > 2 * claim.duration.high:
        yield f"the longest request took {_time(claim.maximum)}, the test {_time(claim.duration)}"


def _beyond(claim: Claim) -> Iterator[str]:
    """Count the requests beyond a percentile, on which it rests."""
    if claim.requests is None:
        return
    weak = [percent for percent in claim.percentiles if claim.requests * (100 - percent) / 100 < BEYOND]
    if weak:
        least = min(weak)
        yield (
            f"{_name(least)} of {claim.requests:,} requests rests on {claim.requests * (100 - least) / 100:.3g} of "
            "them: one slow request moves it"
        )


def _rounding(claim: Claim) -> Iterator[str]:
    """Compare figures with their last digit."""
    shown = [(_name(percent), figure) for percent, figure in claim.ordered if 50 <= percent < 100]
    shown += [("mean", claim.mean)] if claim.mean else []
    coarse = [(name, figure) for name, figure in shown if figure.unit / 2 > ROUNDED_ABOVE * max(figure.value, 1e-12)]
    if coarse:
        name, figure = coarse[0]
        yield (
            f"{name} is printed as {_time(figure)}, which means {_seconds(figure.low)} to {_seconds(figure.high)}: "
            f"rounding hides what it was{', and others' if len(coarse) > 1 else ''}"
        )


def _reached(claim: Claim) -> Iterator[str]:
    """Compare the rate with the one that was asked for."""
    if claim.intended_rate and claim.rate and claim.rate.high < REACHED * claim.intended_rate:
        yield f"{claim.rate.value:,.1f}/s were answered of {claim.intended_rate:,.1f}/s that were asked for"


def _errors(claim: Claim) -> Iterator[str]:
    """Name failed requests: they are in the rate and their latencies among the others, or in neither."""
    total = sum(claim.errors.values())
    if not total:
        return
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in claim.errors.items())
    if claim.errors_counted:
        share = f" ({total / claim.requests:.1%} of all)" if claim.requests else ""
        yield (
            f"the rate and the latencies include failed requests: {kinds}{share}; a quick refusal looks like a quick "
            "reply"
        )
    else:
        yield f"failed requests are left out of the rate and the latencies: {kinds}"


def _generator(claim: Claim) -> Iterator[str]:
    """Look for a generator that was the limit."""
    if claim.busy is not None and claim.busy > BUSY_ABOVE:
        yield f"the generator was busy {claim.busy:.0%} of the time and may have been the limit"
    if claim.requests and claim.not_sent > NOT_SENT_ABOVE * claim.requests:
        yield f"the generator did not send {claim.not_sent:,} requests in time"


CHECKS: Final[tuple[tuple[str, bool, Callable[[Claim], Iterator[str]]], ...]] = (
    ("rate", True, _rate),
    ("too_many_clients", True, _too_many_clients),
    ("order", True, _order),
    ("mean", True, _mean),
    ("deviation", True, _deviation),
    ("longest", True, _longest),
    ("idle_clients", False, _idle_clients),
    ("beyond", False, _beyond),
    ("rounding", False, _rounding),
    ("reached", False, _reached),
    ("errors", False, _errors),
    ("generator", False, _generator),
)


def _name(percent: float) -> str:
    return {0.0: "the minimum", 100.0: "the maximum"}.get(percent, f"p{percent:g}")


def _time(figure: Figure) -> str:
    return _seconds(figure.value)


def _seconds(value: float) -> str:
    unit, size = next((row for row in (("s", 1.0), ("ms", 1e-3)) if value >= row[1]), ("µs", 1e-6))
    return f"{value / size:.4g} {unit}"
