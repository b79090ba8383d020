"""Compilation of functions to machine code, and the C library calls that compiled functions make."""
