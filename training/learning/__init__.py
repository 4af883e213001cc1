"""From examples to the weights of a network: recipe, batches, networks, the loop of a run."""
