"""Starting a server under an interpreter, and stopping it without leaving anything behind."""

from __future__ import annotations

import contextlib
import fcntl
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
from typing import IO, Any, Final

from bench.errors import ServerFailed
from bench.interpreters import affinity
from bench.interpreters.interpreter import IMPORT_PATH, Interpreter, interpreter_environment
from bench.paths import ROOT
from bench.runner.deployed import free_port, prepare_server
from bench.runner.served import wait_until_served
from servers.deployed import EVERY
from servers.models import Model

START_TIMEOUT_S: Final = 20.0
DEPLOYED_START_TIMEOUT_S: Final = 60.0  # several processes, which each import a server and an application
STOP_TIMEOUT_S: Final = 4.0
MOST_OUTPUT_BYTES: Final = 1 << 20  # that is kept of what a server writes; more would fill the disk
_KEPT_BYTES: Final = 1 << 16
_POLL_S: Final = 0.002
_LAST_LINES: Final = 3
_LAUNCHER: Final = ROOT / "servers" / "launch.py"
_FIXED_LAYOUT: Final = ("setarch", "--addr-no-randomize")
_GIL_RETURNED: Final = re.compile(r"GIL\) has been enabled to load module '([^']+)'")
_RAISED: Final = re.compile(r"\s*[\w.]+(?:Error|Exception|Exit)\b")
_EVENT: Final = b'{"event": '
_PEEK: Final = os.WEXITED | os.WNOHANG | os.WNOWAIT


