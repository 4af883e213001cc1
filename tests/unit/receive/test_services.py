"""Each message is served in the presentation context that it belongs to, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from converter.image.sop_classes import DIGITAL_X_RAY_FOR_PRESENTATION as DX
from scp_node.dimse.command_set import (
    C_ECHO_RQ,
    C_STORE_RQ,
    ERROR_COMMENT_CHARACTERS_MAX,
    N_ACTION_RQ,
    N_EVENT_REPORT_RQ,
)
from scp_node.dimse.requests import SUCCESS, Answer, Command
from scp_node.dimse.uids import EXPLICIT_LE, STORAGE_COMMITMENT, VERIFICATION
from scp_node.intake.store import Context, IncomingInstance, Requestor
from scp_node.receive.commitment_reports import IncomingReport
from scp_node.receive.message import DataSetSink
from scp_node.receive.pdu_stream import InvalidPdu
from scp_node.receive.services import NO_COMMITMENT, NOT_SERVED, WRONG_CLASS, serve
from scp_node.receive.shared import Shared
from tests.support.node.receiving import shared_in

SENDER = Requestor("pacs", "MODALITY", "HILUM")


@pytest.fixture
def shared(tmp_path: Path) -> Shared:
    return shared_in(tmp_path)


def served(shared: Shared, abstract_syntax: str, field: int, **values: Any) -> DataSetSink | Answer:
    request: dict[str, Any] = {
        "has_data_set": True,
        "sop_class_uid": abstract_syntax,
        "sop_instance_uid": "1.2.3",
    } | values
    return serve(shared, SENDER, Context(abstract_syntax, EXPLICIT_LE), Command(field, 1, **request))


def test_an_echo_is_answered_in_a_context_of_verification(shared: Shared) -> None:
    assert served(shared, VERIFICATION, C_ECHO_RQ, has_data_set=False) == SUCCESS


def test_an_echo_in_another_context_is_told_that_it_is_the_wrong_one(shared: Shared) -> None:
    assert served(shared, DX, C_ECHO_RQ, has_data_set=False) == WRONG_CLASS
    assert served(shared, DX, C_ECHO_RQ, has_data_set=False, sop_class_uid=VERIFICATION) == WRONG_CLASS


def test_a_store_is_taken_by_the_intake(shared: Shared) -> None:
    instance = served(shared, DX, C_STORE_RQ)
    assert isinstance(instance, IncomingInstance)
    instance.discard()


def test_a_report_on_commitment_is_taken_in_its_own_context(shared: Shared) -> None:
    assert isinstance(served(shared, STORAGE_COMMITMENT, N_EVENT_REPORT_RQ), IncomingReport)


@pytest.mark.parametrize("has_data_set", [True, False])
@pytest.mark.parametrize(
    ("abstract_syntax", "field", "answer"),
    [
        *[(VERIFICATION, field, NOT_SERVED) for field in (0x0020, 0x0021, 0x0010, 0x0110, 0x0FFF, 0x0FFE, 0x0000)],
        (DX, N_EVENT_REPORT_RQ, NOT_SERVED),
        (DX, N_ACTION_RQ, NOT_SERVED),
        (STORAGE_COMMITMENT, N_ACTION_RQ, NO_COMMITMENT),
        (STORAGE_COMMITMENT, 0x0110, NOT_SERVED),
    ],
)
def test_every_other_request_is_answered(
    shared: Shared, abstract_syntax: str, field: int, answer: Answer, has_data_set: bool
) -> None:
    assert served(shared, abstract_syntax, field, has_data_set=has_data_set) == answer
    assert answer.status == 0x0211 and len(answer.comment) <= ERROR_COMMENT_CHARACTERS_MAX


@pytest.mark.parametrize("field", [0x8001, 0x8030, 0x8100, 0xFFFF])
def test_a_response_that_nobody_asked_for_is_no_message(shared: Shared, field: int) -> None:
    with pytest.raises(InvalidPdu, match=f"0x{field:04X} that nobody asked for"):
        served(shared, VERIFICATION, field)
