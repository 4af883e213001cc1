"""Storage commitment over the network: reports to the receiver, good and hostile, and Orthanc from end to end."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from converter.image.sop_classes import SECONDARY_CAPTURE
from scp_node.cli.explain import explanation
from scp_node.dimse.storage_commitment import REPORT_BYTES_MAX
from scp_node.dimse.uids import COMMITMENT_INSTANCE, EXPLICIT_LE, STORAGE_COMMITMENT
from scp_node.intake.received_instances import ReceivedInstances
from scp_node.ledger.commitments import Commitments
from scp_node.receive.scp import StorageScp
from scp_node.settings import Settings
from scp_node.storage.spool import Spool
from tests.support.dicom.phantoms import make_dx
from tests.support.hostile.messages import APPLICATION, context, request_of, user
from tests.support.node.node import RunningNode
from tests.support.peers.commitment import (
    OUR_RESULT,
    SentDelivery,
    encoded,
    event_information,
    references,
    report_on_new_association,
    sent_delivery,
)
from tests.support.peers.modality import store_until_stored
from tests.support.peers.orthanc import Orthanc
from tests.support.peers.raw_scu import (
    ASSOCIATE_AC,
    ASSOCIATE_RJ,
    COMMAND_LAST,
    RawPeer,
    Response,
    command_elements,
    command_set,
    p_data,
    pdv,
    request_item,
)
from tests.support.waiting import until

COMMITMENT_CONTEXT = [(STORAGE_COMMITMENT, EXPLICIT_LE), (SECONDARY_CAPTURE, EXPLICIT_LE)]


@pytest.fixture
def delivery(tmp_path: Path) -> Iterator[SentDelivery]:
    with sent_delivery(tmp_path) as one:
        yield one


@pytest.fixture
def receiver(tmp_path: Path, delivery: SentDelivery) -> Iterator[StorageScp]:
    """ARCHIVE may report but not send, MODALITY may send, STRANGER neither."""
    remote = {"host": "127.0.0.1", "port": 104}
    settings = Settings.model_validate(
        {
            "node": {"ae_title": "HILUM", "bind": "127.0.0.1", "data_dir": str(tmp_path)},
            "remote_aes": {
                "pacs": {**remote, "ae_title": "ARCHIVE", "storage_commitment": True},
                "modality": {**remote, "ae_title": "MODALITY", "may_send": True},
                "stranger": {**remote, "ae_title": "STRANGER"},
            },
            "routes": [{"name": "chest", "model": "pneumonia", "to": ["pacs"]}],
        }
    )
    spool = Spool(tmp_path / "spool")
    one = StorageScp(settings, spool, ReceivedInstances(delivery.ledger, delivery.jobs), reports=delivery.book, port=0)
    one.start()
    yield one
    one.stop(drain_s=5)


def even(text: str) -> bytes:
    return text.encode() + b"\0" * (len(text) % 2)


def report_command(field: int = 0x0100, instance: str = COMMITMENT_INSTANCE, event_type: int = 1) -> bytes:
    return command_set(
        {
            0x0002: even(STORAGE_COMMITMENT),
            0x0100: struct.pack("<H", field),
            0x0110: struct.pack("<H", 7),
            0x0800: struct.pack("<H", 1),
            0x1000: even(instance),
            0x1002: struct.pack("<H", event_type),
        }
    )


def raw_report(peer: RawPeer, data: bytes, command: bytes | None = None) -> Response:
    peer.send(p_data(pdv(1, COMMAND_LAST, command or report_command())))
    peer.send_data_set(1, data)
    return peer.read_response()


@pytest.fixture
def archive(receiver: StorageScp) -> Iterator[RawPeer]:
    with RawPeer(receiver.port) as peer:
        assert peer.associate(COMMITMENT_CONTEXT, calling="ARCHIVE")[0] == ASSOCIATE_AC
        yield peer


@pytest.mark.parametrize("with_role", [True, False])
def test_an_archive_calls_back_and_is_answered_with_success(
    receiver: StorageScp, delivery: SentDelivery, with_role: bool
) -> None:
    ds = event_information(delivery.ask(), references(OUR_RESULT))
    if not with_role:  # archives that leave role selection out exist; pynetdicom cannot play one
        with RawPeer(receiver.port) as peer:
            peer.associate(COMMITMENT_CONTEXT, calling="ARCHIVE")
            assert raw_report(peer, encoded(ds)).status == 0x0000
    else:
        assert report_on_new_association(receiver.port, ds, 1) == 0x0000
    assert delivery.state() == "committed"


ROLES = {"none": None, "SCP": (0, 1), "both": (1, 1), "SCU": (1, 0), "neither": (0, 0)}


def in_role(role: tuple[int, int] | None, padding: bytes = b"") -> bytes:
    """A request of ARCHIVE for storage commitment in a role, (SCU, SCP)."""
    name = STORAGE_COMMITMENT.encode() + padding
    items = [] if role is None else [request_item(0x54, struct.pack(">H", len(name)) + name + bytes(role))]
    request = request_of(APPLICATION, context(1, EXPLICIT_LE, abstract=STORAGE_COMMITMENT), user(*items))
    return request[:26] + b"ARCHIVE".ljust(16) + request[42:]


@pytest.mark.parametrize("padding", [b"", b"\0", b" "])
@pytest.mark.parametrize("role", ["none", "SCP", "both"])
def test_a_report_is_taken_in_every_role_in_which_archives_bring_it(
    receiver: StorageScp, delivery: SentDelivery, role: str, padding: bytes
) -> None:
    ds = event_information(delivery.ask(), references(OUR_RESULT))
    with RawPeer(receiver.port) as peer:
        peer.send(in_role(ROLES[role], padding))
        pdu_type, body = peer.read_pdu()
        peer.take_accept(body)
        assert (pdu_type, list(peer.accepted)) == (ASSOCIATE_AC, [1])
        assert raw_report(peer, encoded(ds), without(0x0002, 0x1000)).status == 0x0000
        peer.release()
    assert delivery.state() == "committed"


def without(*numbers: int) -> bytes:
    """A report whose command leaves these elements out."""
    elements = command_elements(report_command())
    return command_set({number: value for number, value in elements.items() if number not in (0, *numbers)})


@pytest.mark.parametrize("role", ["SCU", "neither"])
def test_who_asks_for_commitment_is_refused_in_order(receiver: StorageScp, role: str) -> None:
    with RawPeer(receiver.port) as peer:
        peer.send(in_role(ROLES[role]))
        pdu_type, body = peer.read_pdu()
        answered = body.index(b"\x21\x00")
        assert (pdu_type, body[answered + 4], body[answered + 6]) == (ASSOCIATE_AC, 1, 3)
        peer.release()


@pytest.mark.parametrize("role", ["none", "both", "SCP"])
def test_a_request_for_commitment_is_answered_that_there_is_none(receiver: StorageScp, role: str) -> None:
    with RawPeer(receiver.port) as peer:
        peer.send(in_role(ROLES[role]))
        assert peer.read_pdu()[0] == ASSOCIATE_AC
        answer = raw_report(peer, b"\0" * 100, report_command(0x0130))
        assert (answer.field, answer.status) == (0x8130, 0x0211)
        assert "storage commitment" in answer.comment
        peer.release()


def test_a_report_may_come_again_on_another_association(receiver: StorageScp, delivery: SentDelivery) -> None:
    ds = event_information(delivery.ask(), failed=references(OUR_RESULT, reason=0x0112))
    for _ in range(2):
        assert report_on_new_association(receiver.port, ds, 2) == 0x0000
    assert (delivery.state(), delivery.job().attempt) == ("failed", 2)


def test_the_request_of_another_ae_is_unknown(receiver: StorageScp, delivery: SentDelivery) -> None:
    ds = event_information(delivery.ask(), references(OUR_RESULT))
    assert report_on_new_association(receiver.port, ds, 1, ae_title="MODALITY") == 0x0115
    assert delivery.state() == "sent"


def test_an_ae_that_may_neither_send_nor_report_is_rejected(receiver: StorageScp) -> None:
    with RawPeer(receiver.port) as peer:
        assert peer.associate(COMMITMENT_CONTEXT, calling="STRANGER")[0] == ASSOCIATE_RJ


def test_an_archive_that_may_only_report_cannot_store(archive: RawPeer, tmp_path: Path) -> None:
    answer = archive.store(b"\0" * 100, SECONDARY_CAPTURE, "1.2.3", context_id=3)
    assert answer.status == 0x0124
    assert [path for path in (tmp_path / "spool").rglob("*") if path.is_file()] == []


def test_hostile_reports_are_answered_and_the_association_goes_on(archive: RawPeer, delivery: SentDelivery) -> None:
    good = encoded(event_information(delivery.ask(), references(OUR_RESULT)))
    unknown = encoded(event_information("2.25.5", references(OUR_RESULT)))
    for data, command, status in [
        (unknown, None, 0x0115),
        (b"\xff" * 1000, None, 0x0115),
        (b"\0" * (REPORT_BYTES_MAX + 1), None, 0x0213),
        (b"\0" * (4 * REPORT_BYTES_MAX), None, 0x0213),
        (good, report_command(event_type=9), 0x0113),
        (good, report_command(event_type=2), 0x0115),
        (good, report_command(instance="1.2.3"), 0x0112),
    ]:
        answer = raw_report(archive, data, command)
        assert (answer.field, answer.status) == (0x8100, status)
        assert answer.comment
    assert delivery.state() == "sent"
    answer = raw_report(archive, good)
    assert (answer.status, answer.elements[0x0120]) == (0x0000, struct.pack("<H", 7))
    assert delivery.state() == "committed"


def test_a_report_whose_data_set_never_comes_leaves_the_delivery_as_it_was(
    archive: RawPeer, delivery: SentDelivery
) -> None:
    delivery.ask()
    archive.send(p_data(pdv(1, COMMAND_LAST, report_command())))
    archive.socket.close()
    assert delivery.state() == "sent"


@pytest.mark.parametrize("field", [0x0110, 0x0120, 0x0130, 0x0140, 0x0150])
def test_other_messages_of_the_n_services_are_answered_as_not_served(archive: RawPeer, field: int) -> None:
    for _ in range(3):
        answer = raw_report(archive, b"\0" * 100, report_command(field))
        assert (answer.field, answer.status) == (field | 0x8000, 0x0211)
        assert answer.comment


def test_a_report_in_the_context_of_a_storage_class_is_not_served(archive: RawPeer) -> None:
    archive.send(p_data(pdv(3, COMMAND_LAST, report_command())))
    assert archive.read_response().status == 0x0211


def test_a_ledger_that_fails_has_the_archive_report_again(
    archive: RawPeer, delivery: SentDelivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = encoded(event_information(delivery.ask(), references(OUR_RESULT)))

    def fail(*_: object) -> None:
        raise OSError("disk I/O error")

    with monkeypatch.context() as patched:
        patched.setattr(Commitments, "answer", fail)
        assert raw_report(archive, good).status == 0x0110
        assert delivery.state() == "sent"
    assert raw_report(archive, good).status == 0x0000
    assert delivery.state() == "committed"


# --- a whole node ----------------------------------------------------------------------------------------------------


@pytest.mark.peer("Orthanc")
@pytest.mark.parametrize("commits", [True, False])
def test_orthanc_confirms_results_or_declines_to(tmp_path: Path, commits: bool) -> None:
    """Orthanc calls back on a new association, often before it has answered the request. Where it does not know us as
    someone to whom it commits, it aborts."""
    orthanc = Orthanc(tmp_path / "orthanc")
    pacs = {"ae_title": "ORTHANC", "host": "127.0.0.1", "port": orthanc.dicom_port, "storage_commitment": True}
    node = RunningNode(
        tmp_path / "node",
        {"pacs": ("ORTHANC", orthanc.dicom_port)},
        remote_aes={"pacs": pacs},
        delivery={"keep_open_s": 2, "commitment_timeout_s": 60 if commits else 1},
    )
    modality = {"AET": "HILUM", "Host": "127.0.0.1", "Port": node.port, "AllowStorageCommitment": commits}
    orthanc.options["DicomModalities"] = {"hilum": modality}
    ds = make_dx(rows=256, columns=220)
    try:
        orthanc.start()
        node.start()
        store_until_stored(node.port, [ds])
        until(
            lambda: are_as_expected(node.deliveries(str(ds.StudyInstanceUID)), commits),
            lambda: node.log()[-4000:],
            90.0,
            pause_s=0.1,
        )
    finally:
        node.stop()
        orthanc.stop()
    ledger = node.ledger()
    lines = explanation(ledger, str(ds.StudyInstanceUID))
    ledger.engine.dispose()
    assert sum("to pacs: committed after 1 attempt; pacs has committed" in line for line in lines) == (
        2 if commits else 0
    )
    assert node.log().count("delivery committed") == (2 if commits else 0)


def are_as_expected(seen: list[tuple[str, str]], commits: bool) -> bool:
    if commits:
        return [state for state, _ in seen] == ["committed", "committed"]
    note = "not confirmed after 3 requests: it aborted the association"
    return len(seen) == 2 and all(state == "sent" and note in detail for state, detail in seen)
