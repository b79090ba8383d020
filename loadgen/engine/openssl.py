"""TLS as a transport: OpenSSL, called directly from compiled code.

The library is the one that CPython's own ``ssl`` uses, so it is always there. Source: the manual pages of OpenSSL 3.
"""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import ipaddress
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import llvmlite.binding as llvm
from numba import types

from loadgen.engine.transport import (
    BROKEN,
    CLOSE,
    FREE,
    OPEN,
    REASON,
    RECEIVE,
    RESUMED,
    SEND,
    SHAKE_HANDS,
    TRANSPORT,
    WAIT,
)
from loadgen.errors import GilbenchError
from loadgen.load import Tls
from loadgen.native.compiled import compile_function, inline

_int, _long, _address = types.int32, types.int64, types.uintp
_SIGNATURES: Final = {
    "SSL_new": _address(_address),
    "SSL_free": types.void(_address),
    "SSL_set_fd": _int(_address, _int),
    "SSL_set_connect_state": types.void(_address),
    "SSL_do_handshake": _int(_address),
    "SSL_read": _int(_address, _address, _int),
    "SSL_write": _int(_address, _address, _int),
    "SSL_get_error": _int(_address, _int),
    "SSL_shutdown": _int(_address),
    "SSL_ctrl": _long(_address, _int, _long, _address),
    "SSL_CTX_ctrl": _long(_address, _int, _long, _address),
    "SSL_CTX_get_ex_data": _address(_address, _int),
    "SSL_get_session": _address(_address),
    "SSL_set_session": _int(_address, _address),
    "SSL_session_reused": _int(_address),
    "SSL_get_verify_result": _long(_address),
    "ERR_clear_error": types.void(),
    "ERR_peek_last_error": _long(),
}

_WANT_READ, _WANT_WRITE, _ZERO_RETURN = 2, 3, 6
_SET_MODE, _SET_SESSION_CACHE, _GET_SESSION_CACHE, _SET_SERVER_NAME = 33, 44, 45, 55
_PARTIAL_WRITE, _MOVING_BUFFER = 1, 2
_CACHE_OFF, _CACHE_CLIENT = 0, 1
_IGNORE_UNEXPECTED_EOF = 1 << 7  # a server that ends the stream without a TLS alert; HTTP has lengths
_VERIFY_NONE, _VERIFY_PEER = 0, 1
_NAME = 0  # index of a context's own data
_ALPN = b"\x08http/1.1"
_CERTIFICATE_ERRORS = range(1, 1000)  # of X509_verify_cert(3); OpenSSL's other error codes are higher


def _library() -> ctypes.CDLL:
    """Return the library that ``ssl`` has loaded, or in which it was built."""
    maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    loaded = [line.split(maxsplit=5)[-1] for line in maps if "libssl" in line.rpartition("/")[2]]
    built_in = getattr(ssl, "_ssl").__dict__.get("__file__")  # noqa: B009 - private, and None where it is built in
    for name in (*dict.fromkeys(loaded), built_in, None, ctypes.util.find_library("ssl")):
        with contextlib.suppress(OSError, AttributeError):
            found = ctypes.CDLL(name)
            for symbol in _SIGNATURES:
                llvm.add_symbol(symbol, ctypes.cast(getattr(found, symbol), ctypes.c_void_p).value)
            return found
    raise GilbenchError(
        "https needs OpenSSL as a shared library: install libssl, or use a CPython that is linked to it"
    )


_LIBRARY: Final = _library()


def _external(name: str) -> Any:
    return types.ExternalFunction(name, _SIGNATURES[name])


_new, _free, _set_fd = _external("SSL_new"), _external("SSL_free"), _external("SSL_set_fd")
_set_connect_state, _do_handshake = _external("SSL_set_connect_state"), _external("SSL_do_handshake")
_read, _write, _shutdown = _external("SSL_read"), _external("SSL_write"), _external("SSL_shutdown")
_get_error, _clear_error = _external("SSL_get_error"), _external("ERR_clear_error")
_ctrl, _ctx_ctrl, _ex_data = _external("SSL_ctrl"), _external("SSL_CTX_ctrl"), _external("SSL_CTX_get_ex_data")
_get_session, _set_session = _external("SSL_get_session"), _external("SSL_set_session")
_reused, _verify_result = _external("SSL_session_reused"), _external("SSL_get_verify_result")
_last_error = _external("ERR_peek_last_error")


