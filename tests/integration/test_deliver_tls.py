"""Delivery over TLS: to DCMTK's storescp and Orthanc, and to destinations that are not what they should be."""

from __future__ import annotations

import contextlib
import logging
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from converter.image.sop_classes import SECONDARY_CAPTURE
from scp_node.cli.echo import echo
from scp_node.deliver.destinations import Destinations
from scp_node.deliver.outcomes import SendOutcome
from scp_node.deliver.part10 import read_part10
from scp_node.dimse.uids import COMPREHENSIVE_3D_SR
from scp_node.settings import Settings
from tests.support.dicom.objects import small_file
from tests.support.node.delivering import settings_for
from tests.support.peers.archives import scripted_archive
from tests.support.peers.certificates import Authority, Identity, tls_section
from tests.support.peers.dcmtk import StoreSCP, running_storescp
from tests.support.peers.orthanc import running_orthanc
from tests.support.peers.scripted_peer import accept_all, read_pdu, scripted_peer


@pytest.fixture(scope="module")
def node(authority: Authority) -> Identity:
    return authority.identity("node", rsa_bits=2048)


@pytest.fixture(scope="module")
def pacs(authority: Authority) -> Identity:
    return authority.identity("pacs", rsa_bits=2048)


@pytest.fixture
def archive(tmp_path: Path, authority: Authority, pacs: Identity) -> Iterator[StoreSCP]:
    with secure_storescp(tmp_path / "scp", authority, pacs) as one:
        yield one


def secure_storescp(
    folder: Path, authority: Authority, own: Identity, *options: str
) -> contextlib.AbstractContextManager[StoreSCP]:
    files = ("+tls", str(own.key), str(own.certificate), "+cf", str(authority.ca))
    return running_storescp(folder, "STORESCP", *files, *options)


def settings_to(
    port: int, authority: Authority, node: Identity, *, asked: dict[str, Any] | None = None, **tls: Any
) -> Settings:
    section = tls_section(authority, node, **tls)
    return settings_for({"pacs": ("STORESCP", port)}, tls=section, asked=asked, connect_timeout_s=3)


def sent(settings: Settings, path: Path) -> SendOutcome:
    destinations = Destinations(settings)
    try:
        return destinations.send("pacs", path)
    finally:
        destinations.close()


@pytest.mark.peer("storescp")
@pytest.mark.parametrize("profile", ["bcp195", "bcp195-modified"])
@pytest.mark.parametrize("option", ["--profile-bcp195-nd", "--profile-bcp195-ex"])
def test_storescp_gets_every_byte_over_one_kept_association(
    tmp_path: Path, authority: Authority, node: Identity, pacs: Identity, profile: str, option: str
) -> None:
    files = [small_file(tmp_path, COMPREHENSIVE_3D_SR), small_file(tmp_path, SECONDARY_CAPTURE, side=900)]
    with secure_storescp(tmp_path / "scp", authority, pacs, option) as archive:
        destinations = Destinations(settings_to(archive.port, authority, node, profile=profile))
        assert [destinations.send("pacs", path).code for path in files] == ["stored", "stored"]
        assert destinations.connections_opened("pacs") == 1
        destinations.close()
        stored = {read_part10(path).sop_instance_uid: path.read_bytes() for path in archive.files()}
    for path in files:
        file = read_part10(path)
        assert stored[file.sop_instance_uid].endswith(path.read_bytes()[file.dataset_offset :])


@pytest.mark.peer("Orthanc")
def test_orthanc_stores_over_tls(tmp_path: Path, authority: Authority, node: Identity, pacs: Identity) -> None:
    options = {
        "DicomTlsEnabled": True,
        "DicomTlsCertificate": str(pacs.certificate),
        "DicomTlsPrivateKey": str(pacs.key),
        "DicomTlsTrustedCertificates": str(authority.ca),
    }
    with running_orthanc(tmp_path / "orthanc", "STORESCP", **options) as orthanc:
        settings = settings_to(orthanc.dicom_port, authority, node)
        assert sent(settings, small_file(tmp_path)).code == "stored"
        assert len(orthanc.wait_for_instances(1)) == 1
        found = Destinations(settings).probe("pacs")
    assert found.reachable and found.tls_version in ("TLSv1.2", "TLSv1.3")
    assert found.certificate is not None and found.certificate.sha256 == pacs.sha256


