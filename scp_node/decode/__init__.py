"""Pixels of strangers are decoded here, in limited child processes without network, files or privileges."""
