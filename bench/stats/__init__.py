"""Statistics: one definition of each; they know no files and no servers."""
