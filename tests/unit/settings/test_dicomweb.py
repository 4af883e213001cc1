"""DICOMweb in the configuration: who may be named where, and what an archive that is reached so has and has not."""

from __future__ import annotations

from pathlib import Path

import pytest

from scp_node.errors import ConfigurationError
from scp_node.settings.cautions import delivery_cautions
from scp_node.settings.file import load_settings

GOOD = """\
node: {{ae_title: HILUM}}
remote_aes:
  pacs: {{ae_title: ORTHANC, host: 127.0.0.1, port: 4242, may_send: {sends}}}
systems:
  ris: {{kind: hl7, host: 127.0.0.1, port: 2575}}
  vna: {{kind: dicomweb, {vna}}}
web: {{stow: {{enabled: {stow}}}}}
routes:
  - {{name: chest, model: pneumonia, to: [{to}], notify: [{notify}], when: {{from: [{sources}]}}}}
"""
URL = "url: 'https://vna.example'"
USUAL = {"sends": "true", "vna": URL, "stow": "true", "to": "pacs", "notify": "", "sources": ""}


def said(folder: Path, **changes: str) -> str:
    """The problems of a configuration with these changes; empty where it has none."""
    file = folder / "node.yaml"
    file.write_text(GOOD.format(**{**USUAL, **changes}), encoding="utf-8")
    try:
        load_settings(file)
    except ConfigurationError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"to": "vna"},
        {"to": "pacs, vna", "notify": "ris"},
        {"sources": "'stow:gateway', pacs, vna"},
        {"sends": "false"},
        {"vna": "url: 'http://127.0.0.1:8042/dicom-web', token: t"},
        {"vna": "url: 'https://vna.example/dicom-web', user: hilum, password: secret, ca: ca.pem"},
    ],
    ids=str,
)
def test_what_means_something_is_taken(changes: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    assert said(tmp_path, **changes) == ""


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"to": "ris"}, "no remote AE is called 'ris'"),
        ({"to": "'stow:gateway'"}, "only in when.from"),
        ({"notify": "vna"}, "'vna' takes no messages"),
        ({"notify": "pacs"}, "no system is called 'pacs'"),
        ({"stow": "false", "sources": "'stow:gateway'"}, "web.stow.enabled"),
        ({"stow": "false", "sends": "false"}, "no remote AE may send"),
        ({"vna": "host: vna.example"}, "dicomweb needs url"),
        ({"vna": "url: 'https://vna.example', host: vna.example"}, "means nothing to dicomweb"),
        ({"vna": "url: 'https://vna.example', notify_of: positive"}, "means nothing to dicomweb"),
        ({"vna": "url: 'https://vna.example', secret: a-secret-of-16-bytes"}, "means nothing to dicomweb"),
        ({"vna": "url: 'https://vna.example', token: t, user: u, password: p"}, "has a token, too"),
        ({"vna": "url: 'https://vna.example', user: u"}, "user and password belong together"),
        ({"vna": "url: 'https://vna.example', password: p"}, "user and password belong together"),
        ({"vna": "url: 'https://vna.example', user: 'u:p', password: p"}, "systems.vna.user"),
        ({"vna": "url: 'https://u:p@vna.example'"}, "must not hold a name or a secret"),
        ({"vna": "url: 'http://vna.example', ca: ca.pem"}, "is reached without TLS"),
    ],
    ids=str,
)
def test_what_means_nothing_is_a_problem(changes: dict[str, str], problem: str, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    assert problem in said(tmp_path, **changes)


def test_results_that_can_be_read_on_the_wire_are_told(tmp_path: Path) -> None:
    file = tmp_path / "node.yaml"
    for url, count in (("http://vna.example", 1), ("https://vna.example", 0), ("http://127.0.0.1", 0)):
        file.write_text(GOOD.format(**{**USUAL, "vna": f"url: '{url}'", "to": "vna"}), encoding="utf-8")
        found = delivery_cautions(load_settings(file))
        assert len(found) == count and all("results go to systems.vna" in one for one in found)
