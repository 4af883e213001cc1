"""Reads the header of a received instance from the spool; its pixel data stays where it is."""

from __future__ import annotations

import pydicom
from pydicom import Dataset
from pydicom.errors import InvalidDicomError

from converter.errors import Unreadable
from scp_node.ledger import InstanceRow
from scp_node.workflow.parts import SpoolFiles


def read_header(spool: SpoolFiles, instance: InstanceRow) -> Dataset:
    """The instance's data set without pixel data. Raises Unreadable."""
    try:
        return pydicom.dcmread(spool.path(instance.spool_name), stop_before_pixels=True)
    except (
        InvalidDicomError,
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        EOFError,
        RecursionError,
        NotImplementedError,
    ) as error:
        raise Unreadable(f"the header cannot be read ({type(error).__name__})") from error
