"""Microbenchmarks: pytest-benchmark tests that run inside every interpreter, in rounds that alternate between them.

The package ``suite`` runs there, under CPython 3.9 and newer, and imports nothing from this project.
"""
