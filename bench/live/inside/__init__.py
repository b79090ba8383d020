"""What runs under the interpreter of a watched process: standard library only, CPython 3.14 and newer."""
