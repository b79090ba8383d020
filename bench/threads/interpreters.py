"""The addresses of a process's GILs in its memory.

The main interpreter's state, including its GIL, lies in ``_PyRuntime``, a symbol that CPython exports: its address
follows from the ELF file and the process's memory map. The state of a subinterpreter is allocated; since CPython 3.13
``_PyRuntime`` begins with ``_Py_DebugOffsets``, made for tools such as this one, which describes how to walk from one
interpreter to the next (Include/internal/pycore_debug_offsets.h). The GIL is the only thing in an interpreter's state
that a thread can block on in the kernel: other locks are words on the waiting thread's stack or in the heap.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.hash import ELFHashSection, GNUHashSection

from bench.threads.loaded_symbol import find_loaded

SYMBOL: Final = "_PyRuntime"
VERSION: Final = "Py_Version"  # from CPython 3.11 on
COOKIE: Final = b"xdebugpy"
MAX_INTERPRETERS: Final = 4096

_LEVELS: Final = {0xA: "a", 0xB: "b", 0xC: "rc"}
_DELETED: Final = " (deleted)"
_NAMED: Final = re.compile(r"python(3\.\d+)")

_HASHES: Final = (GNUHashSection, ELFHashSection)

_OFFSETS: Final = struct.Struct("=8s8Q")  # the same in 3.13, 3.14 and 3.15


class AddressRange(NamedTuple):
    """A range of addresses."""

    begin: int
    end: int


class _Mapped(NamedTuple):
    """The beginning of a file in a process's memory."""

    path: str
    addresses: str
    is_program: bool

    @property
    def begin(self) -> int:
        return int(self.addresses.partition("-")[0], 16)


class _Offsets(NamedTuple):
    """The beginning of ``_Py_DebugOffsets``."""

    cookie: bytes
    version: int
    free_threaded: int
    runtime_size: int
    runtime_finalizing: int
    interpreters_head: int
    interpreter_size: int
    interpreter_id: int
    interpreter_next: int


def gils(pid: int) -> tuple[AddressRange, ...]:
    """Return the ranges of a process's memory that hold a GIL; empty if it is not a CPython.

    Raises:
        OSError: the process has ended, or may not be inspected.
    """
    runtime = _place(pid, SYMBOL)
    if runtime is None:
        return ()
    return runtime, *_subinterpreters(pid, runtime)


def version(pid: int) -> str | None:
    """Return a process's version of CPython: ``3.13.1``, ``3.13.1t`` if free-threaded; ``None`` if it is not a CPython.

    CPython before 3.11 has no symbol for it: the version is then taken from the file's name, ``3.9``.

    Raises:
        OSError: the process has ended, or may not be inspected.
    """
    runtime = _place(pid, SYMBOL)
    if runtime is None:
        return None
    place = _place(pid, VERSION)
    if place is None:
        named = (_NAMED.search(Path(program.path).name) for program in _programs(pid))
        return next((match[1] for match in named if match), None)
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        number = _word(memory.fileno(), place.begin)
        offsets = _offsets(memory.fileno(), runtime)
    level = _LEVELS.get(number >> 4 & 0xF)
    shown = ".".join(str(number >> bits & 0xFF) for bits in (24, 16, 8)) + (f"{level}{number & 0xF}" if level else "")
    return shown + "t" * bool(offsets is not None and offsets.free_threaded)


def _place(pid: int, name: str) -> AddressRange | None:
    """Return the address range of a symbol of CPython in a process's memory."""
    for program in _programs(pid):
        found = _from_file(pid, program, name)
        if found is not None:
            return found
    return None


def _from_file(pid: int, program: _Mapped, name: str) -> AddressRange | None:
    """Return the range of a symbol by the file that is mapped, or by the memory where no file can be read."""
    for file in _files(pid, program):
        with contextlib.suppress(OSError):
            stat = file.stat()
            found = _symbol(file, name, stat.st_dev, stat.st_ino, stat.st_mtime_ns)
            return None if found is None else AddressRange(program.begin + found.begin, program.begin + found.end)
    with contextlib.suppress(OSError, struct.error), Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        loaded = find_loaded(memory.fileno(), program.begin, name)
        return None if loaded is None else AddressRange(loaded.begin, loaded.begin + loaded.size)
    return None


def _programs(pid: int) -> list[_Mapped]:
    """Return the files of code in a process's memory that may be a Python, the program first."""
    found: dict[str, _Mapped] = {}
    program = str(Path(f"/proc/{pid}/exe").readlink())
    for line in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        addresses, _, offset, _, _, *rest = line.split(maxsplit=5)
        path = rest[0] if rest else ""
        if path.startswith("/") and int(offset, 16) == 0 and (path == program or "python" in Path(path).name):
            found.setdefault(path, _Mapped(path, addresses, is_program=path == program))
    return sorted(found.values(), key=lambda one: not one.is_program)


def _files(pid: int, mapped: _Mapped) -> Iterator[Path]:
    """Yield where a mapped file can be read: as what is mapped, and by its path only if it still has one.

    A path may lead to another file: after an upgrade to the new one, and into a chroot not at all.
    """
    if mapped.is_program:
        yield Path(f"/proc/{pid}/exe")
    yield Path(f"/proc/{pid}/map_files/{mapped.addresses}")
    if not mapped.path.endswith(_DELETED):
        yield Path(f"/proc/{pid}/root{mapped.path}")  # as the process itself sees it, in whatever container
        yield Path(mapped.path)


@functools.lru_cache(maxsize=64)
def _symbol(file: Path, name: str, *_version: int) -> AddressRange | None:
    """Return a symbol's range relative to a file's first byte in memory; ``None`` if it has no such symbol."""
    with file.open("rb") as stream:
        try:
            elf = ELFFile(stream)
            first = min(s["p_vaddr"] & ~0xFFF for s in elf.iter_segments() if s["p_type"] == "PT_LOAD")
            for section in (".gnu.hash", ".hash"):
                table = elf.get_section_by_name(section)
                symbol = table.get_symbol(name) if isinstance(table, _HASHES) else None
                if symbol is not None:
                    begin = symbol["st_value"] - first
                    return AddressRange(begin, begin + symbol["st_size"])
        except (ELFError, ValueError):
            return None
    return None


def _subinterpreters(pid: int, runtime: AddressRange) -> list[AddressRange]:
    spans: list[AddressRange] = []
    try:
        memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    except OSError:
        return spans
    try:
        offsets = _offsets(memory, runtime)
        if offsets is None:
            return spans
        state = _word(memory, runtime.begin + offsets.interpreters_head)
        while state and len(spans) < MAX_INTERPRETERS:
            if not runtime.begin <= state < runtime.end:
                spans.append(AddressRange(state, state + offsets.interpreter_size))
            state = _word(memory, state + offsets.interpreter_next)
    except (OSError, struct.error):  # the list changed while it was walked
        return spans
    finally:
        os.close(memory)
    return spans


def _offsets(memory: int, runtime: AddressRange) -> _Offsets | None:
    """Return the memory layout that the interpreter provides for tools; ``None`` before 3.13."""
    offsets = _Offsets(*_OFFSETS.unpack(os.pread(memory, _OFFSETS.size, runtime.begin)))
    return offsets if offsets.cookie == COOKIE else None


def _word(memory: int, address: int) -> int:
    (word,) = struct.unpack("=Q", os.pread(memory, 8, address))
    return int(word)
