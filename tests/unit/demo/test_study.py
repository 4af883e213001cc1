"""Which study of a path is sent, and what is said about the rest."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import dcmread

from converter.image.sop_classes import SECONDARY_CAPTURE
from scp_node.demo.study import Study, read_study
from scp_node.dimse.uids import COMPREHENSIVE_SR
from scp_node.errors import UsageError
from tests.support.dicom.objects import small_file


def test_a_single_file_is_a_study(tmp_path: Path) -> None:
    path = small_file(tmp_path, SECONDARY_CAPTURE)
    study = read_study(path)
    ds = dcmread(path)
    assert study.files == (path,)
    assert (study.study_instance_uid, study.patient_id) == (ds.StudyInstanceUID, "P1")
    assert study.sop_instance_uids == (ds.SOPInstanceUID,)
    assert study.remarks == ()


def test_of_several_studies_the_first_is_taken_and_said_so(tmp_path: Path) -> None:
    for _ in range(3):
        small_file(tmp_path, SECONDARY_CAPTURE)
    study = read_study(tmp_path)
    assert len(study.files) == 1
    assert study.files[0] == sorted(tmp_path.iterdir())[0]
    assert "3 studies" in study.remarks[0]


def test_objects_that_the_node_does_not_take_are_left_out(tmp_path: Path) -> None:
    image = small_file(tmp_path, SECONDARY_CAPTURE)
    small_file(tmp_path, COMPREHENSIVE_SR)
    (tmp_path / "readme.txt").write_text("no DICOM")
    (tmp_path / "broken.dcm").write_bytes(bytes(128) + b"DICM" + b"\x02\x00")
    study = read_study(tmp_path)
    assert study.files == (image,)
    assert len(study.remarks) == 2


def test_a_path_without_an_image_is_a_mistake_in_use(tmp_path: Path) -> None:
    small_file(tmp_path, COMPREHENSIVE_SR)
    with pytest.raises(UsageError, match="no DICOM image"):
        read_study(tmp_path)


def test_a_part_of_a_study_is_its_files_and_what_is_in_them(tmp_path: Path) -> None:
    study = Study((tmp_path / "a", tmp_path / "b", tmp_path / "c"), "1.2", "P1", "", ("1", "2", "3"), ("a remark",))
    part = study.of_files({tmp_path / "c", tmp_path / "a"})
    assert part.files == (tmp_path / "a", tmp_path / "c") and part.sop_instance_uids == ("1", "3")
    assert (part.study_instance_uid, part.patient_id, part.remarks) == ("1.2", "P1", ("a remark",))
    assert study.of_files(()).files == ()
