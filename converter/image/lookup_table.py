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
    """Entry 0 stands for `first` and everything below; the last entry for everything above.

    maximum: the largest value of as many bits as the entries use. narrow: whether that is fewer than they declare.
    """

    first: int
    entries: NDArray[np.float64]
    maximum: int
    narrow: bool

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        index = np.clip(np.rint(values) - self.first, 0, len(self.entries) - 1)
        return np.asarray(self.entries[index.astype(np.int64)])


def read_lookup_table(item: Dataset, inputs: tuple[float, float], big_endian: bool) -> LookupTable | None:
    """The table of a Modality LUT or VOI LUT item, or None when it is unusable.

    `inputs`: the least and the greatest value that can reach the table. The first mapped value may be written as US
    where it is negative, and as SS where it is 32768 or more: what meets more of the inputs is meant.
    The third value of LUT Descriptor is how many bits entries are stored in; some devices say 16 and use 12 of them,
    some say 8 and use more. The entries decide.
    """
    descriptor = _descriptor(item, big_endian)
    if descriptor is None:
        return None
    count, first, bits = descriptor
    entries = _entries(item, count, big_endian)
    if entries is None:
        return None
    used = max(1, int(entries.max()).bit_length())
    return LookupTable(_meant(first, count, inputs), entries.astype(np.float64), (1 << used) - 1, 1 < used < bits <= 16)


def _meant(first: int, count: int, inputs: tuple[float, float]) -> int:
    def met(start: int) -> float:
        return min(start + count - 1, inputs[1]) - max(start, inputs[0])

    return max((first, first - 65536 if first >= 0 else first + 65536), key=lambda start: max(met(start), -1))


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
    return count or 65536, first, bits & 0xFFFF


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
