"""Callers behind a load balancer: by the PROXY protocol their own address counts, said by named addresses only."""

from __future__ import annotations

import contextlib
import logging
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scp_node.receive.proxy_header import BODY_BYTES_MAX
from scp_node.receive.scp import StorageScp
from tests.support.dicom.phantoms import make_dx, write_dx
from tests.support.node.receiving import MODALITY, MemoryLedger, running_receiver
from tests.support.peers.certificates import Authority, tls_section
from tests.support.peers.dcmtk import program
from tests.support.peers.haproxy import balancing
from tests.support.peers.proxy_headers import LOCAL, PROXY, TCP4, VERSION_1, header, raw, tlv
from tests.support.peers.raw_scu import ASSOCIATE_AC, ASSOCIATE_RJ, RawPeer
from tests.support.waiting import until

CALLER, STRANGER = "203.0.113.7", "198.51.100.9"
HERE = {"proxies": ["127.0.0.1"]}
REJECTED_1_1_3 = b"\x00\x01\x01\x03"


@pytest.fixture(autouse=True)
def _log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


@contextlib.contextmanager
def receiving(folder: Path, **limits: Any) -> Iterator[StorageScp]:
    """A receiver to which the proxy 127.0.0.1 is known, and for which the modality calls from CALLER."""
    sender = {"addresses": [CALLER, "2001:db8::/64"]}
    with running_receiver(folder, MemoryLedger(), sender=sender, **(HERE | limits)) as receiver:
        yield receiver
        until(lambda: receiver.limits.connections == 0, "all connections have ended")


def proxied(receiver: StorageScp, first: bytes) -> RawPeer:
    peer = RawPeer(receiver.port)
    peer.send(first)
    return peer


def ending(caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    until(lambda: any(one.msg == "association ended" for one in caplog.records), "its line is in the log")
    return [vars(one) for one in caplog.records if one.msg == "association ended"][-1]


# --- callers behind a named proxy -------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [CALLER, "2001:db8::17"])
def test_the_address_in_the_header_is_the_callers(tmp_path: Path, caplog: Any, source: str) -> None:
    with receiving(tmp_path) as receiver:
        with proxied(receiver, header(source, more=tlv(0x02, b"hilum") + tlv(0x03, bytes(4)))) as peer:
            assert peer.associate()[0] == ASSOCIATE_AC
            assert peer.echo().status == 0x0000
            peer.release()
        assert ending(caplog)["address"] == source


def test_addresses_of_remote_aes_are_held_against_it(tmp_path: Path, caplog: Any) -> None:
    with receiving(tmp_path) as receiver:
        with proxied(receiver, header(STRANGER)) as peer:
            assert peer.associate() == (ASSOCIATE_RJ, REJECTED_1_1_3)
        ended = ending(caplog)
    assert (ended["address"], ended["outcome"]) == (STRANGER, "rejected 1/1/3: its address is not one of pacs")


def test_limits_of_an_address_are_each_callers_own(tmp_path: Path) -> None:
    with receiving(tmp_path, connections_per_address_max=2) as receiver, contextlib.ExitStack() as stack:
        for source in (CALLER, CALLER, "2001:db8::1", "2001:db8::2"):
            peer = stack.enter_context(proxied(receiver, header(source)))
            assert peer.associate()[0] == ASSOCIATE_AC
        with proxied(receiver, header(CALLER)) as third:
            assert third.is_closed()
        assert receiver.limits.dropped_total == {"connections_per_address_max": 1}


def test_the_header_comes_before_tls(tmp_path: Path, authority: Authority, caplog: Any) -> None:
    node, own = authority.identity("node"), authority.identity("modality")
    context = ssl.create_default_context(cafile=authority.ca)
    context.check_hostname = False
    context.load_cert_chain(own.certificate, own.key)
    with receiving(tmp_path, tls=tls_section(authority, node)) as receiver:
        with proxied(receiver, header(CALLER)) as peer:
            peer.socket = context.wrap_socket(peer.socket)
            assert peer.associate()[0] == ASSOCIATE_AC
            peer.release()
        ended = ending(caplog)
    assert (ended["address"], ended["tls"]) == (CALLER, "TLSv1.3")


def test_a_header_in_single_bytes_is_read(tmp_path: Path) -> None:
    with receiving(tmp_path) as receiver, RawPeer(receiver.port) as peer:
        for byte in header(CALLER):
            peer.send(bytes([byte]))
        assert peer.associate()[0] == ASSOCIATE_AC


# --- what ends a connection -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", [raw(LOCAL, 0, b""), header(command=LOCAL), b""], ids=["bare", "addresses", "silent"])
def test_a_health_check_is_answered_by_closing_and_not_told(tmp_path: Path, caplog: Any, check: bytes) -> None:
    with receiving(tmp_path) as receiver, proxied(receiver, check) as peer:
        if not check:
            peer.socket.shutdown(1)
        assert peer.is_closed()
    assert not [one for one in caplog.records if one.msg in ("association ended", "association failed")]


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (VERSION_1, "version 1"),
        (b"\x01\x00\x00\x00\x00\xd0" + bytes(208), "it sent no PROXY protocol header"),
        (raw(PROXY, TCP4, bytes(8)), "8 bytes where addresses take 12"),
        (raw(PROXY, TCP4, bytes(12), length=BODY_BYTES_MAX + 1), "is of 4097 bytes"),
    ],
)
def test_a_named_proxy_without_a_usable_header_is_refused(
    tmp_path: Path, caplog: Any, first: bytes, reason: str
) -> None:
    with receiving(tmp_path) as receiver, proxied(receiver, first) as peer:
        assert peer.is_closed()
        ended = ending(caplog)
    assert reason in ended["outcome"]
    assert (ended["levelno"], ended["address"]) == (logging.WARNING, "127.0.0.1")


