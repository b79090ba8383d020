"""The servers that people deploy: one file for each, and one row for each way to run it, next to the reference models.

A server's module has ``PROGRAM``, the module that ``python -m`` runs, and ``arguments(ways)``, its command line: loop
and parser are always named, access logs are off, and watchdogs are longer than any window. It serves HTTP/1.1 with the
application in :mod:`servers.applications`, which does a workload, or with the user's own.
"""

from __future__ import annotations

from typing import NamedTuple

from ..models import MODELS, Model

WATCHDOG_S = 3600
"""What servers take for hanging, so that they end no worker within a window."""


class Ways(NamedTuple):
    """What a server is started with.

    Attributes:
        model: key of :data:`DEPLOYED`.
        host: address to listen on.
        port: port to listen on.
        application: ``module:object``.
        workers: processes; on builds without a GIL some servers start threads instead.
        threads: threads of each worker, for servers with such a pool.
    """

    model: str
    host: str
    port: int
    application: str
    workers: int
    threads: int

    @property
    def address(self) -> str:
        return "%s:%d" % (self.host, self.port)


def _row(
    module: str,
    summary: str,
    interface: str,
    *packages: str,
    pooled: bool = True,
    threaded: bool = False,
    event_loop: bool = False,
) -> Model:
    return Model(
        ".deployed." + module,
        summary,
        "parallelism" if pooled else "concurrency",
        pooled=pooled,
        event_loop=event_loop,
        interface=interface,
        packages=packages,
        threaded=threaded,
    )


_GUNICORN = "gunicorn==27.0.1"
_UVICORN = "uvicorn==0.54.0"
_GRANIAN = "granian==2.8.9"
_H11 = "h11==0.16.0"

DEPLOYED = {
    "gunicorn-sync": _row(
        "gunicorn", "gunicorn: a pool of processes, a connection for each request", "wsgi", _GUNICORN
    ),
    "gunicorn-gthread": _row(
        "gunicorn", "gunicorn: a pool of processes, a pool of threads in each", "wsgi", _GUNICORN, threaded=True
    ),
    "gunicorn-asgi": _row(
        "gunicorn", "gunicorn: a pool of processes, asyncio's loop in each", "asgi", _GUNICORN, event_loop=True
    ),
    "gunicorn-gevent": _row(
        "gunicorn",
        "gunicorn: a pool of processes, greenlets in each",
        "wsgi",
        _GUNICORN,
        "gevent==26.9.0",
        "packaging==26.4",
    ),
    "uvicorn": _row(
        "uvicorn",
        "uvicorn: a pool of processes, asyncio's loop and h11 in each",
        "asgi",
        _UVICORN,
        _H11,
        event_loop=True,
    ),
    "uvicorn-uvloop": _row(
        "uvicorn",
        "uvicorn: a pool of processes, uvloop and httptools in each",
        "asgi",
        _UVICORN,
        "uvloop==0.23.0",
        "httptools==0.9.0",
    ),
    "granian-asgi": _row(
        "granian", "granian: a pool of workers, Rust's HTTP, asyncio's loop in each", "asgi", _GRANIAN
    ),
    "granian-wsgi": _row(
        "granian", "granian: a pool of workers, Rust's HTTP, a pool of threads in each", "wsgi", _GRANIAN, threaded=True
    ),
    "hypercorn": _row(
        "hypercorn",
        "hypercorn: a pool of processes, asyncio's loop and h11 in each",
        "asgi",
        "hypercorn==0.18.0",
        _H11,
        event_loop=True,
    ),
    "waitress": _row(
        "waitress", "waitress: one process, a pool of threads", "wsgi", "waitress==3.0.2", pooled=False, threaded=True
    ),
    "cheroot": _row(
        "cheroot", "cheroot: one process, a pool of threads", "wsgi", "cheroot==11.1.2", pooled=False, threaded=True
    ),
    "http-server": _row(
        "http_server", "the standard library's ThreadingHTTPServer: a thread per connection", "wsgi", pooled=False
    ),
}

EVERY = {**MODELS, **DEPLOYED}
"""Every model by name: the reference models, and the servers that people deploy."""
