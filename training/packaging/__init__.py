"""From the weights of a network to a model package that proves itself."""