class Server:
    """One launch of a model with a workload under an interpreter.

    Starting is split in two, so that several can start at once: the constructor starts the process, :meth:`ready`
    waits for it. The process has its own process group, and ends by itself when this one is gone (its standard input
    is a pipe that only this process holds). It starts in the current folder, from which a handler is imported.

    Attributes:
        pid: pid of the server's first process.
        port: port on which it listens, after :meth:`ready`.
        said: what it says of itself, after :meth:`ready`: its ready line, or its answer over HTTP.
        packages: the version of each package installed for it.
        gil_returned: why a free-threaded interpreter has a GIL again; empty: it has none; after :meth:`stop`.
    """

    def __init__(
        self,
        interpreter: Interpreter,
        model: str,
        workload: str,
        *,
        fixed_layout: bool = False,
        path: str | None = None,
    ) -> None:
        """Start the server; with ``path``, ``workload`` is an application of the user's, which is asked for that.

        Raises:
            GilbenchError: it cannot be started, or its packages cannot be installed.
        """
        self._row = EVERY.get(model, Model("", "", ""))
        prepared = prepare_server(self._row, interpreter)
        self.packages = prepared.versions()
        self._path = path
        self._workers = affinity.pool_size(interpreter.changed.cpus) if self._row.pooled else 1
        self.pid = 0
        self.port = 0
        self.said: dict[str, Any] = {}
        self.gil_returned = ""
        self._interpreter = interpreter
        self._faults: dict[str, str] = {}
        self._name = f"{model} with {workload} under {interpreter.name}"
        # What it writes is kept in a file, which never makes it wait for a reader, and leaves nothing behind.
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop()
        fcntl.fcntl(self._output, fcntl.F_SETFL, os.O_APPEND)
        self._last_output = b""
        # Whatever files it makes, they are gone in the end, also if it has to be killed.
        self._scratch = tempfile.TemporaryDirectory(prefix="gilbench-")
        self._ready_line, ready = os.pipe()
        try:
            self._process = subprocess.Popen(
                [
                    *_FIXED_LAYOUT * fixed_layout,
                    *interpreter.changed.prefix,
                    str(prepared.program),
                    str(_LAUNCHER),
                    model,
                    "--workload" if path is None else "--app",
                    workload,
                    "--lifeline",
                    f"--ready-fd={ready}",
                    *_import_from(interpreter, workload),
                    *self._options(interpreter),
                    *interpreter.changed.options,
                ],
                env=interpreter_environment(import_path=":" in workload)
                | prepared.variables
                | {"TMPDIR": self._scratch.name}
                | interpreter.changed.environment,
                stdin=subprocess.PIPE,
                stdout=self._output,
                stderr=self._output,
                pass_fds=(ready,),
                start_new_session=True,
            )
        except OSError as exc:
            os.close(self._ready_line)
            self._output.close()
            self._scratch.cleanup()
            raise ServerFailed(f"cannot start {interpreter.program}: {exc.strerror}") from exc
        finally:
            os.close(ready)
        self.pid = self._process.pid

    @property
    def speaks_http(self) -> bool:
        return bool(self._row.interface)

    def _options(self, interpreter: Interpreter) -> list[str]:
        """Return the size of a pool where it is not the server's own choice, and the port where it must be given."""
        if self._row.interface:
            self.port = free_port()
            return [*[f"--workers={self._workers}"] * self._row.pooled, f"--port={self.port}"]
        # No more workers than a CPU quota can keep busy; without one the size is the server's own choice.
        limited = self._row.pooled and self._workers < affinity.allowed(interpreter.changed.cpus)
        return [f"--workers={self._workers}"] * limited

    def ready(self) -> None:
        """Wait until the server accepts connections.

        Raises:
            ServerFailed: it ended, or took too long; the message has the last lines it wrote.
        """
        if self._row.interface:
            self._wait_until_served()
        else:
            self._wait_until_announced()
        if self.said.get("gil_enabled") and not self._interpreter.build.gil_enabled:
            self.stop()
            raise ServerFailed(f"{self._name} turned its GIL back on: {self.gil_returned or 'reason unknown'}")

    def _wait_until_served(self) -> None:
        deadline_s = time.monotonic() + DEPLOYED_START_TIMEOUT_S
        try:
            said = wait_until_served(
                self.pid, self.port, self._workers, self._path, deadline_s=deadline_s, check=self.check
            )
        except ServerFailed as exc:
            if self._process.returncode is not None:
                raise
            self.stop()
            raise ServerFailed(f"{self._name} {exc}: {self._last_lines()}") from None
        self.said = said | {"pid": said.get("root", self.pid), "workers": self._workers if self._row.pooled else None}

    def _wait_until_announced(self) -> None:
        line, in_time = self._read_ready_line()
        try:
            self.said = json.loads(line)
            self.port = self.said["port"]
        except (ValueError, KeyError, TypeError):
            self.stop()
            what = "ended during startup" if in_time else f"was not ready within {START_TIMEOUT_S:g} s"
            raise ServerFailed(f"{self._name} {what}: {self._last_lines()}") from None

    def check(self) -> None:
        """Make sure that the server still runs, and that what it writes does not fill the disk.

        Raises:
            ServerFailed: it does not; the message has the last lines it wrote.
        """
        if self._process.returncode is None and os.waitid(os.P_PID, self.pid, _PEEK) is None:
            if os.fstat(self._output.fileno()).st_size > MOST_OUTPUT_BYTES:
                self._take_output()
            return
        self.stop()
        raise ServerFailed(f"{self._name} ended by itself: {self._last_lines()}")

    def stop(self) -> resource.struct_rusage | None:
        """Stop the server and its whole process group.

        Returns:
            Resources that the server and all its descendants used over their lifetime, from wait4(); ``None`` if the
            server had been stopped before.
        """
        if self._process.returncode is not None:
            return None
        self._terminate()
        deadline_s = time.monotonic() + STOP_TIMEOUT_S
        while os.waitid(os.P_PID, self.pid, _PEEK) is None:
            if time.monotonic() > deadline_s:
                os.kill(self.pid, signal.SIGKILL)
            time.sleep(_POLL_S)
        # Until the leader is reaped, the id of its group cannot be reused.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        _, status, usage = os.wait4(self.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self._take_output()
        os.close(self._ready_line)
        for stream in (self._process.stdin, self._output):
            if stream is not None:
                stream.close()
        self._scratch.cleanup()
        return usage

    def disturbances(self) -> Iterator[dict[str, Any]]:
        """Yield what it wrote that spoils its windows, each with a ``code``; known once it has ended."""
        if self._faults:
            yield {"code": "handler_failed", "reasons": self._faults}
        if self.gil_returned:
            yield {"code": "gil_returned", "reason": self.gil_returned}

    def _read_ready_line(self) -> tuple[bytes, bool]:
        """Return the line on its descriptor, as far as it came, and whether it came, or the end, in time."""
        deadline_s = time.monotonic() + START_TIMEOUT_S
        line = b""
        while not line.endswith(b"\n"):
            readable, _, _ = select.select([self._ready_line], [], [], max(0.0, deadline_s - time.monotonic()))
            if not readable:
                return line, False
            part = os.read(self._ready_line, 4096)
            if not part:
                break
            line += part
        return line, True

    def _terminate(self) -> None:
        """Ask the server to end: the process that serves, which may be a child of a wrapper, or else the first one."""
        serving = self.said.get("pid", self.pid)
        for pid in dict.fromkeys((serving, self.pid)):
            # A wrapper that waits for the server ends with it; one that is ended first would leave it behind.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if os.getpgid(pid) == self.pid:
                    os.kill(pid, signal.SIGTERM)
                    return

    def _take_output(self) -> None:
        """Keep of what it has written what is known to be of use, and the end; drop the rest."""
        self._output.seek(0)
        written = self._output.read()
        self._output.truncate(0)
        for line in written.splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError):
                logged = json.loads(line[line.index(_EVENT) :])  # what a handler prints may end without a newline
                if logged["event"] == "handler_failed":
                    self._faults.setdefault(str(logged["kind"]), str(logged["reason"]))
                elif logged["event"] == "gil_returned":
                    self.gil_returned = self.gil_returned or self._why_gil_returned("a module")
        found = _GIL_RETURNED.search(written.decode(errors="replace"))
        if found is not None:
            self.gil_returned = self._why_gil_returned(f"module {found[1]}")
        self._last_output = (self._last_output + written)[-_KEPT_BYTES:]

    def _why_gil_returned(self, module: str) -> str:
        return (
            f"{module} does not say that it can do without; use a version of it that does, or measure "
            f"{self._interpreter.name}+gil"
        )

    def _last_lines(self) -> str:
        written = self._last_output.decode(errors="replace").splitlines()
        raised = [line for line in written if _RAISED.match(line)]
        lines = raised[-1:] if self.speaks_http and raised else written[-_LAST_LINES:]  # it says more after a traceback
        return " | ".join(line.strip() for line in lines) or f"exit code {self._process.returncode}, no output"


def _import_from(interpreter: Interpreter, workload: str) -> list[str]:
    """Let a handler be imported from the current folder, as Python does, unless the interpreter says from where."""
    return [f"--folder={Path.cwd()}"] * (":" in workload and IMPORT_PATH not in interpreter.changed.environment)


@contextlib.contextmanager
def serving(interpreter: Interpreter, model: str, workload: str) -> Iterator[Server]:
    """Run a server until the block ends.

    Raises:
        ServerFailed: it does not start.
    """
    server = Server(interpreter, model, workload)
    try:
        server.ready()
        yield server
    finally:
        server.stop()
