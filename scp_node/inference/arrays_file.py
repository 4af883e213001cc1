"""Reads arrays from the bytes of an .npz file: never unpickled, and no memory is taken on the word of a header."""

from __future__ import annotations

import io
import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Collection

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

HEADER_READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
KINDS = "fiub"
# What zipfile, NumPy and the parser of a header raise on broken or hostile bytes.
BROKEN_ARRAYS: tuple[type[Exception], ...] = (
    EOFError,
    KeyError,
    MemoryError,
    NotImplementedError,
    OSError,
    OverflowError,
    RecursionError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    tokenize.TokenError,  # NumPy reads a header that is no Python as one of Python 2
    zipfile.BadZipFile,
    zlib.error,
)


def read_arrays(content: bytes, names: Collection[str], bytes_max: int) -> dict[str, NDArray[np.float32]]:
    """Those of `names` that the file holds, as float32. Raises one of BROKEN_ARRAYS, also where they are larger than
    `bytes_max` together."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {info.filename: info for info in archive.infolist()}
        wanted = {name: members[f"{name}.npy"] for name in names if f"{name}.npy" in members}
        if sum(info.file_size for info in wanted.values()) > bytes_max:
            raise ValueError(f"unpacks to more than {bytes_max} bytes")
        return {name: _array(_unpacked(archive, info)) for name, info in wanted.items()}


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with archive.open(info) as member:
        content = member.read(info.file_size + 1)
    if len(content) != info.file_size:
        raise ValueError(f"{info.filename} has another size than is said")
    return content


def _array(content: bytes) -> NDArray[np.float32]:
    """The array of an .npy file, whose header has to be what its bytes are."""
    file = io.BytesIO(content)
    read_header = HEADER_READERS[npy.read_magic(file)]
    shape, is_fortran, dtype = read_header(file)
    if dtype.kind not in KINDS:
        raise ValueError(f"holds {dtype}, not numbers")
    announced, there = math.prod(shape) * dtype.itemsize, len(content) - file.tell()
    if min(shape, default=0) < 0 or announced != there:
        raise ValueError(f"the header announces {announced} bytes, {there} are there")
    array = np.frombuffer(content, dtype, offset=file.tell()).reshape(shape, order="F" if is_fortran else "C")
    return np.asarray(array, np.float32)
