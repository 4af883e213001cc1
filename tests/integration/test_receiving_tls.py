"""Receiving over TLS: DCMTK's tools and bare sockets at a receiver, well-behaved and not."""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pynetdicom import AE
from pynetdicom.pdu_primitives import UserIdentityNegotiation

from scp_node.receive.scp import StorageScp
from scp_node.storage.spool import Spool
from tests.support.dicom.phantoms import make_dx, write_dx
from tests.support.node.receiving import (
    MODALITY,
    MemoryLedger,
    data_set_bytes,
    files_below,
    receiving_settings,
    running_receiver,
)
from tests.support.peers.certificates import Authority, Identity, tls_section
from tests.support.peers.dcmtk import program
from tests.support.peers.raw_scu import (
    ASSOCIATE_AC,
    ASSOCIATE_RJ,
    COMMAND_LAST,
    DATA,
    EXPLICIT_LE,
    VERIFICATION,
    RawPeer,
    associate_request,
    p_data,
    pdv,
    store_command,
)
from tests.support.waiting import until

DX = "1.2.840.10008.5.1.4.1.1.1.1"
REJECTED_1_1_3 = b"\x00\x01\x01\x03"


@pytest.fixture(scope="module")
def node(authority: Authority) -> Identity:
    return authority.identity("node", rsa_bits=2048)


@pytest.fixture(scope="module")
def modality(authority: Authority) -> Identity:
    return authority.identity("modality", rsa_bits=2048)


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


@pytest.fixture
def receiver(tmp_path: Path, ledger: MemoryLedger, authority: Authority, node: Identity) -> Iterator[StorageScp]:
    with receiving(tmp_path, ledger, authority, node, handshake_timeout_s=2) as one:
        yield one


@contextlib.contextmanager
def receiving(
    folder: Path,
    ledger: MemoryLedger,
    authority: Authority,
    node: Identity,
    sender: dict[str, Any] | None = None,
    **tls: Any,
) -> Iterator[StorageScp]:
    """A receiver with TLS; afterwards no thread of it is left."""
    section = tls_section(authority, node, **tls)
    with running_receiver(folder, ledger, tls=section, sender=sender, pdu_timeout_s=5) as one:
        yield one
    assert [
        thread.name for thread in threading.enumerate() if thread.name.startswith(("association-", "receiver"))
    ] == []


