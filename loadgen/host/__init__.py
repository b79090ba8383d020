"""Metrics of the host during a run, and process trees."""
