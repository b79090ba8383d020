"""The states of a client's connection."""

from __future__ import annotations

PAUSED, REOPENING, CONNECTING, SHAKING_HANDS, IDLE, SENDING, WAITING = range(7)  # established from IDLE on
