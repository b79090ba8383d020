"""Starting a reference server under an interpreter, and ending it so that nothing of it is left."""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from bench.errors import ServerFailed
from bench.interpreters.interpreter import Interpreter, interpreter_environment
from bench.paths import ROOT

START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 4.0
_POLL_S = 0.002
_TOLD_LINES = 3
_FIXED_LAYOUT = ("setarch", "--addr-no-randomize")


class Server:
    """One launch of a model with a workload under an interpreter.

    Starting is split in two, so that several can start at once: the constructor starts the process, :meth:`ready`
    waits for it. The process has its own process group, and ends by itself when this one is gone (its standard input
    is a pipe that only this process holds).

    Attributes:
        pid: of the server's first process.
        port: where it listens, after :meth:`ready`.
        said: its ready line, after :meth:`ready`.
        gil_returned: what a free-threaded interpreter said when it turned its GIL back on; after :meth:`stop`.
    """

    def __init__(self, interpreter: Interpreter, model: str, workload: str, *, fixed_layout: bool = False) -> None:
        self.pid = 0
        self.port = 0
        self.said: dict[str, Any] = {}
        self._last_words = ""
        self.gil_returned = ""
        self._interpreter = interpreter
        self._faults: dict[str, str] = {}
        self._name = f"{model} with {workload} under {interpreter.name}"
        # What it says is kept where no reader is needed and nothing is left behind.
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop()
        # Whatever files it makes, they are gone in the end, also if it has to be killed.
        self._scratch = tempfile.TemporaryDirectory(prefix="gilbench-")
        try:
            self._process = subprocess.Popen(
                [
                    *_FIXED_LAYOUT * fixed_layout,
                    *interpreter.changed.prefix,
                    str(interpreter.executable),
                    "-m",
                    "servers",
                    model,
                    "--workload",
                    workload,
                    "--lifeline",
                    *(("--folder", str(Path.cwd())) if ":" in workload else ()),
                    *interpreter.changed.options,
                ],
                cwd=ROOT,
                env=interpreter_environment()
                | {"TMPDIR": self._scratch.name}
                | interpreter.changed.environment
                | (_importable(interpreter) if ":" in workload else {}),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                start_new_session=True,
            )
        except OSError as exc:
            self._stderr.close()
            self._scratch.cleanup()
            raise ServerFailed(f"cannot start {interpreter.executable}: {exc.strerror}") from exc
        self.pid = self._process.pid

    def ready(self) -> None:
        """Wait until the server accepts connections.

        Raises:
            ServerFailed: it ended, or took too long; the message has the last lines it wrote.
        """
        stdout = self._process.stdout
        assert stdout is not None  # noqa: S101 - a pipe was asked for
        readable, _, _ = select.select([stdout], [], [], START_TIMEOUT_S)
        line = stdout.readline() if readable else b""
        try:
            self.said = json.loads(line)
            self.port = self.said["port"]
        except (ValueError, KeyError, TypeError):
            self.stop()
            what = "ended at its start" if readable else f"was not ready within {START_TIMEOUT_S:g} s"
            raise ServerFailed(f"{self._name} {what}: {self._last_words}") from None
        if self.said.get("gil_enabled") and not self._interpreter.build.gil_enabled:
            self.stop()
            raise ServerFailed(f"{self._name} turned its GIL back on: {self.gil_returned or 'nobody says for what'}")

    def check(self) -> None:
        """Make sure that the server still runs.

        Raises:
            ServerFailed: it does not; the message has the last lines it wrote.
        """
        if self._process.returncode is None and os.waitid(os.P_PID, self.pid, _PEEK) is None:
            return
        self.stop()
        raise ServerFailed(f"{self._name} ended by itself: {self._last_words}")

    def stop(self) -> resource.struct_rusage | None:
        """End the server and all of its process group.

        Returns:
            Resources that the server and all its descendants used in their life, from wait4(); ``None`` if the server
            had been stopped before.
        """
        if self._process.returncode is not None:
            return None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        deadline_s = time.monotonic() + STOP_TIMEOUT_S
        while os.waitid(os.P_PID, self.pid, _PEEK) is None:
            if time.monotonic() > deadline_s:
                os.kill(self.pid, signal.SIGKILL)
            time.sleep(_POLL_S)
        # While the leader is not yet reaped its group's number cannot pass to a stranger.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        _, status, usage = os.wait4(self.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self._last_words, self._faults = self._tail(), dict(self._logged_faults())
        self.gil_returned = self._gil_returned()
        for stream in (self._process.stdin, self._process.stdout, self._stderr):
            if stream is not None:
                stream.close()
        self._scratch.cleanup()
        return usage

    def disturbances(self) -> Iterator[dict[str, Any]]:
        """Yield what it said that spoils its windows, each with a ``code``; known once it has ended."""
        if self._faults:
            yield {"code": "handler_failed", "reasons": self._faults}
        if self.gil_returned:
            yield {"code": "gil_returned", "reason": self.gil_returned}

    def _tail(self) -> str:
        self._stderr.seek(0)
        lines = self._stderr.read().decode(errors="replace").splitlines()[-_TOLD_LINES:]
        return " | ".join(line.strip() for line in lines) or f"exit code {self._process.returncode}, no output"

    def _gil_returned(self) -> str:
        self._stderr.seek(0)
        found = _GIL_RETURNED.search(self._stderr.read())
        if found is None:
            return ""
        return (
            f"module {found[1].decode(errors='replace')} does not say that it can do without; use a version of it that "
            f"does, or measure {self._interpreter.name}+gil"
        )

    def _logged_faults(self) -> Iterator[tuple[str, str]]:
        self._stderr.seek(0)
        for line in self._stderr:
            with contextlib.suppress(ValueError, KeyError, TypeError):
                logged = json.loads(line)
                if logged["event"] == "handler_failed":
                    yield str(logged["kind"]), str(logged["reason"])


@contextlib.contextmanager
def serving(interpreter: Interpreter, model: str, workload: str) -> Iterator[Server]:
    """Have a server up until the block ends.

    Raises:
        ServerFailed: it does not start.
    """
    server = Server(interpreter, model, workload)
    try:
        server.ready()
        yield server
    finally:
        server.stop()


def _importable(interpreter: Interpreter) -> dict[str, str]:
    """Let a handler be found as it is where the command was typed, unless the interpreter says where it looks."""
    return {} if "PYTHONPATH" in interpreter.changed.environment else {"PYTHONPATH": str(Path.cwd())}


_GIL_RETURNED = re.compile(rb"GIL\) has been enabled to load module '([^']+)'")
_PEEK = os.WEXITED | os.WNOHANG | os.WNOWAIT
