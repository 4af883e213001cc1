"""What tests share: peers, objects, nodes, faults, and what must be true of results."""