@pytest.mark.parametrize("first", [b"", header(CALLER)[:-1]], ids=["nothing", "truncated"])
def test_a_slow_header_has_an_end(tmp_path: Path, caplog: Any, first: bytes) -> None:
    with receiving(tmp_path, acse_timeout_s=0.5) as receiver, proxied(receiver, first) as peer:
        began = time.monotonic()
        assert peer.is_closed()
        assert time.monotonic() - began < 5
        assert ending(caplog)["outcome"] == "its PROXY protocol header was not complete within 0.5 s"


def test_a_receiver_that_stops_does_not_wait_for_headers(tmp_path: Path) -> None:
    with receiving(tmp_path, acse_timeout_s=60) as receiver, RawPeer(receiver.port) as peer:
        until(lambda: receiver.limits.connections == 1, "it is counted")
        began = time.monotonic()
        receiver.stop(drain_s=5)
        assert time.monotonic() - began < 3
        assert peer.is_closed()


@pytest.mark.parametrize("first", [header(CALLER), VERSION_1], ids=["version 2", "version 1"])
@pytest.mark.parametrize("secured", [False, True], ids=["plaintext", "TLS"])
def test_a_header_from_anybody_else_ends_the_connection_and_the_log_says_why(
    tmp_path: Path, authority: Authority, caplog: Any, first: bytes, secured: bool
) -> None:
    tls = tls_section(authority, authority.identity("node")) if secured else None
    with receiving(tmp_path, tls=tls, proxies=["10.0.0.5"]) as receiver, proxied(receiver, first) as peer:
        with contextlib.suppress(ConnectionError):
            assert peer.read_pdu()[0] == 0x07
        ended = ending(caplog)
    assert "a PROXY protocol header where none belongs; receiver.proxies" in ended["outcome"]
    assert (ended["levelno"], ended["address"]) == (logging.WARNING, "127.0.0.1")


def test_a_second_header_is_no_part_of_the_protocol(tmp_path: Path, caplog: Any) -> None:
    with receiving(tmp_path) as receiver, proxied(receiver, header(CALLER) + header(STRANGER)) as peer:
        assert peer.read_pdu()[0] == 0x07
        ended = ending(caplog)
    assert "where none belongs" in ended["outcome"] and ended["address"] == CALLER


# --- the real one -----------------------------------------------------------------------------------------------------


@pytest.mark.peer("haproxy", "storescu")
def test_senders_reach_the_node_through_haproxy_and_its_checks_are_quiet(tmp_path: Path, caplog: Any) -> None:
    file = write_dx(tmp_path / "one.dcm", make_dx(rows=300, columns=200))
    ledger, sender = MemoryLedger(), {"addresses": ["127.0.0.1"]}
    with running_receiver(tmp_path, ledger, sender=sender, proxies=["127.0.0.8"]) as receiver:
        with balancing(tmp_path, receiver.port, source="127.0.0.8") as balancer:
            to = [balancer.host, str(balancer.port)]
            command = [program("storescu"), "-aet", MODALITY, "-aec", "HILUM", *to, str(file)]
            result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
            assert result.returncode == 0, result.stderr
            checked = receiver.limits.connections_total + 2
            until(lambda: receiver.limits.connections_total > checked, "the balancer looks whether the port is open")
        until(lambda: receiver.limits.connections == 0, "all connections have ended")
    endings = [vars(one) for one in caplog.records if one.msg == "association ended"]
    assert [(one["address"], one["outcome"]) for one in endings] == [("127.0.0.1", "released")]
    assert len(ledger.rows) == 1
