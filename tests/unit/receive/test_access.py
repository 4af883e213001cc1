"""Who may associate: AE titles, address, certificate and user identity against the configuration."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from scp_node.dimse.uids import APPLICATION_CONTEXT_NAME
from scp_node.receive.access import (
    UNKNOWN_APPLICATION_CONTEXT,
    UNKNOWN_CALLED_AE_TITLE,
    UNKNOWN_CALLING_AE_TITLE,
    Admission,
    Caller,
    Rejection,
    UserIdentity,
    admit,
)
from scp_node.settings import Settings
from scp_node.telemetry.printable import printable
from scp_node.tls.certificates import Certificate, name_attributes
from tests.support.node.receiving import receiving_settings

SUBJECT = "O=Hospital,CN=pacs"
CERTIFICATE = Certificate("ab" * 32, SUBJECT, datetime(2030, 1, 1, tzinfo=UTC), name_attributes(SUBJECT))
ALICE = UserIdentity(2, b"alice", b"s3cret")


def settings_with(folder: Path, **senders: dict[str, Any]) -> Settings:
    """Settings with these remote AEs, all of them called PACS."""
    document = receiving_settings(folder).model_dump(by_alias=True)
    sender = {"ae_title": "PACS", "host": "127.0.0.1", "port": 104, "may_send": True}
    document["remote_aes"] |= {name: sender | values for name, values in senders.items()}
    return Settings.model_validate(document)


def answer(
    settings: Settings, address: str = "10.0.0.5", certificate: Certificate | None = None, user: Any = None
) -> str:
    """The name of the source, or the reason of the rejection, which is 1/1/3."""
    caller = Caller("HILUM", "PACS", APPLICATION_CONTEXT_NAME, address, certificate, user)
    decision = admit(settings, caller)
    if isinstance(decision, Admission):
        return decision.source
    assert (decision.result, decision.source, decision.diagnostic) == (1, 1, 3)
    return decision.reason


@pytest.mark.parametrize(
    ("called", "calling", "expected"),
    [
        ("HILUM", "MODALITY", Admission("pacs")),
        ("HILUM           ", "MODALITY        ", Admission("pacs")),
        ("HILUM", "STORESCU", Admission("other")),
        ("OTHER", "MODALITY", UNKNOWN_CALLED_AE_TITLE),
        ("hilum", "MODALITY", UNKNOWN_CALLED_AE_TITLE),
        ("", "MODALITY", UNKNOWN_CALLED_AE_TITLE),
        ("HILUM", "ARCHIVE", UNKNOWN_CALLING_AE_TITLE),
        ("HILUM", "modality", UNKNOWN_CALLING_AE_TITLE),
        ("HILUM", "", UNKNOWN_CALLING_AE_TITLE),
        ("HILUM", "MODALITY\n", UNKNOWN_CALLING_AE_TITLE),
        ("OTHER", "NOBODY", UNKNOWN_CALLED_AE_TITLE),
    ],
)
def test_only_a_known_sender_that_calls_this_node_is_admitted(
    tmp_path: Path, called: str, calling: str, expected: Admission | Rejection
) -> None:
    caller = Caller(called, calling, APPLICATION_CONTEXT_NAME, "127.0.0.1")
    assert admit(receiving_settings(tmp_path), caller) == expected


def test_another_application_context_is_rejected(tmp_path: Path) -> None:
    caller = Caller("HILUM", "MODALITY", "1.2.3", "127.0.0.1")
    assert admit(receiving_settings(tmp_path), caller) == UNKNOWN_APPLICATION_CONTEXT


def test_a_rejection_names_its_numbers_and_its_reason() -> None:
    assert str(UNKNOWN_CALLED_AE_TITLE) == "rejected 1/1/7: called AE title is not this node's"


@pytest.mark.parametrize(
    ("address", "is_admitted"),
    [
        ("10.1.2.3", True),
        ("10.1.2.4", False),
        ("10.9.255.255", True),
        ("10.10.0.0", False),
        ("::ffff:10.1.2.3", True),
        ("::ffff:10.1.2.4", False),
        ("2001:db8::77", True),
        ("2001:db9::77", False),
        ("fe80::1%eth0", True),
        ("::a01:203", False),
    ],
)
def test_a_sender_with_addresses_is_admitted_from_these_only(tmp_path: Path, address: str, is_admitted: bool) -> None:
    networks = ["10.1.2.3", "10.9.0.0/16", "2001:db8::/32", "fe80::/10"]
    expected = "pacs2" if is_admitted else "its address is not one of pacs2"
    assert answer(settings_with(tmp_path, pacs2={"addresses": networks}), address) == expected


def test_two_senders_of_one_ae_title_are_told_apart_by_their_address(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, north={"addresses": ["10.1.0.0/16"]}, south={"addresses": ["10.2.0.0/16"]})
    assert answer(settings, "10.1.0.9") == "north"
    assert answer(settings, "10.2.0.9") == "south"
    assert answer(settings, "10.3.0.9") == "its address is not one of north, south"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"certificate_sha256": ["AB:" * 31 + "AB"]}, "pacs2"),
        ({"certificate_sha256": ["cd" * 32, "ab" * 32]}, "pacs2"),
        ({"certificate_sha256": ["cd" * 32]}, "its certificate has none of the fingerprints of pacs2"),
        ({"certificate_subject": "CN=pacs"}, "pacs2"),
        ({"certificate_subject": "CN=pacs, O=Hospital"}, "pacs2"),
        ({"certificate_subject": "CN=pac"}, "its certificate has another subject than pacs2"),
        ({"certificate_subject": "CN=pacs,O=Elsewhere"}, "its certificate has another subject than pacs2"),
        (
            {"certificate_sha256": ["ab" * 32], "certificate_subject": "CN=x"},
            "its certificate has another subject than pacs2",
        ),
    ],
)
def test_a_sender_bound_to_a_certificate_has_to_show_it(tmp_path: Path, asked: dict[str, Any], expected: str) -> None:
    settings = settings_with(tmp_path, pacs2=asked)
    assert answer(settings, certificate=CERTIFICATE) == expected
    assert answer(settings) == "it showed no certificate, which is asked of pacs2"


NO_NAME, NO_PASSCODE = "it gave no user name, which is asked of pacs2", "it gave no passcode, which is asked of pacs2"
WRONG = "user name or passcode is not that of pacs2"


@pytest.mark.parametrize(
    ("user", "with_passcode", "name_only"),
    [
        (None, NO_NAME, NO_NAME),
        (ALICE, "pacs2", "pacs2"),
        (UserIdentity(1, b"alice"), NO_PASSCODE, "pacs2"),
        (UserIdentity(2, b"alice", b"other"), WRONG, "pacs2"),
        (UserIdentity(2, b"alice", b""), WRONG, "pacs2"),
        (UserIdentity(2, b"bob", b"s3cret"), WRONG, WRONG),
        (UserIdentity(1, b"s3cret"), NO_PASSCODE, WRONG),
        (UserIdentity(3, b"alice", b"s3cret"), NO_NAME, NO_NAME),
        (UserIdentity(2, "alicé".encode("latin-1"), b"s3cret"), WRONG, WRONG),
    ],
)
def test_a_sender_with_a_user_has_to_name_it(
    tmp_path: Path, user: UserIdentity | None, with_passcode: str, name_only: str
) -> None:
    settings = settings_with(tmp_path, pacs2={"user": "alice", "passcode": "s3cret"})
    assert answer(settings, user=user) == with_passcode
    assert answer(settings_with(tmp_path, pacs2={"user": "alice"}), user=user) == name_only


def test_an_identity_that_nobody_asked_for_is_not_looked_at(tmp_path: Path) -> None:
    assert answer(settings_with(tmp_path, pacs2={}), certificate=CERTIFICATE, user=ALICE) == "pacs2"


def test_a_passcode_is_not_shown_by_accident() -> None:
    assert "s3cret" not in repr(ALICE)


@pytest.mark.parametrize("text", ["EVIL\r\nINFO fake line", "A\x1b[31mB", "A\u2028B", "X" * 5000, "\x00"])
def test_what_a_peer_wrote_stays_on_one_short_line(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable() and shown.isascii() and len(shown) <= 200
