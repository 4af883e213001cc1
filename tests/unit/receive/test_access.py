"""Who may associate: called and calling AE title against the configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from scp_node.receive.access import (
    APPLICATION_CONTEXT_NAME,
    UNKNOWN_APPLICATION_CONTEXT,
    UNKNOWN_CALLED_AE_TITLE,
    UNKNOWN_CALLING_AE_TITLE,
    Admission,
    Rejection,
    admit,
    printable,
)
from tests.support.receiving import receiving_settings


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
    assert admit(receiving_settings(tmp_path), called, calling, APPLICATION_CONTEXT_NAME) == expected


def test_another_application_context_is_rejected(tmp_path: Path) -> None:
    assert admit(receiving_settings(tmp_path), "HILUM", "MODALITY", "1.2.3") == UNKNOWN_APPLICATION_CONTEXT


def test_a_rejection_names_its_numbers_and_its_reason() -> None:
    assert str(UNKNOWN_CALLED_AE_TITLE) == "rejected 1/1/7: called AE title is not this node's"


@pytest.mark.parametrize("text", ["EVIL\r\nINFO fake line", "A\x1b[31mB", "A\u2028B", "X" * 5000, "\x00"])
def test_what_a_peer_wrote_stays_on_one_short_line(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable() and shown.isascii() and len(shown) <= 200
