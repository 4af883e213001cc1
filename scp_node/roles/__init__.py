"""What each process of the node runs, a module a role with one function `run`. A role loads what it needs and no more:
the receiver knows nothing of models."""
