"""The interpreters that are measured: how to find them, what each reports of its build, and their settings."""
