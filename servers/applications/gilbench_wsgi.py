"""The WSGI application (PEP 3333). Real servers import it by this name, with its folder on the import path."""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterable, List, Tuple

from gilbench_package import applications  # type: ignore[import-not-found]  # found where servers import it

_served = applications.load()
_respond, _who = _served.respond, _served.who
_WHO, _EMPTY, _FAILED = applications.WHO, applications.EMPTY, applications.FAILED

StartResponse = Callable[[str, List[Tuple[str, str]]], object]


def application(environ: Dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    if environ["PATH_INFO"] == _WHO:
        body = _who()
    else:
        size = environ.get("CONTENT_LENGTH")
        body = _respond(environ["wsgi.input"].read(int(size)) if size else _EMPTY)
    status = "500 Internal Server Error" if body.startswith(_FAILED) else "200 OK"
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
