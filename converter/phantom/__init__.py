"""Computed radiographs: chests, other regions, and pictures that are no radiograph. No patient in any of them."""
