"""Lookup tables as DICOM stores them: LUT Descriptor and LUT Data (PS3.3 C.11.1.1, C.11.2.1.1)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from converter.image.header import numbers, value


@dataclass(frozen=True)
class LookupTable:
    """Entry 0 stands for `first` and everything below; the last entry for everything above."""

    first: int
    entries: NDArray[np.float64]
    maximum: int

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        index = np.clip(np.rint(values) - self.first, 0, len(self.entries) - 1)
        return np.asarray(self.entries[index.astype(np.int64)])


def read_lookup_table(item: Dataset, negative_input: bool, big_endian: bool) -> LookupTable | None:
    """The table of a Modality LUT or VOI LUT item, or None when it is unusable.

    `negative_input`: values below 0 can reach the table, so that a first mapped value of 32768 and more, written as
    US, means a negative number.
    """
    descriptor = _descriptor(item, big_endian)
    if descriptor is None:
        return None
    count, first, bits = descriptor
    if negative_input and first >= 32768:
        first -= 65536
    entries = _entries(item, count, big_endian)
    if entries is None:
        return None
    maximum = (1 << bits) - 1 if 1 <= bits <= 16 else 0
    if entries.max() > maximum:  # a wrong third value is a known fault of real files: the data decide
        maximum = (1 << int(entries.max()).bit_length()) - 1
    return LookupTable(first, entries.astype(np.float64), max(maximum, 1))


def _descriptor(item: Dataset, big_endian: bool) -> tuple[int, int, int] | None:
    raw = value(item, "LUTDescriptor")
    if isinstance(raw, bytes):
        if len(raw) != 6:
            return None
        count, first, bits = struct.unpack(">HhH" if big_endian else "<HhH", raw)
    else:
        found = numbers(item, "LUTDescriptor")
        if len(found) != 3:
            return None
        count, first, bits = (int(one) for one in found)
    count &= 0xFFFF  # read as signed where Pixel Representation is 1
    return count or 65536, first, bits


def _entries(item: Dataset, count: int, big_endian: bool) -> NDArray[np.uint16] | None:
    data = value(item, "LUTData")
    if isinstance(data, bytes):
        if len(data) >= 2 * count:
            return np.frombuffer(data, ">u2" if big_endian else "<u2", count).astype(np.uint16)
        return np.frombuffer(data, np.uint8, count).astype(np.uint16) if len(data) >= count else None
    found = numbers(item, "LUTData")
    if len(found) < count:
        return None
    return (np.array(found[:count], dtype=np.int64) & 0xFFFF).astype(np.uint16)
