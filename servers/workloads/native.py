"""C code that releases the GIL while it computes, about 1 ms of it: hashing. It overlaps in threads, too."""

from __future__ import annotations

import hashlib

from servers.workloads import REPLY

BUFFER = bytes(range(256)) * 4096  # Python's hash functions release the GIL for more than 2,047 bytes
WORK = {"hash": "blake2b", "bytes": len(BUFFER)}


def respond(request: bytes) -> bytes:
    hashlib.blake2b(BUFFER).digest()  # not one of OpenSSL's, whose speed is the library's and not the interpreter's
    return REPLY
