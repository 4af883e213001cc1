"""STOW-RS: what is stored is as durable as after a C-STORE, each failure has its reason, and no body does harm."""

from __future__ import annotations

import logging
from pathlib import Path

import httpx
import pytest
from pydicom import dcmread

from scp_node.ledger import Ledger
from scp_node.ledger.account_records import Role, Scope
from tests.support.dicom.part10 import as_pydicom_writes
from tests.support.dicom.phantoms import make_dx
from tests.support.web.clients import asked_node
from tests.support.web.stow import (
    CONTENT_TYPE,
    FAILED,
    OTHERS,
    REFERENCED,
    STUDIES,
    StowNode,
    a_film,
    files_of,
    reasons_in,
    stored_in,
    stow,
    stow_node,
    token_of,
    uids_in,
)

MIB = 1024**2
STUDY = "1.2.826.0.1.3680043.10.1398.77"


def test_instances_are_durable_have_a_sender_and_wait_for_their_analysis(
    node: StowNode, client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    films = [a_film(seed) for seed in (1, 2, 3)]
    with caplog.at_level(logging.INFO):
        answer = stow(client, *files_of(*films))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/dicom+json")
    assert uids_in(answer, REFERENCED) == [str(one.SOPInstanceUID) for one in films]
    assert FAILED not in answer.json() and OTHERS not in answer.json()
    rows = stored_in(node)
    assert set(rows) == {str(one.SOPInstanceUID) for one in films}
    assert {(one.source, one.calling_ae_title, one.called_ae_title) for one in rows.values()} == {
        ("stow:otto", "otto", "STOW-RS")
    }
    with node.ledger.reading() as tx:
        jobs = tx.connection.exec_driver_sql("SELECT count(*) FROM hilum_job WHERE kind = 'image'").scalar()
    assert jobs == 3
    (line,) = [one for one in caplog.records if one.message == "instances came by STOW-RS"]
    assert vars(line)["token"] == "gateway of the ward" and vars(line)["stored"] == 3
    again = stow(client, *files_of(*films))
    assert again.status_code == 200 and len(uids_in(again, REFERENCED)) == 3 and set(stored_in(node)) == set(rows)


def test_the_file_is_what_was_sent_without_its_meta_information(node: StowNode, client: httpx.Client) -> None:
    ds = a_film()
    sent = as_pydicom_writes(ds)
    assert stow(client, sent).status_code == 200
    (row,) = stored_in(node).values()
    kept = node.spool.path(row.spool_name)
    meta = dcmread(kept).file_meta
    assert (meta.SendingApplicationEntityTitle, meta.ReceivingApplicationEntityTitle) == ("otto", "STOW-RS")
    assert kept.read_bytes()[-row.bytes :] == sent[-row.bytes :]


def test_who_stored_what_is_in_the_audit_trail(node: StowNode, client: httpx.Client) -> None:
    one, other = a_film(1), a_film(2, SOPClassUID="1.2.3")
    stow(client, *files_of(one, other))
    with node.ledger.reading() as tx:
        acts = tx.connection.exec_driver_sql("SELECT who, act, object_id, outcome, detail FROM hilum_audit").all()
    assert [tuple(act) for act in acts] == [
        ("otto", "store-instances", one.StudyInstanceUID, "done", "1 stored, 1 refused")
    ]


VISITORS: list[tuple[Role | None, tuple[Scope, ...], int]] = [
    (None, (), 401),
    ("viewer", ("store",), 403),
    ("operator", ("read", "predict", "operate"), 403),
    ("operator", ("store",), 200),
    ("admin", ("read", "store"), 200),
]


@pytest.mark.parametrize(("role", "scopes", "status"), VISITORS)
def test_who_may_store(node: StowNode, role: Role | None, scopes: tuple[Scope, ...], status: int) -> None:
    token = token_of(node.ledger, role, scopes) if role is not None else ""
    with node.client(token) as client:
        answer = stow(client, *files_of(a_film()))
        assert answer.status_code == status
        # what stores sees nothing, unless it may read
        if scopes == ("store",):
            assert client.get("/api/studies").status_code == 403
        assert client.get(STUDIES).status_code in (401, 405)
    assert len(stored_in(node)) == (status == 200)


def test_a_stranger_with_much_to_send_is_told_that_a_token_is_missing(node: StowNode) -> None:
    with node.client("hilum_wrong") as client:
        for content in (b"x" * 100_000, iter([b"x"])):
            answer = client.post(STUDIES, content=content, headers={"Content-Type": CONTENT_TYPE})
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


def test_a_name_that_is_no_ae_title_does_not_send(node: StowNode) -> None:
    with node.client(token_of(node.ledger, name="the.gateway.of.the.ward")) as client:
        answer = stow(client, *files_of(a_film()))
    assert (answer.status_code, answer.json()["code"]) == (403, "sender-name")


def test_it_is_off_unless_a_setting_turns_it_on(tmp_path: Path, ledger: Ledger) -> None:
    with asked_node(tmp_path, ledger, None) as one:
        one.client.headers["Authorization"] = f"Bearer {token_of(ledger)}"
        answer = stow(one.client, *files_of(a_film()))
    assert (answer.status_code, answer.json()["code"]) == (404, "stow-off")


def test_an_instance_of_another_study_than_that_of_the_address_is_refused(node: StowNode, client: httpx.Client) -> None:
    here, elsewhere = a_film(1, StudyInstanceUID=STUDY), a_film(2)
    answer = stow(client, *files_of(here, elsewhere), study=STUDY)
    assert (answer.status_code, uids_in(answer, REFERENCED)) == (202, [str(here.SOPInstanceUID)])
    assert (uids_in(answer, FAILED), reasons_in(answer)) == ([str(elsewhere.SOPInstanceUID)], [0xA900])
    assert set(stored_in(node)) == {str(here.SOPInstanceUID)}
    assert stow(client, *files_of(here), study="no-uid").status_code == 400


def test_an_instance_is_as_large_as_on_an_association(tmp_path: Path, ledger: Ledger) -> None:
    small, large = a_film(1), make_dx(rows=200, columns=200, seed=2)
    with stow_node(tmp_path, ledger, receiver={"instance_bytes_max": 20_000}) as node:
        with node.client(token_of(ledger)) as client:
            answer = stow(client, *files_of(large, small))
        assert (answer.status_code, reasons_in(answer)) == (202, [0xC000])
        assert set(stored_in(node)) == {str(small.SOPInstanceUID)}


def test_changed_content_is_refused_where_the_settings_say_so(tmp_path: Path, ledger: Ledger) -> None:
    with (
        stow_node(tmp_path, ledger, receiver={"changed_instances": "refuse"}) as node,
        node.client(token_of(ledger)) as client,
    ):
        assert stow(client, *files_of(a_film(1))).status_code == 200
        answer = stow(client, *files_of(a_film(1, PatientID="OTHER")))
        assert (answer.status_code, reasons_in(answer)) == (409, [0x0111])
        assert len(stored_in(node)) == 1


def test_a_full_disk_is_told_so_that_the_sender_comes_again(node: StowNode, client: httpx.Client) -> None:
    node.spool.distrust("fsync EIO")
    answer = stow(client, *files_of(a_film(1), a_film(2)))
    assert (answer.status_code, reasons_in(answer)) == (503, [0xA700, 0xA700])
    assert answer.headers["retry-after"]
    ready = client.get("/readyz")
    assert ready.status_code == 503 and "web takes no images: fsync EIO" in ready.json()["reasons"]


def test_a_request_has_so_many_parts_and_no_more(tmp_path: Path, ledger: Ledger) -> None:
    base = as_pydicom_writes(make_dx(rows=4, columns=4, seed=5))
    uid = str(make_dx(rows=4, columns=4, seed=5).SOPInstanceUID).encode()
    parts = [base.replace(uid, uid[:-4] + b"%04d" % number) for number in range(40)]
    nothing = 960 * [b"x" * 200]
    with stow_node(tmp_path, ledger, instances_max=1000) as node, node.client(token_of(ledger)) as client:
        answer = stow(client, *nothing, *parts)
        assert (answer.status_code, len(uids_in(answer, REFERENCED))) == (202, 40)
        assert reasons_in(answer, OTHERS) == 960 * [0xC000]
        more = stow(client, *parts, *nothing, base)
        assert (more.status_code, len(uids_in(more, REFERENCED))) == (202, 40)
        assert "instances_max" in more.headers["warning"]
        assert stow(client, *nothing, *nothing).status_code == 413
        assert len(stored_in(node)) == 40
