"""English that depends on a number. What pages of the console say is told in each language by their captions."""

from __future__ import annotations


def counted(number: int, one: str, many: str = "", more: str = "") -> str:
    """`1 job`, `2 jobs`, `200+ jobs`: `many` where it is not `one` with an s, `more` behind the number."""
    return f"1 {one}" if number == 1 else f"{number}{more} {many or one + 's'}"
