"""Data sets as pydicom writes them, and files as the node reads them."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from pydicom import Dataset, dcmwrite
from pydicom.dataelem import RawDataElement

from converter.image.image_file import read_image


def as_pydicom_writes(ds: Dataset) -> bytes:
    """`ds` as a Part 10 file."""
    buffer = BytesIO()
    dcmwrite(buffer, ds, enforce_file_format=True)
    return buffer.getvalue()


def undecoded(ds: Dataset, keyword: str) -> RawDataElement:
    """An element of a data set that was read, as its bytes were."""
    element = ds.get_item(keyword)
    assert isinstance(element, RawDataElement)
    return element


def read_dicom(path: Path) -> Dataset:
    """An image file that is known to be DICOM, and no picture."""
    ds = read_image(path)
    assert isinstance(ds, Dataset)
    return ds
