"""Small model packages, and a decoding child that misbehaves."""
