"""The compiled loop that drives connections, and what it counts into."""
