"""Whatever stands under a configured name, nobody waits for it: an error at once, and what was in use stays in use."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from converter.package.manifest import load_manifest
from converter.regular_file import open_regular, read_regular
from scp_node.analysis.evaluation import read_label_file
from scp_node.analysis.files import find_images
from scp_node.errors import HilumError
from scp_node.inference.packages import open_package, read_reference
from scp_node.settings import Tls
from scp_node.settings.file import load_settings
from scp_node.telemetry.heartbeat import read_statuses
from scp_node.tls.certificates import certificate_expiry, certificate_in
from scp_node.tls.contexts import CertificateUnusable, Credentials, make_contexts
from tests.support.dicom.objects import small_file
from tests.support.models.tiny_model import TINY, copy_tiny
from tests.support.peers.certificates import Authority

WITHIN_S = 1.0


def _link(path: Path) -> None:
    os.mkfifo(path.with_suffix(".pipe"))
    path.symlink_to(path.with_suffix(".pipe"))


def _loop(path: Path) -> None:
    path.symlink_to(path)


def _socket(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)  # the path of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(5 * 2**30)


ODD: dict[str, Callable[[Path], None]] = {
    "a pipe": os.mkfifo,
    "a link to a pipe": _link,
    "a link to itself": _loop,
    "a folder": Path.mkdir,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a socket": _socket,
    "5 GiB": _huge,
    "nothing": lambda path: None,
}


@contextmanager
def in_time() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < WITHIN_S


@pytest.mark.parametrize("kind", ODD)
def test_reading_ends_at_once(tmp_path: Path, kind: str) -> None:
    ODD[kind](tmp_path / "file")
    with in_time(), pytest.raises(OSError):
        read_regular(tmp_path / "file", 2**20)
    if kind != "5 GiB":
        with in_time(), pytest.raises(OSError):
            open_regular(tmp_path / "file")


@pytest.mark.parametrize("key", ["certificate", "key", "ca"])
@pytest.mark.parametrize("kind", ODD)
def test_a_certificate_that_is_no_file_is_an_error_and_the_old_one_stays(
    tmp_path: Path, authority: Authority, kind: str, key: str
) -> None:
    own = authority.identity(f"node-{kind}-{key}".replace(" ", "-"))
    files = {"certificate": own.certificate, "key": own.key, "ca": tmp_path / "ca.pem"}
    files["ca"].write_bytes(authority.ca.read_bytes())
    tls = Tls.model_validate({"profile": "bcp195", **files})
    in_use = Credentials(tls)
    contexts = in_use.contexts()
    files[key].unlink()
    ODD[kind](files[key])
    with in_time(), pytest.raises(CertificateUnusable, match=f"tls.{key}"):
        make_contexts(tls)
    with in_time():
        assert in_use.contexts() is contexts
    for read in (certificate_expiry, certificate_in):
        with in_time(), pytest.raises(OSError):
            read(files[key])


@pytest.mark.parametrize("kind", ODD)
def test_a_configuration_that_is_no_file_is_an_error(tmp_path: Path, kind: str) -> None:
    ODD[kind](tmp_path / "node.yaml")
    with in_time(), pytest.raises(HilumError):
        load_settings(tmp_path / "node.yaml")


@pytest.mark.parametrize("kind", ODD)
def test_labels_that_are_no_file_are_an_error(tmp_path: Path, kind: str) -> None:
    ODD[kind](tmp_path / "labels.csv")
    with in_time(), pytest.raises(HilumError):
        read_label_file(tmp_path / "labels.csv", load_manifest(TINY / "manifest.yaml"))


@pytest.mark.parametrize("name", ["manifest.yaml", "model.onnx", "reference.npz"])
@pytest.mark.parametrize("kind", ODD)
def test_a_package_with_a_part_that_is_no_file_is_an_error(tmp_path: Path, kind: str, name: str) -> None:
    folder = copy_tiny(tmp_path)
    (folder / name).unlink()
    ODD[kind](folder / name)
    with in_time(), pytest.raises((HilumError, OSError)):
        package = open_package(folder)
        package.read_weights()
        read_reference(package)


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_file_among_images_or_statuses_keeps_nobody(tmp_path: Path, kind: str) -> None:
    ODD[kind](tmp_path / "odd")
    small_file(tmp_path)
    with in_time():
        assert find_images([tmp_path])
    (tmp_path / "status").mkdir()
    ODD[kind](tmp_path / "status" / "worker.json")
    with in_time():
        read_statuses(tmp_path / "status", 1.0)
