"""A run's page over HTTP, which follows the run while it is measured.

While a run is measured, its plots are not drawn: that takes seconds of a core, and would affect its figures. The page
then has the findings, the interactive part and the warnings, redrawn at most every :data:`REFRESH_S`, and only on
request: 1.9 s of CPU for 468 windows, which those windows report as ``foreign_cpu`` if it is large enough. A separate
process draws at a low priority: if every CPU is busy, its page comes late, but requests are answered, and Ctrl-C is
obeyed, at once. When the run has ended, the page that the run itself has drawn is served.
"""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import signal
import sys
import threading
import time
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import resource_tracker
from multiprocessing.pool import AsyncResult, Pool
from pathlib import Path
from typing import Any, Final

from bench.analysis.load import PAGE, read_run
from bench.analysis.summary import summarise
from bench.narrative.findings import collect_findings
from bench.narrative.run_warnings import collect_warnings
from bench.report import theme
from bench.report.page import Inputs, draw_page
from bench.report.templates import render_template
from bench.schema.record import RECORDS
from bench.schema.run_meta import META
from loadgen.errors import GilbenchError, InvalidInput

HOST: Final = "127.0.0.1"
REFRESH_S: Final = 30.0
POLL_S: Final = 5
PATIENCE_S: Final = 2.0  # to wait for the first page
_YIELDS: Final = (
    10  # niceness, to yield to the measurement: gets a tenth of a busy CPU; at 19 it got a hundredth, and no page came
)
_NAMES: Final = ("127.0.0.1", "localhost")  # host names that are answered: others, pointed here by DNS, are refused

_FOLLOW: Final = """<script>
setInterval(async () => {
  try {
    if (await (await fetch("version")).text() !== "@VERSION@") location.reload();
  } catch {}
}, @POLL_MS@);
</script>
"""


class Served:
    """A run's folder, in its current state.

    Attributes:
        folder: its path; a link such as ``results/latest`` is resolved at each request, so that a new run takes over.
    """

    def __init__(self, folder: Path, drawers: Pool) -> None:
        self.folder = folder
        self._drawers = drawers
        self._lock = threading.Lock()
        self._version, self._page = "", _waiting(folder, "its page is being drawn")
        self._drawing: AsyncResult[str] | None = None
        self._drawing_version, self._drawing_since_s = "", -REFRESH_S

    def version(self) -> str:
        """Return a text that changes when there is something new to show."""
        with self._lock:
            self._refresh()
            return self._version

    def page(self) -> str:
        """Return the page, with a script that reloads it when there is something new."""
        with self._lock:
            self._refresh()
            if not self._version and self._drawing:
                self._drawing.wait(PATIENCE_S)
                self._refresh()
            script = _FOLLOW.replace("@VERSION@", self._version).replace("@POLL_MS@", str(POLL_S * 1000))
            return self._page.replace("</body>", f"{script}</body>")

    def _refresh(self) -> None:
        """Take over a finished page, and start redrawing if there is something new and it is time to."""
        folder = self.folder.resolve()
        if self._drawing and self._drawing.ready():
            done, self._drawing = self._drawing, None
            self._page, self._version = done.get(), self._drawing_version
        times_ns = (_changed_ns(folder / name) for name in (META, RECORDS, PAGE))
        version = "-".join(map(str, (folder.stat().st_ino, *times_ns)))
        if version == self._version:
            return
        if is_drawn(folder):
            self._page, self._version, self._drawing = (folder / PAGE).read_text(encoding="utf-8"), version, None
        elif not self._drawing and time.monotonic() - self._drawing_since_s >= REFRESH_S:
            self._drawing = self._drawers.apply_async(_draw, (folder,))
            self._drawing_version, self._drawing_since_s = version, time.monotonic()


def is_drawn(folder: Path) -> bool:
    """Return whether a run's page exists and is as new as its records."""
    return _changed_ns(folder / PAGE) >= _changed_ns(folder / RECORDS) > 0


def _changed_ns(path: Path) -> int:
    return path.stat().st_mtime_ns if path.is_file() else 0


def _draw(folder: Path) -> str:
    try:
        run = read_run(folder)
    except GilbenchError as exc:
        return _waiting(folder, str(exc))
    inputs = Inputs(run, summarise(run), collect_findings(run), collect_warnings(run), profiled={})
    return draw_page(inputs, plots={})


def _waiting(folder: Path, why: str) -> str:
    return str(render_template("bench.report", "waiting.html.j2", theme=theme.css(), name=folder.name, why=why))


def serve(folder: Path, port: int) -> None:
    """Serve a run's page on loopback until Ctrl-C, or SIGTERM.

    Raises:
        GilbenchError: the port is not available.
        InvalidInput: there is no such folder.
    """
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is not a folder: name a run's folder such as results/latest")
    with contextlib.suppress(KeyboardInterrupt), _drawers() as drawers:
        handler = functools.partial(_Handler, Served(folder, drawers))
        try:
            server = _Server((HOST, port), handler)
        except OSError as exc:
            raise GilbenchError(f"cannot listen on port {port}: {exc.strerror}; choose another with --port") from None
        sys.stdout.write(f"http://{HOST}:{server.server_port}/ shows {folder}; Ctrl-C ends it\n")
        sys.stdout.flush()
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with server:
            server.serve_forever()


def _drawers() -> Pool:
    """Return the process that draws; it ignores Ctrl-C, and ends with the server."""
    resource_tracker.ensure_running()  # starting it would unblock the signal again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # inherited by the process
    try:
        return multiprocessing.get_context("spawn").Pool(1, os.nice, (_YIELDS,))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Server(ThreadingHTTPServer):
    """Server that does not report browsers that disconnect before their answer."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(SimpleHTTPRequestHandler):
    """Handler that serves the page, its version, and the files next to it."""

    def __init__(self, served: Served, *args: Any, **keywords: Any) -> None:
        self._served = served
        super().__init__(*args, directory=str(served.folder.resolve()), **keywords)

    def do_HEAD(self) -> None:
        self.send_error(HTTPStatus.METHOD_NOT_ALLOWED)

    def do_GET(self) -> None:
        if self.headers.get("Host", "").partition(":")[0] not in _NAMES:
            self.send_error(HTTPStatus.FORBIDDEN)
            return
        folder = Path(self.directory)
        path = Path(self.translate_path(self.path)).resolve()
        if path != folder and (path.is_dir() or not path.is_relative_to(folder)):  # nor through a link
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        try:
            match self.path.partition("?")[0]:
                case "/" | "/report.html":
                    self._answer(self._served.page(), "text/html")
                case "/version":
                    self._answer(self._served.version(), "text/plain")
                case _:
                    super().do_GET()
        except ConnectionError:
            raise  # the browser has disconnected
        except (GilbenchError, OSError) as exc:
            self._answer(f"error: {exc}", "text/plain", HTTPStatus.INTERNAL_SERVER_ERROR)

    def _answer(self, text: str, kind: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Keep the terminal quiet."""