def dcmtk(
    name: str, receiver: StorageScp, own: Identity, ca: Path, *options: str | Path, files: tuple[Path, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """echoscu or storescu over TLS with the certificate `own`, trusting `ca`."""
    command = [program(name), "-v", "-aet", MODALITY, "-aec", "HILUM", "+tls", own.key, own.certificate, "+cf", ca]
    command += [*options, "127.0.0.1", str(receiver.port), *files]
    return subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60, check=False)


class SecurePeer(RawPeer):
    """RawPeer over TLS."""

    def __init__(self, receiver: StorageScp, authority: Authority, own: Identity | None, **versions: Any) -> None:
        super().__init__(receiver.port)
        self.context = client_context(authority, own)
        for name, value in versions.items():
            setattr(self.context, name, value)
        self.socket = self.context.wrap_socket(self.socket)


def client_context(authority: Authority, own: Identity | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(authority.ca)
    if own is not None:
        context.load_cert_chain(own.certificate, own.key)
    return context


def echo_is_answered(receiver: StorageScp, authority: Authority, own: Identity) -> bool:
    with SecurePeer(receiver, authority, own) as peer:
        return peer.associate()[0] == ASSOCIATE_AC and peer.echo().status == 0x0000


def ends_without_answer(act: Callable[[], object]) -> bool:
    """Whether the node ends the connection instead of answering."""
    with pytest.raises((OSError, EOFError)) as caught:
        act()
    return not isinstance(caught.value, TimeoutError)


# --- peers that may come in -------------------------------------------------------------------------------------------


@pytest.mark.peer("echoscu")
@pytest.mark.parametrize("profile", ["bcp195", "bcp195-modified"])
@pytest.mark.parametrize("option", ["--profile-bcp195-nd", "--profile-bcp195", "--profile-bcp195-ex"])
def test_echoscu_is_answered(
    tmp_path: Path,
    ledger: MemoryLedger,
    authority: Authority,
    node: Identity,
    modality: Identity,
    profile: str,
    option: str,
) -> None:
    with receiving(tmp_path, ledger, authority, node, profile=profile) as receiver:
        result = dcmtk("echoscu", receiver, modality, authority.ca, option)
    assert result.returncode == 0, result.stderr


@pytest.mark.peer("storescu")
def test_storescu_stores_bit_by_bit(
    tmp_path: Path, receiver: StorageScp, ledger: MemoryLedger, authority: Authority, modality: Identity
) -> None:
    files = tuple(write_dx(tmp_path / f"{n}.dcm", make_dx(rows=1500, columns=1200, seed=n)) for n in (1, 2, 3))
    result = dcmtk("storescu", receiver, modality, authority.ca, files=files)
    assert result.returncode == 0, result.stderr
    assert len(ledger.rows) == 3
    sent = {file.read_bytes()[-3_000_000:] for file in files}
    assert {path.read_bytes()[-3_000_000:] for path in files_below(tmp_path / "spool")} == sent


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_large_object_in_pieces_of_any_size_arrives_whole(
    receiver: StorageScp, ledger: MemoryLedger, authority: Authority, modality: Identity, version: ssl.TLSVersion
) -> None:
    ds = make_dx(rows=900, columns=700)
    data = data_set_bytes(ds)
    with SecurePeer(receiver, authority, modality, minimum_version=version, maximum_version=version) as peer:
        assert peer.socket.version() == version.name.replace("v1_", "v1.")  # type: ignore[attr-defined]
        peer.associate([(DX, EXPLICIT_LE)], pdu_bytes_max=131072)
        assert peer.store(data, DX, str(ds.SOPInstanceUID), step=7_777).status == 0x0000
        assert peer.store(data, DX, str(ds.SOPInstanceUID), step=100_000).status == 0x0000
        peer.release()
    assert len(ledger.rows) == 1


def test_a_sender_of_its_own_certificate_address_and_user_is_admitted_and_told_so(
    tmp_path: Path, ledger: MemoryLedger, authority: Authority, node: Identity, modality: Identity
) -> None:
    asked = {
        "certificate_sha256": [modality.sha256],
        "certificate_subject": "CN=modality",
        "addresses": ["127.0.0.0/8"],
        "user": "alice",
        "passcode": "s3cret",
    }
    with receiving(tmp_path, ledger, authority, node, asked) as receiver:
        for passcode, is_admitted in ((b"s3cret", True), (b"other", False)):
            identity = UserIdentityNegotiation()
            identity.user_identity_type, identity.positive_response_requested = 2, True
            identity.primary_field, identity.secondary_field = b"alice", passcode
            ae = AE(MODALITY)
            ae.add_requested_context(VERIFICATION)
            # pynetdicom's types demand a name here; None says that the certificate is not compared with one
            tls: tuple[Any, Any] = (client_context(authority, modality), None)
            assoc = ae.associate("127.0.0.1", receiver.port, ae_title="HILUM", ext_neg=[identity], tls_args=tls)
            assert assoc.is_established is is_admitted
            if is_admitted:
                answer = assoc.acceptor.user_identity
                assert answer is not None and answer.server_response == b""
                assoc.release()
            else:
                assert assoc.is_rejected


def test_an_ipv4_peer_on_a_socket_for_both_families_is_known_by_its_ipv4_address(
    tmp_path: Path, ledger: MemoryLedger
) -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 on this machine")
    settings = receiving_settings(tmp_path, sender={"addresses": ["127.0.0.1"]})
    receiver = StorageScp(settings, Spool(tmp_path / "spool"), ledger, bind="::", port=0)
    receiver.start()
    try:
        with RawPeer(receiver.port) as peer:
            assert peer.associate()[0] == ASSOCIATE_AC
        with RawPeer(receiver.port) as peer:
            peer.socket.close()
            peer.socket = socket.create_connection(("::1", receiver.port), 20)
            assert peer.associate() == (ASSOCIATE_RJ, REJECTED_1_1_3)
    finally:
        receiver.stop(drain_s=5)


# --- peers that may not -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"certificate_sha256": ["00" * 32]}, "its certificate has none of the fingerprints of pacs"),
        ({"certificate_subject": "CN=other"}, "its certificate has another subject than pacs"),
        ({"addresses": ["10.0.0.0/8"]}, "its address is not one of pacs"),
        ({"user": "alice"}, "it gave no user name, which is asked of pacs"),
    ],
)
def test_a_sender_that_fails_a_check_is_rejected_and_the_log_says_which(
    tmp_path: Path,
    ledger: MemoryLedger,
    authority: Authority,
    node: Identity,
    modality: Identity,
    caplog: pytest.LogCaptureFixture,
    asked: dict[str, Any],
    reason: str,
) -> None:
    caplog.set_level("INFO")
    with (
        receiving(tmp_path, ledger, authority, node, asked) as receiver,
        SecurePeer(receiver, authority, modality) as peer,
    ):
        assert peer.associate() == (ASSOCIATE_RJ, REJECTED_1_1_3)
    (ended,) = [vars(record) for record in caplog.records if record.message == "association ended"]
    assert ended["outcome"] == f"rejected 1/1/3: {reason}"
    assert ended["tls"] == "TLSv1.3"


