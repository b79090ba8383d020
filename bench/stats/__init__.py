"""Statistics: one definition of each, without knowledge of files or servers."""
