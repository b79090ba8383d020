"""Many runs over time and over versions of CPython: what changed, and in which run."""
