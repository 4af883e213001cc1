"""Headers of the PROXY protocol as a test wants them, right or wrong (HAProxy, proxy-protocol.txt, 2.2)."""

from __future__ import annotations

import ipaddress
import struct

SIGNATURE = b"\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a"
LOCAL, PROXY = 0x20, 0x21
TCP4, TCP6, UDP4, UNIX = 0x11, 0x21, 0x12, 0x31
VERSION_1 = b"PROXY TCP4 203.0.113.7 10.0.0.5 40000 104\r\n"


def header(
    source: str = "203.0.113.7",
    port: int = 40000,
    *,
    command: int = PROXY,
    family: int | None = None,
    more: bytes = b"",
) -> bytes:
    """A whole header; `more` are its type-length-values."""
    address = ipaddress.ip_address(source)
    addresses = address.packed + bytes(len(address.packed)) + struct.pack("!HH", port, 104)
    return raw(command, family or (TCP4 if address.version == 4 else TCP6), addresses + more)


def raw(command: int, family: int, body: bytes, length: int | None = None) -> bytes:
    return SIGNATURE + struct.pack("!BBH", command, family, len(body) if length is None else length) + body


def tlv(kind: int, value: bytes) -> bytes:
    return struct.pack("!BH", kind, len(value)) + value
