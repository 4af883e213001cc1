"""What a file of the spool is, by its own testimony: its name is made of UID and bytes, or of a result's UID."""

from __future__ import annotations

import hashlib
import os
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from converter.image.encoded.byte_source import BufferedSource
from converter.regular_file import open_regular
from scp_node.dimse.uids import is_uid_as_sent
from scp_node.errors import CannotUnderstand
from scp_node.intake.header import InstanceHeader, WalkLimits, read_header
from scp_node.storage.part_file import new_hash
from scp_node.storage.spool import instance_name, result_name

CHUNK_BYTES = 2**20
# Preamble, prefix and the group length (PS3.10 7.1).
START_BYTES = 144
META_BYTES_MAX = 2**16
LONG = (b"OB", b"OW", b"UN", b"UT")
SOP_CLASS, SOP_INSTANCE, TRANSFER_SYNTAX, SENDING, RECEIVING = 0x0002, 0x0003, 0x0010, 0x0017, 0x0018


@dataclass(frozen=True)
class SpooledObject:
    """A file whose name is right. `data_bytes` and `digest` are of its data set, `bytes` and `sha256` of the file.
    sending, receiving: AE titles; empty in files of releases before they were written. sha256: of results only."""

    name: str
    is_result: bool
    header: InstanceHeader
    transfer_syntax_uid: str
    sending: str
    receiving: str
    data_bytes: int
    digest: str
    bytes: int
    sha256: str
    written_ns: int

    @property
    def written_at(self) -> datetime:
        return datetime.fromtimestamp(self.written_ns // 1000 / 1e6, UTC)


def read_spooled(path: Path, limits: WalkLimits) -> SpooledObject | None:
    """Read a file as it was read when it was received; None where it is not what its name says. Raises OSError."""
    name = path.stem
    with os.fdopen(open_regular(path), "rb") as file:
        found = os.fstat(file.fileno())
        meta = _meta(file.read(START_BYTES + META_BYTES_MAX))
        if meta is None:
            return None
        start, values = meta
        uid, syntax = values.get(SOP_INSTANCE, ""), values.get(TRANSFER_SYNTAX, "")
        if not is_uid_as_sent(uid):
            return None
        is_result = name == result_name(uid)
        file.seek(0)
        head, whole, data_set = file.read(start), hashlib.sha256(), new_hash()
        whole.update(head)
        while piece := file.read(CHUNK_BYTES):
            data_set.update(piece)
            if is_result:
                whole.update(piece)
        if not is_result and name != instance_name(uid, data_set.hexdigest()):
            return None
        source = BufferedSource(lambda position, count: os.pread(file.fileno(), count, position), found.st_size, start)
        try:
            header = read_header(source, syntax, limits)
        except CannotUnderstand:
            return None
    return SpooledObject(
        name=name,
        is_result=is_result,
        header=header,
        transfer_syntax_uid=syntax,
        sending=values.get(SENDING, ""),
        receiving=values.get(RECEIVING, ""),
        data_bytes=found.st_size - start,
        digest=data_set.hexdigest(),
        bytes=found.st_size,
        sha256=whole.hexdigest() if is_result else "",
        written_ns=found.st_mtime_ns,
    )


def _meta(start: bytes) -> tuple[int, dict[int, str]] | None:
    """Where the data set begins, and the file meta information, as the node writes it."""
    if start[128:140] != b"DICM\x02\x00\x00\x00UL\x04\x00":
        return None
    (length,) = struct.unpack_from("<L", start, 140)
    end = START_BYTES + length
    if end > len(start):
        return None
    values, position = dict[int, str](), START_BYTES
    while position + 8 <= end:
        group, number, vr, short = struct.unpack_from("<HH2sH", start, position)
        position += 8
        if vr in LONG:
            if position + 4 > end:
                return None
            (short,) = struct.unpack_from("<L", start, position)
            position += 4
        if group != 0x0002 or position + short > end:
            return None
        values[number] = start[position : position + short].decode("ascii", "replace").strip("\0 ")
        position += short
    return (end, values) if position == end else None
