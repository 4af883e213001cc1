"""A damaged file is read as far as the receiver understands it: identity, patient and, where they are whole, pixels."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
)

from converter.image.encoded.damaged_dataset import DamagedDataset
from converter.image.image_file import read_header, read_image
from converter.image.pixels import render
from scp_node.intake.file_meta import file_head
from tests.support.dicom.encoded import (
    CLASS,
    EXPLICIT,
    INSTANCE,
    ITEM,
    ITEM_END,
    NATIVE,
    ODD_VRS,
    SEQUENCE_END,
    SERIES,
    STUDY,
    UNDEFINED,
    Written,
    damaged,
    data_sets,
    delimiter,
    encode,
    uid,
)
from tests.support.dicom.phantoms import make_dx, write_dx
from tests.support.fuzz import fuzz
from tests.support.node.receiving import data_set_bytes

DS = make_dx(rows=40, columns=30, PatientName="Doe^Jane", PatientID="P1", AccessionNumber="A1")
DATA = data_set_bytes(DS)
LONGER = b"\x09\0\x10\x10LO\x02\0" + b"noise" * 4


def spooled(path: Path, data: bytes, syntax: str = EXPLICIT) -> Path:
    """The file that the receiver makes of these bytes."""
    path.write_bytes(file_head(str(DS.SOPClassUID), str(DS.SOPInstanceUID), syntax) + data)
    return path


def with_vr(keyword: str, vr: bytes) -> bytes:
    tag = DS[keyword].tag
    head = struct.pack("<HH", tag.group, tag.elem) + DS[keyword].VR.encode()
    assert DATA.count(head) == 1
    return DATA.replace(head, head[:4] + vr)


def behind(keyword: str, more: bytes) -> bytes:
    """DATA with `more` before that element."""
    tag = DS[keyword].tag
    place = DATA.index(struct.pack("<HH", tag.group, tag.elem) + DS[keyword].VR.encode())
    return DATA[:place] + more + DATA[place:]


def sequence(content: bytes, vr: bytes = b"SQ", end: bytes = delimiter(SEQUENCE_END)) -> bytes:
    head = struct.pack("<HH", 0x0008, 0x1140) + vr + struct.pack("<xxL", UNDEFINED)
    return head + delimiter(ITEM, "<", UNDEFINED) + content + delimiter(ITEM_END) + end


DAMAGE: dict[str, Callable[[], bytes]] = {
    "the patient's name without VR": lambda: with_vr("PatientName", b"??"),
    "rows with a VR in lower case": lambda: with_vr("Rows", b"us"),
    "pixel data with a blank VR": lambda: with_vr("PixelData", b"  "),
    "the first element without VR": lambda: with_vr("SpecificCharacterSet", b"\0\0"),
    "the study behind the pixels": lambda: DATA.replace(study(), b"") + study(),
    "the patient twice, then another": lambda: DATA + encode([Written(0x00100020, b"LO", b"OTHER ")]),
    "zeros at the end": lambda: DATA + bytes(1000),
    "a preamble and file meta information": lambda: file_head("1.2", "1.2.3", EXPLICIT) + DATA,
    "a sequence without its end": lambda: behind("StudyDate", sequence(b"", end=b"")),
    "a UN that is explicit inside": lambda: behind("StudyDate", sequence(encode([uid(0x00081155, "1.2")]), b"UN")),
    "a private element that is longer than its length": lambda: behind("PatientName", LONGER),
    "deep sequences": lambda: behind("StudyDate", nested(400)),
}  # fmt: skip


def study() -> bytes:
    return encode([uid(0x0020000D, str(DS.StudyInstanceUID))])


def nested(depth: int) -> bytes:
    head = struct.pack("<HH", 0x0008, 0x1140) + b"SQ" + struct.pack("<xxL", UNDEFINED) + delimiter(ITEM, "<", UNDEFINED)
    return head * depth + (delimiter(ITEM_END) + delimiter(SEQUENCE_END)) * depth


def check(path: Path) -> None:
    header, image = read_header(path), read_image(path)
    assert isinstance(image, DamagedDataset) and image.damage
    for ds in (header, image):
        assert (ds.SOPInstanceUID, ds.StudyInstanceUID) == (DS.SOPInstanceUID, DS.StudyInstanceUID)
        assert (ds.SeriesInstanceUID, ds.SOPClassUID) == (DS.SeriesInstanceUID, DS.SOPClassUID)
        assert (str(ds.PatientName), ds.PatientID, ds.AccessionNumber) == ("Doe^Jane", "P1", "A1")
        assert (ds.Rows, ds.Columns, ds.BitsStored) == (40, 30, 12)
    assert header.PixelData == b""
    assert np.array_equal(render(image).pixels, render(DS).pixels)


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_damaged_is_read_and_shown(damage: str, tmp_path: Path) -> None:
    check(spooled(tmp_path / "image.dcm", DAMAGE[damage]()))


@pytest.mark.parametrize("vr", ODD_VRS)
def test_every_element_may_be_without_vr(vr: bytes, tmp_path: Path) -> None:
    for element in DS:
        data = with_vr(element.keyword, vr)
        image = read_image(spooled(tmp_path / "image.dcm", data))
        assert isinstance(image, Dataset)
        assert image.SOPInstanceUID == DS.SOPInstanceUID
        assert np.array_equal(render(image).pixels, render(DS).pixels), element.keyword


@pytest.mark.parametrize("value", [b"", b"noise."], ids=["empty", "with a value"])
@pytest.mark.parametrize("is_long", [False, True], ids=["short", "long"])
@pytest.mark.parametrize("vr", ODD_VRS)
def test_a_private_element_without_vr_may_follow_any_other_without_vr(
    vr: bytes, is_long: bool, value: bytes, tmp_path: Path
) -> None:
    whole = [uid(0x00080016, CLASS), uid(0x00080018, INSTANCE), uid(0x0020000D, STUDY), uid(0x0020000E, SERIES)]
    pixels = Written(0x7FE00010, b"OW", bytes(range(64)))
    for place in (1, 3):  # the last ones of their groups
        follower = Written(((whole[place].tag >> 16) + 1) << 16 | 0x1000, vr, value, is_long=is_long)
        odd = replace(whole[place], vr=vr, is_long=False)
        data = encode([*whole[:place], odd, follower, *whole[place + 1 :], pixels])
        header = read_header(spooled(tmp_path / "image.dcm", data))
        assert (header.SOPInstanceUID, header.StudyInstanceUID, header.SeriesInstanceUID) == (INSTANCE, STUDY, SERIES)


SYNTAXES = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)


@pytest.mark.parametrize("sent", SYNTAXES, ids=lambda uid: uid.name)
@pytest.mark.parametrize("agreed", SYNTAXES, ids=lambda uid: uid.name)
def test_a_data_set_in_another_syntax_than_its_file_says_is_shown(sent: str, agreed: str, tmp_path: Path) -> None:
    ds = make_dx(rows=40, columns=30, transfer_syntax=sent, PatientName="Doe^Jane")
    path = spooled(tmp_path / "image.dcm", data_set_bytes(ds), agreed)
    image = read_image(path)
    assert isinstance(image, Dataset) and isinstance(image, DamagedDataset) == (sent != agreed)
    assert (read_header(path).SOPInstanceUID, read_header(path).PatientName) == (ds.SOPInstanceUID, "Doe^Jane")
    assert np.array_equal(render(image).pixels, render(ds).pixels)


def test_fragments_without_end_are_shown(tmp_path: Path) -> None:
    ds = make_dx(rows=128, columns=128, transfer_syntax=JPEG2000Lossless)
    data = data_set_bytes(ds)
    assert data.endswith(delimiter(SEQUENCE_END))
    image = read_image(spooled(tmp_path / "image.dcm", data[:-8], JPEG2000Lossless))
    assert isinstance(image, DamagedDataset)
    assert np.array_equal(render(image).pixels, render(ds).pixels)


def test_a_sequence_that_only_pydicom_cannot_read_is_stepped_over(tmp_path: Path) -> None:
    """A private item that is no data set, in a UN of undefined length."""
    inner = struct.pack("<HHL", 9, 0x1002, UNDEFINED) + delimiter(ITEM, "<", 4) + b"\1\2\3\4" + delimiter(SEQUENCE_END)
    image = spooled(tmp_path / "image.dcm", behind("StudyDate", sequence(inner, b"UN")))
    assert np.array_equal(render(read_image(image)).pixels, render(DS).pixels)  # type: ignore[arg-type]
    assert read_header(image).PatientName == "Doe^Jane"


def test_a_file_in_order_is_left_to_pydicom(tmp_path: Path) -> None:
    for syntax in (*SYNTAXES, JPEG2000Lossless):
        path = write_dx(tmp_path / "image.dcm", make_dx(rows=128, columns=128, transfer_syntax=syntax))
        assert not isinstance(read_image(path), DamagedDataset)
        assert not isinstance(read_header(path), DamagedDataset)


def test_names_keep_their_bytes_and_their_character_set(tmp_path: Path) -> None:
    name = "Müller^Jörg"
    ds = make_dx(rows=20, columns=20, SpecificCharacterSet="ISO_IR 100", PatientName=name)
    header = read_header(spooled(tmp_path / "image.dcm", data_set_bytes(ds).replace(b"CS", b"??", 3)))
    assert isinstance(header, DamagedDataset)
    assert header.get_item("PatientName").value.rstrip() == name.encode("latin-1")
    assert header.PatientName == name


@given(st.data())
@fuzz(150)
def test_identity_and_patient_are_what_the_receiver_saw(tmp_path: Path, data: st.DataObject) -> None:
    """Of repeated elements the first with a value counts here too, in every syntax."""
    elements, syntax = data.draw(data_sets().flatmap(damaged)), data.draw(st.sampled_from(NATIVE))
    header = read_header(spooled(tmp_path / "image.dcm", encode(elements, syntax), syntax))
    assert (header.SOPInstanceUID, header.StudyInstanceUID, header.SeriesInstanceUID) == ("1.2.3.4", "1.2.5", "1.2.6")


def test_the_tests_begin_with_a_file_that_is_in_order(tmp_path: Path) -> None:
    assert dcmread(spooled(tmp_path / "image.dcm", DATA)) == DS
