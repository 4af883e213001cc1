"""File Meta Information is read from the first bytes of a file as soon as they are there."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scp_node.errors import CannotUnderstand
from scp_node.intake.dicomweb.file_meta_information import META_BYTES_MAX, file_meta
from tests.support.dicom.part10 import as_pydicom_writes
from tests.support.fuzz import fuzz
from tests.support.web.stow import a_film

FILM = a_film()
WHOLE = as_pydicom_writes(FILM)
START = 144 + int.from_bytes(WHOLE[140:144], "little")


@pytest.mark.parametrize("group_length", [None, 0, 7, 2**32 - 1], ids=str)
def test_a_wrong_group_length_does_not_matter(group_length: int | None) -> None:
    data = WHOLE if group_length is None else WHOLE[:140] + struct.pack("<L", group_length) + WHOLE[144:]
    found = file_meta(data)
    assert found is not None and found.data_set_start == START
    assert (found.sop_class_uid, found.sop_instance_uid) == (FILM.SOPClassUID, FILM.SOPInstanceUID)


def test_more_bytes_are_asked_for_until_all_of_it_is_there() -> None:
    found = [file_meta(WHOLE[:count]) for count in range(START + 40)]
    known = next(count for count, one in enumerate(found) if one is not None)
    assert START < known <= START + 12  # what follows is needed to see that it ends
    assert len(set(found[known:])) == 1


def test_it_ends_where_nothing_follows() -> None:
    found = file_meta(WHOLE[:START], is_whole=True)
    assert found is not None and found.data_set_start == START


@fuzz(300)
@given(
    data=st.binary(max_size=300).map(lambda tail: WHOLE[:132] + tail)
    | st.integers(0, START).flatmap(
        lambda at: st.binary(min_size=1, max_size=20).map(lambda new: WHOLE[:at] + new + WHOLE[at + len(new) :])
    )
)
def test_whatever_comes_it_is_read_waited_for_or_refused(data: bytes) -> None:
    for is_whole in (False, True):
        try:
            found = file_meta(data, is_whole=is_whole)
        except CannotUnderstand as refusal:
            assert str(refusal)
        else:
            assert found is None or 132 <= found.data_set_start <= len(data)
            assert found is not None or not is_whole


def test_it_has_so_many_bytes_and_no_more() -> None:
    element = b"\x02\0\x02\1OB\0\0" + struct.pack("<L", 0xF000) + bytes(0xF000)
    assert file_meta(WHOLE[:132] + element) is None
    with pytest.raises(CannotUnderstand, match=str(META_BYTES_MAX)):
        file_meta(WHOLE[:132] + element + element)