@pytest.mark.peer("storescp")
@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"certificate_subject": "CN=pacs"}, "stored"),
        ({"certificate_subject": "CN=other"}, "tls-certificate-of-another"),
        ({"certificate_sha256": ["00" * 32]}, "tls-certificate-of-another"),
    ],
)
def test_a_destination_bound_to_a_certificate_has_to_show_it(
    tmp_path: Path, authority: Authority, node: Identity, archive: StoreSCP, asked: dict[str, Any], code: str
) -> None:
    assert sent(settings_to(archive.port, authority, node, asked=asked), small_file(tmp_path)).code == code


@pytest.mark.peer("storescp")
def test_a_certificate_for_another_host_is_refused_unless_that_does_not_matter(
    tmp_path: Path, authority: Authority, node: Identity
) -> None:
    elsewhere = authority.identity("elsewhere", host="10.0.0.1", rsa_bits=2048)
    path = small_file(tmp_path)
    with secure_storescp(tmp_path / "scp", authority, elsewhere) as archive:
        outcome = sent(settings_to(archive.port, authority, node), path)
        assert (outcome.verdict, outcome.code) == ("retry", "tls-certificate")
        assert "IP address mismatch" in outcome.message
        assert sent(settings_to(archive.port, authority, node, check_host=False), path).sent
        bound = {"certificate_sha256": [elsewhere.sha256]}
        assert sent(settings_to(archive.port, authority, node, asked=bound), path).sent


@pytest.mark.peer("storescp")
def test_certificates_that_are_foreign_or_expired_are_refused(
    tmp_path: Path, authority: Authority, node: Identity
) -> None:
    path = small_file(tmp_path)
    stranger = Authority(tmp_path / "other", "Stranger").identity("pacs", rsa_bits=2048)
    expired = authority.identity("expired", days=-1, rsa_bits=2048)
    for own, reason in ((stranger, "unable to get local issuer certificate"), (expired, "certificate has expired")):
        with secure_storescp(tmp_path / own.key.stem, authority, own) as archive:
            outcome = sent(settings_to(archive.port, authority, node), path)
        assert (outcome.verdict, outcome.code) == ("retry", "tls-certificate")
        assert reason in outcome.message


@pytest.mark.peer("storescp")
def test_a_destination_that_does_not_know_our_certificate_refuses(
    tmp_path: Path, authority: Authority, pacs: Identity
) -> None:
    other = Authority(tmp_path / "other")
    unknown = other.identity("node", rsa_bits=2048)
    with secure_storescp(tmp_path / "scp", authority, pacs) as archive:
        section = tls_section(authority, unknown)
        outcome = sent(settings_for({"pacs": ("STORESCP", archive.port)}, tls=section), small_file(tmp_path))
    assert (outcome.verdict, outcome.code) == ("retry", "tls-refused")


@pytest.mark.peer("storescp")
def test_tls_and_plaintext_do_not_meet(tmp_path: Path, authority: Authority, node: Identity, archive: StoreSCP) -> None:
    path = small_file(tmp_path)
    plain = settings_to(archive.port, authority, node, asked={"tls": False})
    assert sent(plain, path).verdict == "retry"
    with scripted_archive() as unprotected:
        settings = settings_to(unprotected.port, authority, node)
        assert sent(settings, path).code in ("tls-failed", "tls-timeout")
        to_plain = settings_for({"pacs": ("ARCHIVE", unprotected.port)}, tls=tls_section(authority, node))
        remote = to_plain.remote_aes["pacs"].model_copy(update={"tls": False})
        assert sent(to_plain.model_copy(update={"remote_aes": {"pacs": remote}}), path).code == "stored"


