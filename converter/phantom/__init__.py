"""Computed pictures, of no patient: chests, other regions, slices of a head, and pictures that are no radiograph."""
