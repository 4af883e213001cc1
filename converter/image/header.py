"""Reads single attributes of a header that may be wrong: what cannot be understood counts as absent."""

from __future__ import annotations

import math
import re
import struct
import unicodedata
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from pydicom import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.multival import MultiValue

# What pydicom raises on broken bytes, when they are read or when a value is first used.
BROKEN_INPUT: tuple[type[Exception], ...] = (
    ArithmeticError,
    AttributeError,
    BytesLengthException,
    EOFError,
    InvalidDicomError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RecursionError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


@contextmanager
def without_warnings() -> Iterator[None]:
    """Silence what pydicom warns of: it prints values, and every fault that matters here has an error of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def value(ds: Dataset, keyword: str) -> Any:
    """The value, or None when it is absent, empty or broken."""
    try:
        with without_warnings():
            found = ds.get(keyword)
    except BROKEN_INPUT:
        return None
    return None if found is None or (isinstance(found, str | bytes | MultiValue) and len(found) == 0) else found


def words(ds: Dataset, keyword: str) -> tuple[str, ...]:
    """The values of a text attribute in upper case, blanks trimmed; empty values keep their place."""
    found = value(ds, keyword)
    if found is None:
        return ()
    many = found if isinstance(found, MultiValue | list | tuple) else str(found).split("\\")
    return tuple(str(one or "").strip(" \0\t\r\n").upper() for one in many)


def word(ds: Dataset, keyword: str) -> str:
    """The first value of a text attribute in upper case, or an empty string."""
    return next(iter(words(ds, keyword)), "")


def tokens(text: str) -> tuple[str, ...]:
    """The words of `text` in upper case without accents: letters A to Z and digits.

    Code strings are read as Latin-1 (PS3.5 6.2 allows ASCII alone); devices that put UTF-8 into them are understood.
    """
    with suppress(UnicodeError):
        text = text.encode("latin-1").decode("utf-8")
    decomposed = unicodedata.normalize("NFKD", text.upper())
    folded = "".join(character for character in decomposed if not unicodedata.combining(character))
    return tuple(re.findall(r"[A-Z0-9]+", folded))


def numbers(ds: Dataset, keyword: str) -> tuple[float, ...]:
    """The values of a numeric attribute, or nothing when one of them is not a finite number."""
    found = value(ds, keyword)
    many = found if isinstance(found, MultiValue | list | tuple) else (found,)
    try:
        converted = tuple(float(one) for one in many)
    except BROKEN_INPUT:
        return ()
    return converted if all(math.isfinite(one) for one in converted) else ()


def whole_number(ds: Dataset, keyword: str) -> int | None:
    """The single whole number of an attribute, or None."""
    found = numbers(ds, keyword)
    return int(found[0]) if len(found) == 1 and found[0] == int(found[0]) else None


def items(ds: Dataset, keyword: str) -> tuple[Dataset, ...]:
    """The items of a sequence, or nothing."""
    found = value(ds, keyword)
    try:
        return tuple(item for item in found if isinstance(item, Dataset)) if found is not None else ()
    except BROKEN_INPUT:
        return ()
