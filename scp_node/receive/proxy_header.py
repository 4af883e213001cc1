"""What a proxy says of the caller behind it: the header of the PROXY protocol (HAProxy, proxy-protocol.txt, 2.2)."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Callable

from pynetdicom.transport import AddressInformation

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
VERSION_1 = b"PROXY "
# Addresses take 36 bytes at most; TLVs with the whole of a client certificate fit into the rest.
BODY_BYTES_MAX = 4096
MISPLACED = "a PROXY protocol header where none belongs; receiver.proxies names the addresses that send one"

_KIND = struct.Struct("!BBH")  # version and command, family and transport, length of what follows
_VERSION, _LOCAL, _PROXY = 0x20, 0x0, 0x1
_TCP_OVER_IPV4, _TCP_OVER_IPV6 = 0x11, 0x21
# Source and destination address, source and destination port.
_ADDRESSES = {_TCP_OVER_IPV4: struct.Struct("!4s4sHH"), _TCP_OVER_IPV6: struct.Struct("!16s16sHH")}
_TOLD = len(VERSION_1)


class HeaderRefused(Exception):
    """The connection of a proxy cannot be served; the message says why."""


class NobodyCalls(HeaderRefused):
    """The proxy only looked whether the port is open, or has gone: nothing to be told."""


def is_header(first: bytes) -> bool:
    """Whether a connection that begins with these bytes begins with a header of either version."""
    return first[:_TOLD] in (SIGNATURE[:_TOLD], VERSION_1)


def read_header(read: Callable[[int], bytes]) -> AddressInformation:
    """The caller's address and port. `read` returns exactly as many bytes as it is asked for, and is asked for no byte
    behind the header. Type-length-values are passed over.

    Raises NobodyCalls for a health check of the proxy itself (command LOCAL), HeaderRefused for any other header
    without a TCP address, and for what is none.
    """
    signature = read(len(SIGNATURE))
    if signature.startswith(VERSION_1):
        raise HeaderRefused("its PROXY protocol header is of version 1; the node reads version 2 (send-proxy-v2)")
    if signature != SIGNATURE:
        raise HeaderRefused("it sent no PROXY protocol header (send-proxy-v2), though receiver.proxies names it")
    kind, family, length = _KIND.unpack(read(_KIND.size))
    if kind & 0xF0 != _VERSION or kind & 0x0F not in (_LOCAL, _PROXY):
        raise HeaderRefused(f"its PROXY protocol header has version and command 0x{kind:02X}")
    if length > BODY_BYTES_MAX:
        raise HeaderRefused(f"its PROXY protocol header is of {length} bytes; the node reads {BODY_BYTES_MAX}")
    body = read(length)
    if kind & 0x0F == _LOCAL:
        raise NobodyCalls("health check of a proxy")
    layout = _ADDRESSES.get(family)
    if layout is None:
        raise HeaderRefused(f"its PROXY protocol header has no TCP address (family and transport 0x{family:02X})")
    if length < layout.size:
        raise HeaderRefused(f"its PROXY protocol header has {length} bytes where addresses take {layout.size}")
    source, _, port, _ = layout.unpack_from(body)
    return AddressInformation(str(ipaddress.ip_address(source)), port)
