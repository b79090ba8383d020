"""A handler of the user's own, ``package.module:function`` or ``path.py:function``, served by any model.

It takes the bytes of a request and returns those of a reply, without a line end; it may be a coroutine function. With
parentheses behind it, ``path.py:make()``, it is a factory: called once in each worker (a thread, a process, an
interpreter, an event loop), it returns the handler. What a handler raises becomes a reply that begins with ``!`` and
the exception's name; the first of each kind in a process is logged.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
import threading
from pathlib import Path
from typing import Any, Callable, Optional, Set, Tuple

from servers import lifecycle
from servers.workloads import NoHandler

FAILED = b"!"
MAX_REASON = 200

_kinds_seen: Set[str] = set()


class _Worker(threading.local):
    """What a thread keeps to itself; a fork starts without."""

    pid = 0
    handler: Optional[Callable[[bytes], Any]] = None
    loop: Any = None


class OwnHandler:
    """Calls the user's handler; pickles as its name, for workers that cannot be given an object.

    Raises:
        NoHandler: there is no such function.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._made_by, self.makes = _find(name)
        self._worker = _Worker()
        if not self.makes:
            self.waits = inspect.iscoroutinefunction(self._made_by)
        else:
            self.waits = inspect.iscoroutinefunction(self._worker_handler())

    def __reduce__(self) -> Tuple[Any, ...]:
        return OwnHandler, (self.name,)

    def __call__(self, request: bytes) -> bytes:
        """Return the reply, or one that reports what the handler raised."""
        try:
            reply = self._worker_handler()(request)
            return _check(self._loop().run_until_complete(reply) if self.waits else reply)
        except Exception as exc:
            return _describe(exc)

    async def awaited(self, request: bytes) -> bytes:
        """Return the reply of a coroutine function, in the event loop that is running."""
        try:
            return _check(await self._worker_handler()(request))
        except Exception as exc:
            return _describe(exc)

    def _worker_handler(self) -> Callable[[bytes], Any]:
        worker = self._worker
        if worker.handler is None or worker.pid != os.getpid():
            worker.pid, worker.loop = os.getpid(), None
            worker.handler = self._made_by() if self.makes else self._made_by
        return worker.handler

    def _loop(self) -> Any:
        if self._worker.loop is None:
            import asyncio  # noqa: PLC0415 - servers without an event loop should not carry one

            self._worker.loop = asyncio.new_event_loop()
        return self._worker.loop


def _find(name: str) -> Tuple[Callable[..., Any], bool]:
    place, _, function = name.rpartition(":")
    makes = function.endswith("()")
    try:
        module = _load_file(place) if place.endswith(".py") else importlib.import_module(place)
        found = module
        for part in function.removesuffix("()").split("."):
            found = getattr(found, part)
    except Exception as exc:
        remedy = "; run it under the interpreter of an environment that has it" * isinstance(exc, ImportError)
        raise NoHandler("cannot load %s: %s: %s%s" % (name, type(exc).__name__, exc, remedy)) from exc
    if not callable(found):
        raise NoHandler("%s is no function: name one that takes bytes and returns bytes" % name)
    return found, makes


def _load_file(path: str) -> Any:
    file = Path(path).resolve()
    if str(file.parent) not in sys.path:
        sys.path.insert(0, str(file.parent))  # where it finds its neighbours
    known = sys.modules.get(file.stem)
    if known is not None and getattr(known, "__file__", None) == str(file):
        return known
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise ImportError("not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    return module


def _check(reply: Any) -> bytes:
    if not isinstance(reply, bytes):
        raise TypeError("the handler returned %s, not bytes" % type(reply).__name__)
    if b"\n" in reply or reply.startswith(FAILED):
        raise ValueError("a reply has no line end in it, and does not begin with !")
    return reply


def _describe(exc: Exception) -> bytes:
    kind = type(exc).__name__
    reason = " ".join(str(exc).split())[:MAX_REASON]
    if kind not in _kinds_seen:
        _kinds_seen.add(kind)
        lifecycle.log("handler_failed", kind=kind, reason=reason)
    return FAILED + ("%s: %s" % (kind, reason)).encode(errors="replace")
