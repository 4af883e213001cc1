"""The identity of an instance is read however it is written, and no data set of which bytes are missing is taken."""

from __future__ import annotations

import io
import os
import struct
import time
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.config import disable_value_validation
from pydicom.filereader import read_file_meta_info
from pydicom.sequence import Sequence as DicomSequence

from converter.image.encoded.byte_source import BufferedSource
from converter.image.transfer_syntaxes import TRANSFER_SYNTAXES
from scp_node.dimse.uids import is_uid_as_sent
from scp_node.errors import CannotUnderstand
from scp_node.intake.header import InstanceHeader, WalkLimits, read_header
from tests.support.cohorts.data import dicom_files
from tests.support.dicom.encoded import (
    BIG,
    CLASS,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
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
    identity,
    pixels,
    uid,
)
from tests.support.dicom.phantoms import make_dx
from tests.support.fuzz import fuzz
from tests.support.node.receiving import data_set_bytes, data_set_of

SYNTAXES = [row.uid for row in TRANSFER_SYNTAXES]
UNCOMPRESSED = [row.uid for row in TRANSFER_SYNTAXES if not row.encapsulated]
EXPECTED = (CLASS, INSTANCE, STUDY, SERIES)
START, END = encode(identity()[:2]), encode(identity()[2:])
PIXELS = encode([pixels()])


def source_of(data: bytes) -> BufferedSource:
    return BufferedSource(lambda position, count: data[position : position + count], len(data))


def read(data: bytes, syntax: str = EXPLICIT, limits: WalkLimits | None = None) -> InstanceHeader:
    return read_header(source_of(data), syntax, limits or WalkLimits())


def uids(data: bytes, syntax: str = EXPLICIT) -> tuple[str, str, str, str]:
    header = read(data, syntax)
    return (
        header.sop_class_uid,
        header.sop_instance_uid,
        header.study_instance_uid,
        header.series_instance_uid,
    )


def of(ds: Dataset) -> InstanceHeader:
    return InstanceHeader(
        str(ds.SOPClassUID),
        str(ds.SOPInstanceUID),
        str(ds.get("StudyInstanceUID", "")),
        str(ds.get("SeriesInstanceUID", "")),
        str(ds.get("AccessionNumber", "")),
    )


def deflated(data: bytes) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


def undefined(tag: int, content: bytes, vr: bytes = b"SQ") -> bytes:
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr + struct.pack("<xxL", UNDEFINED)
    return head + content + delimiter(SEQUENCE_END)


def item(content: bytes) -> bytes:
    return delimiter(ITEM, "<", UNDEFINED) + content + delimiter(ITEM_END)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_the_identity_is_read_in_every_syntax(syntax: str) -> None:
    # the data set of every compressed syntax is explicit little endian (PS3.5 A.4)
    ds = make_dx(rows=64, columns=64, transfer_syntax=syntax if syntax in UNCOMPRESSED else EXPLICIT)
    ds.ReferencedImageSequence = DicomSequence([Dataset(), make_dx(rows=8, columns=8)])
    ds["ReferencedImageSequence"].is_undefined_length = True
    for one in ds.ReferencedImageSequence:
        one.is_undefined_length_sequence_item = True
    assert read(data_set_bytes(ds), syntax) == of(ds)


@pytest.mark.data
def test_the_identity_of_every_real_file_is_read_as_pydicom_reads_it() -> None:
    seen = 0
    for path in dicom_files():
        data, syntax = data_set_of(path.read_bytes()), str(read_file_meta_info(path).TransferSyntaxUID)
        with disable_value_validation():
            expected = of(dcmread(path, stop_before_pixels=True))
        if is_uid_as_sent(expected.study_instance_uid) and is_uid_as_sent(expected.series_instance_uid):
            assert replace(read(data, syntax), notes=()) == expected, path.name
            seen += 1
    assert seen > 5


