"""Numbers on a command line that have to be above 0."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import TypeVar

Number = TypeVar("Number", int, float)


def above_zero(kind: type[Number]) -> Callable[[str], Number]:
    """A `type` for argparse: `kind`, and nothing below or at 0."""

    def read(text: str) -> Number:
        number = kind(text)
        if not number > 0:
            raise ArgumentTypeError(f"{text} is not above 0")
        return number

    read.__name__ = kind.__name__  # "invalid int value"
    return read
