"""Faults made on purpose, load while they happen, and what is counted afterwards."""
