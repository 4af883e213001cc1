"""Certificates, and the TLS contexts made of them (PS3.15 B.12, B.13)."""
