"""From options to a plan: which cells, in which order, for how long, and when to stop."""
