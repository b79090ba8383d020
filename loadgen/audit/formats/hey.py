"""hey: what it prints."""

from __future__ import annotations

import re

from loadgen.audit.claim import Claim
from loadgen.audit.numerals import NUMBER, figure, find


def is_hey(text: str) -> bool:
    """Return whether the text is hey's."""
    return bool(
        find(r"^Summary:\s*$", text) and find(r"^\s+Slowest:\s", text) and find(r"^Response time histogram", text)
    )


def read_hey(text: str) -> Claim:
    """Read the text; it does not say how many clients there were."""

    def stated(name: str) -> str | None:
        match = find(rf"^\s+{name}:\s+({NUMBER})", text)
        return match[1] if match else None

    codes = {
        int(code): int(count) for code, count in re.findall(r"^\s+\[(\d{3})\]\s+(\d+) responses", text, re.MULTILINE)
    }
    failed = re.findall(r"^\s+\[(\d+)\]\s+(.+)$", text.partition("Error distribution:")[2], re.MULTILINE)
    percentiles = re.findall(rf"^\s+({NUMBER})%\s+in ({NUMBER}) secs", text, re.MULTILINE)
    figures = {name: figure(value) for name in ("Total", "Slowest", "Fastest", "Average") if (value := stated(name))}
    rate = stated("Requests/sec")
    return Claim(
        tool="hey",
        requests=sum(codes.values()) + sum(int(count) for count, _ in failed),
        duration=figures.get("Total"),
        rate=figure(rate) if rate else None,
        mean=figures.get("Average"),
        minimum=figures.get("Fastest"),
        maximum=figures.get("Slowest"),
        percentiles={float(percent): figure(value) for percent, value in percentiles},
        errors={str(code): count for code, count in codes.items() if code >= 400}
        | {reason[:60]: int(count) for count, reason in failed},
        errors_counted=True,
    )