def without_tls(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """The lines of connections that did not come to TLS."""
    return [one for one in caplog.records if str(vars(one).get("outcome", "")).startswith("no TLS connection")]


def test_certificates_that_are_foreign_expired_or_missing_end_the_handshake(
    tmp_path: Path,
    receiver: StorageScp,
    authority: Authority,
    modality: Identity,
    caplog: pytest.LogCaptureFixture,
) -> None:
    stranger = Authority(tmp_path / "other", "Stranger").identity("modality")
    expired = authority.identity("expired", days=-1)
    future = authority.identity("short", days=1)
    for own, reason in (
        (stranger, "its certificate is not accepted"),
        (expired, "its certificate is not accepted: certificate has expired"),
        (None, "it showed no certificate"),
    ):
        caplog.clear()
        with contextlib.suppress(ssl.SSLError), SecurePeer(receiver, authority, own) as peer:
            assert ends_without_answer(peer.associate)
        until(lambda: len(without_tls(caplog)) == 1, "the handshake failed")
        (record,) = [vars(one) for one in without_tls(caplog)]
        assert record["outcome"].startswith(f"no TLS connection: {reason}")
        assert record["address"] == "127.0.0.1"
    assert echo_is_answered(receiver, authority, future)
    assert echo_is_answered(receiver, authority, modality)


def test_senders_without_a_certificate_come_in_where_that_is_configured(
    tmp_path: Path, ledger: MemoryLedger, authority: Authority, node: Identity
) -> None:
    with (
        receiving(tmp_path, ledger, authority, node, verify_peer=False) as receiver,
        SecurePeer(receiver, authority, None) as peer,
    ):
        assert peer.associate()[0] == ASSOCIATE_AC


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
@pytest.mark.parametrize("profile", ["bcp195", "bcp195-modified"])
def test_tls_1_1_is_refused(
    tmp_path: Path, ledger: MemoryLedger, authority: Authority, node: Identity, modality: Identity, profile: str
) -> None:
    with receiving(tmp_path, ledger, authority, node, profile=profile) as receiver:
        context = client_context(authority, modality)
        context.set_ciphers("ALL:@SECLEVEL=0")  # or this side's own OpenSSL would refuse first
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        with RawPeer(receiver.port) as peer, pytest.raises(ssl.SSLError, match=r"(?i)alert protocol version"):
            context.wrap_socket(peer.socket)


@pytest.mark.parametrize("ciphers", ["AES256-GCM-SHA384", "ECDHE+AES:!AESGCM:!AESCCM", "DHE+AESGCM"])
def test_weak_ciphers_of_tls_1_2_are_refused(
    receiver: StorageScp, authority: Authority, modality: Identity, ciphers: str
) -> None:
    context = client_context(authority, modality)
    context.set_ciphers(ciphers)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with RawPeer(receiver.port) as peer, pytest.raises(ssl.SSLError, match=r"(?i)handshake failure"):
        context.wrap_socket(peer.socket)


# --- peers that do not keep to it -------------------------------------------------------------------------------------


@pytest.mark.peer("echoscu")
def test_plaintext_at_a_tls_port_ends_at_once(
    receiver: StorageScp, authority: Authority, modality: Identity, caplog: pytest.LogCaptureFixture
) -> None:
    command = [program("echoscu"), "-aet", MODALITY, "-aec", "HILUM", "127.0.0.1", str(receiver.port)]
    assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode != 0
    with RawPeer(receiver.port) as peer:
        assert ends_without_answer(lambda: peer.associate())
    assert "no TLS connection: it does not speak TLS" in [vars(one)["outcome"] for one in without_tls(caplog)]
    assert echo_is_answered(receiver, authority, modality)


def test_a_probe_of_the_port_is_no_warning(receiver: StorageScp, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    RawPeer(receiver.port).socket.close()
    until(lambda: len(without_tls(caplog)) > 0, "the connection ended")
    assert [record.levelname for record in without_tls(caplog)] == ["DEBUG"]


@pytest.mark.peer("echoscu")
def test_tls_at_a_plaintext_port_ends_at_once(
    tmp_path: Path, ledger: MemoryLedger, authority: Authority, modality: Identity
) -> None:
    with running_receiver(tmp_path, ledger) as receiver:
        assert dcmtk("echoscu", receiver, modality, authority.ca).returncode != 0
        with pytest.raises(OSError):
            SecurePeer(receiver, authority, modality)
        with RawPeer(receiver.port) as peer:
            assert peer.associate()[0] == ASSOCIATE_AC


def test_silent_and_half_handshakes_block_nobody_and_are_ended(
    receiver: StorageScp, authority: Authority, modality: Identity, caplog: pytest.LogCaptureFixture
) -> None:
    hello = client_hello(authority, modality)
    beginnings = [b"", hello[:1], hello[:60], hello, b"\x16\x03\x01\x40\x00" + b"\x01" * 100]
    with contextlib.ExitStack() as open_peers:
        peers = [open_peers.enter_context(RawPeer(receiver.port)) for _ in range(4 * len(beginnings))]
        for index, peer in enumerate(peers):
            peer.send(beginnings[index % len(beginnings)])
        assert echo_is_answered(receiver, authority, modality)  # before the first of them has timed out
        assert without_tls(caplog) == []
        for peer in peers:
            drained(peer.socket)
    until(lambda: receiver.limits.connections == 0, "every handshake was given up")
    (record,) = without_tls(caplog)  # for all of them
    assert vars(record)["outcome"] == "no TLS connection: it did not complete the handshake in time"
    assert echo_is_answered(receiver, authority, modality)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda peer: peer.send(b"\x17\x03\x03\x00\x20" + b"x" * 32), id="a record with a wrong tag"),
        pytest.param(lambda peer: peer.send(b"\x17\x03\x03\xff\xff" + b"x" * 64), id="a record that is too long"),
        pytest.param(lambda peer: peer.send(b"\x15\x03\x03\x00\x02\x02\x28"), id="an alert in the clear"),
        pytest.param(lambda peer: peer.close(), id="no close_notify"),
    ],
)
def test_a_connection_that_breaks_within_an_object_leaves_nothing(
    tmp_path: Path,
    receiver: StorageScp,
    ledger: MemoryLedger,
    authority: Authority,
    modality: Identity,
    damage: Callable[[socket.socket], object],
) -> None:
    ds = make_dx(rows=64, columns=64)
    with SecurePeer(receiver, authority, modality) as peer:
        peer.associate([(DX, EXPLICIT_LE)])
        peer.send(p_data(pdv(1, COMMAND_LAST, store_command(DX, str(ds.SOPInstanceUID), 1))))
        peer.send(p_data(pdv(1, DATA, data_set_bytes(ds)[:2000])))
        until(lambda: files_below(tmp_path / "spool") != [], "the object has begun")
        raw = socket.socket(fileno=peer.socket.detach())
        raw.settimeout(20)
        damage(raw)
        if raw.fileno() != -1:
            drained(raw)
            raw.close()
    until(lambda: receiver.association_count == 0, "the association ended")
    until(lambda: files_below(tmp_path / "spool") == [], "the part file is gone")
    assert ledger.rows == {}
    assert echo_is_answered(receiver, authority, modality)


