"""The applications behind WSGI and ASGI: checked by the standard library's validator, and message by message."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.paths import ROOT
from servers import applications
from tests.support.interpreters import chosen

FOLDER = Path(applications.__file__).parent

VALIDATED = """
import io, json, sys
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator
import gilbench_wsgi
application = validator(gilbench_wsgi.application)
def ask(path, body=None):
    environ = {"SCRIPT_NAME": "", "PATH_INFO": path, "REQUEST_METHOD": "GET", "QUERY_STRING": ""}
    if body is not None:
        environ.update(REQUEST_METHOD="POST", CONTENT_LENGTH=str(len(body)))
        environ["wsgi.input"] = io.BytesIO(body.encode())
    setup_testing_defaults(environ)
    started = []
    found = application(environ, lambda status, headers, exc=None: started.append(status))
    try:
        return started[0], b"".join(found).decode()
    finally:
        found.close()
print(json.dumps([ask(*each) for each in json.loads(sys.argv[1])]))
"""
ASYNC = """
import asyncio, json, sys
import gilbench_asgi
async def ask(scope, *messages):
    waiting, sent = list(messages), []
    async def receive():
        return waiting.pop(0)
    async def send(message):
        sent.append(message)
    await gilbench_asgi.application(scope, receive, send)
    def plain(value):
        return value.decode() if isinstance(value, bytes) else repr(value)
    return [{key: plain(value) for key, value in each.items()} for each in sent]
async def main():
    http = {"type": "http", "path": "/", "method": "GET"}
    parts = [{"type": "http.request", "body": b"he", "more_body": True}, {"type": "http.request", "body": b"llo"}]
    lives = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    return [
        await ask(http),
        await ask(dict(http, method="POST"), *parts),
        await ask(dict(http, path="/.gilbench")),
        await ask({"type": "lifespan"}, *lives),
    ]
print(json.dumps(asyncio.run(main())))
"""


def printed(name: str, program: str, *words: str, workload: str) -> Any:
    done = subprocess.run(
        [str(chosen()[name].program), "-c", program, *words],
        env={"PYTHONPATH": str(FOLDER), "GILBENCH_WORKLOAD": workload},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", chosen())
def test_gilbench_wsgi_keeps_to_the_specification(name: str) -> None:
    asked = json.dumps([["/"], ["/.gilbench"], ["/", "item-7"]])
    (status, body), (_, who), posted = printed(name, VALIDATED, asked, workload="json")
    assert (status, body) == ("200 OK", "Yes, yes")
    assert posted == [status, body]
    said = json.loads(who)
    assert (said["workload"], said["version"]) == ("json", chosen()[name].build.version)
    assert said["gil_enabled"] is chosen()[name].build.gil_enabled


@pytest.mark.parametrize("name", chosen())
def test_gilbench_asgi_answers_message_by_message(name: str) -> None:
    plain, posted, who, life = printed(name, ASYNC, workload="io")
    for sent in (plain, posted):
        assert [each["type"] for each in sent] == ["'http.response.start'", "'http.response.body'"]
        assert (sent[0]["status"], sent[1]["body"]) == ("200", "Yes, yes")
    assert json.loads(who[1]["body"])["work"] == {"wait_s": 0.005}
    assert [each["type"] for each in life] == ["'lifespan.startup.complete'", "'lifespan.shutdown.complete'"]


def test_gilbench_asgi_collects_a_body_that_comes_in_parts(tmp_path: Path) -> None:
    handler = tmp_path / "back.py"
    handler.write_text("def back(request):\n    return request[::-1]\n", encoding="utf-8")
    name = next(iter(chosen()))
    _, posted, *_ = printed(name, ASYNC, workload=f"{handler}:back")
    assert posted[1]["body"] == "olleh"


def test_main_starts_a_deployed_server_only_with_what_it_has() -> None:
    for words, says in (
        (["threaded", "--app", "shop:app"], "--app needs a server for applications"),
        (["waitress", "--workers", "2"], "--workers needs a model with a pool"),
        (["uvicorn", "--threads", "2"], "--threads needs a server with a pool of threads"),
    ):
        command = [sys.executable, "-m", "servers", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
        assert done.returncode == 2
        assert says in done.stderr
