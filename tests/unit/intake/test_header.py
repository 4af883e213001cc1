"""The identity of an instance is read from its first bytes in every syntax, and nothing hostile gets further."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.config import disable_value_validation
from pydicom.filereader import read_file_meta_info
from pydicom.sequence import Sequence as DicomSequence

from converter.image.transfer_syntaxes import TRANSFER_SYNTAXES
from scp_node.dimse.uids import is_uid
from scp_node.errors import CannotUnderstand
from scp_node.intake import header as module
from scp_node.intake.header import InstanceHeader, read_header
from tests.support.cohorts.data import dicom_files
from tests.support.dicom.phantoms import make_dx
from tests.support.fuzz import fuzz
from tests.support.node.receiving import data_set_bytes, data_set_of

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
BIG, DEFLATED = "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"
CR, UID = b"1.2.840.10008.5.1.4.1.1.1\0", b"1.2.3.4\0"
SYNTAXES = [row.uid for row in TRANSFER_SYNTAXES]
NATIVE = [row.uid for row in TRANSFER_SYNTAXES if not row.encapsulated]


def reading(data: bytes) -> Callable[[int], bytes]:
    return lambda count: data[:count]


def element(tag: int, value: bytes, vr: bytes = b"UI") -> bytes:
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr
    if vr in (b"OB", b"SQ", b"UN"):
        return head + struct.pack("<xxL", len(value)) + value
    return head + struct.pack("<H", len(value)) + value


def undefined(tag: int, content: bytes, vr: bytes = b"SQ") -> bytes:
    return struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr + struct.pack("<xxL", 0xFFFFFFFF) + content + SEQUENCE_END


SEQUENCE_END = struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
ITEM_END = struct.pack("<HHL", 0xFFFE, 0xE00D, 0)
ITEM = struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
START = element(0x00080016, CR) + element(0x00080018, UID)
END = element(0x0020000D, b"1.2.5\0") + element(0x0020000E, b"1.2.6\0")
EXPECTED = InstanceHeader("1.2.840.10008.5.1.4.1.1.1", "1.2.3.4", "1.2.5", "1.2.6", "")


def explicit(data: bytes) -> InstanceHeader:
    return read_header(reading(data), EXPLICIT)


def of(ds: Dataset) -> InstanceHeader:
    return InstanceHeader(
        str(ds.SOPClassUID),
        str(ds.SOPInstanceUID),
        str(ds.get("StudyInstanceUID", "")),
        str(ds.get("SeriesInstanceUID", "")),
        str(ds.get("AccessionNumber", "")),
    )


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_the_identity_is_read_in_every_syntax(syntax: str) -> None:
    # the data set of every compressed syntax is explicit little endian (PS3.5 A.4)
    ds = make_dx(rows=64, columns=64, transfer_syntax=syntax if syntax in NATIVE else EXPLICIT)
    ds.ReferencedImageSequence = DicomSequence([Dataset(), make_dx(rows=8, columns=8)])
    ds["ReferencedImageSequence"].is_undefined_length = True
    for item in ds.ReferencedImageSequence:
        item.is_undefined_length_sequence_item = True
    assert read_header(reading(data_set_bytes(ds)), syntax) == of(ds)


@pytest.mark.data
def test_the_identity_of_every_real_file_is_read_as_pydicom_reads_it() -> None:
    seen = 0
    for path in dicom_files():
        data, syntax = data_set_of(path.read_bytes()), str(read_file_meta_info(path).TransferSyntaxUID)
        with disable_value_validation():
            expected = of(dcmread(path, stop_before_pixels=True))
        if is_uid(expected.study_instance_uid) and is_uid(expected.series_instance_uid):
            assert read_header(reading(data), syntax) == expected, path.name
            seen += 1
        else:
            with pytest.raises(CannotUnderstand, match="Instance UID is"):
                read_header(reading(data), syntax)
    assert seen > 5


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG, DEFLATED])
def test_a_data_set_cut_anywhere_is_read_rightly_or_cannot_be_understood(syntax: str) -> None:
    ds = make_dx(rows=8, columns=8, transfer_syntax=syntax)
    data = data_set_bytes(ds)
    outcomes = [_outcome(data[:end], syntax) for end in range(len(data) + 1)]
    assert set(outcomes) == {None, of(ds)}
    assert outcomes[:200] == [None] * 200
    assert outcomes[-1] == of(ds)


def _outcome(data: bytes, syntax: str) -> InstanceHeader | None:
    try:
        return read_header(reading(data), syntax)
    except CannotUnderstand:
        return None


def test_an_empty_data_set_cannot_be_understood() -> None:
    for syntax in (IMPLICIT, EXPLICIT, BIG, DEFLATED):
        with pytest.raises(CannotUnderstand):
            read_header(reading(b""), syntax)


def test_a_header_longer_than_the_first_read_is_read_on() -> None:
    blob = element(0x00091010, bytes(300_000), b"OB")
    reads: list[int] = []

    def read(count: int) -> bytes:
        reads.append(count)
        return (START + blob + END)[:count]

    assert read_header(read, EXPLICIT) == EXPECTED
    assert len(reads) == 3


def test_a_header_longer_than_the_bound_cannot_be_understood() -> None:
    blob = element(0x00091010, bytes(module.HEADER_BYTES_MAX), b"OB")
    with pytest.raises(CannotUnderstand, match="no Series Instance UID within"):
        explicit(START + blob + END)


@pytest.mark.parametrize("vr", [b"SQ", b"UN"])
def test_sequences_of_undefined_length_are_stepped_over(vr: bytes) -> None:
    implicit_uid = struct.pack("<HHL", 0x0008, 0x1155, 4) + b"1.2\0"
    inner = element(0x00081155, b"1.2\0") if vr == b"SQ" else implicit_uid
    nested = undefined(0x00081140, ITEM + inner + ITEM_END + struct.pack("<HHL", 0xFFFE, 0xE000, 4) + b"xxxx", vr)
    assert explicit(START + nested + END) == EXPECTED


def test_nesting_up_to_the_bound_is_read_and_deeper_is_not() -> None:
    def nested(depth: int) -> bytes:
        content = b""
        for _ in range(depth):
            content = undefined(0x00081140, ITEM + content + ITEM_END)
        return START + content + END

    assert explicit(nested(module.DEPTH_MAX)) == EXPECTED
    for depth in (module.DEPTH_MAX + 1, 5_000):
        with pytest.raises(CannotUnderstand, match="nested deeper"):
            explicit(nested(depth))


def test_more_elements_than_any_header_has_cannot_be_understood() -> None:
    many = b"".join(element(0x00090000 + number, b"", b"LO") for number in range(module.ELEMENTS_MAX))
    with pytest.raises(CannotUnderstand, match="more than"):
        explicit(START + many + END)


def test_elements_out_of_order_cannot_be_understood() -> None:
    for data in (START + element(0x00080018, b"6.6.6\0") + END, element(0x00100010, b"", b"PN") + START + END):
        with pytest.raises(CannotUnderstand, match="out of order"):
            explicit(data)


def test_a_sequence_that_holds_no_items_cannot_be_understood() -> None:
    with pytest.raises(CannotUnderstand, match="other than items"):
        explicit(START + undefined(0x00081140, START) + END)


def test_implicit_bytes_in_an_explicit_context_cannot_be_understood() -> None:
    ds = make_dx(rows=8, columns=8, transfer_syntax=IMPLICIT)
    with pytest.raises(CannotUnderstand):
        explicit(data_set_bytes(ds))
    with pytest.raises(CannotUnderstand):
        read_header(reading(data_set_bytes(make_dx(rows=8, columns=8))), IMPLICIT)


def test_a_deflate_bomb_is_inflated_up_to_the_bound_only() -> None:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = compressor.compress(START + element(0x00091010, bytes(65534), b"LT"))
    for _ in range(2000):
        bomb += compressor.compress(bytes(65536))
    bomb += compressor.flush()
    assert len(bomb) < 200_000
    with pytest.raises(CannotUnderstand):
        read_header(reading(bomb), DEFLATED)


def test_what_is_not_deflated_cannot_be_understood() -> None:
    with pytest.raises(CannotUnderstand, match="cannot be inflated"):
        read_header(reading(b"\xff" * 100), DEFLATED)


@pytest.mark.parametrize(
    ("study", "message"),
    [(b"", "is missing"), (b"../../x\0", "is not valid"), (b"1.2.03", "is not valid"), (b"1" * 65, "is not valid")],
)
def test_a_study_or_series_uid_that_is_none_cannot_be_understood(study: bytes, message: str) -> None:
    with pytest.raises(CannotUnderstand, match=f"Study Instance UID {message}"):
        explicit(START + element(0x0020000D, study) + element(0x0020000E, b"1.2.6\0"))
    with pytest.raises(CannotUnderstand, match=f"Series Instance UID {message}"):
        explicit(START + element(0x0020000D, b"1.2.5\0") + element(0x0020000E, study))


def test_the_accession_number_is_one_short_line() -> None:
    header = explicit(START + element(0x00080050, b"A\r\nB\xff " + b"C" * 300, b"SH") + END)
    assert header.accession_number.startswith("A??B")
    assert header.accession_number.isprintable() and len(header.accession_number) == 64


@given(st.data())
@fuzz(400)
def test_damaged_headers_are_read_or_refused_and_never_crash(data: st.DataObject) -> None:
    syntax = data.draw(st.sampled_from([IMPLICIT, EXPLICIT, BIG, DEFLATED]))
    header = bytearray(_headers()[syntax])
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(header) - 1))
        kind = data.draw(st.sampled_from(["set", "cut", "insert"]))
        if kind == "set":
            header[position] = data.draw(st.integers(0, 255))
        elif kind == "cut":
            del header[position : position + data.draw(st.integers(1, 16))]
        else:
            header[position:position] = data.draw(st.binary(min_size=1, max_size=16))
        if not header:
            return
    try:
        read = read_header(reading(bytes(header)), syntax)
    except CannotUnderstand:
        return
    assert is_uid(read.study_instance_uid) and is_uid(read.series_instance_uid)


_HEADERS: dict[str, bytes] = {}


def _headers() -> dict[str, bytes]:
    if not _HEADERS:
        for syntax in (IMPLICIT, EXPLICIT, BIG, DEFLATED):
            ds = make_dx(rows=4, columns=4, transfer_syntax=syntax)
            ds.ReferencedImageSequence = DicomSequence([Dataset()])
            _HEADERS[syntax] = data_set_bytes(ds)
    return _HEADERS


def test_pydicom_reads_what_is_understood() -> None:
    """The element helper of this file writes what the standard says, or the tests above would prove nothing."""
    ds = dcmread(io.BytesIO(START + element(0x00091010, b"x" * 8, b"OB") + END), force=True)
    assert of(ds) == EXPECTED
