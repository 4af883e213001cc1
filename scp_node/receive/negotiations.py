"""Remembers how association requests were negotiated, because a sender asks for the same thing every time.

pynetdicom takes a millisecond for three presentation contexts and some 20 for the hundred that a PACS may propose, and
many senders open an association for each image. What is remembered is what pynetdicom answered; who is let in is
decided anew each time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from scp_node.dimse.association_pdus import HEAD, PROTOCOL_VERSION, is_version_supported
from scp_node.dimse.pdus import A_ASSOCIATE_AC
from scp_node.intake.store import Context

# An entry is at most as long as an A-ASSOCIATE-RQ: 128 KiB.
ENTRIES_MAX = 64


class Request(NamedTuple):
    """An A-ASSOCIATE-RQ; AE titles as they came."""

    called_ae_title: bytes
    calling_ae_title: bytes
    items: bytes


@dataclass(frozen=True)
class Negotiated:
    """What a request with certain items leads to, whoever sends it; `refused` are presentation contexts, in words."""

    application_context: str
    contexts: Mapping[int, Context]
    peer_pdu_bytes_max: int
    items: bytes
    refused: tuple[str, ...] = ()

    def answer(self, request: Request) -> bytes:
        """The A-ASSOCIATE-AC, which repeats the AE titles of the request (PS3.8 9.3.3)."""
        length = HEAD.size - 6 + len(self.items)
        head = HEAD.pack(A_ASSOCIATE_AC, length, PROTOCOL_VERSION, request.called_ae_title, request.calling_ae_title)
        return head + self.items


class Negotiations:
    """The negotiations used last, for all associations of a server."""

    def __init__(self) -> None:
        self._entries: OrderedDict[tuple[bytes, int], Negotiated] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def recall(self, items: bytes, pdu_bytes_max: int) -> Negotiated | None:
        with self._lock:
            found = self._entries.get((items, pdu_bytes_max))
            if found is not None:
                self._entries.move_to_end((items, pdu_bytes_max))
            return found

    def remember(self, items: bytes, pdu_bytes_max: int, negotiated: Negotiated) -> None:
        with self._lock:
            self._entries[items, pdu_bytes_max] = negotiated
            if len(self._entries) > ENTRIES_MAX:
                self._entries.popitem(last=False)


def read_request(pdu: bytes) -> Request | None:
    """The parts of an A-ASSOCIATE-RQ, or None when it is one that cannot be answered from memory."""
    if len(pdu) < HEAD.size or not is_version_supported(pdu):
        return None
    _, _, _, called, calling = HEAD.unpack_from(pdu)
    return Request(called, calling, pdu[HEAD.size :])


def items_of(pdu: bytes) -> bytes:
    """The variable items of an A-ASSOCIATE-AC."""
    return pdu[HEAD.size :]
