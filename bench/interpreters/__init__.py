"""The interpreters that are measured: finding them, what each says of its build, and what may be changed about one."""
