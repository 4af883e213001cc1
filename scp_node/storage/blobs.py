"""The port behind which the bytes of images and results are kept: durable where every worker can read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from scp_node.host.disk_space import Fullness

Comparison = Literal["same", "other", "lost"]


class Part(Protocol):
    """Bytes on their way in: `write`, then `commit`, or `discard`. What fails discards them."""

    @property
    def data_bytes(self) -> int:
        """How much was written, the head not included."""

    @property
    def digest(self) -> str:
        """XXH3-128 of what was written so far, the head not included, as 32 hexadecimal digits."""

    def write(self, pieces: Sequence[bytes | memoryview]) -> None:
        """Append the pieces in order. Raises OutOfResources."""

    def read_at(self, position: int, count: int) -> bytes:
        """`count` bytes from `position` after the head, fewer at the end. Raises OutOfResources."""

    def commit(self, name: str) -> Path:
        """Make the bytes durable under `name`, where any worker can read them. Raises OutOfResources, and nothing half
        of them stays."""

    def discard(self) -> None:
        """Leave nothing of them unless they are committed. May be called again."""


class SpoolFiles(Protocol):
    """What the work on studies needs: the path of a file, and a name for new bytes."""

    def path(self, spool_name: str) -> Path:
        """A file of this machine with the bytes of that name; no file is there where nobody has them. Raises ValueError
        for anything but a name of ours, OutOfResources where nobody can be asked for them."""

    def put(self, name: str, data: bytes) -> Path:
        """Make `data` durable under `name`. Doing so again with the same bytes changes nothing. Raises
        OutOfResources."""

    def holds(self, name: str) -> bool:
        """Whether there are bytes of that name. Raises OutOfResources where nobody can be asked."""


class Blobs(SpoolFiles, Protocol):
    """All that a node asks of the place where it keeps bytes. Names are made of content, 64 hexadecimal digits."""

    root: Path

    @property
    def healthy(self) -> bool:
        """Whether bytes can be kept now, as far as it is known without trying."""

    @property
    def unhealthy_reason(self) -> str:
        """Why not; empty while it is healthy."""

    def check_room(self, bytes_expected: int = 0) -> None:
        """Raise OutOfResources when nothing more can be taken, or not `bytes_expected` more."""

    def check_health(self) -> None:
        """Raise OutOfResources after a failure that a restart has to mend."""

    def distrust(self, failure: str) -> None:
        """Take nothing more until a restart."""

    def fullness(self) -> Fullness:
        """How far the limits are used up that removing what is old would help. Raises OSError."""

    def open_part(self, head: bytes = b"", *, is_limited: bool = True) -> Part:
        """Begin a file without a name; `head` is written first and not part of the digest. One that is not limited
        belongs to what the node has promised, and may outgrow the room. Raises OutOfResources."""

    def compare(self, part: Part, name: str) -> Comparison:
        """Compare the data of `part` with what is kept under the name that is made of the same digest.

        same: byte for byte. other: kept as it was written, so that somebody has made two contents with one digest.
        lost: not there, or not what was written. Raises OutOfResources where that cannot be told.
        """

    def remove(self, name: str) -> None:
        """Take bytes away that no row of the ledger names, if that is possible."""

    def unlink(self, names: Sequence[str]) -> dict[str, str]:
        """Take bytes away that no row stands for any more; returns of those that stay, why. A name without bytes, and
        one that is not of ours, is no failure."""

    def sync_folders(self, names: Sequence[str]) -> None:
        """Have a power cut bring none of these back. Raises OutOfResources."""

    def sweep_parts(self) -> int:
        """Remove what processes that died had begun; returns how many files that were."""

    def drop_copies(self, names: Sequence[str]) -> None:
        """Drop the copies that this machine has of them, if it has copies."""

    def copies(self) -> Iterator[str]:
        """Names of which this machine has a copy; none where the bytes themselves are in its reach."""

    def names(self, shard: int, after: datetime, before: datetime) -> Iterator[str]:
        """Names of one shard (0 to 255) that were written in between, where what nobody names has to be looked for.
        Raises OutOfResources."""
