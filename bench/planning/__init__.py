"""From what is typed to a plan: which cells, in which order, for how long, and when enough has been measured."""
