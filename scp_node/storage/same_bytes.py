"""Whether a file of the spool holds what has just come in: the digest alone can be forged."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from scp_node.storage.part_file import PartFile, new_hash

COMPARE_BYTES = 2**20

Comparison = Literal["same", "other", "lost"]


def same_bytes(part: PartFile, path: Path) -> Comparison:
    """Compare the data of `part` with the file that is to have the same digest.

    same: byte for byte. other: the file is as it was written, so that somebody has made two contents with one digest.
    lost: the file is not there, or is not what was written. Raises OutOfResources when `part` cannot be read.
    """
    try:
        with path.open("rb") as file:
            start = path.stat().st_size - part.data_bytes
            if start < 0:
                return "lost"
            file.seek(start)
            stored, is_same, position = new_hash(), True, 0
            while piece := file.read(COMPARE_BYTES):
                stored.update(piece)
                is_same = is_same and piece == part.read_at(position, len(piece))
                position += len(piece)
    except OSError:
        return "lost"
    if is_same:
        return "same"
    return "other" if stored.hexdigest() == part.digest else "lost"
