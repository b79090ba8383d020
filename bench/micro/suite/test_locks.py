"""Uncontended and contended locks: how fast they are, and how fair."""

import asyncio
import threading
import time

import pytest

GROUP = "locks"
TIMES = 5_000
CONTENDED_S = 0.06


@pytest.mark.parametrize("kind", ["Lock", "RLock", "Semaphore"])
def test_uncontended(timed, kind):
    lock = getattr(threading, kind)()

    def take():
        for _ in range(TIMES):
            with lock:
                pass

    timed(take, per=TIMES)


def test_uncontended_asyncio_lock(timed):
    async def take():
        lock = asyncio.Lock()
        for _ in range(TIMES):
            async with lock:
                pass

    timed(lambda: asyncio.run(take()), per=TIMES)


@pytest.mark.parametrize("threads", [2, 4])
@pytest.mark.parametrize("kind", ["Lock", "RLock", "Semaphore"])
def test_contended(together, fact, kind, threads):
    lock = getattr(threading, kind)()
    taken, longest_s = [0] * threads, [0.0] * threads

    def take(number):
        until_s = time.perf_counter() + CONTENDED_S
        before_s = time.perf_counter()
        while before_s < until_s:
            with lock:
                now_s = time.perf_counter()
                longest_s[number] = max(longest_s[number], now_s - before_s)
                taken[number] += 1
                for _ in range(20):
                    pass
            before_s = time.perf_counter()

    together(threads, take)
    assert all(taken)
    fact(
        f"{kind} wanted by {threads} threads",
        taken_per_s=sum(taken) / CONTENDED_S,
        longest_wait_ms=max(longest_s) * 1e3,
        least_share=min(taken) * threads / sum(taken),
    )


@pytest.mark.parametrize("tasks", [2, 4])
def test_contended_asyncio_lock(fact, tasks):
    taken, longest_s = [0] * tasks, [0.0] * tasks

    async def take(lock, number):
        until_s = time.perf_counter() + CONTENDED_S
        before_s = time.perf_counter()
        while before_s < until_s:
            async with lock:
                longest_s[number] = max(longest_s[number], time.perf_counter() - before_s)
                taken[number] += 1
                await asyncio.sleep(0)
            before_s = time.perf_counter()

    async def take_all():
        lock = asyncio.Lock()
        await asyncio.gather(*(take(lock, number) for number in range(tasks)))

    asyncio.run(take_all())
    assert all(taken)
    fact(
        f"asyncio lock wanted by {tasks} tasks",
        taken_per_s=sum(taken) / CONTENDED_S,
        longest_wait_ms=max(longest_s) * 1e3,
        least_share=min(taken) * tasks / sum(taken),
    )