def test_a_destination_that_is_silent_in_the_handshake_is_given_up_in_time(
    tmp_path: Path, authority: Authority, node: Identity
) -> None:
    def play(connection: socket.socket) -> None:
        while connection.recv(65536):
            pass

    with scripted_peer(play) as port:
        outcome = sent(settings_to(port, authority, node), small_file(tmp_path))
    assert (outcome.verdict, outcome.code) == ("retry", "tls-timeout")


def secured(play: Callable[[ssl.SSLSocket], None], authority: Authority, own: Identity) -> Any:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.certificate, own.key)

    def wrapped(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            play(secure)

    return scripted_peer(wrapped)


def test_a_kept_association_that_the_destination_released_is_noticed(
    tmp_path: Path, authority: Authority, node: Identity, pacs: Identity
) -> None:
    answers: list[int] = []

    def play(secure: ssl.SSLSocket) -> None:
        accept_all(secure)
        while read_pdu(secure)[0] == 0x04 and not answers:
            answers.append(1)
            secure.sendall(b"\x05\x00\x00\x00\x00\x04\x00\x00\x00\x00")  # A-RELEASE-RQ instead of a response

    with secured(play, authority, pacs) as port:
        destinations = Destinations(settings_to(port, authority, node))
        assert destinations.send("pacs", small_file(tmp_path)).code == "protocol-error"
        destinations.close()


@pytest.mark.peer("storescp")
def test_an_archive_that_was_restarted_gets_the_next_object_on_a_new_association(
    tmp_path: Path, authority: Authority, node: Identity, archive: StoreSCP
) -> None:
    destinations = Destinations(settings_to(archive.port, authority, node))
    assert destinations.send("pacs", small_file(tmp_path)).sent
    archive.stop()
    archive.start()
    assert destinations.send("pacs", small_file(tmp_path)).sent
    assert destinations.connections_opened("pacs") == 2
    destinations.close()


@pytest.mark.peer("storescp")
def test_a_renewed_certificate_is_shown_at_the_next_association(
    tmp_path: Path, authority: Authority, archive: StoreSCP, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    own = authority.identity("renewed", days=-1, rsa_bits=2048)
    destinations = Destinations(settings_to(archive.port, authority, own))
    assert destinations.send("pacs", small_file(tmp_path)).code == "tls-refused"
    authority.identity("renewed", days=100, rsa_bits=2048)
    assert destinations.send("pacs", small_file(tmp_path)).sent
    assert "TLS certificate reloaded" in caplog.messages
    destinations.close()


@pytest.mark.peer("storescp")
def test_echo_shows_both_certificates_and_warns_before_they_expire(
    tmp_path: Path, authority: Authority, node: Identity
) -> None:
    soon = authority.identity("soon", days=12.5, rsa_bits=2048)
    app = typer.Typer()
    app.command("echo")(echo)
    with secure_storescp(tmp_path / "scp", authority, soon) as archive:

        def output(own: Identity, **tls: Any) -> str:
            document = {
                "node": {"ae_title": "HILUM"},
                "tls": tls_section(authority, own, **tls),
                "remote_aes": {
                    "pacs": {"ae_title": "STORESCP", "host": "127.0.0.1", "port": archive.port, "may_send": True}
                },
                "routes": [{"name": "chest", "model": "pneumonia", "to": ["pacs"]}],
            }
            config = tmp_path / "node.yaml"
            config.write_text(yaml.safe_dump(document))
            result = CliRunner().invoke(app, ["--config", str(config)])
            assert result.exit_code == 0, result.output
            return " ".join(result.output.split())

        shown = output(node)
        assert re.search(r"TLSv1\.[23] CN=soon,O=Test Hospital until 20\d\d-\d\d-\d\d", shown)
        assert "warning: its certificate expires in 12 days" in shown
        assert "our certificate" not in shown
        assert "warning: our certificate expires in 12 days" in output(soon)
        assert "warning" not in output(soon, warn_before_days=10)
