"""Small data sets of messages as bytes: identifiers, action and event information (PS3.7 6.3.2)."""

from __future__ import annotations

import io

from pydicom import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset

from converter.image.header import BROKEN_INPUT, without_warnings
from scp_node.dimse.uids import IMPLICIT_LE


class MalformedDataSet(ValueError):
    """The bytes are no data set in that transfer syntax."""


def encoded(ds: Dataset, transfer_syntax_uid: str) -> bytes:
    """In Implicit or Explicit VR Little Endian."""
    file = DicomBytesIO()
    file.is_little_endian, file.is_implicit_VR = True, transfer_syntax_uid == IMPLICIT_LE
    write_dataset(file, ds)
    return file.getvalue()


def decoded(data: bytes, transfer_syntax_uid: str) -> Dataset:
    """Every value of it is read. Raises MalformedDataSet."""
    try:
        with without_warnings():
            ds = read_dataset(io.BytesIO(data), transfer_syntax_uid == IMPLICIT_LE, True, bytelength=len(data))
            ds.decode()
    except BROKEN_INPUT as error:
        raise MalformedDataSet("the data set cannot be read") from error
    return ds
