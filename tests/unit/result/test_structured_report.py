"""The Structured Report over every kind of source: our own assertions carry the proof."""

import os
import re
import subprocess
import sys
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import DataElement, Dataset, dcmread
from pydicom.config import IGNORE
from pydicom.uid import Comprehensive3DSRStorage, ComprehensiveSRStorage, EnhancedSRStorage

from converter.errors import Unreportable
from converter.result.encode import to_bytes
from converter.result.findings import AnalysedImage, Finding
from converter.result.source_attributes import Charset
from converter.result.structured_report import as_comprehensive, build_structured_report, comprehensive_uid
from tests.support.checkout import CHECKOUT
from tests.support.dicom.sources import SOURCES, STUDY, as_read, cr_japanese, cr_with_holes, dx_full, lateral
from tests.support.results.report_content import groups, has_concept, walk
from tests.support.results.reports import (
    OPACITY,
    PNEUMONIA,
    a_finding,
    a_heatmap,
    a_report,
    a_study_report,
    an_image,
)
from tests.support.results.result_assertions import assert_report

WHY = "(the view is lateral or oblique)"


def _read(ds: Dataset) -> Dataset:
    """The report as an archive would hand it back."""
    return dcmread(BytesIO(to_bytes(ds)))


def _texts(sr: Dataset) -> list[str]:
    return [str(item.TextValue) for item in walk(sr) if item.ValueType == "TEXT"]


@pytest.mark.parametrize("sop_class_uid", [Comprehensive3DSRStorage, ComprehensiveSRStorage])
@pytest.mark.parametrize("charset", ["source", "utf8"])
@pytest.mark.parametrize("name", SOURCES)
def test_a_report_says_what_was_found_in_any_source(name: str, charset: Charset, sop_class_uid: str) -> None:
    report = a_study_report([an_image(SOURCES[name](), 0.9512)], [lateral()], charset=charset)
    sr = _read(build_structured_report(report, sop_class_uid, charset))
    found = assert_report(sr, [SOURCES[name]()], [lateral()], list(report.heatmaps.values()))
    assert sr.SOPClassUID == sop_class_uid
    assert [(group.finding, group.probability, group.decision) for group in found] == [("233604007", 95.1, "Present")]


def test_each_finding_of_each_image_has_a_group_of_its_own() -> None:
    images = [an_image(dx_full(1), 0.9512, 0.0312), an_image(dx_full(11), 0.1, 0.77)]
    report = a_study_report(images)
    sr = _read(build_structured_report(report, Comprehensive3DSRStorage, "source"))
    found = assert_report(sr, [dx_full(1), dx_full(11)], [], list(report.heatmaps.values()))
    assert [(group.finding, group.decision, bool(group.heatmap_uid)) for group in found] == [
        (PNEUMONIA.value, "Present", True),
        (OPACITY.value, "Absent", False),
        (OPACITY.value, "Present", False),
        (PNEUMONIA.value, "Absent", True),
    ]


def test_images_of_several_series_are_all_evidence() -> None:
    sr = _read(a_report([an_image(dx_full(1)), an_image(cr_japanese())], [lateral(), cr_with_holes()]))
    series = sr.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
    expected = {source().SeriesInstanceUID for source in (dx_full, cr_japanese, lateral, cr_with_holes)}
    assert expected < {item.SeriesInstanceUID for item in series}


def test_a_negative_finding_is_written_beside_a_mark_in_the_margin() -> None:
    sr = a_report([an_image(dx_full(), 0.03, 0.04)])
    marks = [list(item.GraphicData) for item in walk(sr) if item.ValueType == "SCOORD"]
    assert marks == [pytest.approx([13.44, row, 22.4, row]) for row in (20.48, 71.68)]  # of 448 by 512
    assert [group.verdict for group in groups(sr)] == ["Opacity ABSENT 4.0 %", "Pneumonia ABSENT 3.0 %"]


def test_a_study_whose_images_were_all_declined_gets_a_report_that_says_so() -> None:
    sr = _read(a_report([], [lateral(10), lateral(12)]))
    assert_report(sr, [], [lateral(10), lateral(12)])
    told = [text for text in _texts(sr) if "analysed" in text]
    assert told == [
        f"No verdict. Priority: unchanged. 0 of 2 films analysed, not analysed: lateral 10 {WHY}, lateral 12 {WHY}.",
        "Not analysed [not-frontal]: View Position is LL",
        "Not analysed [not-frontal]: View Position is LL",
    ]


def test_a_report_without_measurements_does_not_promise_any() -> None:
    """A viewer that opens a measurement report without measurements shows nothing at all."""
    sr = _read(a_report([], [lateral(10)]))
    assert sr.ConceptNameCodeSequence[0].CodeMeaning == "Diagnostic Imaging Report"
    assert not [item for item in walk(sr) if has_concept(item, "126010")]


