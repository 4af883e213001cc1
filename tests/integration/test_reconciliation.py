"""Studies that were kept from the node are found in an archive, fetched and analysed; nothing else is fetched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset

from tests.support.dicom.phantoms import make_dx
from tests.support.node.node import RunningNode
from tests.support.peers.modality import store_until_stored
from tests.support.peers.orthanc import Orthanc
from tests.support.peers.program import running
from tests.support.waiting import until

pytestmark = pytest.mark.peer("Orthanc")
KEPT_BACK, CAME, OTHERS = 50, 4, 4
STORED = KEPT_BACK + CAME + OTHERS
TODAY = datetime.now().astimezone().date()


def films(first: int, count: int, day: date = TODAY, **values: str) -> list[Dataset]:
    made = [make_dx(seed=seed, rows=192, columns=160) for seed in range(first, first + count)]
    for ds in made:
        ds.StudyDate = f"{day:%Y%m%d}"
        for keyword, value in values.items():
            setattr(ds, keyword, value)
    return made


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[RunningNode, Orthanc]]:
    """An archive that the node may ask, and that sends here what it is asked for."""
    archive = Orthanc(tmp_path / "orthanc")
    pacs: dict[str, Any] = {"ae_title": "ORTHANC", "host": "127.0.0.1", "port": archive.dicom_port, "may_send": True}
    modality = {"ae_title": "MODALITY", "host": "127.0.0.1", "port": 104, "may_send": True}
    node = RunningNode(
        tmp_path / "node",
        {"pacs": ("ORTHANC", archive.dicom_port)},
        remote_aes={"pacs": pacs, "modality": modality},
        delivery={"response_timeout_s": 30},
    )
    archive.options["DicomModalities"] = {
        "hilum": {"AET": "HILUM", "Host": "127.0.0.1", "Port": node.port, "AllowFind": True, "AllowMove": True}
    }
    with running(archive), running(node):
        yield node, archive


def asked(node: RunningNode, *words: str) -> tuple[int, dict[str, Any]]:
    code, said = node.hilum("reconcile", "pacs", "--json", *words)
    return code, json.loads(said)


@pytest.mark.timeout(600)
def test_all_that_was_kept_from_the_node_is_found_and_analysed(site: tuple[RunningNode, Orthanc]) -> None:
    node, archive = site
    kept_back = [ds for day in (0, 1) for ds in films(100 + 100 * day, KEPT_BACK // 2, TODAY - timedelta(days=day))]
    came = films(300, CAME)
    others = [*films(400, 2, TODAY - timedelta(days=9)), *films(500, 2, Modality="MR")]
    for ds in (*kept_back, *came, *others):
        archive.add(ds)
    store_until_stored(node.port, came)
    sent = STORED + 2 * CAME
    until(lambda: len(archive.instances()), "the results of what came", 90, enough=sent.__eq__)

    code, looked = asked(node, "--dry-run")
    assert code == 0 and looked["studies"] == KEPT_BACK + CAME and not looked["problems"]
    wanted = {str(ds.StudyInstanceUID) for ds in kept_back}
    assert {one["study_instance_uid"] for one in looked["missed"]} == wanted
    assert {(one["missed"], one["fetched"]) for one in looked["missed"]} == {(1, 0)}
    assert len(archive.instances()) == sent, "nothing was fetched"

    code, fetched = asked(node)
    assert code == 0, fetched
    assert {one["study_instance_uid"] for one in fetched["missed"]} == wanted
    assert {(one["missed"], one["fetched"], one["problem"]) for one in fetched["missed"]} == {(1, 1, "")}
    reports = 2 * (KEPT_BACK + CAME)
    until(lambda: len(archive.instances()), lambda: node.log()[-3000:], 300, enough=(STORED + reports).__eq__)

    code, again = asked(node)
    assert code == 0 and again["missed"] == [] and again["studies"] == KEPT_BACK + CAME


def test_of_a_study_only_what_is_missing_is_fetched(site: tuple[RunningNode, Orthanc]) -> None:
    node, archive = site
    first, second = (make_dx(seed=7, instance=number, rows=192, columns=160) for number in (1, 2))
    for ds in (first, second):
        ds.StudyDate = f"{TODAY:%Y%m%d}"
        archive.add(ds)
    store_until_stored(node.port, [first])
    code, found = asked(node, "--days", "1")
    assert code == 0 and [(one["missed"], one["fetched"]) for one in found["missed"]] == [(1, 1)]
    assert node.log().count(f"instance stored sop_instance_uid={first.SOPInstanceUID}") == 1


def test_an_archive_that_does_not_know_the_node_is_told_with_what_to_do(site: tuple[RunningNode, Orthanc]) -> None:
    node, archive = site
    for ds in films(600, 1):
        archive.add(ds)
    archive.stop()
    archive.options["DicomModalities"] = {"other": {"AET": "HILUM", "Host": "127.0.0.1", "Port": 1, "AllowFind": True}}
    archive.start()
    code, found = asked(node, "--days", "1")
    assert code == 1 and [one["fetched"] for one in found["missed"]] == [0]
    assert found["missed"][0]["problem"] or found["problems"]
