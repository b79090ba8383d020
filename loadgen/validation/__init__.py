"""Whether a result deserves belief: checks, what else the host did, the generator's ceiling."""