# What devices send that the standard does not allow, and a part of the note that is left of it ("" = none).
KINDS: dict[str, tuple[bytes, str]] = {
    "identity in the opposite order": (encode([*reversed(identity()), pixels()]), "not in order"),
    "identity behind the pixels": (encode([pixels(), *identity()]), "not in order"),
    "an element out of order before it": (encode([Written(0x00180015, b"CS", b"CHEST "), *identity()]), "order"),
    "each element twice, the second one other": (
        encode([one for two in identity() for one in (two, uid(two.tag, "7.7"))]),
        "repeated",
    ),
    "an empty element first, its value later": (encode([uid(0x0020000E, ""), *identity()]), "order"),
    "repeated behind the pixels": (encode([*identity(), pixels(), uid(0x0020000E, "7.7")]), "repeated"),
    "VR UN for the identity": (encode([uid(one.tag, one.value.decode(), b"UN") for one in identity()]), ""),  # type: ignore[union-attr]
    "a private value of 5 MiB": (START + encode([Written(0x00091010, b"OB", bytes(5 << 20))]) + END, ""),
    "30,000 private elements": (
        START + encode([Written(0x00090000 + 0x1000 + n, b"LO", b"x ") for n in range(30_000)]) + END,
        "",
    ),
    "zeros at the end": (START + END + PIXELS + bytes(70_000), "zeros"),
    "Data Set Trailing Padding": (START + END + PIXELS + encode([Written(0xFFFCFFFC, b"OB", bytes(64))]), ""),
    "a few bytes at the end": (START + END + PIXELS + b"more", "a few bytes"),
    "lines at the end": (START + END + PIXELS + b"#!/bin/sh\n" * 10, "no element"),
    "spaces at the end": (START + END + PIXELS + b" " * 20, "no element"),
    "a preamble and file meta information": (
        bytes(128) + b"DICM" + encode([Written(0x00020000, b"UL", b"\x1c\0\0\0"), uid(0x00020010, EXPLICIT)])
        + encode([*identity(), pixels()]), "file meta information",
    ),
    "file meta information that names implicit": (
        bytes(128) + b"DICM" + encode([uid(0x00020010, IMPLICIT)]) + encode(identity(), IMPLICIT), "another",
    ),
    "file meta information without preamble": (encode([uid(0x00020010, EXPLICIT), *identity()]), "file meta"),
    "the command set before it": (
        encode([uid(0x00000002, CLASS), uid(0x00001000, INSTANCE)], IMPLICIT) + encode([*identity(), pixels()]),
        "another way",
    ),
    "an item's end at the top": (START + delimiter(ITEM_END) + END, "delimiters"),
    "a sequence's end at the top": (START + delimiter(SEQUENCE_END) + END, "delimiters"),
    "a sequence without its end": (
        START + undefined(0x00081140, item(encode([uid(0x00081155, "9.9")])))[:-8] + END, "other than items",
    ),
    "an item without its end": (
        START + undefined(0x00081140, item(encode([uid(0x0020000E, "9.9")]))[:-8]) + END, "item without",
    ),
    "a UN that is explicit inside": (
        START + undefined(0x00081140, item(encode([uid(0x0020000E, "9.9")])), b"UN") + END, "another way",
    ),
    "an SQ that is implicit inside": (
        START + undefined(0x00081140, item(encode([uid(0x0020000E, "9.9")], IMPLICIT))) + END, "another way",
    ),
    "a group length of text": (encode([Written(0x00080000, b"UL", b"Anonymized")]) + START + END, ""),
    "a value of odd length": (START + encode([Written(0x00081030, b"LO", b"Chest")]) + END, ""),
    "deep sequences": (
        START + b"".join([undefined(0x00081140, b"")[:-8] + delimiter(ITEM, "<", UNDEFINED)] * 400)
        + (delimiter(ITEM_END) + delimiter(SEQUENCE_END)) * 400 + END, "nested deeper",
    ),
    "a UT with a length of two bytes": (
        encode([*identity()[:2], Written(0x0008_0120, b"UR", b"text", is_long=False), *identity()[2:]]), "another way",
    ),
    "pixel data without its end": (
        START + END + undefined(0x7FE00010, delimiter(ITEM) + delimiter(ITEM, "<", 4) + b"abcd", b"OB")[:-8],
        "without end",
    ),
    "noise in the middle": (START + b"\xd1\x07\x90\x11" * 40 + END + PIXELS, "left out"),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_what_archives_take_is_taken(kind: str) -> None:
    data, note = KINDS[kind]
    header = read(data)
    assert uids(data) == EXPECTED
    assert note in " ".join(header.notes) and bool(header.notes) == bool(note)


@pytest.mark.parametrize("vr", ODD_VRS)
@pytest.mark.parametrize("place", range(7))
def test_an_element_with_a_vr_that_is_none_is_stepped_over(vr: bytes, place: int) -> None:
    elements = [
        *identity()[:2],
        Written(0x00100010, b"PN", b"A^B "),
        *identity()[2:],
        Written(0x00280010, b"US", b"\4\0"),
        pixels(),
    ]
    odd = replace(elements[place], vr=vr, is_long=elements[place].vr == b"OW")
    assert uids(encode([*elements[:place], odd, *elements[place + 1 :]])) == EXPECTED


@pytest.mark.parametrize("vr", ODD_VRS)
def test_every_vr_may_be_none(vr: bytes) -> None:
    elements = [*identity(), Written(0x00280010, b"US", b"\4\0"), pixels()]
    assert uids(encode([replace(one, vr=vr, is_long=one.vr == b"OW") for one in elements])) == EXPECTED


@pytest.mark.parametrize("sent", UNCOMPRESSED)
@pytest.mark.parametrize("agreed", UNCOMPRESSED)
def test_a_data_set_in_another_syntax_than_agreed_is_understood(sent: str, agreed: str) -> None:
    ds = make_dx(rows=32, columns=32, transfer_syntax=sent)
    header = read(data_set_bytes(ds), agreed)
    assert replace(header, notes=()) == of(ds)
    assert bool(header.notes) == (sent != agreed)


@pytest.mark.parametrize("wbits", [zlib.MAX_WBITS, zlib.MAX_WBITS + 16])
def test_a_deflated_data_set_may_have_the_head_of_zlib_or_gzip(wbits: int) -> None:
    compressor = zlib.compressobj(wbits=wbits)
    assert uids(compressor.compress(encode(identity())) + compressor.flush(), DEFLATED) == EXPECTED


@pytest.mark.parametrize("study", ["1.2.03", "0001.2", "1.02.003.0004", "1" * 64, "999.999.01"])
def test_a_uid_is_kept_as_it_came(study: str) -> None:
    for padded in (study, study + "\0", study + " ", f" {study}", study + "\0\0"):
        data = START + encode([Written(0x0020000D, b"UI", padded.encode()), uid(0x0020000E, study)])
        assert uids(data)[2:] == (study, study)


@pytest.mark.parametrize(
    ("study", "message"),
    [("", "is missing"), ("../../x", "is not valid"), ("1.2a", "is not valid"), ("1" * 65, "is not valid")],
)
def test_a_study_or_series_uid_that_is_none_cannot_be_understood(study: str, message: str) -> None:
    with pytest.raises(CannotUnderstand, match=f"Study Instance UID {message}"):
        read(START + encode([uid(0x0020000D, study), uid(0x0020000E, SERIES)]))
    with pytest.raises(CannotUnderstand, match=f"Series Instance UID {message}"):
        read(START + encode([uid(0x0020000D, STUDY), uid(0x0020000E, study)]))


# Behind this nothing can be stepped over any more: tag, VR and length that lead nowhere.
DERAILED = b"\x08\0\xfe\x0f?!\0\1" + b"\x0d\x0a" * 300


@pytest.mark.parametrize("syntax", NATIVE)
def test_the_identity_is_searched_for_where_nothing_can_be_stepped_over(syntax: str) -> None:
    reference = Written(0x00081115, b"SQ", ((uid(0x0020000E, "9.9"),),))
    first, second = encode(identity()[:2], syntax), encode(identity()[2:], syntax)
    junk = encode([reference], syntax) + DERAILED
    header = read(junk.join([encode([uid(0x00080005, "")], syntax), first + DERAILED, second + DERAILED]), syntax)
    assert (header.study_instance_uid, header.series_instance_uid) == (STUDY, SERIES)


def test_an_identity_that_is_ambiguous_is_not_guessed() -> None:
    both = (
        encode([uid(0x0020000D, STUDY), uid(0x0020000E, "1.1")])
        + DERAILED
        + encode([uid(0x0020000D, "1.9"), uid(0x0020000E, "1.8")])
    )
    with pytest.raises(CannotUnderstand):
        read(DERAILED + START + DERAILED + both + DERAILED)


@pytest.mark.parametrize("syntax", NATIVE)
def test_items_do_not_tell_the_identity_of_the_object(syntax: str) -> None:
    reference = Written(0x00081115, b"SQ", ((uid(0x0020000D, "9.9"), uid(0x0020000E, "9.8")),), is_undefined=True)
    assert uids(encode([*identity()[:2], reference, *identity()[2:]], syntax), syntax) == EXPECTED
    with pytest.raises(CannotUnderstand, match="Study Instance UID is missing"):
        read(encode([*identity()[:2], reference], syntax), syntax)


@pytest.mark.parametrize("syntax", [*NATIVE, DEFLATED])
def test_a_data_set_cut_anywhere_is_not_taken(syntax: str) -> None:
    """Except between two elements, where nothing shows that one is missing."""
    ds = make_dx(rows=8, columns=8, transfer_syntax=syntax)
    data = data_set_bytes(ds)
    taken = [end for end in range(len(data)) if _is_taken(data[:end], syntax)]
    if syntax == DEFLATED:
        assert len(taken) <= 1, "but for the byte that makes the length even"
        return
    whole = dcmread(io.BytesIO(data), force=True) if syntax != BIG else ds
    assert len(taken) < len(whole)
    for end in taken:  # each of them is followed by the tag of an element
        tag = struct.unpack_from(">HH" if syntax == BIG else "<HH", data, end)
        assert tag in ds


def _is_taken(data: bytes, syntax: str) -> bool:
    try:
        read(data, syntax)
    except CannotUnderstand:
        return False
    return True


@given(st.data())
@fuzz(300)
def test_a_cut_data_set_of_any_shape_is_not_taken(data: st.DataObject) -> None:
    elements, syntax = data.draw(data_sets()), data.draw(st.sampled_from(NATIVE))
    ends, whole = {0}, b""
    for element in elements:
        whole += element.bytes_in(syntax)
        ends.add(len(whole))
    assert uids(whole, syntax) == EXPECTED
    end = data.draw(st.integers(0, len(whole) - 1))
    if end not in ends:
        with pytest.raises(CannotUnderstand, match="ends early"):
            read(whole[:end], syntax)


@given(st.data())
@fuzz(400)
def test_disorder_repeats_and_odd_vrs_do_not_change_the_identity(data: st.DataObject) -> None:
    elements = data.draw(data_sets().flatmap(damaged))
    syntax = data.draw(st.sampled_from(NATIVE))
    assert uids(encode(elements, syntax), syntax) == EXPECTED


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.50"])
def test_encapsulated_pixels_are_followed_to_their_end(syntax: str) -> None:
    fragments = delimiter(ITEM) + b"".join(delimiter(ITEM, "<", 500) + bytes(500) for _ in range(40))
    whole = START + END + undefined(0x7FE00010, fragments, b"OB")
    assert uids(whole, syntax) == uids(whole[:-8], syntax) == EXPECTED
    for missing in (*range(1, 8), *range(9, 500)):
        with pytest.raises(CannotUnderstand, match="ends early"):
            read(whole[:-missing], syntax)


def test_a_deflated_data_set_is_inflated_to_its_end_in_constant_memory() -> None:
    data = encode([*identity(), Written(0x7FE00010, b"OW", bytes(60 << 20))])
    whole = deflated(data)
    assert uids(whole, DEFLATED) == EXPECTED
    for missing in (1, 20, len(whole) // 2):
        with pytest.raises(CannotUnderstand, match="deflated bytes are incomplete"):
            read(whole[:-missing], DEFLATED)
    with pytest.raises(CannotUnderstand, match=r"7FE0,0010.*are left"):
        read(deflated(data[:-2]), DEFLATED)


def test_elements_behind_what_is_kept_of_a_deflated_data_set_are_found() -> None:
    blob = encode([Written(0x00091010, b"OB", os.urandom(9 << 20))])
    assert uids(deflated(START + blob + END + PIXELS), DEFLATED) == EXPECTED
    assert uids(deflated(encode([pixels()]) + blob + START + END), DEFLATED) == EXPECTED


def test_a_deflate_bomb_is_inflated_up_to_the_bound_only() -> None:
    bomb = deflated(START + END + encode([Written(0x7FE00010, b"OW", bytes(200 << 20))]))
    limits = WalkLimits(inflated_bytes_max=1 << 20)
    began = time.process_time()
    assert read(bomb, DEFLATED, limits).series_instance_uid == SERIES
    assert time.process_time() - began < 0.5
    with pytest.raises(CannotUnderstand, match="Study Instance UID is missing"):
        read(deflated(encode([Written(0x00080005, b"UT", bytes(64 << 20))]) + START + END), DEFLATED, limits)


MANY: dict[str, bytes] = {
    "elements": struct.pack("<HH2sH", 0x0009, 0x1010, b"US", 2) + b"ab",
    "elements without VR": struct.pack("<HH2sH", 0x0009, 0x1010, b"??", 0),
    "tags": b"\x08\0\x16\0",
    "VRs": b"UIOBSQ",
    "items": delimiter(ITEM),
    "sequences": undefined(0x00081140, b"")[:-8] + delimiter(ITEM, "<", UNDEFINED),
}


@pytest.mark.parametrize("what", MANY)
def test_the_work_on_a_hostile_data_set_is_bounded(what: str) -> None:
    """A million of each would take minutes if all of them were looked at."""
    data = START + END + MANY[what] * (8_000_000 // len(MANY[what]))
    began = time.process_time()
    with_few = WalkLimits(elements_max=20_000)
    try:
        assert read(data, EXPLICIT, with_few).series_instance_uid == SERIES
    except CannotUnderstand as error:
        assert "ends early" in str(error)
    assert time.process_time() - began < 3


def test_beyond_the_bound_an_identity_that_was_found_counts() -> None:
    many = encode([Written(0x00291000 + number, b"LO", b"x ") for number in range(2000)])
    limits = WalkLimits(elements_max=1000)
    header = read(START + END + many, EXPLICIT, limits)
    assert header.series_instance_uid == SERIES and "more than 1000 elements" in header.notes
    found = read(START + many + END, EXPLICIT, limits)
    assert found.series_instance_uid == SERIES and "identity found by search" in found.notes


def test_an_empty_data_set_cannot_be_understood() -> None:
    for syntax in (IMPLICIT, EXPLICIT, BIG, DEFLATED):
        with pytest.raises(CannotUnderstand, match="ends early"):
            read(b"", syntax)


def test_noise_cannot_be_understood() -> None:
    for syntax in (IMPLICIT, EXPLICIT, BIG, DEFLATED):
        for noise in (b"\xff" * 5000, os.urandom(5000), b"GET / HTTP/1.1\r\n" * 9):
            with pytest.raises(CannotUnderstand):
                read(noise, syntax)


def test_the_accession_number_is_one_short_line() -> None:
    header = read(START + encode([Written(0x00080050, b"SH", b"A\r\nB\xff " + b"C" * 300)]) + END)
    assert header.accession_number.startswith("A??B")
    assert header.accession_number.isprintable() and len(header.accession_number) == 64


def test_notes_hold_no_value() -> None:
    ds = make_dx(rows=8, columns=8)
    data = data_set_bytes(ds).replace(b"PN", b"??").replace(b"CS", b"  ")
    notes = " ".join(read(data).notes)
    assert notes and not any(part in notes for part in str(ds.PatientName).split("^"))


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
        found = read(bytes(header), syntax)
    except CannotUnderstand:
        return
    assert is_uid_as_sent(found.study_instance_uid) and is_uid_as_sent(found.series_instance_uid)


_HEADERS: dict[str, bytes] = {}


def _headers() -> dict[str, bytes]:
    if not _HEADERS:
        for syntax in (IMPLICIT, EXPLICIT, BIG, DEFLATED):
            ds = make_dx(rows=4, columns=4, transfer_syntax=syntax)
            ds.ReferencedImageSequence = DicomSequence([Dataset()])
            _HEADERS[syntax] = data_set_bytes(ds)
    return _HEADERS


def test_pydicom_reads_what_the_tests_write() -> None:
    """The elements of these tests are what the standard says, or the tests above would prove nothing."""
    ds = dcmread(io.BytesIO(START + encode([Written(0x00091010, b"OB", b"x" * 8)]) + END), force=True)
    assert (of(ds).sop_instance_uid, of(ds).series_instance_uid) == (INSTANCE, SERIES)
