"""The header of a DICOM file as a decoding child sends it: elements as their bytes stand in the file, bounded in number
and size. Nothing of it is decoded before somebody uses it, so that names reach a result byte by byte as they came.

What no step of the node needs stays behind: private elements, pixels, curves and overlays, and values or sequences
beyond the limits below. Plain values come before sequences, those of patient, object and study first: nothing crowds
them out.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydicom import DataElement, Dataset
from pydicom.charset import convert_encodings
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import RawDataElement, convert_raw_data_element
from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from converter.image.header import BROKEN_INPUT, without_warnings

VALUE_BYTES_MAX = 16384
HEADER_VALUE_BYTES_MAX = 131072
ELEMENTS_MAX = 2000
ITEMS_MAX = 64
FIRST_TAG = 0x00080000
DEPTH_MAX = 4
UID_CHARS_MAX = 64
PIXEL_DATA, CHARACTER_SET, TRANSFER_SYNTAX = 0x7FE00010, 0x00080005, 0x00020010
FIRST_GROUPS = {0x0010: 0, 0x0008: 1, 0x0020: 2}
LEFT_OUT = frozenset({0x50, 0x60, 0x7F, 0xFF})

Tag = Annotated[int, Field(ge=FIRST_TAG, le=0xFFFFFFFF)]
Vr = Annotated[str, Field(pattern=r"^([A-Z]{2})?$")]
Value = Annotated[str, Field(max_length=VALUE_BYTES_MAX, pattern=r"^[\x00-\xFF]*$")]
Uid = Annotated[str, Field(max_length=UID_CHARS_MAX)]


class HeaderItem(BaseModel):
    """One data set: (tag, VR or nothing where the file does not say, a character for each byte of the value), and
    sequences by tag."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    values: Annotated[tuple[tuple[Tag, Vr, Value], ...], Field(max_length=ELEMENTS_MAX)] = ()
    sequences: Annotated[
        tuple[tuple[Tag, Annotated[tuple[HeaderItem, ...], Field(max_length=ITEMS_MAX)]], ...],
        Field(max_length=ELEMENTS_MAX),
    ] = ()