def test_the_most_urgent_film_comes_first_and_the_study_is_summed_up() -> None:
    images = [an_image(dx_full(1), 0.03, 0.01), an_image(dx_full(2), 0.77, 0.9), an_image(dx_full(3), 0.1, 0.43)]
    sr = _read(a_report(images, [lateral(10)]))
    assert [group.verdict for group in groups(sr)] == [
        "Opacity PRESENT 90.0 %",
        "Pneumonia PRESENT 77.0 %",
        "Opacity PRESENT 43.0 %",
        "Pneumonia ABSENT 10.0 %",
        "Pneumonia ABSENT 3.0 %",
        "Opacity ABSENT 1.0 %",
    ]
    (summary,) = [str(item.TextValue) for item in walk(sr) if has_concept(item, "121111")]
    assert summary == (
        f"Opacity PRESENT 90.0 % on PA 2. Priority: raised. 3 of 4 films analysed, not analysed: lateral 10 {WHY}."
    )


def test_a_summary_of_many_films_stays_short() -> None:
    sr = a_report([an_image(dx_full(), 0.1)], [lateral(number) for number in range(2, 20)])
    (summary,) = [str(item.TextValue) for item in walk(sr) if has_concept(item, "121111")]
    assert summary.startswith("Pneumonia ABSENT 10.0 % on PA 1. Priority: unchanged. 1 of 19 films analysed, ")
    assert summary.endswith(f"lateral 5 {WHY}, lateral 6 {WHY} and 13 more.")


def test_a_header_that_is_all_but_lost_does_not_name_the_patient() -> None:
    stub = Dataset()
    stub.SOPClassUID, stub.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1", f"{STUDY}.77.77"
    stub.StudyInstanceUID, stub.SeriesInstanceUID = STUDY, f"{STUDY}.77"
    sr = _read(a_report([], [stub, lateral()]))
    assert sr.PatientID == lateral().PatientID
    assert len([text for text in _texts(sr) if text.startswith("Not analysed")]) == 2
    assert _read(a_report([], [stub])).PatientID in ("", None)


def test_what_was_assumed_is_said_beside_its_image() -> None:
    image = an_image(dx_full(), notes=("no window in the header: the full range was used",))
    sr = a_report([image])
    note = next(item for item in walk(sr) if item.get("TextValue", "").startswith("no window"))
    film, reference = note.ContentSequence
    assert film.TextValue == "PA 1"
    assert reference.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == dx_full().SOPInstanceUID


def test_the_request_is_carried_over_with_its_text() -> None:
    sr = _read(a_report([an_image(cr_japanese())]))
    request = sr.ReferencedRequestSequence[0]
    assert request.RequestedProcedureDescription == "胸部正面"
    assert (request.RequestedProcedureID, request.AccessionNumber) == ("RP-J", "ACC-0001")
    assert request.StudyInstanceUID == STUDY


def test_a_later_report_names_the_one_it_replaces() -> None:
    before = a_report([an_image(dx_full())])
    predecessor = (before.SOPClassUID, before.SOPInstanceUID, before.SeriesInstanceUID)
    report = a_study_report([an_image(dx_full())], [lateral()], predecessors=(predecessor,), revision=2)
    after = _read(build_structured_report(report, Comprehensive3DSRStorage, "source"))
    series = after.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0]
    assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == before.SOPInstanceUID
    assert series.SeriesInstanceUID == after.SeriesInstanceUID
    assert after.SOPInstanceUID != before.SOPInstanceUID and after.InstanceNumber == 2


def test_the_comprehensive_form_is_the_same_report_under_a_uid_of_its_own(tmp_path: Path) -> None:
    predecessor = (str(Comprehensive3DSRStorage), "2.25.7", "2.25.8")
    report = a_study_report([an_image(cr_japanese())], predecessors=(predecessor,))
    original = build_structured_report(report, Comprehensive3DSRStorage, "source")
    path = tmp_path / "sr.dcm"
    path.write_bytes(to_bytes(original))
    twin = as_comprehensive(dcmread(path))
    assert to_bytes(twin) == to_bytes(build_structured_report(report, ComprehensiveSRStorage, "source"))
    assert (twin.SOPClassUID, twin.SOPInstanceUID) == (
        ComprehensiveSRStorage,
        comprehensive_uid(original.SOPInstanceUID),
    )
    reference = twin.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
    assert reference.ReferencedSOPInstanceUID == comprehensive_uid("2.25.7")
    assert original.SOPClassUID == Comprehensive3DSRStorage
    assert to_bytes(original) == path.read_bytes(), "the original is left as it was"


def test_a_frame_of_a_multi_frame_image_is_named() -> None:
    source = dx_full()
    source.NumberOfFrames = 3
    region = next(item for item in walk(a_report([an_image(source)])) if item.ValueType == "SCOORD")
    assert region.ContentSequence[0].ReferencedSOPSequence[0].ReferencedFrameNumber == 1


def test_two_builds_give_the_same_bytes() -> None:
    assert to_bytes(a_report([an_image(cr_japanese())])) == to_bytes(a_report([an_image(cr_japanese())]))


