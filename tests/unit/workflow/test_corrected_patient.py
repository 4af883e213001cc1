"""A study whose patient was corrected is reported anew, and a rejection note names the results of before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread

from converter.result.content_items import children
from scp_node.ledger import ResultRow
from scp_node.monitoring.reproduce import ReproductionSource, overall, reproduce
from scp_node.workflow.services import Services
from tests.support.ledger.node_data import NodeFolder, films, node_folder, working

STUDY = "1.2.3.1"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[NodeFolder]:
    one = node_folder(tmp_path / "node")
    document = json.loads(one.config.read_text())
    document["routes"][0]["results"] = ["sr", "kos"]
    one.config.write_text(json.dumps(document))
    yield one
    one.ledger.engine.dispose()


def reported(node: NodeFolder, services: Services, *objects: Dataset) -> list[ResultRow]:
    """The results of the report that follows."""
    node.receive(*objects)
    node.work(services)
    with node.ledger.reading() as tx:
        return tx.results.of_report(tx.reports.of_study(STUDY)[-1].id)


def note_in(node: NodeFolder, results: list[ResultRow]) -> Dataset | None:
    documents = (dcmread(node.spool.path(one.spool_name)) for one in results if one.kind == "kos")
    return next((one for one in documents if one.ConceptNameCodeSequence[0].CodeValue == "113038"), None)


def named_in(note: Dataset) -> set[str]:
    items = (item for item in children(note) if "ReferencedSOPSequence" in item)
    return {str(item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID) for item in items}


def report_in(node: NodeFolder, results: list[ResultRow]) -> Dataset:
    return next(dcmread(node.spool.path(one.spool_name)) for one in results if one.kind == "sr")


def predecessors(sr: Dataset) -> set[str]:
    return {
        str(one.ReferencedSOPInstanceUID)
        for study in sr.get("PredecessorDocumentsSequence") or ()
        for series in study.ReferencedSeriesSequence
        for one in series.ReferencedSOPSequence
    }


def corrected(*objects: Dataset, name: str = "Phantom^Corrected") -> tuple[Dataset, ...]:
    for ds in objects:
        ds.PatientName = name
    return objects


def uids(results: list[ResultRow]) -> set[str]:
    return {one.sop_instance_uid for one in results}


def test_a_new_film_makes_a_report_that_names_its_predecessor_and_rejects_nothing(node: NodeFolder) -> None:
    first, second = films(2)
    with working(node) as services:
        before = reported(node, services, first)
        now = reported(node, services, second)
    sr = report_in(node, now)
    assert predecessors(sr) == {one.sop_instance_uid for one in before if one.kind == "sr"}
    assert note_in(node, now) is None


def test_results_of_before_a_correction_are_rejected_once(node: NodeFolder) -> None:
    first, second = films(2)
    with working(node) as services:
        of_one = reported(node, services, first)
        of_both = reported(node, services, second)
        corrections = reported(node, services, *corrected(*films(2)))
        note = note_in(node, corrections)
        assert note is not None and note.PatientName == "Phantom^Corrected" and note.StudyInstanceUID == STUDY
        assert named_in(note) == uids(of_one) | uids(of_both)
        sr = report_in(node, corrections)
        assert sr.PatientName == "Phantom^Corrected"
        assert predecessors(sr) == {one.sop_instance_uid for one in of_both if one.kind == "sr"}
        again = reported(node, services, *corrected(*films(2), name="Phantom^Again"))
        later = note_in(node, again)
        assert later is not None and named_in(later) == uids(corrections)


def test_a_rejection_note_comes_out_the_same_when_it_is_built_again(node: NodeFolder) -> None:
    with working(node) as services:
        reported(node, services, *films(1))
        results = reported(node, services, *corrected(*films(1)))
        note = note_in(node, results)
        assert note is not None
        source = ReproductionSource(node.settings, node.ledger, node.spool, services.models, services.decode_pool)
        assert overall(list(reproduce(source, str(note.SOPInstanceUID)))) == "same"
