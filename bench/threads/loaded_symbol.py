"""A symbol of a program or library from the memory of the process that has it loaded, where its file is gone.

What the dynamic linker needs is in memory: program headers, the dynamic section, its symbols and their GNU hash table.
Source: the System V ABI (gabi), Dynamic Linking; binutils' description of DT_GNU_HASH.
"""

from __future__ import annotations

import os
import struct
from typing import Final, NamedTuple

_HEADER: Final = struct.Struct("=32xQ14xHH")  # e_phoff, e_phentsize, e_phnum, of 64-bit ELF
_PROGRAM: Final = struct.Struct("=I4xQQ8xQQ")  # p_type, p_offset, p_vaddr, p_filesz, p_memsz
_DYNAMIC: Final = struct.Struct("=qQ")
_SYMBOL: Final = struct.Struct("=I4xQQ")  # st_name, st_value, st_size
_GNU_HASH: Final = struct.Struct("=IIII")  # buckets, first symbol, words of the Bloom filter, its shift
_LOAD, _DYNAMIC_SEGMENT = 1, 2
_STRINGS, _SYMBOLS, _HASHES = 5, 6, 0x6FFFFEF5
_MAGIC: Final = b"\x7fELF\x02"
_PAGE: Final = 0xFFF


class LoadedSymbol(NamedTuple):
    """Where a symbol lies in a process's memory."""

    begin: int
    size: int


def find_loaded(memory: int, base: int, name: str) -> LoadedSymbol | None:
    """Return a symbol of the file that is mapped from an address on; ``None`` if it has none of that name.

    Args:
        memory: descriptor of ``/proc/PID/mem``.
        base: where the file's first byte is.
        name: of the symbol.

    Raises:
        OSError: the memory cannot be read.
        struct.error: it ends early.
    """
    if os.pread(memory, len(_MAGIC), base) != _MAGIC:
        return None
    offset, size, count = _HEADER.unpack(os.pread(memory, _HEADER.size, base))
    headers = [_PROGRAM.unpack(os.pread(memory, _PROGRAM.size, base + offset + n * size)) for n in range(count)]
    bias = base - min(vaddr & ~_PAGE for kind, _, vaddr, _, _ in headers if kind == _LOAD)
    table: dict[int, int] = {}
    for kind, _, vaddr, _, length in headers:
        if kind == _DYNAMIC_SEGMENT:
            raw = os.pread(memory, length - length % _DYNAMIC.size, bias + vaddr)
            table = dict(_DYNAMIC.iter_unpack(raw))
    if not {_STRINGS, _SYMBOLS, _HASHES} <= table.keys():
        return None
    # The dynamic linker may have replaced what are offsets in the file by addresses.
    strings, symbols, hashes = (
        table[tag] if table[tag] >= base else bias + table[tag] for tag in (_STRINGS, _SYMBOLS, _HASHES)
    )
    wanted, place = name.encode() + b"\0", _hash(name)
    buckets, first, words, _ = _GNU_HASH.unpack(os.pread(memory, _GNU_HASH.size, hashes))
    in_buckets = hashes + _GNU_HASH.size + 8 * words
    number = _word(memory, in_buckets + 4 * (place % buckets))
    while number >= first > 0:
        found = _word(memory, in_buckets + 4 * (buckets + number - first))
        if found | 1 == place | 1:
            at, value, length = _SYMBOL.unpack(os.pread(memory, _SYMBOL.size, symbols + number * _SYMBOL.size))
            if os.pread(memory, len(wanted), strings + at) == wanted:
                return LoadedSymbol(bias + value, length)
        if found & 1:  # the last of its bucket
            break
        number += 1
    return None


def _hash(name: str) -> int:
    found = 5381
    for byte in name.encode():
        found = (found * 33 + byte) & 0xFFFFFFFF
    return found


def _word(memory: int, address: int) -> int:
    (word,) = struct.unpack("=I", os.pread(memory, 4, address))
    return int(word)
