"""Measuring: from a plan to records on disk. :mod:`~bench.runner.run` is the main path."""
