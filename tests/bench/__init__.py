"""Hilum beside its peers: how much of the same work each does."""
