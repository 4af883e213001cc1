"""Arguments that several commands take."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from training.data.cohorts.development import DATA_VARIABLE

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


def new_file(text: str) -> Path:
    """A `type` for argparse: a file that can be written, because its folder is there."""
    file = Path(text)
    if not file.parent.is_dir():
        raise ArgumentTypeError(f"there is no folder {file.parent} for {file.name}")
    return file


def add_data_argument(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        action="append",
        default=[],
        metavar="[COHORT=]FOLDER",
        help=f"where a cohort lies (default: in {DATA_VARIABLE}); without COHORT=, that of manifest.csv",
    )
