"""Where in its memory a process keeps its GILs.

The main interpreter's state, and with it its GIL, lies in ``_PyRuntime``, a symbol that CPython exports: its place
follows from the ELF file and the process's map. The state of a subinterpreter is allocated; since CPython 3.13
``_PyRuntime`` begins with ``_Py_DebugOffsets``, made for tools such as this one, which say how to walk from one
interpreter to the next (Include/internal/pycore_debug_offsets.h). All that lies in an interpreter's own state and that
a thread can block on in the kernel is its GIL: other locks are words in the waiting thread's stack or in the heap.
"""

from __future__ import annotations

import contextlib
import functools
import os
import struct
from pathlib import Path
from typing import Final, NamedTuple

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.hash import ELFHashSection, GNUHashSection

SYMBOL: Final = "_PyRuntime"
COOKIE: Final = b"xdebugpy"
MAX_INTERPRETERS: Final = 4096

_HASHES: Final = (GNUHashSection, ELFHashSection)

_OFFSETS: Final = struct.Struct("=8s8Q")  # the same in 3.13, 3.14 and 3.15


class Span(NamedTuple):
    """A stretch of addresses."""

    begin: int
    end: int


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


def gils(pid: int) -> tuple[Span, ...]:
    """Return the stretches of a process's memory that hold a GIL; none if it is no CPython.

    Raises:
        OSError: the process has gone, or is not ours to look at.
    """
    runtime = _runtime(pid)
    if runtime is None:
        return ()
    return runtime, *_subinterpreters(pid, runtime)


def _runtime(pid: int) -> Span | None:
    for path, base in _programs(pid):
        with contextlib.suppress(OSError):
            file = Path(f"/proc/{pid}/root{path}")  # as the process itself sees it, in whatever container
            stat = file.stat()
            found = _symbol(file, stat.st_dev, stat.st_ino, stat.st_mtime_ns)
            if found is not None:
                return Span(base + found.begin, base + found.end)
    return None


def _programs(pid: int) -> list[tuple[str, int]]:
    """Return the files of code in a process's memory that may be a Python, and where each begins."""
    found: dict[str, int] = {}
    for line in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        addresses, _, offset, _, _, *rest = line.split(maxsplit=5)
        path = rest[0] if rest else ""
        if path.startswith("/") and int(offset, 16) == 0:
            found.setdefault(path, int(addresses.partition("-")[0], 16))
    program = str(Path(f"/proc/{pid}/exe").readlink())
    likely = [path for path in found if path == program or "python" in Path(path).name]
    return [(path, found[path]) for path in sorted(likely, key=lambda path: path != program)]


@functools.lru_cache(maxsize=64)
def _symbol(file: Path, *_version: int) -> Span | None:
    """Return where ``_PyRuntime`` lies from a file's first byte in memory on; ``None`` if it has none."""
    with file.open("rb") as stream:
        try:
            elf = ELFFile(stream)
            first = min(s["p_vaddr"] & ~0xFFF for s in elf.iter_segments() if s["p_type"] == "PT_LOAD")
            for name in (".gnu.hash", ".hash"):
                table = elf.get_section_by_name(name)
                symbol = table.get_symbol(SYMBOL) if isinstance(table, _HASHES) else None
                if symbol is not None:
                    begin = symbol["st_value"] - first
                    return Span(begin, begin + symbol["st_size"])
        except (ELFError, ValueError):
            return None
    return None


def _subinterpreters(pid: int, runtime: Span) -> list[Span]:
    spans: list[Span] = []
    try:
        memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    except OSError:
        return spans
    try:
        offsets = _Offsets(*_OFFSETS.unpack(os.pread(memory, _OFFSETS.size, runtime.begin)))
        if offsets.cookie != COOKIE:
            return spans
        state = _word(memory, runtime.begin + offsets.interpreters_head)
        while state and len(spans) < MAX_INTERPRETERS:
            if not runtime.begin <= state < runtime.end:
                spans.append(Span(state, state + offsets.interpreter_size))
            state = _word(memory, state + offsets.interpreter_next)
    except (OSError, struct.error):  # the list changed while it was walked
        return spans
    finally:
        os.close(memory)
    return spans


def _word(memory: int, address: int) -> int:
    (word,) = struct.unpack("=Q", os.pread(memory, 8, address))
    return int(word)
