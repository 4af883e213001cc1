"""The header of a proxy is read to its last byte and no further, whatever it holds."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scp_node.receive.proxy_header import BODY_BYTES_MAX, HeaderRefused, NobodyCalls, is_header, read_header
from tests.support.peers.proxy_headers import LOCAL, PROXY, SIGNATURE, TCP4, UDP4, UNIX, VERSION_1, header, raw, tlv


class AtItsEnd(Exception):
    """A read went over what there is."""


class Wire(io.BytesIO):
    def read_exactly(self, count: int) -> bytes:
        data = self.read(count)
        if len(data) < count:
            raise AtItsEnd
        return data


def read_from(data: bytes) -> tuple[str, int, bytes]:
    wire = Wire(data)
    caller = read_header(wire.read_exactly)
    return caller.address, caller.port, wire.read()


@pytest.mark.parametrize("more", [b"", tlv(0x04, bytes(9)) + tlv(0x20, b"\x01" * 300)])
@pytest.mark.parametrize("source", ["203.0.113.7", "2001:db8::7"])
def test_the_caller_is_known_and_what_follows_is_left(source: str, more: bytes) -> None:
    assert read_from(header(source, 4711, more=more) + b"\x16\x03\x01") == (source, 4711, b"\x16\x03\x01")


@pytest.mark.parametrize(
    "check",
    [header(command=LOCAL), raw(LOCAL, 0, b""), raw(LOCAL, 0, tlv(0x04, b""))],
    ids=["addresses", "bare", "tlv"],
)
def test_a_health_check_is_nobody(check: bytes) -> None:
    with pytest.raises(NobodyCalls):
        read_from(check)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (VERSION_1, "version 1"),
        (b"PROXY UNKNOWN\r\n\x01", "version 1"),
        (b"\x01\x00\x00\x00\x00\xd0" + bytes(208), "no PROXY protocol header"),
        (b"\x16\x03\x01" + bytes(200), "no PROXY protocol header"),
        (SIGNATURE[:-1] + b"\r" + bytes(20), "no PROXY protocol header"),
        (raw(0x11, TCP4, bytes(12)), "version and command 0x11"),
        (raw(0x22, TCP4, bytes(12)), "version and command 0x22"),
        (raw(PROXY, 0x00, b""), r"no TCP address \(family and transport 0x00\)"),
        (header(family=UDP4), "no TCP address"),
        (raw(PROXY, UNIX, bytes(216)), "no TCP address"),
        (raw(PROXY, TCP4, bytes(11)), "has 11 bytes where addresses take 12"),
        (raw(PROXY, 0x21, bytes(35)), "has 35 bytes where addresses take 36"),
        (raw(PROXY, TCP4, bytes(12), length=BODY_BYTES_MAX + 1), "is of 4097 bytes"),
        (raw(PROXY, TCP4, bytes(12), length=0xFFFF), "is of 65535 bytes"),
    ],
)
def test_any_other_header_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(HeaderRefused, match=reason) as refused:
        read_from(data)
    assert not isinstance(refused.value, NobodyCalls)


def test_the_largest_header_is_read() -> None:
    padding = tlv(0x04, bytes(BODY_BYTES_MAX - 12 - 3))
    assert read_from(header(more=padding) + b"next")[2] == b"next"


@given(st.binary(max_size=80), st.integers(0, 28))
def test_no_bytes_make_another_error(tail: bytes, kept: int) -> None:
    try:
        read_from(header()[:kept] + tail)
    except (HeaderRefused, AtItsEnd):
        return
    assert kept >= 16 or (header()[:kept] + tail).startswith(SIGNATURE)


def test_both_versions_are_recognised_where_they_do_not_belong() -> None:
    assert is_header(header()) and is_header(VERSION_1) and is_header(SIGNATURE[:6])
    for first in (b"", b"\x01\x00\x00\x00\x00\xd0", b"\x16\x03\x01\x02\x00\x01"):
        assert not is_header(first)
