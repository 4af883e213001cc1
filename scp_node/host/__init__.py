"""What this machine has to give, and who may use it: processors, disk space, lock files."""