def test_another_process_gives_the_same_bytes() -> None:
    script = (
        "from hashlib import sha256\n"
        "from converter.result.encode import to_bytes\n"
        "from tests.support.results.reports import a_heatmap, a_report, an_image\n"
        "from tests.support.dicom.sources import dx_full\n"
        "image = an_image(dx_full())\n"
        "print(sha256(to_bytes(a_report([image])) + to_bytes(a_heatmap(image))).hexdigest())\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo", "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True)
    image = an_image(dx_full())
    assert done.stdout.strip() == sha256(to_bytes(a_report([image])) + to_bytes(a_heatmap(image))).hexdigest()


def test_a_report_without_an_image_is_refused() -> None:
    report = a_study_report([an_image(dx_full())])
    with pytest.raises(Unreportable, match="at least one image"):
        build_structured_report(
            type(report)(report.identity, report.algorithm, (), (), {}), Comprehensive3DSRStorage, "source"
        )


def test_an_image_of_another_study_is_refused() -> None:
    stranger = lateral()
    stranger.StudyInstanceUID = "1.2.3"
    with pytest.raises(Unreportable, match="does not belong to study"):
        a_report([an_image(dx_full())], [stranger])


@pytest.mark.parametrize(
    ("patient_id", "issuer"), [("PID-2", None), ("PID-2", "HOSPITAL-A"), ("PID-1", "HOSPITAL-B")], ids=str
)
def test_images_of_two_patients_in_one_study_are_refused(patient_id: str, issuer: str | None) -> None:
    stranger = lateral()
    stranger.PatientID = patient_id
    if issuer:
        stranger.IssuerOfPatientID = issuer
    with pytest.raises(Unreportable, match="more than one patient") as refused:
        a_report([an_image(dx_full())], [as_read(stranger)])
    assert not re.search("PID|HOSPITAL", str(refused.value))


@pytest.mark.parametrize("patient_id", [None, "", "PID-1", "PID-1   "])
def test_images_of_one_patient_may_say_less_of_it(patient_id: str | None) -> None:
    sparse = lateral()
    sparse.PatientID = patient_id
    sr = _read(a_report([an_image(dx_full())], [as_read(sparse)]))
    assert (sr.PatientID, sr.IssuerOfPatientID) == ("PID-1", "HOSPITAL-A")


@pytest.mark.parametrize("charset", ["source", "utf8"])
def test_times_are_those_of_the_zone_that_the_report_declares(charset: Charset) -> None:
    sr = _read(a_report([an_image(dx_full())], charset=charset))  # made at 10:15 UTC, of a film from +0100
    assert sr.TimezoneOffsetFromUTC == "+0100"
    assert (sr.ContentTime, sr.InstanceCreationTime) == ("111500.123456", "111500.123456")
    assert sr.ContributingEquipmentSequence[0].ContributionDateTime == "20261101111500.123456+0100"


@pytest.mark.parametrize(
    ("offset", "date", "time"),
    [("-1115", "20261031", "230000.123456"), ("+1400", "20261102", "001500.123456"), ("+0000", "20261101", "101500")],
)
def test_the_zone_may_change_the_date(offset: str, date: str, time: str) -> None:
    source = dx_full()
    source.TimezoneOffsetFromUTC = offset
    sr = _read(a_report([an_image(as_read(source))]))
    assert (sr.ContentDate, sr.InstanceCreationDate) == (date, date) and sr.ContentTime.startswith(time)


@pytest.mark.parametrize("offset", ["", "0100", "+9900", "+0170", "-0000", "+1:00"])
def test_an_offset_that_is_none_is_left_out_and_times_stay(offset: str) -> None:
    source = dx_full()
    source["TimezoneOffsetFromUTC"] = DataElement("TimezoneOffsetFromUTC", "SH", offset, validation_mode=IGNORE)
    sr = _read(a_report([an_image(as_read(source))]))
    assert "TimezoneOffsetFromUTC" not in sr
    assert sr.ContentTime == "101500.123456"


def test_a_decision_that_contradicts_its_probability_is_refused() -> None:
    good = a_finding(dx_full())
    wrong = Finding(good.name, good.concept, 0.1, good.threshold, True, good.regions)
    report = a_study_report([AnalysedImage(dx_full(), (wrong,))], heatmaps=False)
    with pytest.raises(Unreportable, match="contradicts"):
        build_structured_report(report, Comprehensive3DSRStorage, "source")


def test_another_sop_class_is_refused() -> None:
    with pytest.raises(Unreportable, match="neither"):
        a_report([an_image(dx_full())], sop_class_uid=EnhancedSRStorage)


def test_tracking_uids_stay_the_same_from_one_revision_to_the_next() -> None:
    first = build_structured_report(a_study_report([an_image(dx_full())]), Comprehensive3DSRStorage, "source")
    second = build_structured_report(
        a_study_report([an_image(dx_full())], revision=2), Comprehensive3DSRStorage, "source"
    )
    assert [group.tracking_uid for group in groups(first)] == [group.tracking_uid for group in groups(second)]
