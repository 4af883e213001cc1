"""Nodes and receivers of a test, as their own processes or in this one."""
