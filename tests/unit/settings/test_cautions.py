"""TLS never fails open: what would not encrypt is refused, and what is open on purpose is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scp_node.errors import ConfigurationError
from scp_node.settings import Settings
from scp_node.settings.cautions import cautions, delivery_cautions
from scp_node.settings.file import load_settings

OPEN = {"bind": "0.0.0.0"}
PLAIN = {"allow_plaintext": True}
SECURED = {"profile": "bcp195", "certificate": "/x/node.pem", "ca": "/x/ca.pem"}
KNOWN = {"addresses": ["10.1.2.3"]}


def document(
    node: dict[str, Any], tls: dict[str, Any] | None = None, pacs: dict[str, Any] | None = None
) -> dict[str, Any]:
    ae = {"ae_title": "ORTHANC", "host": "127.0.0.1", "port": 104, "may_send": True, **(pacs or {})}
    found = {
        "node": {"ae_title": "HILUM", **node},
        "remote_aes": {"pacs": ae},
        "routes": [{"name": "chest", "model": "pneumonia", "to": ["pacs"]}],
    }
    return found if tls is None else {**found, "tls": tls}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("certificate", "node.pem"),
        ("key", "node.key"),
        ("key_passphrase", "secret"),
        ("ca", "ca.pem"),
        ("verify_peer", True),
        ("verify_peer", False),
        ("check_host", True),
    ],
)
@pytest.mark.parametrize("rest", [{}, PLAIN], ids=["", "plaintext allowed"])
@pytest.mark.parametrize("node", [{}, OPEN], ids=["loopback", "open"])
def test_a_section_tls_without_a_profile_is_refused_with_what_to_write(
    tmp_path: Path, node: dict[str, Any], rest: dict[str, Any], key: str, value: object
) -> None:
    file = tmp_path / "node.yaml"
    file.write_text(json.dumps(document(node, {**rest, key: value}, KNOWN)))
    with pytest.raises(ConfigurationError) as caught:
        load_settings(file)
    assert f"tls.{key}: is set, but no tls.profile: nothing would be encrypted" in str(caught.value)
    assert "Write tls.profile: bcp195 with certificate, key and ca." in str(caught.value)
    file.write_text(json.dumps(document({}, {**rest, key: value, "profile": "off"}, KNOWN)))
    assert load_settings(file).tls.profile == "off"


@pytest.mark.parametrize("tls", [None, {}, {"handshake_timeout_s": 5}, {"certificate": None}, {"warn_before_days": 9}])
def test_a_section_tls_that_asks_for_no_protection_needs_no_profile(tmp_path: Path, tls: dict[str, Any] | None) -> None:
    file = tmp_path / "node.yaml"
    file.write_text(json.dumps(document({}, tls)))
    assert load_settings(file).tls.profile == "off"


@pytest.mark.parametrize(
    ("node", "tls", "pacs", "told"),
    [
        ({}, None, {}, []),
        ({"bind": "127.0.0.2"}, PLAIN, {}, []),
        ({"bind": "::1"}, None, {}, []),
        (OPEN, PLAIN, KNOWN, ["takes plaintext from other machines"]),
        ({"bind": "::"}, PLAIN, KNOWN, ["takes plaintext from other machines"]),
        ({"bind": "10.1.2.3"}, PLAIN, KNOWN, ["takes plaintext from other machines"]),
        (OPEN, PLAIN, {}, ["takes plaintext from other machines", "any machine that calls itself ORTHANC may store"]),
        (OPEN, SECURED, {}, []),
        (OPEN, {**SECURED, "verify_peer": False}, {}, ["any machine that calls itself ORTHANC may store"]),
        (OPEN, {**SECURED, "verify_peer": False}, KNOWN, []),
        (
            OPEN,
            {**PLAIN, "profile": "off", "certificate": "/x/node.pem"},
            KNOWN,
            ["takes plaintext from other machines", "tls.certificate have no effect"],
        ),
    ],
)
def test_what_is_open_is_told(
    node: dict[str, Any], tls: dict[str, Any] | None, pacs: dict[str, Any], told: list[str]
) -> None:
    found = cautions(Settings.model_validate(document(node, tls, pacs)))
    assert len(found) == len(told)
    assert all(part in sentence for part, sentence in zip(told, found, strict=True))


@pytest.mark.parametrize(
    ("tls", "pacs", "told"),
    [
        (None, {}, False),
        (None, {"host": "localhost"}, False),
        (None, {"host": "127.0.0.9"}, False),
        (None, {"host": "pacs.example.org"}, True),
        (None, {"host": "10.1.2.3"}, True),
        (SECURED, {"host": "10.1.2.3"}, False),
        (SECURED, {"host": "10.1.2.3", "tls": False}, True),
    ],
)
def test_a_destination_that_gets_results_in_plaintext_is_told(
    tls: dict[str, Any] | None, pacs: dict[str, Any], told: bool
) -> None:
    settings = Settings.model_validate(document({}, tls, pacs))
    assert bool(delivery_cautions(settings)) is told
    nobody = settings.model_copy(update={"routes": [settings.routes[0].model_copy(update={"to": []})]})
    assert delivery_cautions(nobody) == []
