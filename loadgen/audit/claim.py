"""What a result file claims, in the same terms for every load generator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure as it was printed.

    Attributes:
        value: in seconds, or in requests per second.
        unit: value of its last digit: the true value lies within half of it.
    """

    value: float
    unit: float = 0.0

    @property
    def low(self) -> float:
        return max(0.0, self.value - self.unit / 2)

    @property
    def high(self) -> float:
        return self.value + self.unit / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The figures of a file; ``None`` and empty for what it does not have. Times are in seconds.

    Attributes:
        tool: the load generator.
        requests: number of requests that the latencies and the rate cover.
        duration: length of the test.
        rate: requests per second.
        clients: clients or connections that send without pause, one request at a time.
        intended_rate: requests per second that were asked for.
        mean: of the latency; likewise stdev, minimum and maximum.
        percentiles: of the latency, by percentage.
        errors: requests that failed, by kind as the tool names it.
        errors_counted: whether they are part of ``requests`` and ``rate``.
        not_sent: requests that the generator could not send in time.
        busy: share of the time that the generator was busy.
    """

    tool: str
    requests: int | None = None
    duration: Figure | None = None
    rate: Figure | None = None
    clients: int | None = None
    intended_rate: float | None = None
    mean: Figure | None = None
    stdev: Figure | None = None
    minimum: Figure | None = None
    maximum: Figure | None = None
    percentiles: Mapping[float, Figure] = field(default_factory=dict)
    errors: Mapping[str, int] = field(default_factory=dict)
    errors_counted: bool = False
    not_sent: int = 0
    busy: float | None = None

    @property
    def ordered(self) -> list[tuple[float, Figure]]:
        """Percentiles from the lowest; the minimum is the 0th, the maximum the 100th."""
        ends = {0.0: self.minimum, 100.0: self.maximum}
        found = {percent: figure for percent, figure in ends.items() if figure} | dict(self.percentiles)
        return sorted(found.items())
