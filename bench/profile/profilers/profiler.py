"""What a profiler is here: a name, what it can tell, whether it can, and a context manager that samples."""

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
ATTACH_S: Final = 0.5  # the time that a sampler is given to start, where it does not say that it has
_END_S: Final = 20.0
_TOLD_CHARACTERS: Final = 300


class Refused(GilbenchError):
    """A profiler cannot do here what it is asked; the message says why, and what would help."""


class Refusal(NamedTuple):
    """Why a profiler cannot do something, and what would help."""

    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.reason}; {self.remedy}"


class Asked(NamedTuple):
    """What is to be sampled.

    Attributes:
        pid: of the server's first process.
        interpreter: its interpreter.
        kind: which moments.
        handler: the user's own, as ``--workload`` takes it; else the name of its workload.
        native: with frames of C code, where the profiler can.
        rate_hz: samples of each thread per second.
        folder: for what the profiler writes; made for this sample, gone afterwards.
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
        name: as it is chosen by.
        kinds: what it can tell.
        why: what is good about it.
        refusal: why it cannot sample servers under an interpreter here; ``None`` if it can.
        command: that samples until it is interrupted.
        stacks: what that command has written, understood; the servers have ended.
        started: what it writes on standard error or output once it samples; empty if it says nothing.
        environment: what the server's environment must have for it.
        tidy: removes what was left behind elsewhere, once the servers have ended.
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
        """Return what samples as long as its ``with`` lasts.

        Raises:
            Refused: it cannot here; the message says what would help.
        """
        refusal = self.refusal(asked.interpreter)
        if refusal:
            raise Refused(f"{self.name}: {refusal}")
        return Sample(self, asked)


class Sample:
    """A profiler at work: attached when its ``with`` begins, ended by :meth:`end` at the latest at the end of it."""

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
            raise Refused(f"{self._profiler.name} cannot be started: {exc.strerror}") from exc
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
        """End the sampling while the load is still on.

        Raises:
            Refused: the profiler has failed; the message has its last words.
        """
        assert self._process is not None  # noqa: S101 - within the with
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGINT)  # as Ctrl-C does: it may have processes of its own
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            raise Refused(f"{self._profiler.name} did not end within {_END_S:g} s: try again, or another") from None
        self._last_words = self._words().decode(errors="replace")

    def stacks(self) -> Stacks:
        """Return what it has seen; to be asked when the servers have ended.

        Raises:
            Refused: nothing was written; the message has the profiler's last words.
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
        shown = " | ".join(lines)[:_TOLD_CHARACTERS] or "it said nothing"
        return Refused(f"{self._profiler.name} failed: {shown}; {remedy(said)}")


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Let what is started meanwhile be ended by SIGINT: a shell has those in its background ignore it, for ever."""
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
    """Return what would help a profiler that failed with such words."""
    return next((help_ for sign, help_ in _REMEDIES.items() if sign in said.lower()), _REMEDIES[""])


_LET_IT: Final = (
    "let it trace: run as root, or sudo sysctl kernel.yama.ptrace_scope=0, in a container --cap-add SYS_PTRACE"
)
_UNKNOWN: Final = "it does not know this interpreter: choose another by --profiler, or update it"
_REMEDIES: Final = {
    "permission": _LET_IT,
    "not permitted": _LET_IT,
    "no python processes": f"{_LET_IT}; or it does not know this interpreter: choose another by --profiler",
    "paranoid": "let perf sample: sudo sysctl kernel.perf_event_paranoid=1",
    "version": _UNKNOWN,
    "panicked": _UNKNOWN,
    "no such process": "the server has ended; try again",
    "": "choose another by --profiler",
}
