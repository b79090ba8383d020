"""Throughput of several threads at once, and updates that are lost between them."""

import hashlib
import sys
import threading
import time

import pytest

GROUP = "threads"
ROUNDS = 40_000
DATA = b"x" * 2_000_000
ADDED = 20_000


def compute(_):
    state = 1
    for _ in range(ROUNDS):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF


def hash_(_):
    hashlib.sha256(DATA).digest()


WORKS = {"pure Python": compute, "GIL let go": hash_}


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("work", WORKS)
def test_work_by_threads(timed, together, work, threads):
    timed(lambda: together(threads, WORKS[work]), per=threads, rounds=5)


@pytest.mark.parametrize("threads", [2, 4])
@pytest.mark.parametrize("shared", ["one object", "one each"])
def test_references_to(timed, together, shared, threads):
    objects = [object()] * threads if shared == "one object" else [object() for _ in range(threads)]

    def refer(number):
        mine = objects[number]
        for _ in range(20_000):
            other = mine
            del other

    timed(lambda: together(threads, refer), per=threads * 20_000, rounds=5)


class Counter:
    value = 0

    def add(self):
        self.value += 1

    def add_slowly(self):
        value = self.value
        value = int(str(value)) + 1  # a call between reading and writing
        self.value = value


@pytest.mark.parametrize("threads", [2, 4])
@pytest.mark.parametrize(
    "kind", ["counter +=", "counter, read then write", "list.append", "dict of counters", "locked counter"]
)
def test_hammered(together, fact, kind, threads):
    counter, items, counts, lock = Counter(), [], {"n": 0}, threading.Lock()

    def add_locked():
        with lock:
            counter.value += 1

    def add_to_dict():
        counts["n"] = counts["n"] + 1

    add = {
        "counter +=": counter.add,
        "counter, read then write": counter.add_slowly,
        "list.append": lambda: items.append(1),
        "dict of counters": add_to_dict,
        "locked counter": add_locked,
    }[kind]

    def hammer(_):
        for _ in range(ADDED):
            add()

    together(threads, hammer)
    got = {"list.append": len(items), "dict of counters": counts["n"]}.get(kind, counter.value)
    wanted = ADDED * threads
    if kind in ("locked counter", "list.append"):
        assert got == wanted
    fact(f"{kind}, by {threads} threads", missing_share=1 - got / wanted, wanted=wanted)


@pytest.mark.parametrize("interval_ms", [5.0, 0.5, 0.05])
def test_hand_off_of_the_gil(fact, interval_ms):
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(interval_ms / 1e3)
    over = threading.Event()

    def compute_until_over():
        while not over.is_set():
            compute(None)

    thread = threading.Thread(target=compute_until_over)
    thread.start()
    waits_s = []
    try:
        for _ in range(10):
            began_s = time.perf_counter()
            time.sleep(0)  # releases the GIL and takes it again
            waits_s.append(time.perf_counter() - began_s)
    finally:
        over.set()
        thread.join()
        sys.setswitchinterval(before_s)
    fact(f"the GIL back, switch interval {interval_ms:g} ms", median_ms=sorted(waits_s)[len(waits_s) // 2] * 1e3)
