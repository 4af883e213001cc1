"""Looks for UIDs in bytes that cannot be stepped over: by the tag in front of them, in a window of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from converter.image.encoded.byte_source import ByteSource
from converter.image.encoded.headers import ByteOrder, Way

HEAD_BYTES, TAIL_BYTES = 4 * 2**20, 2**20
MATCHES_MAX = 10_000
_UID = re.compile(rb"[\0 ]*([0-9.]{1,64})[\0 ]*")
_UID_BYTES_MAX = 72


def search_uids(source: ByteSource, order: ByteOrder, tags: tuple[int, ...]) -> dict[int, str]:
    """The UID of each of `tags`, where the bytes hold exactly one that is well formed.

    Looked at are the first 4 MiB and the last one. Of UIDs that stand behind each other as their tags do, those are
    meant that do: items of sequences repeat a Study or a Series Instance UID, but seldom both.
    """
    found: dict[int, set[str]] = {tag: set() for tag in tags}
    pairs: dict[int, set[str]] = {tag: set() for tag in tags}
    for window in _windows(source):
        last_tag, last_end, last_uid = -1, -1, ""
        for tag, uid, start, end in _uids(window, order, tags):
            found[tag].add(uid)
            if start == last_end and tags.index(tag) == tags.index(last_tag) + 1:
                pairs[last_tag].add(last_uid)
                pairs[tag].add(uid)
            last_tag, last_end, last_uid = tag, end, uid
    candidates = {tag: pairs[tag] or found[tag] for tag in tags}
    return {tag: next(iter(uids)) for tag, uids in candidates.items() if len(uids) == 1}


def _windows(source: ByteSource) -> Iterator[bytes]:
    yield source.read(0, HEAD_BYTES)
    if source.size > HEAD_BYTES:
        yield source.read(max(HEAD_BYTES, source.size - TAIL_BYTES), TAIL_BYTES)


def _uids(window: bytes, order: ByteOrder, tags: tuple[int, ...]) -> Iterator[tuple[int, str, int, int]]:
    """(tag, UID, start of the element, end of it), in the order of the bytes."""
    pattern = b"|".join(re.escape(order.packed(tag)) for tag in tags)
    for count, match in enumerate(re.finditer(pattern, window, re.DOTALL)):
        if count == MATCHES_MAX:
            return
        head = window[match.start() : match.start() + 12]
        for way in Way:
            header = order.header(head, match.start(), way) if len(head) == 12 else None
            if header is None or header.length > _UID_BYTES_MAX:
                continue
            end = header.start + header.length
            value = _UID.fullmatch(window[header.start : end])
            if value is not None and end <= len(window):
                yield header.tag, value[1].decode("ascii"), match.start(), end
                break
