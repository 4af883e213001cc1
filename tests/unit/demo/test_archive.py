"""The embedded archive: byte-exact, unharmed by names that are no UIDs, one entry for an object that comes twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread

from converter.image.sop_classes import SECONDARY_CAPTURE
from scp_node.deliver.dimse.file_transfer import FileOutcome, transfer
from scp_node.deliver.dimse.peer import Peer
from scp_node.deliver.part10 import read_part10
from scp_node.demo.archive import EmbeddedArchive
from scp_node.dimse.uids import COMPREHENSIVE_SR
from tests.support.dicom.objects import small_file


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[EmbeddedArchive]:
    archive = EmbeddedArchive(tmp_path / "archive")
    archive.start()
    yield archive
    archive.stop()


def send(archive: EmbeddedArchive, *paths: Path) -> list[FileOutcome]:
    return list(transfer(Peer("127.0.0.1", archive.port, "ARCHIVE", "TESTER", 5.0, 5.0), paths))


def test_objects_are_kept_byte_for_byte_under_study_and_series(tmp_path: Path, archive: EmbeddedArchive) -> None:
    paths = [small_file(tmp_path, uid) for uid in (COMPREHENSIVE_SR, SECONDARY_CAPTURE)]
    assert all(one.outcome.sent for one in send(archive, *paths))
    assert archive.wait_for(lambda stored: len(stored) == 2, 5)
    for path, stored in zip(paths, archive.stored, strict=True):
        ds, sent, kept = dcmread(path), read_part10(path), read_part10(stored.path)
        folder = tmp_path / "archive" / ds.StudyInstanceUID / ds.SeriesInstanceUID
        assert stored.path == folder / f"{ds.SOPInstanceUID}.dcm"
        assert path.read_bytes()[sent.dataset_offset :] == stored.path.read_bytes()[kept.dataset_offset :]
        assert (stored.study_instance_uid, stored.calling_ae_title) == (ds.StudyInstanceUID, "TESTER")


def test_an_object_that_comes_twice_is_counted_twice_and_kept_once(tmp_path: Path, archive: EmbeddedArchive) -> None:
    path = small_file(tmp_path)
    send(archive, path, path)
    assert (archive.received_count, len(archive.stored)) == (2, 1)


@pytest.mark.parametrize("uid", ["../../../evil", "1.2/../../evil", "1..2", "01.2", "1." + "2" * 70, ""])
def test_a_uid_that_is_none_never_becomes_a_path(tmp_path: Path, archive: EmbeddedArchive, uid: str) -> None:
    ds = dcmread(small_file(tmp_path))
    ds["StudyInstanceUID"]._value = uid
    path = tmp_path / "evil.dcm"
    ds.save_as(path)
    assert send(archive, path)[0].outcome.status == 0xC000
    assert not list((tmp_path / "archive").rglob("*"))


def test_waiting_ends_in_time(archive: EmbeddedArchive) -> None:
    assert not archive.wait_for(lambda stored: len(stored) > 0, 0.1)
