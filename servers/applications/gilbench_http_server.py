"""``python -m gilbench_http_server HOST PORT MODULE:OBJECT``: ThreadingHTTPServer with a WSGI application."""

from __future__ import annotations

import contextlib
import importlib
import signal
import sys
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Dict, List, Tuple


class Handler(BaseHTTPRequestHandler):
    """Calls the application for each request of a connection, with what it needs of WSGI's environment."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    application: Any = None
    server_name = server_port = ""

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        environ: Dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": self.headers.get("Content-Length", ""),
            "SERVER_NAME": self.server_name,
            "SERVER_PORT": self.server_port,
            "SERVER_PROTOCOL": self.request_version,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": self.rfile,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        environ.update(("HTTP_" + name.upper().replace("-", "_"), value) for name, value in self.headers.items())
        started: List[Tuple[str, List[Tuple[str, str]]]] = []
        try:
            body = b"".join(self.application(environ, lambda status, headers, *_: started.append((status, headers))))
            status, headers = started[0]
        except Exception:
            traceback.print_exc()
            body, status, headers = b"", "500 Internal Server Error", []
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        if not any(name.lower() == "content-length" for name, _ in headers):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - names that the standard library looks for

    def log_message(self, *args: object) -> None:
        """Log no accesses."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024


def main(host: str, port: str, application: str) -> None:
    module, _, name = application.partition(":")
    Handler.server_name, Handler.server_port = host, port
    Handler.application = staticmethod(getattr(importlib.import_module(module), name))
    with contextlib.suppress(KeyboardInterrupt), Server((host, int(port)), Handler) as server:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
