"""Reads the header of a received instance from the spool; its pixel data stays where it is."""

from __future__ import annotations

from pydicom import Dataset

from converter.errors import Unreadable
from converter.image.image_file import read_image
from scp_node.ledger import InstanceRow
from scp_node.workflow.parts import SpoolFiles


def read_header(spool: SpoolFiles, instance: InstanceRow) -> Dataset:
    """The instance's data set; long values, pixel data among them, are left in the file. Raises Unreadable."""
    ds = read_image(spool.path(instance.spool_name))
    if not isinstance(ds, Dataset):
        raise Unreadable("the object is no DICOM data set")
    return ds
