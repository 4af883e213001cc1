"""Data sets as the bytes they came in: stepped over, searched and read however damaged they are."""
