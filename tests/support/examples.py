"""How Hypothesis runs examples on a machine of any speed: without a time limit for each."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

ANY_SPEED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
FEWER = settings(ANY_SPEED, max_examples=40)
