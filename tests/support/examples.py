"""Hypothesis settings for a machine of any speed: no time limit per example."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

ANY_SPEED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
FEWER = settings(ANY_SPEED, max_examples=40)
