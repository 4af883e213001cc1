"""Each place for bytes has what it needs, and nothing that means something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from scp_node.errors import ConfigurationError
from scp_node.settings.file import load_settings

GOOD = """\
node: {ae_title: HILUM}
remote_aes:
  pacs: {ae_title: ORTHANC, host: 127.0.0.1, port: 4242, may_send: true}
routes:
  - {name: chest, model: pneumonia, to: [pacs]}
"""
KEYS = "bucket: films, access_key_id: k, secret_access_key: s"


def said(folder: Path, storage: str) -> str:
    """The problems of a configuration with this section storage; empty where it has none."""
    file = folder / "node.yaml"
    file.write_text(f"{GOOD}storage: {{{storage}}}\n", encoding="utf-8")
    try:
        load_settings(file)
    except ConfigurationError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "storage",
    [
        "blobs: local",
        "spool_dir: /mnt/films",
        "blobs: shared, spool_dir: /mnt/films",
        f"blobs: s3, s3: {{url: 'https://s3.hospital.example', {KEYS}}}",
        f"blobs: s3, s3: {{url: 'http://127.0.0.1:9000', prefix: site/one, {KEYS}}}",
        f"blobs: s3, s3: {{url: 'http://s3.hospital.example', allow_plaintext: true, {KEYS}}}",
    ],
)
def test_a_place_with_what_it_needs_is_taken(storage: str, tmp_path: Path) -> None:
    assert said(tmp_path, storage) == ""


@pytest.mark.parametrize(
    ("storage", "problem"),
    [
        ("blobs: shared", "shared needs storage.spool_dir"),
        ("blobs: s3", "s3 needs storage.s3.url"),
        ("blobs: s3, s3: {url: 'https://s3.example', bucket: films}", "s3 needs storage.s3.secret_access_key"),
        (f"blobs: s3, s3: {{url: 'http://s3.example', {KEYS}}}", "images would travel without TLS"),
        (f"blobs: s3, s3: {{url: 's3.example', {KEYS}}}", "begins with https:// or http://"),
        (f"blobs: s3, s3: {{url: 'https://k:s@s3.example', {KEYS}}}", "must not hold a name or a secret"),
        (f"blobs: s3, spool_dir: /mnt, s3: {{url: 'https://s3.example', {KEYS}}}", "means nothing while"),
        (f"blobs: s3, spool_bytes_max: 1000, s3: {{url: 'https://s3.example', {KEYS}}}", "means nothing while"),
        ("s3: {bucket: Films}", "storage.s3.bucket"),
        ("s3: {prefix: ../films}", "storage.s3.prefix"),
    ],
)
def test_what_is_missing_or_means_nothing_is_told(storage: str, problem: str, tmp_path: Path) -> None:
    assert problem in said(tmp_path, storage)


def test_folder_and_certificates_are_relative_to_the_file_and_keys_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HILUM_TEST_SECRET", "of-the-store")
    file = tmp_path / "node.yaml"
    keys = "ca: ca.pem, secret_access_key: '${HILUM_TEST_SECRET}'"
    file.write_text(f"{GOOD}storage: {{spool_dir: films, s3: {{{keys}}}}}")
    storage = load_settings(file).storage
    assert (storage.spool_dir, storage.s3.ca) == (tmp_path / "films", tmp_path / "ca.pem")
    assert storage.s3.secret_access_key == "of-the-store"
    assert "of-the-store" not in repr(storage)
