"""Starting a thread, process, interpreter, task or pool, and waiting for its end."""

import asyncio
import concurrent.futures
import multiprocessing
import os
import threading
import warnings

import pytest

GROUP = "start and join"


def nothing():
    """Do nothing, as the work of what was just started."""


def test_thread(timed):
    def start():
        thread = threading.Thread(target=nothing)
        thread.start()
        thread.join()

    timed(lambda: [start() for _ in range(50)], per=50)


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_process(timed, method):
    context = multiprocessing.get_context(method)

    def start():
        process = context.Process(target=nothing)
        process.start()
        process.join()
        assert process.exitcode == 0

    timed(start, rounds=3)


def test_interpreter(timed):
    interpreters = pytest.importorskip("concurrent.interpreters")

    def start():
        interpreter = interpreters.create()
        interpreter.call(nothing)
        interpreter.close()

    timed(start, rounds=5)


def test_task(timed):
    async def nothing_async():
        pass

    async def start_many():
        for _ in range(500):
            await asyncio.create_task(nothing_async())

    timed(lambda: asyncio.run(start_many()), per=500)


@pytest.mark.parametrize("kind", ["Thread", "Process", "Interpreter"])
def test_pool_of_two(timed, kind):
    pool_of = getattr(concurrent.futures, kind + "PoolExecutor", None)
    if pool_of is None:
        pytest.skip("this CPython has no such pool")
    settings = {"mp_context": multiprocessing.get_context("fork")} if kind == "Process" else {}

    def start():
        with pool_of(2, **settings) as pool:
            assert list(pool.map(abs, [-1, -2])) == [1, 2]

    timed(start, rounds=3)


def test_a_broken_pool_says_so(fact):
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        exc = pool.submit(os._exit, 1).exception()
    fact("a process of a pool ends", ends_in=type(exc).__name__)


def test_an_interpreter_that_raises_says_so(fact):
    interpreters = pytest.importorskip("concurrent.interpreters")
    interpreter = interpreters.create()
    try:
        interpreter.call(int, "x")
    except Exception as exc:
        fact("an interpreter raises", ends_in=type(exc).__name__)
    else:
        pytest.fail("nothing was raised")
    finally:
        interpreter.close()


def test_a_fork_with_other_threads_says_so(fact):
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
    over.set()
    thread.join()
    fact("a fork with other threads", warns=", ".join(sorted({one.category.__name__ for one in shown})) or "of nothing")