@inline
def _open(context: int, fd: int, previous: int) -> int:
    made = _new(context)
    if previous and _ctx_ctrl(context, _GET_SESSION_CACHE, 0, 0) != _CACHE_OFF:
        session = _get_session(previous)
        if session:
            _set_session(made, session)
    if previous:
        _free(previous)
    name = _ex_data(context, _NAME)
    if name:
        _ctrl(made, _SET_SERVER_NAME, 0, name)
    _set_fd(made, fd)
    _set_connect_state(made)
    return made  # type: ignore[no-any-return]


@inline
def _move(operation: int, channel: int, data: int, size: int) -> int:
    moved = 0
    if operation == SEND:
        moved = _write(channel, data, size)
    elif operation == RECEIVE:
        moved = _read(channel, data, size)
    else:
        moved = _do_handshake(channel)
    if moved > 0:
        return int(moved)
    error = _get_error(channel, moved)
    if error in (_WANT_READ, _WANT_WRITE):
        return WAIT
    if operation != SHAKE_HANDS:  # REASON reads the thread's errors, and then clears them: the next call needs none
        _clear_error()
    return 0 if error == _ZERO_RETURN and operation == RECEIVE else BROKEN


@inline
def _end(operation: int, channel: int) -> None:
    if channel and operation == CLOSE:
        _shutdown(channel)
    elif channel and operation == FREE:
        _free(channel)


@compile_function(TRANSPORT, pointer=True)
def encrypted(operation: int, channel: int, fd: int, data: int, size: int) -> int:
    """Carry bytes encrypted; the context is an ``SSL_CTX``, a channel an ``SSL``, kept until the client's next one."""
    if operation in (SEND, RECEIVE, SHAKE_HANDS):
        return _move(operation, channel, data, size)
    result = 0
    if operation == OPEN:
        result = _open(channel, fd, data)
    elif operation == RESUMED:
        result = _reused(channel)
    elif operation == REASON:
        result = _verify_result(channel)
        if result == 0:
            result = _last_error()
        _clear_error()
    else:
        _end(operation, channel)
    return result


@contextlib.contextmanager
def context(tls: Tls, host: str) -> Iterator[int]:
    """Yield the address of an ``SSL_CTX`` for a server.

    Raises:
        GilbenchError: the file of certificates cannot be used.
    """
    call = _caller()
    made = call("SSL_CTX_new", call("TLS_client_method"))
    name = ctypes.create_string_buffer(host.partition("%")[0].encode("idna"))
    try:
        call("SSL_CTX_ctrl", made, _SET_MODE, _PARTIAL_WRITE | _MOVING_BUFFER, None)
        call("SSL_CTX_ctrl", made, _SET_SESSION_CACHE, _CACHE_CLIENT if tls.resume else _CACHE_OFF, None)
        call("SSL_CTX_set_options", made, _IGNORE_UNEXPECTED_EOF)
        call("SSL_CTX_set_alpn_protos", made, _ALPN, len(_ALPN))
        call("SSL_CTX_set_verify", made, _VERIFY_PEER if tls.verify else _VERIFY_NONE, None)
        if tls.ca is None:
            call("SSL_CTX_set_default_verify_paths", made)
        elif not call("SSL_CTX_load_verify_locations", made, tls.ca.encode(), None):
            raise GilbenchError(f"{tls.ca} has no certificates in PEM form: give a file that has")
        try:
            ipaddress.ip_address(name.value.decode())
        except ValueError:
            call("SSL_CTX_set_ex_data", made, _NAME, ctypes.addressof(name))
            check = "X509_VERIFY_PARAM_set1_host"
            call(check, call("SSL_CTX_get0_param", made), name.value, 0)
        else:
            call("X509_VERIFY_PARAM_set1_ip_asc", call("SSL_CTX_get0_param", made), name.value)
        yield made
    finally:
        call("SSL_CTX_free", made)


def failure(reason: int) -> str:
    """Return why a handshake failed."""
    call = _caller(ctypes.c_char_p)
    text = "X509_verify_cert_error_string" if reason in _CERTIFICATE_ERRORS else "ERR_reason_error_string"
    return (call(text, reason) or b"the server ended it").decode(errors="replace")


def _caller(result: Any = ctypes.c_void_p) -> Any:
    """Return a function that calls another by name, with addresses and whole numbers of 64 bits."""

    def call(name: str, *arguments: Any) -> Any:
        function = ctypes.CFUNCTYPE(
            result, *(ctypes.c_char_p if isinstance(a, bytes) else ctypes.c_void_p for a in arguments)
        )
        return function(ctypes.cast(getattr(_LIBRARY, name), ctypes.c_void_p).value or 0)(*arguments)

    return call
