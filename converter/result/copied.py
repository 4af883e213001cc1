"""One digest over all that results copy from a header: whether another version of an object changes its results."""

from __future__ import annotations

import hashlib

from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.tag import BaseTag
from pydicom.valuerep import PersonName

from converter.image.header import BROKEN_INPUT, without_warnings
from converter.result.image_library import DESCRIBED
from converter.result.secondary_capture import COPIED
from converter.result.softcopy import REPEATED
from converter.result.source_attributes import IDENTITY

# What results name their source by, and where they stand beside it.
REFERENCES = ("SOPClassUID", "StudyInstanceUID", "SeriesInstanceUID", "NumberOfFrames")


def copied_digest(ds: Dataset) -> str:
    """SHA-256 over the values of all attributes that results copy; how they are written in the file does not count."""
    digest = hashlib.sha256()
    for keyword in sorted({*IDENTITY, *DESCRIBED, *COPIED, *REPEATED, *REFERENCES}):
        if keyword in ds:
            digest.update(f"{keyword}={_told(ds, keyword)}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _told(ds: Dataset, keyword: str) -> str:
    """The value as decoded, of a sequence all values in it; of a broken one the bytes."""
    tag = BaseTag(tag_for_keyword(keyword) or 0)
    try:
        with without_warnings():
            return _told_value(ds[tag].value)
    except BROKEN_INPUT:
        element = ds.get_item(tag)
        return repr(None if element is None else element.value)


def _told_value(found: object) -> str:
    if found is None:
        return ""
    if isinstance(found, str):
        return found.strip(" \0")
    if isinstance(found, Dataset):
        return "{" + ";".join(f"{tag}={_told_value(found[tag].value)}" for tag in sorted(found.keys())) + "}"
    if hasattr(found, "__iter__") and not isinstance(found, bytes | PersonName):
        return "[" + ",".join(_told_value(one) for one in found) + "]"
    return str(found).strip(" \0")
