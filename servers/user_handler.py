"""A user handler, ``package.module:function`` or ``path.py:function``, served by any model.

It takes the bytes of a request and returns those of a reply, without a line end; it may be a coroutine function. With
parentheses, as in ``path.py:make()``, it is a factory: called once in each worker (a thread, a process, an interpreter,
an event loop), it returns the handler. An exception of the handler becomes a reply that begins with ``!`` and the
exception's name; the first of each kind in a process is logged.
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

from . import lifecycle
from .workloads import NoHandler

FAILED = b"!"
MAX_REASON = 200

_kinds_seen: Set[str] = set()


class _Worker(threading.local):
    """The state of one thread; a fork starts without it."""

    pid = 0
    handler: Optional[Callable[[bytes], Any]] = None
    loop: Any = None


class OwnHandler:
    """Calls the user's handler; pickles as its name, for workers that cannot receive an object.

    Raises:
        NoHandler: there is no such function.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._made_by, self.makes = _find(name)
        self._worker = _Worker()
        self.waits = _is_coroutine_function(self._worker_handler() if self.makes else self._made_by)

    def __reduce__(self) -> Tuple[Any, ...]:
        return OwnHandler, (self.name,)

    def __call__(self, request: bytes) -> bytes:
        """Return the reply, or one that reports what the handler raised."""
        try:
            reply = self._worker_handler()(request)
            return _check(self._loop().run_until_complete(reply) if self.waits else reply)
        except (Exception, SystemExit) as exc:  # a handler that exits costs its own request, not the server
            return _describe(exc)

    async def awaited(self, request: bytes) -> bytes:
        """Return the reply of a coroutine function, in the event loop that is running."""
        try:
            return _check(await self._worker_handler()(request))
        except (Exception, SystemExit) as exc:
            return _describe(exc)

    def _worker_handler(self) -> Callable[[bytes], Any]:
        worker = self._worker
        if worker.handler is None or worker.pid != os.getpid():
            worker.pid, worker.loop = os.getpid(), None
            worker.handler = self._made_by() if self.makes else self._made_by
        return worker.handler

    def _loop(self) -> Any:
        if self._worker.loop is None:
            import asyncio  # noqa: PLC0415 - servers without an event loop should not import it

            self._worker.loop = asyncio.new_event_loop()
        return self._worker.loop


def _is_coroutine_function(function: Callable[..., Any]) -> bool:
    """Tell whether calling it makes a coroutine: a function, or an object whose ``__call__`` is one."""
    called = getattr(type(function), "__call__", None)  # noqa: B004 - it is known to be callable
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called)


def _find(name: str) -> Tuple[Callable[..., Any], bool]:
    place, _, function = name.rpartition(":")
    makes = function.endswith("()")
    try:
        module = _load_file(place) if place.endswith(".py") else importlib.import_module(place)
        found = module
        for part in function.removesuffix("()").split("."):
            found = getattr(found, part)
    except (Exception, SystemExit) as exc:
        raise NoHandler("cannot load %s: %s: %s%s" % (name, type(exc).__name__, exc, _remedy(name, exc))) from exc
    if not callable(found):
        raise NoHandler("%s is not a function: name one that takes bytes and returns bytes" % name)
    return found, makes


def _remedy(name: str, exc: BaseException) -> str:
    if not isinstance(exc, ImportError):
        return ""
    if "relative import" in str(exc):
        path, _, function = name.rpartition(":")
        dotted, folder = _dotted(Path(path).resolve())
        return "; name it by its package, as %s:%s, from the folder %s" % (dotted, function, folder)
    return "; use the interpreter of an environment that has the module"


def _dotted(file: Path) -> Tuple[str, Path]:
    """Return the name of a file's module within its outermost package, and the folder that has that package."""
    package = file.parent
    while (package.parent / "__init__.py").is_file():
        package = package.parent
    return ".".join(file.relative_to(package.parent).with_suffix("").parts), package.parent


def _load_file(path: str) -> Any:
    file = Path(path).resolve()
    if str(file.parent) not in sys.path:
        sys.path.insert(0, str(file.parent))  # so that it can import its neighbours
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
        raise ValueError("a reply must not contain a line end or begin with !")
    return reply


def _describe(exc: BaseException) -> bytes:
    kind = type(exc).__name__
    reason = " ".join(str(exc).split())[:MAX_REASON]
    if kind not in _kinds_seen:
        _kinds_seen.add(kind)
        lifecycle.log("handler_failed", kind=kind, reason=reason)
    return FAILED + ("%s: %s" % (kind, reason)).encode(errors="replace")