def test_a_stop_does_not_wait_for_a_handshake(
    tmp_path: Path, ledger: MemoryLedger, authority: Authority, node: Identity, caplog: pytest.LogCaptureFixture
) -> None:
    with contextlib.ExitStack() as stack:
        with receiving(tmp_path, ledger, authority, node, handshake_timeout_s=3600) as receiver:
            stack.enter_context(RawPeer(receiver.port))
            until(lambda: len(threading.enumerate()) > 2, "the handshake has begun")
        assert "no TLS connection: the node stops" in [vars(one)["outcome"] for one in without_tls(caplog)]


# --- certificates that change -----------------------------------------------------------------------------------------


def test_a_renewed_certificate_serves_the_next_connection_and_a_broken_one_never(
    tmp_path: Path, ledger: MemoryLedger, authority: Authority, modality: Identity, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    own = Authority.identity(authority, "renewed", days=10)
    with receiving(tmp_path, ledger, authority, own) as receiver:
        first = shown_certificate(receiver, authority, modality)
        with SecurePeer(receiver, authority, modality) as kept:
            kept.associate()

            own.certificate.write_text("-----BEGIN CERTIFICATE-----\nbroken\n")
            assert shown_certificate(receiver, authority, modality) == first
            assert caplog.messages.count("TLS certificate kept as it was") == 1
            own.certificate.unlink()
            assert shown_certificate(receiver, authority, modality) == first

            authority.identity("renewed", days=300)
            second = shown_certificate(receiver, authority, modality)
            assert second != first
            assert "TLS certificate reloaded" in caplog.messages
            assert kept.echo().status == 0x0000


def test_changed_settings_serve_the_next_connection(
    tmp_path: Path, ledger: MemoryLedger, authority: Authority, node: Identity, modality: Identity
) -> None:
    with receiving(tmp_path, ledger, authority, node) as receiver:
        other = authority.identity("another")
        first = shown_certificate(receiver, authority, modality)
        settings = receiver.settings
        update = {"certificate": other.certificate, "key": other.key}
        receiver.reload(settings.model_copy(update={"tls": settings.tls.model_copy(update=update)}))
        assert shown_certificate(receiver, authority, modality) != first


def shown_certificate(receiver: StorageScp, authority: Authority, own: Identity) -> bytes:
    with SecurePeer(receiver, authority, own) as peer:
        assert peer.associate()[0] == ASSOCIATE_AC
        der: bytes | None = peer.socket.getpeercert(binary_form=True)  # type: ignore[attr-defined]
        peer.release()
    assert der
    return der


def client_hello(authority: Authority, own: Identity) -> bytes:
    """The first bytes of a handshake."""
    outgoing = ssl.MemoryBIO()
    handshake = client_context(authority, own).wrap_bio(ssl.MemoryBIO(), outgoing)
    with pytest.raises(ssl.SSLWantReadError):
        handshake.do_handshake()
    return outgoing.read()


def drained(connection: socket.socket) -> None:
    """Read until the node ends the connection."""
    with contextlib.suppress(ConnectionError):
        while connection.recv(65536):
            pass


def test_an_association_request_before_the_handshake_is_done_is_never_read(
    receiver: StorageScp, authority: Authority, modality: Identity
) -> None:
    """What follows the handshake in the clear is no record: nobody is let in by it."""
    hello = client_hello(authority, modality)
    request = associate_request([("1.2.840.10008.1.1", EXPLICIT_LE)], "HILUM", MODALITY, "1.2.840.10008.3.1.1.1", 16384)
    with RawPeer(receiver.port) as peer:
        peer.send(hello + request)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while chunk := peer.socket.recv(65536):
                answer += chunk
    assert answer[:1] in (b"\x15", b"\x16", b"")  # alert or handshake, never an A-ASSOCIATE-AC
    assert receiver.association_count == 0
