"""Peers and a decoding child that break the rules: what they send or do, and the answer each of them gets."""
