"""What certificates say, and which files of the section tls are refused, with a sentence that helps."""

from __future__ import annotations

import logging
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scp_node.monitoring.certificate_expiry import LOOK_EVERY_S, CertificateWatch, days_left
from scp_node.settings import Tls
from scp_node.tls.certificates import certificate_expiry, certificate_in, fingerprint, name_attributes
from scp_node.tls.contexts import CIPHERS, CertificateUnusable, Credentials, make_contexts
from tests.support.peers.certificates import Authority, Identity, tls_section


@pytest.fixture(scope="module")
def node(authority: Authority) -> Identity:
    return authority.identity("node")


def test_a_certificate_tells_subject_fingerprint_and_expiry(authority: Authority, node: Identity) -> None:
    found = certificate_in(node.certificate)
    assert found.subject == "CN=node,O=Test Hospital"
    assert found.sha256 == node.sha256
    assert timedelta(days=364) < found.expires - datetime.now(UTC) < timedelta(days=366)


def test_a_chain_expires_with_the_first_of_its_certificates(tmp_path: Path, authority: Authority) -> None:
    long, short = authority.identity("long", days=900), authority.identity("short", days=9)
    chain = tmp_path / "chain.pem"
    chain.write_bytes(long.certificate.read_bytes() + short.certificate.read_bytes())
    assert certificate_expiry(chain) == certificate_in(short.certificate).expires


@pytest.mark.parametrize(
    ("wanted", "has_it"),
    [
        ("CN=node", True),
        ("O=Test Hospital,CN=node", True),
        (" CN=node, O=Test Hospital ", True),
        ("CN=Node", False),
        ("CN=node,O=Test Hospital,OU=x", False),
        ("O=node", False),
    ],
)
def test_a_subject_is_compared_attribute_by_attribute(node: Identity, wanted: str, has_it: bool) -> None:
    assert certificate_in(node.certificate).has_subject(wanted) is has_it


@pytest.mark.parametrize("name", ["", "node", "CN=", "XX=node", "CN=a;;O=b=", ","])
def test_what_is_no_subject_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="subject"):
        name_attributes(name)


def test_the_address_of_a_person_is_understood_as_people_write_it() -> None:
    assert name_attributes("emailAddress=a@b.org,CN=x") == name_attributes("CN=x, E=a@b.org")


@pytest.mark.parametrize("text", ["AB" * 32, ":".join(["ab"] * 32), "ab " * 32])
def test_a_fingerprint_is_read_in_every_usual_form(text: str) -> None:
    assert fingerprint(text) == "ab" * 32


@pytest.mark.parametrize("text", ["", "ab" * 31, "ab" * 33, "xy" * 32, "ab" * 20])
def test_what_is_no_sha_256_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        fingerprint(text)


@pytest.mark.parametrize("profile", CIPHERS)
def test_a_profile_has_forward_secrecy_and_authenticated_encryption_only(
    authority: Authority, node: Identity, profile: str
) -> None:
    contexts = make_contexts(Tls(**tls_section(authority, node, profile=profile)))
    for context in (contexts.server, contexts.client, contexts.client_any_host):
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2
        assert context.verify_mode == ssl.CERT_REQUIRED
        ciphers = [cipher for cipher in context.get_ciphers() if cipher["protocol"] != "TLSv1.3"]
        assert ciphers and all(cipher["aead"] and "ECDHE" in cipher["name"] for cipher in ciphers)
        assert all(cipher["strength_bits"] >= 128 and "CCM8" not in cipher["name"] for cipher in ciphers)
    assert contexts.client.check_hostname and not contexts.client_any_host.check_hostname


