"""Microbenchmarks: pytest-benchmark tests that run inside every interpreter, in rounds that alternate between them.

``suite`` is what runs there, under CPython 3.9 and newer, and imports nothing of this project.
"""
