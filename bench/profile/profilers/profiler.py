"""Interface of the profilers: a name, kinds of stacks, whether it works here, and a context manager that samples."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Final, NamedTuple, Self

from bench.errors import GilbenchError
from bench.interpreters.interpreter import Interpreter
from bench.profile.stacks import Kind, Stacks

RATE_HZ: Final = 100
ATTACH_S: Final = 0.5  # time that a sampler is given to start, if it does not announce it
_END_S: Final = 20.0
_TOLD_CHARACTERS: Final = 300


class Refused(GilbenchError):
    """A profiler cannot do what was requested; the message gives the reason and the remedy."""


class Refusal(NamedTuple):
    """Reason why a profiler cannot do something, and the remedy."""

    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.reason}; {self.remedy}"


class Asked(NamedTuple):
    """What to sample.

    Attributes:
        pid: pid of the server's first process.
        interpreter: its interpreter.
        kind: kind of stacks.
        handler: location of a user handler, as for ``--workload``; otherwise the name of the workload.
        native: include frames of C code, if the profiler can.
        rate_hz: samples of each thread per second.
        folder: folder for the profiler's files; created for this sample, and removed afterwards.
    """

    pid: int
    interpreter: Interpreter
    kind: Kind
    handler: str
    native: bool
    rate_hz: int
    folder: Path


class Profiler(NamedTuple):
    """A profiler.

    Attributes:
        name: the name to choose it by.
        kinds: kinds of stacks that it can sample.
        why: its advantages.
        refusal: returns why it cannot sample servers under an interpreter here; ``None`` if it can.
        command: returns the command that samples until it is interrupted.
        stacks: reads what that command has written, once the servers have ended.
        started: what it writes on standard error or output once it samples; empty if it writes nothing.
        environment: environment variables that the server needs for it.
        tidy: removes files that were left elsewhere, once the servers have ended.
    """

    name: str
    kinds: tuple[Kind, ...]
    why: str
    refusal: Callable[[Interpreter], Refusal | None]
    command: Callable[[Asked], Sequence[str]]
    stacks: Callable[[Asked], Stacks]
    started: bytes = b""
    environment: Mapping[str, str] = {}
    tidy: Callable[[], None] = lambda: None

    def sample(self, asked: Asked) -> Sample:
        """Return a context manager that samples as long as its block lasts.

        Raises:
            Refused: it cannot sample here; the message gives the remedy.
        """
        refusal = self.refusal(asked.interpreter)
        if refusal:
            raise Refused(f"{self.name}: {refusal}")
        return Sample(self, asked)


class Sample:
    """A running profiler: attached when its ``with`` block begins, ended by :meth:`end`, or at the end of the block."""

    def __init__(self, profiler: Profiler, asked: Asked) -> None:
        self._profiler, self._asked = profiler, asked
        self._last_words = ""
        self._said: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._said = tempfile.TemporaryFile()
        try:
            self._attach()
        except BaseException:
            self._close()
            raise
        return self

    def _attach(self) -> None:
        try:
            with _interruptible():
                self._process = subprocess.Popen(
                    list(self._profiler.command(self._asked)),
                    stdin=subprocess.DEVNULL,
                    stdout=self._said,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as exc:
            raise Refused(f"cannot start {self._profiler.name}: {exc.strerror}") from exc
        patient_until_s = time.monotonic() + (_END_S if self._profiler.started else ATTACH_S)
        while time.monotonic() < patient_until_s:
            if self._process.poll() is not None:
                self._last_words = self._words().decode(errors="replace")
                raise self._failure()
            if self._profiler.started and self._profiler.started in self._words():
                break
            time.sleep(0.005)

    def begin(self) -> None:
        """Do nothing: it samples already."""

    def end(self) -> None:
        """Stop sampling while the load is still running.

        Raises:
            Refused: the profiler has failed; the message has its last output.
        """
        assert self._process is not None  # noqa: S101 - within the with
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGINT)  # as Ctrl-C does: it may have processes of its own
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            raise Refused(f"{self._profiler.name} did not end within {_END_S:g} s: try again or use another") from None
        self._last_words = self._words().decode(errors="replace")

    def stacks(self) -> Stacks:
        """Return the sampled stacks; call it when the servers have ended.

        Raises:
            Refused: nothing was written; the message has the profiler's last output.
        """
        try:
            return self._profiler.stacks(self._asked)
        except FileNotFoundError:
            raise self._failure() from None

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self._said is not None:
            self._said.close()

    def _words(self) -> bytes:
        assert self._said is not None  # noqa: S101 - within the with
        self._said.seek(0)
        return self._said.read()

    def _failure(self) -> Refused:
        said, _, _ = self._last_words.partition("Stack backtrace")
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        shown = " | ".join(lines)[:_TOLD_CHARACTERS] or "no output"
        return Refused(f"{self._profiler.name} failed: {shown}; {remedy(said)}")


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Make processes started in the block react to SIGINT: a shell makes its background jobs ignore it for good."""
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if ignored and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    else:
        yield


def remedy(said: str) -> str:
    """Return the remedy for a profiler that failed with this output."""
    return next((help_ for sign, help_ in _REMEDIES.items() if sign in said.lower()), _REMEDIES[""])


_LET_IT: Final = (
    "allow it to trace: run as root, or run sudo sysctl kernel.yama.ptrace_scope=0; in a container --cap-add SYS_PTRACE"
)
_UNKNOWN: Final = "it does not support this interpreter: choose another with --profiler, or update it"
_REMEDIES: Final = {
    "permission": _LET_IT,
    "not permitted": _LET_IT,
    "no python processes": f"{_LET_IT}; or it does not support this interpreter: choose another with --profiler",
    "paranoid": "allow perf to sample: run sudo sysctl kernel.perf_event_paranoid=1",
    "version": _UNKNOWN,
    "panicked": _UNKNOWN,
    "no such process": "the server has ended; try again",
    "": "choose another with --profiler",
}
