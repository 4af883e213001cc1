"""How a viewer shows a film by its own header, repeated for a presentation state (PS3.4 N.2).

A presentation state replaces the grayscale pipeline of its image as a whole: what it leaves out is an identity, and not
what the image says. So it repeats modality LUT, VOI LUT and polarity of the film: nothing changes but what is drawn.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from pydicom import DataElement, Dataset
from pydicom.uid import ExplicitVRBigEndian

from converter.image.header import items, numbers, value, whole_number, word
from converter.image.lookup_table import LookupTable, read_lookup_table
from converter.image.voi import WINDOW_FUNCTIONS
from converter.result.template import number_text
from converter.result.wording import plain

# What is repeated, beside what a header says of its pixels.
REPEATED = (
    "BitsStored",
    "ModalityLUTSequence",
    "PhotometricInterpretation",
    "PixelRepresentation",
    "PresentationLUTShape",
    "RescaleIntercept",
    "RescaleSlope",
    "RescaleType",
    "VOILUTFunction",
    "VOILUTSequence",
    "WindowCenter",
    "WindowWidth",
)
MONOCHROME = ("MONOCHROME1", "MONOCHROME2")
LUT_BITS_MIN, LUT_BITS_MAX = 8, 16
SIGNED_MAX = 0x7FFF

Range = tuple[float, float]


def softcopy_grayscale(source: Dataset) -> Dataset | None:
    """Modality LUT, Softcopy VOI LUT and Softcopy Presentation LUT (PS3.3 C.11.1, C.11.8, C.11.6); None where the film
    is no grayscale image, or where a table of it is not at hand, so that it would look otherwise than by itself."""
    if word(source, "PhotometricInterpretation") not in MONOCHROME:
        return None
    ds = Dataset()
    inputs = _add_modality_lut(ds, source, _stored_range(source))
    if inputs is None or not _add_voi_lut(ds, source, inputs):
        return None
    shape = word(source, "PresentationLUTShape")
    inverse = word(source, "PhotometricInterpretation") == "MONOCHROME1"
    ds.PresentationLUTShape = shape if shape in ("IDENTITY", "INVERSE") else "INVERSE" if inverse else "IDENTITY"
    return ds


def _stored_range(source: Dataset) -> Range:
    bits = whole_number(source, "BitsStored") or 16
    if whole_number(source, "PixelRepresentation") == 1:
        return -float(1 << (bits - 1)), float((1 << (bits - 1)) - 1)
    return 0.0, float((1 << bits) - 1)


def _add_modality_lut(ds: Dataset, source: Dataset, inputs: Range) -> Range | None:
    """The values that it gives at most; None where its table is not at hand."""
    tables = items(source, "ModalityLUTSequence")
    if tables:
        table = _table(source, tables[0], inputs)
        if table is None:
            return None
        item = _table_item(table)
        item.ModalityLUTType = plain(str(value(tables[0], "ModalityLUTType") or "US"))[:64]
        ds.ModalityLUTSequence = [item]
        return 0.0, float(table.entries.max())
    slopes, intercepts = numbers(source, "RescaleSlope"), numbers(source, "RescaleIntercept")
    if not slopes and not intercepts:
        return inputs
    slope = slopes[0] if slopes and slopes[0] != 0 else 1.0
    intercept = intercepts[0] if intercepts else 0.0
    ds.RescaleSlope, ds.RescaleIntercept = number_text(slope), number_text(intercept)
    ds.RescaleType = plain(word(source, "RescaleType"))[:64] or "US"
    ends = sorted(end * slope + intercept for end in inputs)
    return ends[0], ends[1]


def _add_voi_lut(ds: Dataset, source: Dataset, inputs: Range) -> bool:
    """The first window, which viewers take, else the first table; where there is neither, the full range. False where
    the table is not at hand."""
    item = _window(source)
    tables = items(source, "VOILUTSequence")
    if item is None and tables:
        table = _table(source, tables[0], inputs)
        if table is None:
            return False
        item = Dataset()
        item.VOILUTSequence = [_table_item(table)]
    if item is not None:
        ds.SoftcopyVOILUTSequence = [item]
    return True


def _window(source: Dataset) -> Dataset | None:
    centres, widths = numbers(source, "WindowCenter"), numbers(source, "WindowWidth")
    function = word(source, "VOILUTFunction")
    _, width_min = WINDOW_FUNCTIONS.get(function, WINDOW_FUNCTIONS["LINEAR"])
    if not centres or not widths or widths[0] < width_min:
        return None
    item = Dataset()
    item.WindowCenter, item.WindowWidth = number_text(centres[0]), number_text(widths[0])
    if function in WINDOW_FUNCTIONS:
        item.VOILUTFunction = function
    return item


def _table(source: Dataset, item: Dataset, inputs: Range) -> LookupTable | None:
    meta = cast(Dataset, getattr(source, "file_meta", Dataset()))
    return read_lookup_table(item, inputs, value(meta, "TransferSyntaxUID") == ExplicitVRBigEndian)


def _table_item(table: LookupTable) -> Dataset:
    """LUT Descriptor and LUT Data (PS3.3 C.11.1.1); entries in as many bits as they use."""
    bits = min(max(table.maximum.bit_length(), LUT_BITS_MIN), LUT_BITS_MAX)
    count = len(table.entries) & 0xFFFF
    signed = table.first < 0
    if signed and count > SIGNED_MAX:
        count -= 0x10000
    item = Dataset()
    item.add(DataElement("LUTDescriptor", "SS" if signed else "US", [count, table.first, bits]))
    item.add(DataElement("LUTData", "OW", table.entries.astype(np.uint16).astype("<u2").tobytes()))
    return item
