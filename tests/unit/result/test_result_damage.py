"""Results damaged on purpose: validators pass many of these, so our own assertions have to notice every one."""

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import Comprehensive3DSRStorage

from converter.result.encode import to_bytes
from converter.result.structured_report import build_structured_report
from tests.support.dicom.part10 import undecoded
from tests.support.dicom.sources import cr_japanese, dx_full, lateral
from tests.support.results.report_content import walk
from tests.support.results.reports import a_heatmap, a_study_report, an_image
from tests.support.results.result_assertions import heatmap_problems, report_problems

Damage = Callable[[Dataset], object]


def _read(ds: Dataset) -> Dataset:
    return dcmread(BytesIO(to_bytes(ds)))


def _items(sr: Dataset, code: str) -> list[Dataset]:
    return [item for item in walk(sr) if item.ConceptNameCodeSequence[0].CodeValue == code]


def _parents(item: Dataset) -> Iterator[Dataset]:
    if item.get("ContentSequence"):
        yield item
        for child in item.ContentSequence:
            yield from _parents(child)


def _remove(code: str) -> Damage:
    """Take the first content item of that name out of the tree."""

    def damage(sr: Dataset) -> None:
        victim = _items(sr, code)[0]
        for parent in _parents(sr):
            parent.ContentSequence = [child for child in parent.ContentSequence if child is not victim]

    return damage


def _number(value: str) -> Damage:
    return lambda sr: setattr(_items(sr, "122157")[0].MeasuredValueSequence[0], "NumericValue", value)


def _text(code: str, value: str) -> Damage:
    return lambda sr: setattr(_items(sr, code)[0], "TextValue", value)


def _set(keyword: str, value: object) -> Damage:
    return lambda ds: setattr(ds, keyword, value)


def _drop(keyword: str) -> Damage:
    return lambda ds: delattr(ds, keyword)


def _scoord(sr: Dataset) -> Dataset:
    return next(item for item in walk(sr) if item.ValueType == "SCOORD")


def _region(sr: Dataset) -> Dataset:
    return next(item for item in _items(sr, "111030") if item.ValueType == "SCOORD")


def _replace_text(sr: Dataset, code: str, old: str, new: str) -> None:
    item = _items(sr, code)[0]
    item.TextValue = item.TextValue.replace(old, new)


def _decision(sr: Dataset) -> Any:
    return _items(sr, "233604007")[0].ConceptCodeSequence[0]


def _evidence(sr: Dataset) -> Any:
    return sr.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]


def _same_tracking(sr: Dataset) -> None:
    first, second = _items(sr, "112040")[:2]
    second.UID = first.UID


def _without_notice(sr: Dataset) -> None:
    for item in _items(sr, "121106")[1:]:
        item.TextValue = "x"


def _equipment(ds: Dataset) -> Any:
    return ds.ContributingEquipmentSequence[0]


def _rename_patient(ds: Dataset) -> None:
    ds.PatientName = "Somebody^Else"


