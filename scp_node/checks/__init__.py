"""Whether a node can work here with these settings: one list, which serve, check-config and doctor go through."""
