"""Results as the node builds them, and what must be true of each."""
