"""Passing one item there and back between two threads, processes, interpreters or tasks."""

import asyncio
import contextlib
import multiprocessing
import queue
import socket
import threading

import pytest

GROUP = "hand-off there and back"
TIMES = 200


@contextlib.contextmanager
def in_background(work):
    """Run ``work`` in a thread during the block."""
    thread = threading.Thread(target=work)
    thread.start()
    yield
    thread.join()


def back_and_forth(put, get):
    for _ in range(TIMES):
        put(1)
        get()


def answer(get, put):
    """Answer each item until ``None`` arrives."""
    while get() is not None:
        put(1)


@pytest.mark.parametrize("kind", ["Queue", "SimpleQueue"])
def test_queue(timed, kind):
    there, back = getattr(queue, kind)(), getattr(queue, kind)()
    with in_background(lambda: answer(there.get, back.put)):
        timed(lambda: back_and_forth(there.put, back.get), per=TIMES)
        there.put(None)


@pytest.mark.parametrize("kind", ["Queue", "Pipe"])
def test_multiprocessing(timed, kind):
    context = multiprocessing.get_context("fork")
    queues, ends = (context.Queue(), context.Queue()), context.Pipe()
    there, back = (queues[0].put, queues[1].get) if kind == "Queue" else (ends[0].send, ends[0].recv)
    work = (queues[0].get, queues[1].put) if kind == "Queue" else (ends[1].recv, ends[1].send)
    process = context.Process(target=answer, args=work)
    process.start()
    timed(lambda: back_and_forth(there, back), per=TIMES)
    there(None)
    process.join()


def test_interpreter_queue(timed):
    interpreters = pytest.importorskip("concurrent.interpreters")
    there, back = interpreters.create_queue(), interpreters.create_queue()
    interpreter = interpreters.create()
    code = "while there.get() is not None: back.put(1)"
    interpreter.prepare_main(there=there, back=back)
    with in_background(lambda: interpreter.exec(code)):
        timed(lambda: [(there.put(1), back.get()) for _ in range(20)], per=20, rounds=3)
        there.put(None)
    interpreter.close()


def test_asyncio_queue(timed):
    async def both():
        there: asyncio.Queue = asyncio.Queue()
        back: asyncio.Queue = asyncio.Queue()

        async def answering():
            while await there.get() is not None:
                await back.put(1)

        task = asyncio.create_task(answering())
        for _ in range(TIMES):
            await there.put(1)
            await back.get()
        await there.put(None)
        await task

    timed(lambda: asyncio.run(both()), per=TIMES)


def test_socketpair(timed):
    ours, theirs = socket.socketpair()

    def echo():
        while theirs.recv(1) == b"x":
            theirs.sendall(b"x")

    with ours, theirs, in_background(echo):
        timed(lambda: back_and_forth(lambda _: ours.sendall(b"x"), lambda: ours.recv(1)), per=TIMES)
        ours.sendall(b"q")


def test_event(timed):
    there, back, over = threading.Event(), threading.Event(), threading.Event()

    def answering():
        while there.wait():
            there.clear()
            if over.is_set():
                return
            back.set()

    def get():
        back.wait()
        back.clear()

    with in_background(answering):
        timed(lambda: back_and_forth(lambda _: there.set(), get), per=TIMES)
        over.set()
        there.set()


def test_condition(timed):
    turn = threading.Condition()
    state = {"turn": "ours", "over": False}

    def pass_on(to):
        with turn:
            state["turn"] = to
            turn.notify()

    def wait_for(whose):
        with turn:
            turn.wait_for(lambda: state["turn"] == whose)

    def answering():
        while True:
            wait_for("theirs")
            if state["over"]:
                return
            pass_on("ours")

    with in_background(answering):
        timed(lambda: back_and_forth(lambda _: pass_on("theirs"), lambda: wait_for("ours")), per=TIMES)
        state["over"] = True
        pass_on("theirs")
