"""The compiled loop that drives connections, and its counters."""
