"""One thin file for each command, and the table of all commands."""
