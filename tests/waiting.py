"""Programs whose threads wait for known things in known proportions; ``python waiting.py NAME``."""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
import threading
import time

LOCK = threading.Lock()
NEITHER_S, HOLDING_S = 0.003, 0.02


def compute() -> None:
    while True:
        for _ in range(1000):
            pass


def sleep_under_one_lock() -> None:
    while True:
        with LOCK:
            time.sleep(NEITHER_S)


def call(library: ctypes.CDLL) -> None:
    while True:
        library.usleep(round(HOLDING_S * 1e6))


def run(work: object, threads: int) -> None:
    for _ in range(threads):
        threading.Thread(target=work, daemon=True).start()  # type: ignore[arg-type]


def interpreters() -> None:
    inner = importlib.import_module("concurrent.interpreters")  # CPython 3.14 and later
    code = "import threading\ndef compute():\n while True:\n  for _ in range(1000): pass\n"
    code += "threading.Thread(target=compute).start()\ncompute()"
    for _ in range(2):
        threading.Thread(target=inner.create().exec, args=(code,), daemon=True).start()


PROGRAMS = {
    "one computes": lambda: run(compute, 1),
    "two compute": lambda: run(compute, 2),
    "four compute": lambda: run(compute, 4),
    "four under one lock": lambda: run(sleep_under_one_lock, 4),
    "C that holds the GIL": lambda: run(lambda: call(ctypes.PyDLL(None)), 2),
    "C that releases the GIL": lambda: run(lambda: call(ctypes.CDLL(None)), 2),
    "two interpreters": interpreters,
}

if __name__ == "__main__":
    PROGRAMS[sys.argv[1]]()
    time.sleep(0.3)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()  # until whoever started this is gone
    os._exit(0)
