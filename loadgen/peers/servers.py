"""The servers for the comparison, one row each; each is a separate process on a loopback port.

``python -m loadgen.peers.servers NAME`` runs one of gilbench's own servers, prints its port, and serves until its
standard input ends, so that it does not outlive its parent.
"""

from __future__ import annotations

import contextlib
import platform
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from loadgen.errors import GilbenchError
from loadgen.peers.drivers.report import HOST, REQUEST
from loadgen.validation.delays import delaying
from loadgen.validation.responder import responder

REPLY: Final = b"HTTP/1.1 200 OK\r\nServer: gilbench\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nYes, yes\n"

# Every 50th reply is slow, so that the 99th percentile lies in the middle of the slow ones.
QUICK_S, SLOW_S = 0.005, 0.05
DELAYS_S: Final = (*[QUICK_S] * 49, SLOW_S)
FREEZE_AFTER_S, FREEZE_S = 1.5, 0.5
STALL_REPLY_S = 0.0005

_OWN: Final = {
    "responder": lambda: responder(REQUEST, REPLY),
    "delays": lambda: delaying(REPLY, DELAYS_S),
    "stall": lambda: delaying(REPLY, (STALL_REPLY_S,), freeze=(FREEZE_AFTER_S, FREEZE_S)),
}

_NGINX: Final = """
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
worker_rlimit_nofile {files};
events {{ worker_connections {files}; }}
http {{
    access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{ listen {host}:{port}{secure} backlog=4096; {certificate}location / {{ return 200 "Yes, yes\\n"; }} }}
}}
"""
_NGINX_FILES = 16_384
_START_S = 30.0


@contextlib.contextmanager
def own(name: str) -> Iterator[int]:
    """Run one of gilbench's own servers and yield its port."""
    command = [sys.executable, "-m", __spec__.name, name]
    # Ctrl-C is for the measuring process, which then ends the servers itself.
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as server:
        try:
            assert server.stdout is not None  # noqa: S101 - a pipe was asked for
            said = server.stdout.readline()
            if not said.strip().isdigit():
                raise GilbenchError(f"the server {name!r} did not start: run {' '.join(command)} to see why")
            yield int(said)
        finally:
            server.terminate()


_CERTIFICATE = "ssl_certificate {folder}/certificate; ssl_certificate_key {folder}/key; "


@contextlib.contextmanager
def nginx(*, secure: bool = False) -> Iterator[int]:
    """Serve nine bytes of text with one worker of the system's nginx, over HTTPS if ``secure``, and yield its port."""
    found = _nginx()
    if found is None:
        raise GilbenchError("nginx is not installed: install it, or leave it out")
    with tempfile.TemporaryDirectory(prefix="gilbench-nginx-") as folder:
        with socket.create_server((HOST, 0)) as free:
            port = free.getsockname()[1]
        config = Path(folder, "nginx.conf")
        if secure:
            _make_certificate(Path(folder))
        listening = " ssl" if secure else ""
        certificate = _CERTIFICATE.format(folder=folder) if secure else ""
        config.write_text(
            _NGINX.format(
                folder=folder, host=HOST, port=port, files=_NGINX_FILES, secure=listening, certificate=certificate
            ),
            encoding="utf-8",
        )
        command = [found, "-c", str(config)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as server:
            try:
                _wait_until_up(port, server)
                yield port
            finally:
                server.terminate()


def _make_certificate(folder: Path) -> None:
    """Make a certificate that nobody trusts."""
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    words += ["-keyout", str(folder / "key"), "-out", str(folder / "certificate")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise GilbenchError(f"openssl made no certificate: {done.stderr.strip().splitlines()[-1]}")


def _nginx() -> str | None:
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def _wait_until_up(port: int, server: subprocess.Popen[str]) -> None:
    end_s = time.monotonic() + _START_S
    while server.poll() is None and time.monotonic() < end_s:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return
        time.sleep(0.02)
    said = server.stderr.read() if server.stderr and server.poll() is not None else "it does not answer"
    raise GilbenchError(f"nginx did not start: {said.strip()}")


SERVERS: Final[dict[str, Callable[[], contextlib.AbstractContextManager[int]]]] = {
    "responder": lambda: own("responder"),
    "nginx": nginx,
    "nginx-tls": lambda: nginx(secure=True),
}
"""The servers on which the CPU time of generators is measured."""


SECURE: Final = {"nginx-tls"}
"""Those that speak HTTPS."""


def missing(name: str) -> str | None:
    """Return why a server is not available, ``None`` if it is."""
    if name.startswith("nginx") and _nginx() is None:
        return "nginx is not installed"
    return "openssl is not installed" if name in SECURE and shutil.which("openssl") is None else None


def version(name: str) -> str:
    """Return the version of a server."""
    if not name.startswith("nginx"):
        return platform.python_version()
    said = subprocess.run([_nginx() or name, "-v"], capture_output=True, text=True, check=False).stderr
    return said.strip().rpartition("/")[2]


def _main() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with _OWN[sys.argv[1]]() as port:
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    _main()
