"""Ways to have one instance of a class, each created anew, so that threads can race for it from the start.

A way is a function of a pause (called in the constructor, to widen the window of a race) that returns ``get``, which
returns the one instance, and ``inits``, the list of all calls of its ``__init__``.
"""

import functools
import importlib.abc
import importlib.machinery
import itertools
import sys
import threading
import typing

_numbers = itertools.count()


def plain(pause):
    inits = []

    class Plain:
        def __init__(self):
            pause()
            inits.append(id(self))

    return Plain, inits


def module(pause):
    """Use the module itself: its top level runs once, under the import system's lock."""
    cls, inits = plain(pause)
    name = f"gilbench_single_{next(_numbers)}"

    class Loader(importlib.abc.Loader):
        def create_module(self, _):
            return None

        def exec_module(self, made):
            made.instance = cls()

    class Finder(importlib.abc.MetaPathFinder):
        def find_spec(self, wanted, *_):
            return importlib.machinery.ModuleSpec(name, Loader()) if wanted == name else None

    sys.meta_path.insert(0, Finder())

    def get():
        return importlib.import_module(name).instance

    return get, inits


def new_without_lock(pause):
    inits = []

    class Single:
        _instance = None

        def __new__(cls):
            if cls._instance is None:
                pause()
                cls._instance = super().__new__(cls)
            return cls._instance

        def __init__(self):
            inits.append(id(self))

    return Single, inits


def new_with_rlock(pause):
    inits = []

    class Single:
        _instance = None
        _lock = threading.RLock()

        def __new__(cls):
            with cls._lock:
                if cls._instance is None:
                    pause()
                    cls._instance = super().__new__(cls)
            return cls._instance

        def __init__(self):
            inits.append(id(self))

    return Single, inits


def double_checked(pause):
    inits = []

    class Single:
        _instance = None
        _lock = threading.RLock()

        def __new__(cls):
            if cls._instance is None:
                with cls._lock:
                    if cls._instance is None:
                        pause()
                        instance = super().__new__(cls)
                        instance._prepare()
                        cls._instance = instance
            return cls._instance

        def _prepare(self):
            inits.append(id(self))  # not __init__, which would run again with each call

    return Single, inits


def metaclass(pause):
    inits = []

    class Meta(type):
        _instances: typing.ClassVar[dict] = {}

        def __call__(cls):
            if cls not in cls._instances:
                cls._instances[cls] = super().__call__()
            return cls._instances[cls]

    class Single(metaclass=Meta):
        def __init__(self):
            pause()
            inits.append(id(self))

    return Single, inits


def cached(pause):
    cls, inits = plain(pause)

    @functools.cache
    def get():
        return cls()

    return get, inits


def at_import(pause):
    cls, inits = plain(pause)

    class Holder:
        instance = cls()

    return lambda: Holder.instance, inits


WAYS = {
    "module": module,
    "__new__ without a lock": new_without_lock,
    "__new__ with an RLock": new_with_rlock,
    "double-checked locking": double_checked,
    "metaclass": metaclass,
    "functools.cache": cached,
    "instance made at import": at_import,
}
SAFE = ("module", "__new__ with an RLock", "double-checked locking", "instance made at import")
"""Ways that promise never to create two."""
