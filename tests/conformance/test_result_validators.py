"""Other people's validators find no error in our results, over all kinds of sources and both SR classes.

What a source has wrong about who its patient is stays wrong, because it is copied to the byte; those errors are named
here. All else that it has wrong is tried by test_damaged_headers.py.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.uid import Comprehensive3DSRStorage, ComprehensiveSRStorage

from converter.result.encode import to_bytes
from converter.result.place import Place
from converter.result.source_attributes import Charset
from converter.result.structured_report import build_structured_report
from tests.support.dicom.slices import make_mr
from tests.support.dicom.sources import SOURCES, cr_japanese, cr_with_holes, dx_full, lateral
from tests.support.peers.validators import SR_VALIDATORS, dciodvfy, pixelmed
from tests.support.results.documents import a_pdf
from tests.support.results.reports import a_heatmap, a_report, a_study_report, an_image, placed

INHERITED = {"CR undeclared bytes": "PatientName"}
SR_CLASSES = {"3D": Comprehensive3DSRStorage, "2D": ComprehensiveSRStorage}


def _one_of(name: str, charset: Charset = "source") -> Callable[[str], Dataset]:
    return lambda sop_class_uid: a_report([an_image(SOURCES[name]())], [lateral()], sop_class_uid, charset)


def _later(sop_class_uid: str) -> Dataset:
    predecessor = (str(Comprehensive3DSRStorage), "2.25.7", "2.25.8")
    report = a_study_report([an_image(dx_full())], predecessors=(predecessor,), revision=2)
    return build_structured_report(report, sop_class_uid, "source")


def _many(sop_class_uid: str) -> Dataset:
    images = [an_image(dx_full(1), 0.9512, 0.0312), an_image(dx_full(11), 0.2, 0.8, notes=("the age is unknown",))]
    return a_report([*images, an_image(cr_with_holes())], [lateral(10), lateral(12)], sop_class_uid)


def _declined_only(sop_class_uid: str) -> Dataset:
    return a_report([], [lateral(10), lateral(12)], sop_class_uid)


def _negative(sop_class_uid: str) -> Dataset:
    return a_report([an_image(cr_japanese(), 0.03)], [], sop_class_uid)


def _placed(sop_class_uid: str) -> Dataset:
    """Findings in either lung, in both, and outside them."""
    places = (Place(right=("lower",)), Place(left=("upper", "middle")), Place(("lower",), ("middle",)), Place())
    images = [an_image(dx_full(number)) for number in (1, 11, 13, 15)]
    moved = [
        replace(image, findings=tuple(placed(found, place) for found in image.findings))
        for image, place in zip(images, places, strict=True)
    ]
    return a_report(moved, [], sop_class_uid)


def _slice(sop_class_uid: str) -> Dataset:
    source = make_mr()
    del source.PixelData
    return a_report([an_image(source, 0.7)], [], sop_class_uid)


REPORTS: dict[str, Callable[[str], Dataset]] = {
    **{name: _one_of(name) for name in SOURCES},
    **{f"{name}, in UTF-8": _one_of(name, "utf8") for name in ("CR Japanese", "CR Korean", "CR Latin-1")},
    "with predecessor": _later,
    "several images and findings": _many,
    "declined only": _declined_only,
    "negative": _negative,
    "MR slice": _slice,
    "places in the lungs": _placed,
}


def _file(tmp_path: Path, ds: Dataset) -> Path:
    path = tmp_path / "result.dcm"
    path.write_bytes(to_bytes(ds))
    return path


def _own(name: str, problems: list[str]) -> list[str]:
    return [problem for problem in problems if name not in INHERITED or INHERITED[name] not in problem]


@pytest.mark.parametrize("validator", [pytest.param(name, marks=pytest.mark.peer(name)) for name in SR_VALIDATORS])
@pytest.mark.parametrize("sop_class", SR_CLASSES)
@pytest.mark.parametrize("name", REPORTS)
def test_no_error_in_a_report(tmp_path: Path, name: str, sop_class: str, validator: str) -> None:
    path = _file(tmp_path, REPORTS[name](SR_CLASSES[sop_class]))
    assert _own(name, SR_VALIDATORS[validator](path)) == []


@pytest.mark.peer("DicomSRValidator")
@pytest.mark.parametrize(
    ("name", "sop_class"),
    [
        ("several images and findings", "3D"),
        ("CR Japanese", "2D"),
        ("with predecessor", "2D"),
        ("declined only", "3D"),
        ("MR slice", "3D"),
    ],
)
def test_the_tree_follows_tid_1500_row_by_row(tmp_path: Path, name: str, sop_class: str) -> None:
    assert pixelmed(_file(tmp_path, REPORTS[name](SR_CLASSES[sop_class]))) == []


@pytest.mark.peer("DicomSRValidator")
def test_pixelmed_would_say_so_if_the_tree_were_wrong(tmp_path: Path) -> None:
    sr = a_report([an_image(dx_full())])
    measurements = next(item for item in sr.ContentSequence if item.ConceptNameCodeSequence[0].CodeValue == "126010")
    for item in measurements.ContentSequence[0].ContentSequence:
        if item.ConceptNameCodeSequence[0].CodeValue == "370129005":
            item.RelationshipType = "CONTAINS"
    assert pixelmed(_file(tmp_path, sr))


@pytest.mark.peer("dciodvfy")
@pytest.mark.parametrize("charset", ["source", "utf8"])
@pytest.mark.parametrize("name", SOURCES)
def test_no_error_in_a_heat_map(tmp_path: Path, name: str, charset: Charset) -> None:
    assert _own(name, dciodvfy(_file(tmp_path, a_heatmap(an_image(SOURCES[name]()), charset)))) == []


@pytest.mark.peer("dciodvfy")
@pytest.mark.parametrize("body_part", ["CHEST", "THORAX", "LUNG", "RIBS"])
def test_no_error_in_a_heat_map_whatever_the_body_part_is_called(tmp_path: Path, body_part: str) -> None:
    source = dx_full()
    source.BodyPartExamined = body_part
    assert dciodvfy(_file(tmp_path, a_heatmap(an_image(source)))) == []


@pytest.mark.peer("dciodvfy")
@pytest.mark.parametrize("charset", ["source", "utf8"])
@pytest.mark.parametrize("name", SOURCES)
def test_no_error_in_an_encapsulated_pdf(tmp_path: Path, name: str, charset: Charset) -> None:
    assert _own(name, dciodvfy(_file(tmp_path, a_pdf([SOURCES[name](), lateral()], charset)))) == []
