"""Whether what is kept is what has just come in: the digest alone can be forged."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from scp_node.storage.blobs import Comparison, Part
from scp_node.storage.part_file import new_hash

COMPARE_BYTES = 2**20


def same_bytes(part: Part, path: Path) -> Comparison:
    """Compare the data of `part` with the file that is to have the same digest: as Blobs.compare says. Raises
    OutOfResources when `part` cannot be read."""
    try:
        with path.open("rb") as file:
            start = path.stat().st_size - part.data_bytes
            if start < 0:
                return "lost"
            file.seek(start)
            return same_data(part, iter(lambda: file.read(COMPARE_BYTES), b""))
    except OSError:
        return "lost"


def same_data(part: Part, pieces: Iterable[bytes]) -> Comparison:
    """Compare the data of `part` with that which comes in pieces, whatever their sizes."""
    stored, is_same, position = new_hash(), True, 0
    for piece in pieces:
        stored.update(piece)
        is_same = is_same and piece == part.read_at(position, len(piece))
        position += len(piece)
    if is_same and position == part.data_bytes:
        return "same"
    return "other" if stored.hexdigest() == part.digest else "lost"