BROKEN = "-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("change", "key", "message"),
    [
        ({"certificate": "absent.pem"}, "certificate", "cannot be read: No such file or directory"),
        ({"certificate": "."}, "certificate", "cannot be read: is a folder, not a file"),
        ({"certificate": BROKEN}, "certificate", "holds no certificate in PEM form"),
        ({"certificate": ""}, "certificate", "holds no certificate in PEM form"),
        ({"certificate": "\x00\x01\x02"}, "certificate", "holds no certificate in PEM form"),
        ({"key": "absent.pem"}, "key", "cannot be read: No such file or directory"),
        ({"key": None}, "certificate", "holds no private key that can be read"),
        ({"key": "no key\n"}, "key", "holds no private key that can be read"),
        ({"key": "other"}, "key", "is not the private key of the certificate"),
        ({"ca": "absent.pem"}, "ca", "cannot be read: No such file or directory"),
        ({"ca": BROKEN}, "ca", "holds no certificate in PEM form"),
        ({"ca": None}, "ca", "is missing"),
    ],
)
def test_files_that_cannot_be_used_say_why(
    tmp_path: Path, authority: Authority, node: Identity, change: dict[str, Any], key: str, message: str
) -> None:
    ((name, content),) = change.items()
    value: str | None = content
    if content == "other":
        value = str(authority.identity("other").key)
    elif content is not None and (not content or "\n" in content or "\x00" in content):
        (tmp_path / "file.pem").write_text(content)
        value = str(tmp_path / "file.pem")
    elif content is not None:
        value = str(tmp_path / content)
    with pytest.raises(CertificateUnusable) as caught:
        make_contexts(Tls(**tls_section(authority, node, **{name: value})))
    assert caught.value.key == key
    assert message in caught.value.message


def test_an_encrypted_key_is_opened_by_its_passphrase_and_nothing_asks_the_terminal(authority: Authority) -> None:
    own = authority.identity("locked", passphrase="s3cret")
    assert make_contexts(Tls(**tls_section(authority, own, key_passphrase="s3cret")))
    for wrong in (None, "other"):
        with pytest.raises(CertificateUnusable) as caught:
            make_contexts(Tls(**tls_section(authority, own, key_passphrase=wrong)))
        assert caught.value.hint == "The passphrase belongs into tls.key_passphrase."
        assert "s3cret" not in str(caught.value)


def test_a_key_that_is_too_short_is_refused(authority: Authority) -> None:
    with pytest.raises(CertificateUnusable, match="too short"):
        make_contexts(Tls(**tls_section(authority, authority.identity("weak", rsa_bits=1024))))


def test_credentials_that_were_never_usable_are_told_once_and_come_right_by_themselves(
    tmp_path: Path, authority: Authority, node: Identity, caplog: pytest.LogCaptureFixture
) -> None:
    certificate = tmp_path / "later.pem"
    credentials = Credentials(Tls(**tls_section(authority, node, certificate=certificate)))
    for _ in range(3):
        with pytest.raises(CertificateUnusable):
            credentials.contexts()
    assert caplog.messages == ["TLS certificate cannot be used"]
    certificate.write_bytes(node.certificate.read_bytes())
    first = credentials.contexts()
    assert credentials.contexts() is first


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.mark.parametrize(
    ("days", "level", "event"),
    [
        (400, logging.INFO, "TLS certificate expires"),
        (31, logging.INFO, "TLS certificate expires"),
        (29, logging.WARNING, "TLS certificate expires"),
        (6, logging.ERROR, "TLS certificate expires"),
        (-1, logging.ERROR, "TLS certificate has expired"),
    ],
)
def test_the_log_says_louder_and_louder_when_the_certificate_expires(
    authority: Authority, node: Identity, caplog: pytest.LogCaptureFixture, days: int, level: int, event: str
) -> None:
    caplog.set_level(logging.INFO)
    now = certificate_expiry(node.certificate) - timedelta(days=days, hours=-1)
    CertificateWatch(now=lambda: now).look(Tls(**tls_section(authority, node)))
    (record,) = caplog.records
    assert (record.levelno, record.message) == (level, event)
    assert vars(record)["days_left"] == days_left(certificate_expiry(node.certificate), now) in (days, days - 1)


def test_the_log_says_it_at_the_start_once_a_day_and_when_the_section_changed(
    authority: Authority, node: Identity, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    clock, tls = Clock(), Tls(**tls_section(authority, node))
    watch = CertificateWatch(clock)
    for seconds, looks in ((0, 1), (1, 1), (LOOK_EVERY_S - 1, 1), (LOOK_EVERY_S, 2), (LOOK_EVERY_S + 1, 2)):
        clock.seconds = seconds
        watch.look(tls)
        assert len(caplog.records) == looks
    watch.look(tls.model_copy(update={"warn_before_days": 400}))
    assert [record.levelno for record in caplog.records] == [logging.INFO, logging.INFO, logging.WARNING]
    watch.look(Tls())
    assert len(caplog.records) == 3
