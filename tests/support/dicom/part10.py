"""Data sets as pydicom writes and reads them."""

from __future__ import annotations

from io import BytesIO

from pydicom import Dataset, dcmwrite


def as_pydicom_writes(ds: Dataset) -> bytes:
    """`ds` as a Part 10 file."""
    buffer = BytesIO()
    dcmwrite(buffer, ds, enforce_file_format=True)
    return buffer.getvalue()
