"""Hilum beside other implementations of the standard: decoders, viewers, validators."""
