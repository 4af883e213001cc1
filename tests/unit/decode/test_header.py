"""A header that was read in a child is the header of the file, byte by byte, and bounded whatever the file holds."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from pydicom import Dataset
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag
from pydicom.uid import UID

from converter.errors import Unreadable
from converter.image.eligibility import check_header
from converter.image.header import without_warnings
from converter.image.image_file import read_header
from converter.package.manifest import load_manifest
from converter.result.source_attributes import SourceAttributes
from scp_node.decode import header_message
from scp_node.decode.header_message import HeaderItem, HeaderRead, packed, unpacked
from scp_node.decode.pool import DecodePool
from scp_node.decode.protocol import HEADER_BYTES_MAX, REPLY, frame
from tests.support.dicom.phantoms import NATIVE, make_dx, write_dx
from tests.support.models.tiny_model import TINY

USE = load_manifest(TINY / "manifest.yaml").intended_use
NAMES: dict[str, tuple[bytes | None, bytes]] = {
    "latin 1": (b"ISO_IR 100", "Müller^Jörg".encode("latin-1")),
    "utf-8": (b"ISO_IR 192", "Müller^Jörg=山田^太郎".encode()),
    "cyrillic": (b"ISO_IR 144", "Иванов^Пётр".encode("iso8859_5")),
    "greek": (b"ISO_IR 126", "Διονυσιος".encode("iso8859_7")),
    "arabic": (b"ISO_IR 127", "قباني^لنزار".encode("iso8859_6")),
    "hebrew": (b"ISO_IR 138", "שרון^דבורה".encode("iso8859_8")),
    "thai": (b"ISO_IR 166", "นามสกุล^ชื่อ".encode("iso8859_11")),
    "chinese": (b"GB18030", "王^小东".encode("gb18030")),
    "japanese": (b"\\ISO 2022 IR 87", b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"),
    "katakana": (b"ISO_IR 13\\ISO 2022 IR 87", b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J"),
    "korean": (b"\\ISO 2022 IR 149", b"Hong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7"),
    "undefined term": (b"ISO_IR 149", "김^희중".encode("euc_kr")),
    "nothing declared": (None, "김^희중".encode("euc_kr")),
    "wrongly declared": (b"ISO_IR 192", "Müller".encode("latin-1")),
    "broken escape": (b"\\ISO 2022 IR 87", b"A^B=\x1b$B;3E"),
    "every byte": (b"ISO_IR 100", bytes(range(1, 256)).replace(b"\\", b"")),
}


@pytest.fixture(scope="module")
def pool() -> Iterator[DecodePool]:
    with closing(DecodePool(1)) as pool:
        yield pool


def element(tag: int, vr: bytes, value: bytes) -> bytes:
    value += b" " * (len(value) % 2)
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value


def with_raw_name(path: Path, charset: bytes | None, name: bytes) -> Path:
    """A DX whose name and character set stand in the file as these bytes."""
    ds = make_dx(SpecificCharacterSet=None, PatientName="NAME^OF^PATIENT")
    data = write_dx(path, ds).read_bytes()
    data = data.replace(element(0x00100010, b"PN", b"NAME^OF^PATIENT"), element(0x00100010, b"PN", name))
    if charset is not None:
        first = data.index(struct.pack("<HH", 8, 8), 132)
        data = data[:first] + element(0x00080005, b"CS", charset) + data[first:]
    path.write_bytes(data)
    return path


def stored(ds: Dataset) -> dict[int, Any]:
    """What the file holds of each standard element, sequences opened."""
    found: dict[int, Any] = {}
    for tag in ds.keys():  # noqa: SIM118 - iterating would decode
        if tag.is_private or tag.group in (0x0002, 0x7FE0) or tag == 0x00080005:  # which pydicom decodes at once
            continue
        raw = ds.get_item(tag)
        if ds.get_item(tag).VR != "SQ" and dictionary_VR(tag) != "SQ":
            found[int(tag)] = raw.VR or dictionary_VR(tag), raw.value or b""
        else:
            found[int(tag)] = [stored(item) for item in ds[tag].value]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_name_comes_through_as_its_bytes(pool: DecodePool, tmp_path: Path, name: str) -> None:
    charset, raw = NAMES[name]
    path = with_raw_name(tmp_path / "one.dcm", charset, raw)
    here, there = read_header(path), pool.header(path)
    assert stored(there) == stored(here)
    assert there.get_item("PatientName").value.rstrip() == raw.rstrip()
    with without_warnings():
        assert str(there.get("PatientName")) == str(here.get("PatientName"))
        assert there.get("SpecificCharacterSet") == here.get("SpecificCharacterSet")
    for kind in ("source", "utf8"):
        with without_warnings():
            results = [SourceAttributes.of(ds, kind).new_result() for ds in (here, there)]
            assert results[0] == results[1]


@pytest.mark.parametrize("syntax", NATIVE)
def test_a_header_is_the_same_in_every_encoding(pool: DecodePool, tmp_path: Path, syntax: str) -> None:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "399348003", "SCT", "antero-posterior"
    request = Dataset()
    request.RequestedProcedureID, request.RequestedProcedureCodeSequence = "P1", [code]
    ds = make_dx(transfer_syntax=syntax, ViewCodeSequence=[code, code], RequestAttributesSequence=[request])
    path = write_dx(tmp_path / "one.dcm", ds)
    here, there = read_header(path), pool.header(path)
    assert stored(there) == stored(here)
    assert there.file_meta.TransferSyntaxUID == syntax
    assert (there.Rows, there.Columns, there.PixelData) == (ds.Rows, ds.Columns, b"")
    assert there.RequestAttributesSequence[0].RequestedProcedureCodeSequence[0].CodeValue == "399348003"
    assert check_header(there, USE) == check_header(here, USE)


def test_whether_there_are_pixels_is_told(pool: DecodePool, tmp_path: Path) -> None:
    ds = make_dx()
    del ds.PixelData
    assert "PixelData" not in pool.header(write_dx(tmp_path / "none.dcm", ds))
    assert "PixelData" in pool.header(write_dx(tmp_path / "some.dcm", make_dx()))


@pytest.mark.parametrize("vr", [b"??", b"  ", b"\0\0", b"cs", b"ZZ", b"C1"])
def test_a_vr_that_is_none_breaks_nothing(pool: DecodePool, tmp_path: Path, vr: bytes) -> None:
    """The element may be lost, as it is to whoever reads the file otherwise; the header is not."""
    data = write_dx(tmp_path / "one.dcm", make_dx()).read_bytes()
    at = data.index(element(0x00180015, b"CS", b"CHEST"))
    (tmp_path / "one.dcm").write_bytes(data[: at + 4] + vr + data[at + 6 :])
    try:
        here = read_header(tmp_path / "one.dcm")
    except Unreadable:
        with pytest.raises(Unreadable):
            pool.header(tmp_path / "one.dcm")
        return
    assert pool.header(tmp_path / "one.dcm").SOPInstanceUID == here.SOPInstanceUID


def test_what_no_step_needs_stays_in_the_child(pool: DecodePool, tmp_path: Path) -> None:
    ds = make_dx(PatientComments="c" * 20_000, ImageComments="i" * 1000)
    ds.private_block(0x0011, "MAKER", create=True).add_new(1, "LO", "private")
    ds.add_new(0x60003000, "OW", bytes(64))
    there = pool.header(write_dx(tmp_path / "one.dcm", ds))
    assert not any(tag.is_private or tag.group == 0x6000 for tag in there.keys())  # noqa: SIM118
    assert "PatientComments" not in there and there.ImageComments == "i" * 1000


@pytest.mark.parametrize("hoard", ["values", "elements", "items", "many small items", "depth"])
def test_a_header_is_bounded_and_keeps_whose_it_is(pool: DecodePool, tmp_path: Path, hoard: str) -> None:
    ds = make_dx()
    if hoard == "values":
        for number in range(60):
            ds.add_new(0x00181000 + 16 * number, "OB", bytes(16_000))
    elif hoard == "elements":
        for number in range(4000):
            ds.add_new(0x00200000 + 0x2000 + number, "UN", b"ab")
    elif hoard == "items":
        ds.OtherPatientIDsSequence = [Dataset() for _ in range(5000)]
    elif hoard == "many small items":
        for number in range(100):
            ds.add_new(0x00181000 + 16 * number, "SQ", [Dataset() for _ in range(64)])
    else:
        item = Dataset()
        for _ in range(40):
            outer = Dataset()
            outer.RequestAttributesSequence = [item]
            item = outer
        ds.RequestAttributesSequence = [item]
    path = write_dx(tmp_path / "one.dcm", ds)
    message = packed(read_header(path))
    assert len(bytes(frame(message)[0])) < HEADER_BYTES_MAX
    there = pool.header(path)
    for keyword in ("PatientName", "PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "Modality"):
        assert there[keyword].value == ds[keyword].value


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["PatientName", "PatientID", "AccessionNumber", "StudyDescription", "PatientAge"]),
            st.binary(max_size=64),
        ),
        max_size=6,
    )
)
def test_any_bytes_come_back_as_they_were(pairs: list[tuple[str, bytes]]) -> None:
    ds = make_dx(rows=8, columns=8)
    for keyword, value in pairs:
        tag = BaseTag(tag_for_keyword(keyword) or 0)
        ds[tag] = RawDataElement(tag, dictionary_VR(tag), len(value), value, 0, False, True, True)
    ds.set_original_encoding(False, True, "iso8859")
    wire = bytes(frame(packed(ds))[0])[4:]
    read = REPLY.validate_json(wire)
    assert isinstance(read, HeaderRead)
    there = unpacked(read)
    for keyword, value in dict(pairs).items():
        assert there.get_item(keyword).value == value


@pytest.mark.parametrize(
    "content",
    [
        {"values": [[0x7FE00010, "OW", "x" * 20_000]]},
        {"values": [[0x00100010, "PN", "Ω"]]},
        {"values": [[0x00100010, "PNX", "A"]]},
        {"values": [[2, "PN", "A"]]},
        {"values": [[1 << 40, "PN", "A"]]},
        {"sequences": [[0x00400275, [{}] * 65]]},
        {"surprise": 1},
    ],
)
def test_the_parent_takes_no_header_beyond_the_limits(content: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        HeaderItem.model_validate(content)


def test_the_parent_follows_no_sequence_without_end() -> None:
    item = HeaderItem()
    for _ in range(header_message.DEPTH_MAX):
        item = HeaderItem(sequences=((0x00400275, (item,)),))
    with pytest.raises(ValueError, match="too deep"):
        unpacked(HeaderRead(transfer_syntax="", implicit=False, byte_order="little", has_pixels=False, content=item))


def test_a_file_that_was_replaced_is_read_anew(pool: DecodePool, tmp_path: Path) -> None:
    path = write_dx(tmp_path / "one.dcm", make_dx(PatientID="FIRST"))
    first = pool.header(path)
    first.PatientID = "changed by the caller"
    assert pool.header(path).PatientID == "FIRST", "nobody changes what the next caller gets"
    write_dx(tmp_path / "two.dcm", make_dx(PatientID="OTHER")).replace(path)
    assert pool.header(path).PatientID == "OTHER"


def test_the_syntax_of_the_file_is_a_uid_as_before(pool: DecodePool, tmp_path: Path) -> None:
    assert isinstance(pool.header(write_dx(tmp_path / "one.dcm", make_dx())).file_meta.TransferSyntaxUID, UID)
