"""Exit codes: one table for all commands."""

from __future__ import annotations

from typing import Final

DONE: Final = 0
FAILED: Final = 1
INVALID: Final = 2
DISTURBED: Final = 3
MISSED: Final = 99
INTERRUPTED: Final = 130

EXIT_CODES: Final = {
    DONE: "done",
    FAILED: "the operation failed, or a condition did not hold",
    INVALID: "invalid options, or unreadable input",
    DISTURBED: "too disturbed to say",
    MISSED: "an objective was missed",
    INTERRUPTED: "interrupted",
}
"""Exit codes and their meanings. k6 uses 99 for a missed threshold, shells use 130 for Ctrl-C."""
