"""Templates: what they give is, to the byte, what highdicom builds, for any study."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.filebase import DicomBytesIO
from pydicom.uid import Comprehensive3DSRStorage, ComprehensiveSRStorage

from converter.declined import Declined
from converter.package.concept import Concept
from converter.result import template
from converter.result.encode import to_bytes
from converter.result.film_names import film_name
from converter.result.findings import AnalysedImage, DeclinedImage, Finding, Region, StudyReport
from converter.result.provenance import heatmap_description
from converter.result.source_attributes import Charset
from converter.result.structured_report import build_structured_report
from converter.result.template import TEMPLATES_MAX, Template, Values, built, encoded, number_text
from tests.support.dicom.part10 import as_pydicom_writes
from tests.support.dicom.sources import CR_STORAGE, DX_STORAGE, SC_STORAGE, SOURCES, STUDY, as_read, dx_full, lateral
from tests.support.results.reports import ALGORITHM, a_heatmap, a_study_report, an_identity, an_image

NAMES = {
    None: "Doe^Jane",
    "ISO_IR 100": "Müller^Jürgen",
    "ISO_IR 126": "Διονυσιος^Αρης",
    "ISO_IR 192": "Doe^Jané=山田^太郎",
    ("", "ISO 2022 IR 87"): "Yamada^Tarou=山田^太郎=やまだ^たろう",
    ("", "ISO 2022 IR 149"): "Hong^Gildong=洪^吉洞=홍^길동",
}
TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
OPTIONAL = {
    "PatientName": None,
    "PatientSex": st.sampled_from(["M", "F", "O", ""]),
    "PatientBirthDate": st.sampled_from(["19600101", ""]),
    "AccessionNumber": st.text("ABC-0123456789", max_size=16),
    "StudyTime": st.sampled_from(["101112", "101112.123", ""]),
    "StudyDescription": st.text("Thorax pa-", max_size=30),
    "TimezoneOffsetFromUTC": st.sampled_from(["+0100", "-1115", "+0900"]),
    "Modality": st.sampled_from(["CR", "DX", "OT", "NO SUCH"]),
    "ImagerPixelSpacing": st.lists(st.floats(0.01, 2).map(lambda mm: f"{mm:.10f}"), min_size=2, max_size=2),
    "PatientOrientation": st.sampled_from([["L", "F"], ["A", "FR"], ["L"], ""]),
    "NumberOfFrames": st.sampled_from(["1", "3"]),
}


@st.composite
def sources(draw: st.DrawFn, number: int, charset: Any) -> Dataset:
    """A header of image `number` with some attributes missing."""
    ds = Dataset()
    if charset is not None:
        ds.SpecificCharacterSet = list(charset) if isinstance(charset, tuple) else charset
    ds.StudyInstanceUID, ds.SeriesInstanceUID = STUDY, f"{STUDY}.{draw(st.integers(1, 2))}"
    ds.SOPInstanceUID = f"{STUDY}.{number}.{draw(st.integers(0, 10**30))}"
    ds.PatientID = "PID-1"  # who states nothing is nobody's, and a report is on one patient
    ds.Rows, ds.Columns = draw(st.integers(1, 9999)), draw(st.integers(1, 9999))
    for keyword, values in OPTIONAL.items():
        if draw(st.booleans()):
            setattr(ds, keyword, NAMES[charset] if values is None else draw(values))
    # highdicom refuses a frame number for a class that has but one frame
    many = ds.get("NumberOfFrames") == 3
    ds.SOPClassUID = DX_STORAGE if many else draw(st.sampled_from([CR_STORAGE, DX_STORAGE, SC_STORAGE]))
    return as_read(ds)


@st.composite
def findings(draw: st.DrawFn, number: int) -> Finding:
    # the same codes with other meanings, so that one could be taken for the other
    concept = Concept(value=f"D{number}", scheme="99HILUM", meaning=draw(st.sampled_from(["Pneumonia", "Œdème", "A"])))
    probability = draw(st.floats(0, 1))
    threshold = draw(st.sampled_from([0.42, 0.5, 0.123456, 1.0]))
    corner = st.tuples(st.floats(0.5, 5000).map(lambda x: round(x, 2)), st.floats(0.5, 5000))
    outline = st.lists(corner, min_size=3, max_size=8).map(lambda points: Region((*points, points[0])))
    regions = tuple(draw(st.lists(outline, max_size=2)))
    return Finding(f"finding {number}", concept, probability, threshold, probability >= threshold, regions)


@st.composite
def reports(draw: st.DrawFn) -> StudyReport:
    charset = draw(st.sampled_from(list(NAMES)))
    count = draw(st.integers(1, 4))
    headers = [draw(sources(number, charset)) for number in range(1, count + 1)]
    declined = [DeclinedImage(ds, Declined("not-frontal", draw(TEXT))) for ds in headers if draw(st.booleans())]
    refused = {image.source.SOPInstanceUID for image in declined}
    images, heatmaps = [], {}
    for source in (ds for ds in headers if ds.SOPInstanceUID not in refused):
        found = tuple(draw(findings(number)) for number in range(draw(st.integers(1, 5))))
        images.append(AnalysedImage(source, found, tuple(draw(st.lists(TEXT, max_size=2)))))
        if draw(st.booleans()):
            heatmap = Dataset()
            heatmap.SOPClassUID, heatmap.SOPInstanceUID = SC_STORAGE, f"2.25.{draw(st.integers(1, 10**37))}"
            heatmap.SeriesInstanceUID = f"2.25.{draw(st.integers(1, 10**37))}"
            heatmap.SeriesDescription = heatmap_description(draw(st.sampled_from(found)), film_name(source))
            heatmaps[source.SOPInstanceUID] = heatmap
    predecessors = draw(st.sampled_from([(), ((Comprehensive3DSRStorage, "2.25.7", "2.25.8"),)]))
    identity = an_identity(STUDY, draw(st.integers(1, 12)))
    return StudyReport(identity, ALGORITHM, tuple(images), tuple(declined), heatmaps, predecessors)


@seed(20261101)
@settings(max_examples=120, deadline=None)
@given(
    reports(), st.sampled_from(["source", "utf8"]), st.sampled_from([Comprehensive3DSRStorage, ComprehensiveSRStorage])
)
def test_a_report_is_to_the_byte_what_highdicom_builds(report: StudyReport, charset: Charset, sop_class: str) -> None:
    expected = as_pydicom_writes(build_structured_report(report, sop_class, charset, built))
    assert to_bytes(build_structured_report(report, sop_class, charset)) == expected


@pytest.mark.parametrize("name", SOURCES)
def test_its_elements_read_as_those_of_highdicom(name: str) -> None:
    report = a_study_report([an_image(SOURCES[name](), 0.9512, 0.03)], [lateral()])
    expected = build_structured_report(report, Comprehensive3DSRStorage, "source", built)
    read = dcmread(DicomBytesIO(to_bytes(build_structured_report(report, Comprehensive3DSRStorage, "source"))))
    assert read == dcmread(DicomBytesIO(to_bytes(expected)))


def test_a_report_that_somebody_changes_leaves_the_next_one_as_it_was() -> None:
    report = a_study_report([an_image(dx_full())])
    first = build_structured_report(report, Comprehensive3DSRStorage, "source")
    before = to_bytes(first)
    first.Manufacturer = "ACME"
    first.ContentSequence[0].ConceptCodeSequence[0].CodeMeaning = "Klingon"
    assert to_bytes(first) != before
    assert to_bytes(build_structured_report(report, Comprehensive3DSRStorage, "source")) == before


def test_threads_that_start_without_templates_build_the_same_report() -> None:
    report = a_study_report([an_image(dx_full(), 0.9512, 0.03)], [lateral()])
    expected = to_bytes(build_structured_report(report, Comprehensive3DSRStorage, "source", built))
    template._template.cache_clear()
    with ThreadPoolExecutor(8) as threads:
        jobs = [
            threads.submit(lambda: to_bytes(build_structured_report(report, Comprehensive3DSRStorage, "source")))
            for _ in range(16)
        ]
        assert {job.result() for job in jobs} == {expected}


def _numbered(kind: int, values: Values) -> Dataset:
    ds = Dataset()
    ds.SeriesNumber, ds.StudyInstanceUID = kind, values["study_uid"]
    return ds


def test_there_are_never_more_templates_than_the_bound() -> None:
    for kind in range(TEMPLATES_MAX + 5):
        assert encoded(_numbered, kind, {"study_uid": "1.2.3"}).data
    assert template._template.cache_info().currsize == TEMPLATES_MAX
    template._template.cache_clear()


def test_a_part_that_hides_one_of_its_values_is_refused() -> None:
    part = _numbered(1, {"study_uid": "1.2.3"})
    with pytest.raises(ValueError, match="series_uid"):
        Template.of(part, {"study_uid": "1.2.3", "series_uid": "1.2.4"})


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (512, "512"),
        (0.143, "0.143"),
        (95.1, "95.1"),
        (1 / 7, "0.14285714285714"),
        (10**300, "1e+300"),
        (-(10**14), "-100000000000000"),
    ],
)
def test_a_number_fits_into_a_decimal_string(number: float, text: str) -> None:
    assert number_text(number) == text


def test_a_heat_map_whose_equipment_comes_from_a_template_reads_like_the_report_of_it() -> None:
    image = an_image(dx_full())
    report = build_structured_report(a_study_report([image]), Comprehensive3DSRStorage, "source")
    heatmap = a_heatmap(image)
    for keyword in ("Manufacturer", "SoftwareVersions", "ContributingEquipmentSequence", "ContentTime"):
        assert heatmap[keyword] == report[keyword]
