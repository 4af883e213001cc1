"""Files as a sender sees them: what is no Part 10 file, and what re-encoding leaves untouched."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from converter.image.sop_classes import SECONDARY_CAPTURE
from scp_node.deliver.part10 import NotPart10, dataset_stream, read_part10, reencoded
from scp_node.dimse.uids import COMPREHENSIVE_3D_SR
from tests.support.dicom.objects import small_file
from tests.support.peers.dcmtk import program


def test_the_data_set_begins_where_the_file_meta_information_ends(tmp_path: Path) -> None:
    path = small_file(tmp_path)
    file = read_part10(path)
    with file.open_dataset() as stream:
        data = stream.read()
    assert len(data) == file.dataset_bytes
    assert data[:4] == b"\x08\x00\x05\x00"  # (0008,0005) Specific Character Set
    assert (file.sop_class_uid, file.transfer_syntax_uid) == (COMPREHENSIVE_3D_SR, ExplicitVRLittleEndian)


@pytest.mark.parametrize(
    "content", [b"", b"DICM", bytes(128) + b"DICM", bytes(200), b"\x89PNG\r\n\x1a\n" + bytes(300)], ids=range(5)
)
def test_what_is_not_part10_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(NotPart10):
        read_part10(path)


def test_a_data_set_without_file_meta_information_is_refused(tmp_path: Path) -> None:
    file = read_part10(small_file(tmp_path))
    bare = tmp_path / "bare"
    with file.open_dataset() as stream:
        bare.write_bytes(stream.read())
    with pytest.raises(NotPart10):
        read_part10(bare)


def test_a_file_without_data_set_is_refused(tmp_path: Path) -> None:
    path = small_file(tmp_path)
    file = read_part10(path)
    path.write_bytes(path.read_bytes()[: file.dataset_offset])
    with pytest.raises(NotPart10):
        read_part10(path)


@pytest.mark.peer("dcmconv")
@pytest.mark.parametrize("sop_class", [COMPREHENSIVE_3D_SR, SECONDARY_CAPTURE])
def test_reencoding_gives_the_bytes_that_dcmtk_gives(tmp_path: Path, sop_class: str) -> None:
    path = small_file(tmp_path, sop_class)
    converted = tmp_path / "implicit.dcm"
    subprocess.run([program("dcmconv"), "+ti", "+e", "-g", str(path), str(converted)], check=True, timeout=60)
    with read_part10(converted).open_dataset() as stream:
        assert reencoded(read_part10(path), ImplicitVRLittleEndian) == stream.read()


def test_reencoding_keeps_the_bytes_of_a_japanese_name(tmp_path: Path) -> None:
    path = small_file(tmp_path)
    name = dcmread(path)["PatientName"]
    data = reencoded(read_part10(path), ImplicitVRLittleEndian)
    assert name.value.original_string in data


def test_a_file_in_the_accepted_syntax_is_sent_as_it_is_stored(tmp_path: Path) -> None:
    file = read_part10(small_file(tmp_path))
    stream, length = dataset_stream(file, ExplicitVRLittleEndian)
    with stream:
        assert stream.read() == file.path.read_bytes()[file.dataset_offset :]
    assert length == file.dataset_bytes


def test_other_syntaxes_are_not_reencoded(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot re-encode"):
        reencoded(read_part10(small_file(tmp_path)), ExplicitVRBigEndian)


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_a_file_whose_uid_is_none_is_refused(tmp_path: Path) -> None:
    path = small_file(tmp_path)
    ds = dcmread(path)
    ds.file_meta["MediaStorageSOPInstanceUID"]._value = "1.2/../3"
    ds.save_as(path)
    with pytest.raises(NotPart10):
        read_part10(path)


def test_a_data_set_that_cannot_be_read_is_not_reencoded(tmp_path: Path) -> None:
    path = small_file(tmp_path)
    file = read_part10(path)
    broken = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff" + b"no item!" * 4
    path.write_bytes(path.read_bytes()[: file.dataset_offset] + broken)
    with pytest.raises(NotPart10, match="cannot be read"):
        reencoded(read_part10(path), ImplicitVRLittleEndian)
