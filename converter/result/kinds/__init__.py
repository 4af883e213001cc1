"""Kinds of results: a module each with the same names (build, told, as_class), and one row each in `table`."""
