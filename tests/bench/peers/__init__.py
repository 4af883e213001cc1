"""Whom the bench measures: a module a peer, each a class with `start`, `stop` and `describe`."""
