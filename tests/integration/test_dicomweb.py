"""DICOMweb with an archive of other makers (Orthanc and its plugin): results go there by STOW-RS, it says that it holds
them, a study comes from it by WADO-RS, and its own client sends to this node."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scp_node.deliver.http.dicomweb.searching import held_by_qido
from scp_node.deliver.outcomes import Verdict
from scp_node.ledger import Ledger
from scp_node.receive.dicomweb_source import fetch_study
from tests.support.dicom.phantoms import make_dx
from tests.support.node.dicomweb import a_result, result_file, sent_to_vna, settings_to_vna, vna_of
from tests.support.node.node import RunningNode, running_node
from tests.support.peers.modality import store
from tests.support.peers.orthanc import Orthanc, running_dicomweb_orthanc
from tests.support.waiting import until
from tests.support.web.stow import a_film, stored_in, stow_node, token_of

pytestmark = pytest.mark.peer("Orthanc")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with running_dicomweb_orthanc(tmp_path_factory.mktemp("archive")) as one:
        yield one


def test_a_result_is_stored_once_and_held(archive: Orthanc, tmp_path: Path) -> None:
    ds = a_result(rows=800, columns=600, seed=41)
    path, settings = result_file(tmp_path, ds), settings_to_vna(archive.dicomweb_url)
    uids = (str(ds.StudyInstanceUID), str(ds.SeriesInstanceUID), str(ds.SOPInstanceUID))
    assert held_by_qido(vna_of(settings), *uids).state == "not-held"
    for _ in range(2):
        outcome = sent_to_vna(settings, path)
        assert (outcome.verdict, outcome.code) == (Verdict.SENT, "stored")
    assert held_by_qido(vna_of(settings), *uids).state == "held"
    assert held_by_qido(vna_of(settings), *uids[:2], "1.2.3").state == "not-held"
    assert held_by_qido(vna_of(settings), uids[0], "1.2.3", uids[2]).state == "not-held"
    (found,) = archive.find("Instance", SOPInstanceUID=uids[2])
    assert archive.instance_bytes(found) == path.read_bytes()


def test_what_it_cannot_take_is_a_dead_letter_and_a_wrong_address_is_not(archive: Orthanc, tmp_path: Path) -> None:
    path = result_file(tmp_path, a_result(rows=64, columns=64, seed=42))
    path.write_bytes(path.read_bytes()[:-3000])
    assert sent_to_vna(settings_to_vna(archive.dicomweb_url), path).verdict is Verdict.DEAD
    whole = result_file(tmp_path, a_result())
    elsewhere = sent_to_vna(settings_to_vna(archive.dicomweb_url.replace("/dicom-web", "/pacs")), whole)
    assert (elsewhere.verdict, elsewhere.code) == (Verdict.RETRY, "http-not-found")


def test_a_study_comes_from_the_archive(archive: Orthanc, tmp_path: Path, ledger: Ledger) -> None:
    study = "1.2.826.0.1.3680043.10.1398.6"
    films = [a_film(seed, StudyInstanceUID=study, PatientID="FETCHED") for seed in (51, 52, 53)]
    for one in films:
        archive.add(one)
    settings = settings_to_vna(archive.dicomweb_url)
    with stow_node(tmp_path, ledger) as node:
        for _ in range(2):
            found = fetch_study(vna_of(settings), node.store, settings, study)
            assert found.is_whole and set(found.stored) == {str(one.SOPInstanceUID) for one in films}
        assert set(stored_in(node)) == set(found.stored)
        missing = fetch_study(vna_of(settings), node.store, settings, "1.2.3.4")
        assert (missing.code, missing.stored) == ("http-not-found", ())


def test_its_own_client_sends_to_this_node(tmp_path: Path, ledger: Ledger) -> None:
    with stow_node(tmp_path, ledger) as node:
        server = {
            "Url": f"http://127.0.0.1:{node.port}/dicom-web/",
            "HttpHeaders": {"Authorization": f"Bearer {token_of(ledger)}"},
        }
        web = {"Enable": True, "Servers": {"hilum": server}}
        with running_dicomweb_orthanc(tmp_path / "orthanc", DicomWeb=web) as sender:
            films = [a_film(seed) for seed in (61, 62)]
            for one in films:
                sender.add(one)
            sender.post("/dicom-web/servers/hilum/stow", {"Resources": sender.instances(), "Synchronous": True})
        assert set(stored_in(node)) == {str(one.SOPInstanceUID) for one in films}


def deliveries(node: RunningNode) -> dict[str, set[str]]:
    """States by destination."""
    ledger = node.ledger()
    with ledger.reading() as tx:
        rows = tx.connection.exec_driver_sql("SELECT destination, state FROM hilum_delivery").all()
    ledger.engine.dispose()
    return {name: {state for one, state in rows if one == name} for name, _ in rows}


def test_a_node_delivers_to_an_archive_that_was_away(tmp_path: Path) -> None:
    ds = make_dx(seed=71)
    with running_dicomweb_orthanc(tmp_path / "vna") as archive:
        archive.stop()
        systems = {"vna": {"kind": "dicomweb", "url": archive.dicomweb_url}}
        route = {"name": "chest", "model": "pneumonia", "to": ["vna"]}
        with running_node(tmp_path / "node", {"pacs": ("NOBODY", 104)}, systems=systems, routes=[route]) as node:
            assert store(node.port, [ds]) == [0x0000]
            until(lambda: deliveries(node).get("vna") == {"failed"}, node.log, 90)
            archive.start()
            until(lambda: deliveries(node).get("vna") == {"sent"}, node.log, 90)
            held = archive.objects_of_study(str(ds.StudyInstanceUID), pixels=False)
    assert "SR" in {one.Modality for one in held}
