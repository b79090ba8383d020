"""Singletons, raced for and timed: whether a way ever creates two, and the time of a call."""

import os
import threading
import time

import pytest
import singletons

GROUP = "singletons"
THREADS = 8
RACES = int(os.environ.get("GILBENCH_RACES", "60"))
PAUSE_S = 0.0005
TIMES = 20_000


def race(way, pause, rounds):
    """Let 8 threads call at once in each round.

    Return the number of rounds with several instances, the most instances, and the number of rounds that repeated an
    init.
    """
    barrier = threading.Barrier(THREADS + 1)
    current: dict = {}
    got = [None] * THREADS

    def ask(number):
        for _ in range(rounds):
            barrier.wait()
            got[number] = current["get"]()
            barrier.wait()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    several, most, again = 0, 1, 0
    for _ in range(rounds):
        current["get"], inits = way(pause)
        barrier.wait()
        barrier.wait()
        made = len({id(one) for one in got})
        several += made > 1
        most = max(most, made)
        again += len(inits) > len(set(inits))
    for thread in threads:
        thread.join()
    return several, most, again


@pytest.mark.parametrize("widened", [False, True], ids=["", "widened"])
@pytest.mark.parametrize("name", singletons.WAYS)
def test_raced_for(fact, name, widened):
    pause = (lambda: time.sleep(PAUSE_S)) if widened else (lambda: None)
    several, most, again = race(singletons.WAYS[name], pause, RACES)
    fact(
        f"{name}, raced for{', window widened' * widened}",
        rounds=RACES,
        rounds_with_several=several,
        most_instances=most,
        rounds_with_init_again=again,
    )
    if name in singletons.SAFE:
        assert several == 0


@pytest.mark.parametrize("name", singletons.WAYS)
def test_first_call(timed, name):
    def fresh():
        return (singletons.WAYS[name](lambda: None)[0],), {}

    def ask(get):
        get()

    timed(ask, rounds=30, warmup=0, setup=fresh)


@pytest.mark.parametrize("name", singletons.WAYS)
def test_hot_call(timed, name):
    get, inits = singletons.WAYS[name](lambda: None)
    get()

    def ask():
        for _ in range(TIMES):
            get()
        inits.clear()

    timed(ask, per=TIMES, rounds=5)


@pytest.mark.parametrize("name", singletons.WAYS)
def test_hot_call_by_4_threads(timed, together, name):
    get, inits = singletons.WAYS[name](lambda: None)
    get()

    def ask(_):
        for _ in range(TIMES // 4):
            get()

    def all_ask():
        together(4, ask)
        inits.clear()

    timed(all_ask, per=TIMES, rounds=5)
