"""Sampling a few threads thousands of times per second: compiled, without the GIL, on files that stay open.

A sample of a thread is one ``pread`` of ``/proc/PID/task/TID/syscall`` and, if it runs or ran at the last sample, one
of its ``schedstat``: a few microseconds, without stopping the thread or allocating memory. Samples are interpreted
later, in Python (:mod:`bench.threads.fast_sampler`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import typeof, types

from loadgen.native import libc
from loadgen.native.compiled import compile_function, inline

RUNNING = -2
GONE = -3
UNSEEN = -4
BUFFER_BYTES, ROWS, TICKS = 256, 2048, 1024  # room for one interval of sampling

SAMPLE = np.dtype(
    [
        ("tick", np.int64),  # number of the sample
        ("thread", np.int64),  # its index among the files of the buffer
        ("number", np.int64),  # of the system call it is blocked in; RUNNING; GONE; UNSEEN; -1: blocked elsewhere
        ("first", np.int64),  # argument of the call
        ("second", np.int64),
        ("stack", np.int64),  # pointer
        ("queued_ns", np.int64),  # time in the run queue so far, as last read; -1: not read yet
    ],
    align=True,
)

NEW = (0, 0, UNSEEN, 0, 0, 0, -1)

_long, _address = types.int64, types.uintp
_pread: Any = types.ExternalFunction("pread", _long(types.int32, _address, _long, _long))
_sleep: Any = types.ExternalFunction("clock_nanosleep", types.int32(types.int32, types.int32, _address, _address))
_ABSOLUTE = 1
_SPACE, _MINUS, _ZERO, _X, _A, _R = (ord(character) for character in " -0xar")


@inline
def _read_call(row: Any, buffer: Any, size: int) -> None:
    """Read a line of ``syscall`` (proc(5)): a number, its arguments, the stack pointer, the program counter."""
    if buffer[0] == _R:
        row.number = RUNNING
        return
    word, negative = 0, False
    value: Any = np.int64(0)
    before, last = np.int64(0), np.int64(0)  # words
    for at in range(size):
        character = buffer[at]
        if character == _MINUS:
            negative = True
        elif character > _SPACE:
            if character == _X:
                value = 0
            elif character >= _A:
                value = value * 16 + (character - _A + 10)
            else:
                value = value * (16 if word else 10) + (character - _ZERO)
        else:  # a space, or the end of the line
            if word == 0:
                row.number = -value if negative else value
            elif word == 1:
                row.first = value
            elif word == 2:
                row.second = value
            before, last = last, value
            word, value = word + 1, np.int64(0)
    row.stack = before


@inline
def _queued_ns(buffer: Any, size: int) -> int:
    """Return the second number in ``schedstat``."""
    word = 0
    value: Any = np.int64(0)
    for at in range(size):
        character = buffer[at]
        if character <= _SPACE:
            if word == 1:
                return value  # type: ignore[no-any-return]
            word, value = word + 1, np.int64(0)
        else:
            value = value * 10 + (character - _ZERO)
    return 0


class SampleBuffer(NamedTuple):
    """Arrays that the compiled code works on, allocated in advance.

    Attributes:
        files: descriptors of the threads' ``syscall`` and ``schedstat``, int32[n, 2].
        last: state of each thread in its last sample, SAMPLE[n]; kept up to date.
        rows: filled with the changes, SAMPLE[:].
        ticks: filled with the number of samples, followed by their times, int64[:].
        buffer: uint8[BUFFER_BYTES].
        scratch: int64[4].
    """

    files: Any
    last: Any
    rows: Any
    ticks: Any
    buffer: Any
    scratch: Any


def make_buffer(files: Sequence[tuple[int, int]], last: Sequence[tuple[int, ...]]) -> SampleBuffer:
    """Return a buffer for samples of threads.

    Args:
        files: descriptors of each thread's ``syscall`` and ``schedstat``.
        last: state of each thread in its last sample, or :data:`NEW`.
    """
    return SampleBuffer(
        files=np.array(files, np.int32).reshape(-1, 2),
        last=np.array(last, SAMPLE),
        rows=np.zeros(ROWS, SAMPLE),
        ticks=np.zeros(TICKS, np.int64),
        buffer=np.zeros(BUFFER_BYTES, np.uint8),
        scratch=np.zeros(4, np.int64),
    )


_BUFFER = typeof(make_buffer([(0, 0)], [NEW]))  # type: ignore[no-untyped-call]


@compile_function(types.int64(_BUFFER, types.int64, types.int64))
def sample(w: Any, until_ns: int, gap_ns: int) -> int:
    """Sample all threads repeatedly, store the changes, and return the number of rows stored.

    Args:
        w: the buffer, see :class:`SampleBuffer`; the number of samples is in its ``ticks``.
        until_ns: when to end; it ends earlier if a thread has ended or the buffer is full.
        gap_ns: mean time between samples; each time is drawn, so that nothing periodic stays in phase.
    """
    filled, gone = 0, False
    threads = len(w.files)
    w.ticks[0] = 0
    now_ns = libc.clock_ns(libc.MONOTONIC, w.scratch)
    while now_ns < until_ns and filled + threads <= len(w.rows) and w.ticks[0] + 1 < len(w.ticks) and not gone:
        w.ticks[0] += 1
        w.ticks[w.ticks[0]] = now_ns
        for thread in range(threads):
            row, before = w.rows[filled], w.last[thread]
            row.tick, row.thread, row.number = w.ticks[0] - 1, thread, GONE
            row.first, row.second, row.stack, row.queued_ns = 0, 0, 0, before.queued_ns
            size = _pread(w.files[thread, 0], w.buffer.ctypes.data, BUFFER_BYTES, 0)
            if size > 0:
                _read_call(row, w.buffer, size)
            else:
                gone = True
            if RUNNING in (row.number, before.number):  # otherwise it has not been in the queue since
                size = _pread(w.files[thread, 1], w.buffer.ctypes.data, BUFFER_BYTES, 0)
                row.queued_ns = _queued_ns(w.buffer, size) if size > 0 else before.queued_ns
            if (
                row.number != before.number
                or row.queued_ns != before.queued_ns
                or row.first != before.first
                or row.stack != before.stack
            ):
                before.number, before.queued_ns = row.number, row.queued_ns
                before.first, before.stack = row.first, row.stack
                filled += 1
        next_ns = now_ns + np.int64(gap_ns * (0.5 + np.random.random()))
        w.scratch[2], w.scratch[3] = next_ns // 1_000_000_000, next_ns % 1_000_000_000
        _sleep(libc.MONOTONIC, _ABSOLUTE, w.scratch.ctypes.data + 16, 0)
        now_ns = libc.clock_ns(libc.MONOTONIC, w.scratch)
    return filled
