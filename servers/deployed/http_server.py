"""The standard library's ThreadingHTTPServer with a WSGI application: HTTP/1.1, a thread per connection.

Run as a program, like the servers that are installed: ``python -m gilbench_http_server HOST PORT MODULE:OBJECT``.
"""

from __future__ import annotations

from typing import List

from . import Ways

PROGRAM = "gilbench_http_server"


def arguments(ways: Ways) -> List[str]:
    return [ways.host, str(ways.port), ways.application]
