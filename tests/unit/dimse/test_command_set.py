"""Command sets: the same bytes as pynetdicom, and no surprise when a peer sends others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynetdicom import dimse_messages
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import encode

from scp_node.dimse import command_set as cs


def test_a_store_request_is_encoded_as_pynetdicom_encodes_it() -> None:
    primitive = C_STORE()
    primitive.MessageID, primitive.Priority = 7, 0
    primitive.AffectedSOPClassUID, primitive.AffectedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3.45"
    message = dimse_messages.C_STORE_RQ()
    message.primitive_to_message(primitive)
    message.command_set.CommandDataSetType = cs.DATA_SET
    command: dict[int, int | str] = {
        cs.AFFECTED_SOP_CLASS_UID: "1.2.840.10008.5.1.4.1.1.7",
        cs.COMMAND_FIELD: cs.C_STORE_RQ,
        cs.MESSAGE_ID: 7,
        cs.PRIORITY: cs.PRIORITY_MEDIUM,
        cs.COMMAND_DATA_SET_TYPE: cs.DATA_SET,
        cs.AFFECTED_SOP_INSTANCE_UID: "1.2.3.45",
    }
    assert cs.encode_command(command) == encode(message.command_set, True, True)


def test_what_was_encoded_is_decoded_again() -> None:
    data = cs.encode_command({cs.STATUS: 0xA700, cs.ERROR_COMMENT: "disk full!"})
    elements = cs.decode_command(data)
    assert cs.number_of(elements, cs.STATUS) == 0xA700
    assert cs.text_of(elements, cs.ERROR_COMMENT) == "disk full!"
    assert cs.number_of(elements, cs.MESSAGE_ID) is None


@pytest.mark.parametrize("data", [b"\0", b"\0" * 9, b"\x08\0\0\0\0\0\0\0", b"\0\0\0\x09\xff\xff\xff\xff"])
def test_bytes_that_are_no_command_set_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="command set"):
        cs.decode_command(data)


@given(st.binary(max_size=64))
def test_any_bytes_are_decoded_or_refused(data: bytes) -> None:
    try:
        elements = cs.decode_command(data)
    except ValueError:
        return
    for number in elements:
        cs.number_of(elements, number)
        assert cs.text_of(elements, number).isprintable()


def test_control_characters_of_an_error_comment_do_not_reach_a_terminal() -> None:
    elements = {cs.ERROR_COMMENT: b"a\r\n\x1b[2Jb"}
    assert cs.text_of(elements, cs.ERROR_COMMENT) == "a???[2Jb"
