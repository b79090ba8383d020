"""Completion for shells. This room is above all others: it may import any, and none imports it."""
