"""Parsing and writing a JSON document, as a web service does, for about 1 ms: C code that holds the GIL."""

from __future__ import annotations

import json

from . import REPLY

ORDERS = 120
DOCUMENT = json.dumps(
    {
        "page": 1,
        "orders": [
            {
                "id": 10_000 + number,
                "customer": {
                    "name": "Customer %d" % number,
                    "mail": "c%d@example.org" % number,
                    "member": number % 3 == 0,
                },
                "lines": [
                    {"sku": "A-%d-%d" % (number, line), "count": line + 1, "price": 9.95 + line, "note": None}
                    for line in range(3)
                ],
            }
            for number in range(ORDERS)
        ],
    }
)
WORK = {"document_bytes": len(DOCUMENT), "loads": 1, "dumps": 1}


def respond(request: bytes) -> bytes:
    json.dumps(json.loads(DOCUMENT))
    return REPLY
