"""Thread accounting of one window for its record, or the reason why it is not available."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from bench.schema.record_parts import ThreadAccounting, ThreadStates
from bench.schema.thread_state import BUSY_STATES
from bench.threads.account import Account, account
from bench.threads.sampler import Sampler
from bench.threads.wait_state import State

_DIGITS = 5
_MOST_THREADS = 64


class Watch:
    """Context manager around the load on a server; failures of the accounting do not spoil the measurement."""

    def __init__(self, pid: int, ports: frozenset[int], *, wanted: bool = True) -> None:
        self._sampler: Sampler | None = None
        self._unknown = ThreadAccounting().unknown
        if not wanted:
            return
        try:
            self._sampler = Sampler(pid, ports)
        except (OSError, ValueError) as exc:
            self._give_up(exc)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._sampler is not None:
            self._sampler.close()

    def learn_quiet(self, duration_s: float) -> None:
        """Learn where the server's threads wait before it has load."""
        if self._sampler is not None:
            self._sampler.learn_quiet(duration_s)

    def begin(self) -> None:
        if self._sampler is not None:
            self._sampler.begin()

    def end(self) -> None:
        if self._sampler is not None:
            self._sampler.end()

    def result(self, cores: float) -> tuple[ThreadStates, ThreadAccounting]:
        """Return the shares and what they are based on; the load must have ended.

        Args:
            cores: CPU-seconds per second that the server's process tree used in the window.
        """
        found = None
        if self._sampler is not None:
            samples = self._sampler.sample_idle()
            found = account(samples, cores * samples.wall_s)  # a rate, as the edges were read in turn
            self._unknown = "no thread of the server was seen"
        return (
            (ThreadStates(), ThreadAccounting(unknown=self._unknown))
            if found is None
            else (_split(found), _thread_accounting(found))
        )

    def _give_up(self, exc: Exception) -> None:
        reason = getattr(exc, "strerror", None) or str(exc)
        self._unknown = f"the system does not tell what the server's threads wait for: {reason}"


def _split(found: Account) -> ThreadStates:
    shares = found.serving.shares
    busy = {state.key: shares[state.key] for state in BUSY_STATES}
    return ThreadStates(**busy, idle=shares[State.IDLE.value] + shares[State.CLIENT.value])


def _thread_accounting(found: Account) -> ThreadAccounting:
    return ThreadAccounting(
        unknown=None,
        roles={role.name: _round({"threads": role.threads} | role.shares) for role in found.roles},
        each=[{"role": one.name} | _round(one.shares) for one in list(found.each.values())[:_MOST_THREADS]],
        errors=_round(found.errors),
        samples=found.samples,
        overhead_cores=round(found.overhead_cores, _DIGITS),
        waiting_connections=found.waiting,
        estimated=found.estimated,
    )


def _round(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(value, _DIGITS) for name, value in figures.items()}
