"""Whom the bench measures. Each module has one peer: a class with `start`, `stop` and `describe`, on ports of its own."""
