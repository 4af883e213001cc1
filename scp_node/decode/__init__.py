"""Pixels of strangers are decoded here, in child processes with limits of memory, processor time and open files."""
