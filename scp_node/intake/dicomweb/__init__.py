"""Instances in the body of an HTTP message (PS3.18 8.6.1.2): its parts, and each part as an instance for the store."""
