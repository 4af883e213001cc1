"""A data set made of the elements that a walk finds, for bytes that pydicom does not read to their end."""

from __future__ import annotations

from contextlib import suppress

from pydicom import Dataset
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import RawDataElement, convert_raw_data_element
from pydicom.tag import BaseTag

from converter.errors import Unreadable
from converter.image.bounded_file import HEADER_BYTES_MAX, TOO_LONG
from converter.image.encoded.byte_source import ByteSource
from converter.image.encoded.headers import PIXEL_DATA, SEQUENCE_END, ByteOrder
from converter.image.encoded.plausible import Derailed, EndsEarly, TooManyElements
from converter.image.encoded.start import Encoding
from converter.image.encoded.walk import ElementWalk, EncodedElement
from converter.image.header import BROKEN_INPUT

FIRST_TAG = 0x00080000


class DamagedDataset(Dataset):
    """What could be read of a damaged data set; `damage` says what is odd about it, without any value."""

    damage: tuple[str, ...] = ()


def damaged_dataset(
    source: ByteSource, encoding: Encoding, walk: ElementWalk, value_bytes_max: int | None = None
) -> DamagedDataset:
    """The elements of `walk` as far as they can be found: of repeated ones the first that has a value, as DCMTK does.

    With `value_bytes_max`, longer values are left out and Pixel Data is there but empty. A sequence that cannot be
    read is left out. Raises Unreadable where the values of a header are too many.
    """
    ds, bytes_read = DamagedDataset(), 0
    for element in _found(walk):
        length = element.end - element.start
        is_header = value_bytes_max is not None
        if element.tag < FIRST_TAG or (element.tag in ds and ds.get_item(element.tag).value):
            continue
        if is_header and element.tag == PIXEL_DATA:
            ds.add_new(PIXEL_DATA, "OW", b"")
            continue
        if value_bytes_max is not None and length > value_bytes_max:
            continue
        bytes_read += length
        if is_header and bytes_read > HEADER_BYTES_MAX:
            raise Unreadable(TOO_LONG)
        ds[BaseTag(element.tag)] = _raw(element, source.read(element.start, length), encoding)
    with suppress(*BROKEN_INPUT):
        ds.set_original_encoding(encoding.is_implicit, not encoding.is_big_endian, ds.get("SpecificCharacterSet"))
    _drop_broken_sequences(ds)
    ds.damage = tuple(walk.notes)
    return ds


def _found(walk: ElementWalk) -> list[EncodedElement]:
    found: list[EncodedElement] = []
    try:
        for element in walk:
            found.append(element)
    except (Derailed, EndsEarly, TooManyElements) as error:
        walk.notes.append(str(error))
    return found


def _raw(element: EncodedElement, value: bytes, encoding: Encoding) -> RawDataElement:
    vr: str | None = element.vr.decode("ascii") or None
    is_implicit = element.is_implicit
    length = 0xFFFFFFFF if element.is_undefined else len(value)
    if element.is_undefined and element.tag == PIXEL_DATA:
        value = value.removesuffix(ByteOrder(encoding.is_big_endian).packed(SEQUENCE_END) + bytes(4))
    elif element.is_undefined and vr in (None, "UN"):
        vr, is_implicit = "SQ", True
    elif vr is None and dictionary_has_tag(element.tag):
        vr = dictionary_VR(element.tag)
    return RawDataElement(
        BaseTag(element.tag), vr, length, value or None, element.start, is_implicit, not encoding.is_big_endian
    )


def _drop_broken_sequences(ds: DamagedDataset) -> None:
    """Results copy whole sequences: one that cannot be read would make them impossible."""
    for tag in list(ds.keys()):
        raw = ds.get_item(tag)
        if isinstance(raw, RawDataElement) and raw.VR == "SQ":
            try:
                for item in convert_raw_data_element(raw, encoding=ds._character_set, ds=ds).value or ():
                    item.decode()
            except BROKEN_INPUT:
                del ds[tag]
