"""The HTTP side of the node: pages and an API, which show records of `queries` and call acts of `operations`."""
