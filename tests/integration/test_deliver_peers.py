"""Delivery to the archives that people run: Orthanc and DCMTK's storescp."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from converter.image.sop_classes import SECONDARY_CAPTURE
from converter.result.encode import to_bytes
from converter.result.kinds.table import RESULT_KINDS
from scp_node.deliver.destinations import Destinations
from scp_node.deliver.part10 import read_part10, reencoded
from scp_node.dimse.uids import COMPREHENSIVE_3D_SR, COMPREHENSIVE_SR
from tests.support.dicom.objects import small_file
from tests.support.dicom.sources import dx_full, lateral
from tests.support.node.delivering import settings_for
from tests.support.peers.dcmtk import running_storescp
from tests.support.peers.orthanc import Orthanc, running_orthanc
from tests.support.results.contents import a_content, analysed_film, declined_film, results_of

EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[Orthanc]:
    with running_orthanc(tmp_path / "orthanc", DicomCheckCalledAet=True) as archive:
        yield archive


@pytest.mark.peer("Orthanc")
def test_orthanc_stores_every_result_class_byte_for_byte(tmp_path: Path, orthanc: Orthanc) -> None:
    files = [small_file(tmp_path, uid) for uid in (COMPREHENSIVE_3D_SR, COMPREHENSIVE_SR, SECONDARY_CAPTURE)] * 2
    destinations = Destinations(settings_for({"pacs": ("ORTHANC", orthanc.dicom_port)}))
    outcomes = [destinations.send("pacs", path) for path in files]
    assert destinations.connections_opened("pacs") == 1
    destinations.close()
    assert [outcome.code for outcome in outcomes] == ["stored"] * 6  # the second time as well: sending is idempotent
    stored = {orthanc.tags(one)["SOPInstanceUID"]: orthanc.instance_bytes(one) for one in orthanc.wait_for_instances(3)}
    assert len(stored) == 3
    for path in files[:3]:
        file = read_part10(path)
        assert stored[file.sop_instance_uid].endswith(path.read_bytes()[file.dataset_offset :])


@pytest.mark.peer("Orthanc")
def test_orthanc_takes_every_kind_of_result_and_says_so(tmp_path: Path, orthanc: Orthanc) -> None:
    """What `results: auto` goes by is what this association has shown."""
    analysed, nothing = a_content([analysed_film(dx_full())]), a_content([declined_film(lateral())])
    built = {**results_of(analysed), "status": results_of(nothing)["status"]}
    results = [one.ds for kind in built.values() for one in kind]
    assert {name for name, found in built.items() if found} == set(RESULT_KINDS)
    destinations = Destinations(settings_for({"pacs": ("ORTHANC", orthanc.dicom_port)}))
    for number, ds in enumerate(results):
        path = tmp_path / f"{number}.dcm"
        path.write_bytes(to_bytes(ds))
        outcome = destinations.send("pacs", path)
        assert outcome.sent, outcome.message
        assert outcome.classes == {uid: True for kind in RESULT_KINDS.values() for uid in kind.sop_classes}
    destinations.close()
    found = [orthanc.tags(one)["SOPInstanceUID"] for one in orthanc.wait_for_instances(len(results))]
    assert sorted(found) == sorted(str(ds.SOPInstanceUID) for ds in results)


@pytest.mark.peer("Orthanc")
def test_an_orthanc_that_crashed_and_came_back_gets_the_next_result(tmp_path: Path, orthanc: Orthanc) -> None:
    destinations = Destinations(settings_for({"pacs": ("ORTHANC", orthanc.dicom_port)}))
    assert destinations.send("pacs", small_file(tmp_path)).sent
    orthanc.kill()
    assert destinations.send("pacs", small_file(tmp_path)).code == "connection-refused"
    orthanc.start()
    assert destinations.send("pacs", small_file(tmp_path)).sent
    destinations.close()
    orthanc.wait_for_instances(2)


@pytest.mark.peer("Orthanc")
def test_orthanc_with_another_name_rejects_and_the_outcome_says_which_key_to_correct(
    tmp_path: Path, orthanc: Orthanc
) -> None:
    destinations = Destinations(settings_for({"pacs": ("OTHER", orthanc.dicom_port)}))
    outcome = destinations.send("pacs", small_file(tmp_path))
    destinations.close()
    assert outcome.code == "rejected-called-ae"
    assert "ae_title" in outcome.message


@pytest.mark.peer("Orthanc")
def test_probing_orthanc_shows_what_it_takes(orthanc: Orthanc) -> None:
    found = Destinations(settings_for({"pacs": ("ORTHANC", orthanc.dicom_port)})).probe("pacs")
    assert found.reachable
    assert found.accepted[COMPREHENSIVE_3D_SR] == found.accepted[SECONDARY_CAPTURE] == (EXPLICIT, IMPLICIT)
    assert found.sr_class == COMPREHENSIVE_3D_SR


@pytest.mark.peer("storescp")
def test_storescp_writes_what_was_sent(tmp_path: Path) -> None:
    files = [small_file(tmp_path, uid) for uid in (COMPREHENSIVE_3D_SR, SECONDARY_CAPTURE)]
    with running_storescp(tmp_path / "scp") as archive:
        destinations = Destinations(settings_for({"pacs": ("STORESCP", archive.port)}))
        assert all(destinations.send("pacs", path).sent for path in files)
        assert destinations.connections_opened("pacs") == 1
        destinations.close()
        stored = {read_part10(path).sop_instance_uid: path.read_bytes() for path in archive.files()}
    assert len(stored) == 2
    for path in files:
        file = read_part10(path)
        assert stored[file.sop_instance_uid].endswith(path.read_bytes()[file.dataset_offset :])


@pytest.mark.peer("storescp")
def test_a_storescp_of_implicit_only_gets_implicit(tmp_path: Path) -> None:
    path = small_file(tmp_path)
    with running_storescp(tmp_path / "scp", "STORESCP", "+xi") as archive:
        destinations = Destinations(settings_for({"pacs": ("STORESCP", archive.port)}))
        found = destinations.probe("pacs")
        assert destinations.send("pacs", path).sent
        destinations.close()
        stored = read_part10(archive.files()[0])
    assert found.accepted[COMPREHENSIVE_3D_SR] == (IMPLICIT,)
    assert stored.transfer_syntax_uid == IMPLICIT
    with stored.open_dataset() as stream:
        assert stream.read() == reencoded(read_part10(path), IMPLICIT)


@pytest.mark.peer("storescp")
@pytest.mark.parametrize("option", ["--abort-after", "--abort-during"])
def test_a_storescp_that_aborts_is_tried_again(tmp_path: Path, option: str) -> None:
    with running_storescp(tmp_path / "scp", "STORESCP", option) as archive:
        destinations = Destinations(settings_for({"pacs": ("STORESCP", archive.port)}))
        outcome = destinations.send("pacs", small_file(tmp_path, SECONDARY_CAPTURE, side=400))
        destinations.close()
    assert outcome.verdict == "retry"
    assert outcome.code in ("aborted", "connection-lost")


@pytest.mark.peer("storescp")
def test_a_storescp_that_refuses_everything_is_tried_again(tmp_path: Path) -> None:
    with running_storescp(tmp_path / "scp", "STORESCP", "--refuse") as archive:
        destinations = Destinations(settings_for({"pacs": ("STORESCP", archive.port)}))
        outcome = destinations.send("pacs", small_file(tmp_path))
        destinations.close()
    assert outcome.verdict == "retry"
    assert outcome.code.startswith("rejected")
