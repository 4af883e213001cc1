"""Processes are killed, system calls fail, the power is cut: nothing acknowledged may be lost."""
