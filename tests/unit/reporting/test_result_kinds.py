"""A kind of result is a module and a row: what the table has is set, built, sent and rehearsed without another line."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

import pytest
from pydicom import Dataset
from pydicom.uid import EncapsulatedPDFStorage

from converter.package.manifest import load_manifest
from converter.result.kinds.content import BuiltResult, StudyContent
from converter.result.kinds.table import DEFAULT_KINDS, RESULT_KINDS, ResultKind
from scp_node.ledger import ResultRow
from scp_node.reporting.rehearsal import rehearse
from scp_node.settings import Report, Settings
from scp_node.settings.reference import reference_text
from tests.support.dicom.phantoms import make_dx
from tests.support.ledger.studies import SETTINGS, report_study, worker_services
from tests.support.models.tiny_model import TINY

LETTER = ResultKind("letter", "a letter", "write_letter", {EncapsulatedPDFStorage: "Encapsulated PDF"}, "letter_kind")


def letter_module() -> ModuleType:
    """As somebody would write one: the same names as the other kinds have."""
    module = ModuleType(LETTER.module)

    def build(content: StudyContent, built: Mapping[str, Sequence[BuiltResult]]) -> list[BuiltResult]:
        report = built["sr"][0].ds
        ds = Dataset()
        ds.StudyInstanceUID = report.StudyInstanceUID
        ds.SOPClassUID, ds.SOPInstanceUID = EncapsulatedPDFStorage, f"{report.SOPInstanceUID}.9"[:64]
        ds.SeriesInstanceUID, ds.file_meta = f"{report.SeriesInstanceUID}.9"[:64], report.file_meta
        ds.DocumentTitle = f"{len(content.images)} images"
        return [BuiltResult(ds)]

    module.build = build  # type: ignore[attr-defined]
    module.told = lambda built, sizes: f"{len(built)} letters"  # type: ignore[attr-defined]
    module.as_class = lambda ds, refused: None  # type: ignore[attr-defined]
    return module


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> None:
    """The row, and the module that it names."""
    monkeypatch.setitem(RESULT_KINDS, LETTER.name, LETTER)
    monkeypatch.setitem(sys.modules, LETTER.module, letter_module())


@pytest.mark.usefixtures("letters")
def test_a_new_kind_is_built_and_entered_by_its_row_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    route = SETTINGS.routes[0].model_copy(update={"results": ["sr", "letter"]})
    monkeypatch.setattr("tests.support.ledger.studies.SETTINGS", SETTINGS.model_copy(update={"routes": [route]}))
    with worker_services(tmp_path) as services:
        results = report_study(services, 1, make_dx(rows=128, columns=128))
        with services.ledger.reading() as tx:
            told = {event.step: event.outcome for event in tx.events.of_study("1.2.3.1")}
    assert kinds(results) == ["letter", "sr"]
    assert told["write_letter"] == "1 letters" and "build_heatmaps" not in told
    assert next(one for one in results if one.kind == "letter").sop_class_uid == EncapsulatedPDFStorage


@pytest.mark.usefixtures("letters")
def test_a_new_kind_is_rehearsed() -> None:
    assert rehearse(load_manifest(TINY / "manifest.yaml"), "HILUM", Report()) > 3


def test_what_no_route_asks_for_is_not_rehearsed() -> None:
    manifest = load_manifest(TINY / "manifest.yaml")
    assert rehearse(manifest, "HILUM", Report(), {"sr"}) == 3
    assert rehearse(manifest, "HILUM", Report(), {"sr", "pdf"}) == 6


def test_the_settings_know_each_kind_and_no_other() -> None:
    assert set(DEFAULT_KINDS) <= set(RESULT_KINDS)
    page = reference_text()
    assert all(name in page for name in RESULT_KINDS)
    document = SETTINGS.model_dump(by_alias=True, mode="json")
    document["routes"][0]["results"] = ["fax"]
    with pytest.raises(ValueError, match="results"):
        Settings.model_validate_json(json.dumps(document))


@pytest.mark.parametrize("kind", RESULT_KINDS.values(), ids=RESULT_KINDS)
def test_every_kind_has_a_module_with_the_same_names(kind: ResultKind) -> None:
    module = kind.load()
    assert all(callable(getattr(module, name)) for name in ("build", "told", "as_class"))
    assert kind.sop_classes and kind.summary


def kinds(results: Sequence[ResultRow]) -> list[str]:
    return sorted(one.kind for one in results)