class HeaderRead(BaseModel):
    """`byte_order` and `implicit` are those of the values."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: Literal["header"] = "header"
    transfer_syntax: Uid
    implicit: bool
    byte_order: Literal["little", "big"]
    has_pixels: bool
    content: HeaderItem


class _Budget:
    """What may still be sent."""

    def __init__(self) -> None:
        self.value_bytes, self.elements = HEADER_VALUE_BYTES_MAX, ELEMENTS_MAX

    def takes(self, value_bytes: int, elements: int = 1) -> bool:
        if value_bytes > min(VALUE_BYTES_MAX, self.value_bytes) or elements > self.elements:
            return False
        self.value_bytes -= value_bytes
        self.elements -= elements
        return True


def packed(ds: Dataset) -> HeaderRead:
    """`ds`, as read_header gives it, within the limits."""
    implicit, little = ds.original_encoding
    with without_warnings():
        return HeaderRead(
            transfer_syntax=str(ds.file_meta.get("TransferSyntaxUID") or "")[:UID_CHARS_MAX],
            implicit=bool(implicit),
            byte_order="big" if little is False else "little",
            has_pixels=PIXEL_DATA in ds,
            content=_packed_item(ds, _Budget(), little is not False, DEPTH_MAX),
        )


def unpacked(message: HeaderRead) -> Dataset:
    """The data set, its values still as they stand in the file. What a value means is found out when it is used."""
    little = message.byte_order == "little"
    with without_warnings():
        ds = _unpacked_item(message.content, message.implicit, little, "iso8859", DEPTH_MAX)
    if message.has_pixels:
        ds[PIXEL_DATA] = DataElement(BaseTag(PIXEL_DATA), "OW", b"")
    syntax = message.transfer_syntax.encode("latin-1", "replace")
    ds.file_meta = FileMetaDataset()
    ds.file_meta[TRANSFER_SYNTAX] = RawDataElement(
        BaseTag(TRANSFER_SYNTAX), "UI", len(syntax), syntax, 0, False, True, True
    )
    return ds


def _packed_item(ds: Dataset, budget: _Budget, little: bool, depth: int) -> HeaderItem:
    values: list[tuple[int, str, str]] = []
    sequences: list[tuple[int, tuple[HeaderItem, ...]]] = []
    later: list[BaseTag] = []
    for tag in _in_order(ds.keys()):
        element = ds.get_item(tag, keep_deferred=True)
        if _is_sequence(element):
            later.append(tag)
            continue
        with suppress(*BROKEN_INPUT):  # an element that cannot be read counts as absent, as everywhere
            value = _stored(element, little, ds)
            if value is not None and budget.takes(len(value)):
                values.append((int(tag), _vr(element), value.decode("latin-1")))
    for tag in later if depth > 1 else ():
        with suppress(*BROKEN_INPUT):
            items = list(ds[tag].value)
            if len(items) <= ITEMS_MAX and budget.takes(0, 1 + len(items)):
                sequences.append((int(tag), tuple(_packed_item(one, budget, little, depth - 1) for one in items)))
    return HeaderItem(values=tuple(values), sequences=tuple(sequences))


def _in_order(tags: Iterable[BaseTag]) -> list[BaseTag]:
    """Those that are sent, the first groups first. Private groups are odd (PS3.5 7.8)."""
    kept = [(FIRST_GROUPS.get(tag >> 16, 3), tag) for tag in tags if _is_sent(tag)]
    kept.sort()
    return [tag for _, tag in kept]


def _is_sent(tag: int) -> bool:
    return tag >= FIRST_TAG and not tag & 0x10000 and tag >> 24 not in LEFT_OUT


def _vr(element: DataElement | RawDataElement) -> str:
    """Nothing where the file does not say; unknown (UN) where it says what is no VR, as `??`."""
    vr = str(element.VR or "")
    return vr if not vr or (len(vr) == 2 and vr.isascii() and vr.isalpha() and vr.isupper()) else "UN"


def _is_sequence(element: DataElement | RawDataElement) -> bool:
    if element.VR in (None, "UN"):
        return dictionary_has_tag(element.tag) and dictionary_VR(element.tag) == "SQ"
    return element.VR == "SQ"


def _stored(element: DataElement | RawDataElement, little: bool, ds: Dataset) -> bytes | None:
    """The bytes of the value; None for one that was passed over because it is long."""
    if isinstance(element, RawDataElement):
        return element.value if element.value or element.length else b""
    file = DicomBytesIO()
    file.is_implicit_VR, file.is_little_endian = True, little
    write_data_element(file, element, convert_encodings(ds.get("SpecificCharacterSet")))
    return file.getvalue()[8:]  # behind tag and length


def _unpacked_item(item: HeaderItem, implicit: bool, little: bool, encoding: str | list[str], depth: int) -> Dataset:
    if depth == 0:
        raise ValueError("sequences lie too deep")
    elements: dict[BaseTag, DataElement | RawDataElement] = {}
    for number, vr, text in item.values:
        tag, value = BaseTag(number), text.encode("latin-1")
        elements[tag] = RawDataElement(tag, vr or None, len(value), value, 0, implicit, little, True)
    own = elements.get(BaseTag(CHARACTER_SET))
    if isinstance(own, RawDataElement):
        encoding = list(convert_encodings(convert_raw_data_element(own).value))
    for number, items in item.sequences:
        inner = [_unpacked_item(one, implicit, little, encoding, depth - 1) for one in items]
        elements[BaseTag(number)] = DataElement(BaseTag(number), "SQ", Sequence(inner))
    ds = Dataset(elements, parent_encoding=encoding)
    ds.set_original_encoding(implicit, little, encoding)
    return ds
