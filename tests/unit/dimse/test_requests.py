"""Command sets are read and written as pynetdicom does, and hostile ones are told from requests."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import UID
from pynetdicom.dimse_messages import C_ECHO_RQ, C_STORE_RQ, DIMSEMessage
from pynetdicom.dimse_primitives import C_ECHO, C_STORE
from pynetdicom.dsutils import decode

from scp_node.dimse.requests import SUCCESS, Answer, Command, MalformedCommand, decode_command, encode_response
from tests.support.fuzz import fuzz
from tests.support.peers.raw_scu import command_set, echo_command, store_command

CR = "1.2.840.10008.5.1.4.1.1.1"


def as_pynetdicom_sends(message: DIMSEMessage) -> bytes:
    return b"".join(
        data[1:]
        for primitive in message.encode_msg(1, 16384)
        for _, data in primitive.presentation_data_value_list
        if data[0] & 1
    )


def test_a_store_request_is_read() -> None:
    primitive = C_STORE()
    primitive.MessageID = 7
    primitive.AffectedSOPClassUID = UID(CR)
    primitive.AffectedSOPInstanceUID = UID("1.2.3")
    primitive.Priority = 2
    primitive.DataSet = io.BytesIO(b"\0\0")
    message = C_STORE_RQ()
    message.primitive_to_message(primitive)
    assert decode_command(as_pynetdicom_sends(message)) == Command(0x0001, 7, True, CR, "1.2.3")


def test_an_echo_request_is_read() -> None:
    primitive = C_ECHO()
    primitive.MessageID = 65535
    primitive.AffectedSOPClassUID = UID("1.2.840.10008.1.1")
    message = C_ECHO_RQ()
    message.primitive_to_message(primitive)
    assert decode_command(as_pynetdicom_sends(message)) == Command(0x0030, 65535, False, "1.2.840.10008.1.1", "")


@pytest.mark.parametrize("answer", [SUCCESS, Answer(0xA700, "disk full"), Answer(0x0111, "odd")])
def test_a_response_is_understood_by_pynetdicom(answer: Answer) -> None:
    response = encode_response(Command(0x0001, 7, True, CR, "1.2.3"), answer)
    ds = decode(io.BytesIO(response), True, True)
    assert ds.CommandGroupLength == len(response) - 12
    assert (ds.CommandField, ds.MessageIDBeingRespondedTo, ds.CommandDataSetType) == (0x8001, 7, 0x0101)
    assert (ds.AffectedSOPClassUID, ds.AffectedSOPInstanceUID) == (CR, "1.2.3")
    assert (ds.Status, ds.get("ErrorComment", "")) == (answer.status, answer.comment)


def test_an_error_comment_has_64_ascii_characters_at_most() -> None:
    response = encode_response(Command(0x0001, 7, True, CR, "1.2.3"), Answer(0xC000, "ä" * 100))
    assert decode(io.BytesIO(response), True, True).ErrorComment == "?" * 64


@pytest.mark.parametrize("uid", ["../..", "", "1.2.3\nX", "1" * 65, "1.2a", "1.2-3"])
def test_a_uid_that_is_none_is_not_repeated(uid: str) -> None:
    ds = decode(io.BytesIO(encode_response(Command(0x0001, 7, True, uid, uid), Answer(0x0117, "no UID"))), True, True)
    assert "AffectedSOPClassUID" not in ds and "AffectedSOPInstanceUID" not in ds


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
@pytest.mark.parametrize("uid", ["01.2", "1.02.003", "999.999.01", "1..2", "1" * 64])
def test_a_uid_is_repeated_as_it_was_sent(uid: str) -> None:
    ds = decode(io.BytesIO(encode_response(Command(0x0001, 7, True, CR, uid), Answer(0x0000))), True, True)
    assert ds.AffectedSOPInstanceUID == uid


@pytest.mark.parametrize("padding", ["", "\0", " ", "\0\0", "  "])
def test_uids_are_read_without_their_padding(padding: str) -> None:
    assert decode_command(store_command(CR + padding, "1.2.3" + padding)).sop_instance_uid == "1.2.3"


@pytest.mark.parametrize("cut", [*range(1, 14), 15, 30])
def test_a_truncated_command_set_is_malformed(cut: int) -> None:
    with pytest.raises(MalformedCommand):
        decode_command(store_command(CR, "1.2.3")[:-cut])


@pytest.mark.parametrize("missing", [0x0100, 0x0110, 0x0800])
def test_a_request_without_what_every_request_has_is_malformed(missing: int) -> None:
    elements = {0x0100: b"\x30\x00", 0x0110: b"\x01\x00", 0x0800: b"\x01\x01"}
    del elements[missing]
    with pytest.raises(MalformedCommand, match=f"0000,{missing:04X}"):
        decode_command(command_set(elements))


def test_an_element_of_another_group_is_malformed() -> None:
    with pytest.raises(MalformedCommand, match="another group"):
        decode_command(echo_command() + struct.pack("<HHL", 8, 0x18, 0))


@given(st.binary(max_size=200))
@fuzz(300)
def test_any_bytes_are_a_command_or_malformed(data: bytes) -> None:
    try:
        command = decode_command(data)
    except MalformedCommand:
        return
    assert encode_response(command, SUCCESS)
