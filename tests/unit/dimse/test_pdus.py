"""PDUs are written as pynetdicom reads them."""

from __future__ import annotations

import pytest
from pynetdicom import pdu

from scp_node.dimse import pdus


@pytest.mark.parametrize("control", [0, pdus.LAST, pdus.COMMAND, pdus.COMMAND | pdus.LAST])
@pytest.mark.parametrize("fragment", [b"", b"\x00\x01", bytes(range(256)) * 100])
def test_a_fragment_is_read_back_from_its_pdu(control: int, fragment: bytes) -> None:
    read = pdu.P_DATA_TF()
    read.decode(pdus.p_data(5, control, fragment))
    (item,) = read.presentation_data_value_items
    assert (item.presentation_context_id, item.presentation_data_value) == (5, bytes([control]) + fragment)


@pytest.mark.parametrize(
    ("pdu_type", "read_by"),
    [
        (pdus.A_ASSOCIATE_RQ, pdu.A_ASSOCIATE_RQ),
        (pdus.A_ASSOCIATE_AC, pdu.A_ASSOCIATE_AC),
        (pdus.A_ASSOCIATE_RJ, pdu.A_ASSOCIATE_RJ),
        (pdus.P_DATA_TF, pdu.P_DATA_TF),
        (pdus.A_RELEASE_RQ, pdu.A_RELEASE_RQ),
        (pdus.A_RELEASE_RP, pdu.A_RELEASE_RP),
        (pdus.A_ABORT, pdu.A_ABORT_RQ),
    ],
)
def test_each_type_is_that_of_its_pdu(pdu_type: int, read_by: type[pdu.PDU]) -> None:
    assert read_by().pdu_type == pdu_type


@pytest.mark.parametrize("data", [b"\x01", bytes([pdus.A_ASSOCIATE_RQ]) + bytes(100), b"\x01\x00" + b"\xff" * 200])
def test_what_pynetdicom_raises_for_a_broken_request_is_known(data: bytes) -> None:
    request = pdu.A_ASSOCIATE_RQ()
    with pytest.raises(pdus.UNREADABLE):
        request.decode(data)
        request.to_primitive()
