"""Results on their way out: a module a kind of destination, each with the same names (accepts, probe, send)."""