IDENTITY_DAMAGES: dict[str, Damage] = {
    "another patient's name": _rename_patient,
    "another patient's id": _set("PatientID", "PID-2"),
    "the name as question marks": _set("PatientName", "Yamada^Tarou=??^??"),
    "another birth date": _set("PatientBirthDate", "19600102"),
    "sex lost": _set("PatientSex", ""),
    "accession number dropped": _drop("AccessionNumber"),
    "issuer dropped": _drop("IssuerOfPatientID"),
    "study description changed": _set("StudyDescription", "Thorax"),
    "another study": _set("StudyInstanceUID", "1.2.3"),
    "the source's series": _set("SeriesInstanceUID", dx_full().SeriesInstanceUID),
    "another character set": _set("SpecificCharacterSet", "ISO_IR 100"),
    "another manufacturer": _set("Manufacturer", "ACME"),
    "no contributing equipment": _drop("ContributingEquipmentSequence"),
    "contributing equipment of another maker": lambda ds: setattr(_equipment(ds), "ManufacturerModelName", "X"),
    "another series description": _set("SeriesDescription", "Report"),
    "not marked as research": _set("ContentQualification", "PRODUCT"),
    "a UID of nobody": _set("SOPInstanceUID", "1.2.3"),
    "no software version": _drop("SoftwareVersions"),
}
REPORT_DAMAGES: dict[str, Damage] = {
    **IDENTITY_DAMAGES,
    "final": _set("PreliminaryFlag", "FINAL"),
    "verified": _set("VerificationFlag", "VERIFIED"),
    "a measurement group removed": _remove("125007"),
    "finding removed": _remove("121071"),
    "probability removed": _remove("122157"),
    "probability of 250 %": _number("250"),
    "negative probability": _number("-1"),
    "probability below the threshold, still present": _number("12.0"),
    "probability without decision": _remove("233604007"),
    "decision turned": lambda sr: setattr(_decision(sr), "CodeMeaning", "Absent"),
    "algorithm name removed": _remove("111001"),
    "algorithm version removed": _remove("111003"),
    "algorithm version without the hash": _text("111003", "1.0.0"),
    "threshold removed": _text("111002", "none"),
    "tracking identifier removed": _remove("112039"),
    "tracking UID removed": _remove("112040"),
    "tracking UID used twice": _same_tracking,
    "region removed": _remove("111030"),
    "a region without its verdict": lambda sr: setattr(_scoord(sr), "GraphicData", [1.0, 1.0, 9.0, 1.0]),
    "the verdict in words turned": _text("121106", "Pneumonia ABSENT 95.1 %"),
    "the verdict in words of another probability": _text("121106", "Pneumonia PRESENT 59.1 %"),
    "the summary removed": _remove("121111"),
    "the summary of another number of films": _text("121111", "Pneumonia PRESENT 95.1 %. Priority: raised. 9 films."),
    "the summary without a priority": lambda sr: _replace_text(sr, "121111", "Priority: raised.", ""),
    "a region counted as a second finding": lambda sr: _items(sr, "125007")[1].ContentSequence.append(
        _items(sr, "122157")[0]
    ),
    "a region of a film that was not analysed": lambda sr: setattr(
        _region(sr).ContentSequence[0].ReferencedSOPSequence[0], "ReferencedSOPInstanceUID", "1.2.3"
    ),
    "a region outside the frame": lambda sr: setattr(
        _region(sr), "GraphicData", [0.0, 0.0, 900.0, 0.0, 900.0, 9.0, 0.0, 0.0]
    ),
    "a region not closed": lambda sr: setattr(_region(sr), "GraphicData", [1.0, 1.0, 9.0, 1.0, 9.0, 9.0]),
    "an empty container of measurements": lambda sr: setattr(_items(sr, "126010")[0], "ContentSequence", []),
    "region outside the frame": lambda sr: setattr(
        _scoord(sr), "GraphicData", [0.0, 0.0, 900.0, 0.0, 900.0, 9.0, 0.0, 0.0]
    ),
    "region not closed": lambda sr: setattr(_scoord(sr), "GraphicData", [1.0, 1.0, 9.0, 1.0, 9.0, 9.0]),
    "region of no area": lambda sr: setattr(_scoord(sr), "GraphicData", [1.0, 1.0, 9.0, 1.0, 1.0, 1.0]),
    "region of another image": lambda sr: setattr(
        _scoord(sr).ContentSequence[0].ReferencedSOPSequence[0], "ReferencedSOPInstanceUID", "1.2.3"
    ),
    "heat map not shown": _remove("121200"),
    "Image Library removed": _remove("111028"),
    "language removed": _remove("121049"),
    "observer removed": _remove("121012"),
    "procedure removed": _remove("121058"),
    "an image missing from the evidence": lambda sr: _evidence(sr).ReferencedSOPSequence.pop(0),
    "evidence of another series": lambda sr: setattr(_evidence(sr), "SeriesInstanceUID", "1.2.3"),
    "another title": lambda sr: setattr(sr.ConceptNameCodeSequence[0], "CodeValue", "126001"),
    "a declined image not mentioned": _remove("111065"),
    "a declined image without its reason": _text("121106", "Not analysed"),
    "the notice removed": _without_notice,
}
HEATMAP_DAMAGES: dict[str, Damage] = {
    **IDENTITY_DAMAGES,
    "burnt-in annotation denied": _set("BurnedInAnnotation", "NO"),
    "a modality that would be analysed": _set("Modality", "CR"),
    "original pixels claimed": _set("ImageType", ["ORIGINAL", "PRIMARY"]),
    "pixels cut off": lambda sc: setattr(sc, "PixelData", sc.PixelData[:-100]),
    "another source image": lambda sc: setattr(sc.SourceImageSequence[0], "ReferencedSOPInstanceUID", "1.2.3"),
    "no source image": _drop("SourceImageSequence"),
    "no derivation": _drop("DerivationDescription"),
    "no referenced series": _drop("ReferencedSeriesSequence"),
    "a frame of reference": _set("FrameOfReferenceUID", "1.2.3"),
    "no body part": _drop("BodyPartExamined"),
}


@pytest.fixture
def report() -> tuple[Dataset, Dataset]:
    built = a_study_report([an_image(dx_full(), 0.9512, 0.0312)], [lateral()])
    sr = build_structured_report(built, Comprehensive3DSRStorage, "source")
    return _read(sr), built.heatmaps[dx_full().SOPInstanceUID]


@pytest.mark.parametrize("name", REPORT_DAMAGES)
def test_damage_to_a_report_is_noticed(report: tuple[Dataset, Dataset], name: str) -> None:
    sr, heatmap = report
    assert report_problems(sr, [dx_full()], [lateral()], [heatmap]) == []
    REPORT_DAMAGES[name](sr)
    assert report_problems(sr, [dx_full()], [lateral()], [heatmap])


@pytest.mark.parametrize("name", HEATMAP_DAMAGES)
def test_damage_to_a_heat_map_is_noticed(name: str) -> None:
    sc = _read(a_heatmap(an_image(dx_full())))
    assert heatmap_problems(sc, dx_full()) == []
    HEATMAP_DAMAGES[name](sc)
    assert heatmap_problems(sc, dx_full())


def test_a_japanese_name_that_was_encoded_anew_is_noticed() -> None:
    sc = _read(a_heatmap(an_image(cr_japanese())))
    name = undecoded(sc, "PatientName")
    assert name.value is not None
    sc["PatientName"] = name._replace(value=name.value.replace(b"\x1b(B", b"\x1b(J"))
    assert heatmap_problems(sc, cr_japanese())


def test_a_report_on_other_images_is_noticed(report: tuple[Dataset, Dataset]) -> None:
    sr, heatmap = report
    assert report_problems(sr, [dx_full(99)], [lateral()], [heatmap])
    assert report_problems(sr, [dx_full()], [], [heatmap])
    assert report_problems(sr, [dx_full(), dx_full(99)], [lateral()], [heatmap])
