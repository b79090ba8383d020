"""The engine's system calls, called directly from compiled code: no GIL, no wrapper, no C compiler.

Pointers are passed as addresses (``array.ctypes.data``). The arguments are those of the manual pages.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import select
import socket
import time
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import from_dtype, types

from loadgen.native.compiled import inline

_int, _long, _address = types.int32, types.int64, types.uintp

open_socket: Any = types.ExternalFunction("socket", _int(_int, _int, _int))
connect: Any = types.ExternalFunction("connect", _int(_int, _address, _int))
bind: Any = types.ExternalFunction("bind", _int(_int, _address, _int))
_send: Any = types.ExternalFunction("send", _long(_int, _address, _address, _int))
_recv: Any = types.ExternalFunction("recv", _long(_int, _address, _address, _int))
_syscall: Any = types.ExternalFunction("syscall", _long(_long, _long, _address, _address, _long, _long, _long))
close: Any = types.ExternalFunction("close", _int(_int))
accept4: Any = types.ExternalFunction("accept4", _int(_int, _address, _address, _int))
getsockopt: Any = types.ExternalFunction("getsockopt", _int(_int, _int, _int, _address, _address))
setsockopt: Any = types.ExternalFunction("setsockopt", _int(_int, _int, _int, _address, _int))
epoll_ctl: Any = types.ExternalFunction("epoll_ctl", _int(_int, _int, _int, _address))
epoll_wait: Any = types.ExternalFunction("epoll_wait", _int(_int, _address, _int, _int))
_timerfd_settime: Any = types.ExternalFunction("timerfd_settime", _int(_int, _int, _address, _address))
memcmp: Any = types.ExternalFunction("memcmp", _int(_address, _address, _long))
_clock_gettime: Any = types.ExternalFunction("clock_gettime", _int(_int, _address))
_errno_location: Any = types.ExternalFunction("__errno_location", types.CPointer(_int)())  # type: ignore[no-untyped-call]

# send() and recv() are cancellation points, which cost two locked instructions per call in a multithreaded process;
# syscall() is not. The kernel's numbers of sendto() and recvfrom():
_NUMBERED = platform.machine() in {"x86_64", "aarch64"}
_SENDTO, _RECVFROM = (44, 45) if platform.machine() == "x86_64" else (206, 207)

EAGAIN = errno.EAGAIN
EINPROGRESS = errno.EINPROGRESS
ECONNRESET = errno.ECONNRESET
ETIMEDOUT = errno.ETIMEDOUT
EADDRNOTAVAIL = errno.EADDRNOTAVAIL

SOCK_FLAGS = socket.SOCK_STREAM | getattr(socket, "SOCK_NONBLOCK", 0) | getattr(socket, "SOCK_CLOEXEC", 0)
ACCEPT_FLAGS = getattr(socket, "SOCK_NONBLOCK", 0) | getattr(socket, "SOCK_CLOEXEC", 0)
AF_UNIX = socket.AF_UNIX
IPPROTO_IP = socket.IPPROTO_IP
IP_BIND_ADDRESS_NO_PORT = 24  # the port is chosen by connect(), so that it may be one that another target uses
IPPROTO_TCP = socket.IPPROTO_TCP
TCP_NODELAY = socket.TCP_NODELAY
SOL_SOCKET = socket.SOL_SOCKET
SO_ERROR = socket.SO_ERROR
MSG_NOSIGNAL = getattr(socket, "MSG_NOSIGNAL", 0)

EPOLL_CTL_ADD = 1
READABLE = getattr(select, "EPOLLIN", 0)
BROKEN = getattr(select, "EPOLLERR", 0) | getattr(select, "EPOLLHUP", 0) | getattr(select, "EPOLLRDHUP", 0)
# Edge-triggered, and registered once: a connection costs one epoll_ctl() in its life.
EDGE = getattr(select, "EPOLLET", 0)
INTEREST = READABLE | BROKEN | getattr(select, "EPOLLOUT", 0) | EDGE

_TFD_TIMER_ABSTIME = 1

# The kernel packs struct epoll_event on x86-64 and nowhere else.
_PACKED = platform.machine() in {"x86_64", "AMD64"}
EVENT = np.dtype(
    {
        "names": ["events", "index"],
        "formats": [np.uint32, np.int64],
        "offsets": [0, 4 if _PACKED else 8],
        "itemsize": 12 if _PACKED else 16,
    }
)

EVENTS = from_dtype(EVENT)[::1]
BYTES = types.uint8[::1]

MONOTONIC = time.CLOCK_MONOTONIC
THREAD_CPU = time.CLOCK_THREAD_CPUTIME_ID


@inline
def send(fd: int, data: int, size: int, flags: int) -> int:
    """Send; as ``send(2)``."""
    if _NUMBERED:
        return _syscall(_SENDTO, fd, data, size, flags, 0, 0)  # type: ignore[no-any-return]
    return _send(fd, data, size, flags)  # type: ignore[no-any-return]


@inline
def recv(fd: int, buffer: int, size: int, flags: int) -> int:
    """Receive; as ``recv(2)``."""
    if _NUMBERED:
        return _syscall(_RECVFROM, fd, buffer, size, flags, 0, 0)  # type: ignore[no-any-return]
    return _recv(fd, buffer, size, flags)  # type: ignore[no-any-return]


@inline
def clock_ns(clock: int, scratch: Any) -> int:
    """Read a clock; ``scratch`` is an int64[2] that only this thread uses."""
    _clock_gettime(clock, scratch.ctypes.data)
    return scratch[0] * 1_000_000_000 + scratch[1]  # type: ignore[no-any-return]


@inline
def set_timer(timer: int, at_ns: int, scratch: Any) -> None:
    """Arm a timer of :func:`create_timer` for a time of the monotonic clock; ``scratch`` is an int64[4]."""
    scratch[0], scratch[1] = 0, 0
    scratch[2], scratch[3] = at_ns // 1_000_000_000, at_ns % 1_000_000_000
    _timerfd_settime(timer, _TFD_TIMER_ABSTIME, scratch.ctypes.data, 0)


@inline
def last_error() -> int:
    """Return this thread's ``errno``."""
    return _errno_location()[0]  # type: ignore[no-any-return]


def create_timer() -> int:
    """Return a timer on the monotonic clock, as a file descriptor.

    Raises:
        OSError: the system cannot create another.
    """
    fd = ctypes.CDLL(None, use_errno=True).timerfd_create(MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
    if fd < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return int(fd)


def watch(epoll_fd: int, fd: int, event: npt.NDArray[Any]) -> None:
    """Let an epoll set report ``event`` (EVENT[1]) on ``fd``."""
    ctypes.CDLL(None).epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, ctypes.c_void_p(event.ctypes.data))
