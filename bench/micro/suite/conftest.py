"""Fixtures of the microbenchmarks, which run inside each interpreter, with only pytest and pytest-benchmark."""

import gc
import json
import os
import sys
import threading
import time
from pathlib import Path

import pytest

TUNING = json.loads(os.environ.get("GILBENCH_TUNING", "{}"))
FACTS = os.environ.get("GILBENCH_FACTS")


def pytest_configure():
    if "switch_interval_s" in TUNING:
        sys.setswitchinterval(TUNING["switch_interval_s"])
    if TUNING.get("nogc"):
        gc.disable()
    if TUNING.get("freeze"):
        gc.collect()
        gc.freeze()


@pytest.fixture
def timed(benchmark, request):
    """Time a function that does the same thing ``per`` times; the result is the time for one."""

    def run(function, per=1, rounds=7, warmup=1, setup=None):
        benchmark.group = request.module.GROUP
        parameters = getattr(request.node, "callspec", None)
        what = request.function.__name__.replace("test_", "", 1).replace("_", " ")
        which = ", ".join(map(str, parameters.params.values())) if parameters else ""
        benchmark.extra_info.update(per=per, title=what + (": " + which if which else ""))
        return benchmark.pedantic(function, setup=setup, rounds=rounds, warmup_rounds=warmup)

    return run


@pytest.fixture
def fact(request):
    """Note what was counted, in addition to what was timed."""

    def note(name, **figures):
        if FACTS:
            line = json.dumps({"group": request.module.GROUP, "name": name, "figures": figures})
            with Path(FACTS).open("a", encoding="utf-8") as file:
                file.write(line + "\n")

    return note


@pytest.fixture
def together():
    """Run a function in several threads at once, each with its number, and return the seconds that they took."""

    def run(threads, function):
        barrier = threading.Barrier(threads + 1)

        def wait_and_run(number):
            barrier.wait()
            function(number)

        started = [threading.Thread(target=wait_and_run, args=(number,)) for number in range(threads)]
        for thread in started:
            thread.start()
        barrier.wait()
        began_s = time.perf_counter()
        for thread in started:
            thread.join()
        return time.perf_counter() - began_s

    return run
