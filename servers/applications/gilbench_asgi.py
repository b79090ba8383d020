"""The ASGI application (ASGI 3.0). Real servers import it by this name, with its folder on the import path."""

from __future__ import annotations

from typing import Any, Awaitable, Callable, Dict

from gilbench_package import applications  # type: ignore[import-not-found]  # found where servers import it

_served = applications.load()
_respond, _respond_async, _who = _served.respond, _served.respond_async, _served.who
_WHO, _EMPTY, _FAILED = applications.WHO, applications.EMPTY, applications.FAILED

Message = Dict[str, Any]


async def application(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    if scope["type"] == "lifespan":
        await _live(receive, send)
        return
    if scope["path"] == _WHO:
        body = _who()
    else:
        request = await _read(receive) if scope["method"] == "POST" else _EMPTY
        body = _respond(request) if _respond_async is None else await _respond_async(request)
    status = 500 if body.startswith(_FAILED) else 200
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _read(receive: Callable[[], Awaitable[Message]]) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body", False):
            return body


async def _live(receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": kind + ".complete"})
        if kind == "lifespan.shutdown":
            return
