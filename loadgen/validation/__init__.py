"""Validation of results: their checks, servers with known delays, and the generator's ceiling."""
