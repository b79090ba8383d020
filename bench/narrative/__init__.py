"""Sentences from numbers: findings, recommendations, explanations, warnings."""
