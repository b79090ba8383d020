"""What a command ends with: one table that every command keeps."""

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
    FAILED: "what was asked for failed, or did not hold",
    INVALID: "wrong options, or unreadable input",
    DISTURBED: "too disturbed to say",
    MISSED: "an objective was missed",
    INTERRUPTED: "interrupted",
}
"""Exit codes with their meaning. 99 is k6's for a threshold, 130 a shell's for Ctrl-C."""
