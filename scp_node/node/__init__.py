"""The processes of a node: a supervisor, and one process a role, started and stopped in order."""
