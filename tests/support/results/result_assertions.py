"""What must be true of a Structured Report and a heat map, wherever they come from: the builder, a file, an archive.

`report_problems` and `heatmap_problems` return one sentence per broken promise, so that a test of damaged results can
ask whether the damage is noticed; `assert_report` and `assert_heatmap` fail with all of them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from io import BytesIO

from pydicom import Dataset, dcmread, dcmwrite
from pydicom.dataelem import RawDataElement
from pydicom.uid import UID

from converter.product import MANUFACTURER, MODEL_NAME, describes_result
from converter.result.not_analysed import analysed_count
from tests.support.results.report_content import (
    Group,
    SeenRegion,
    children,
    code_value,
    groups,
    has_concept,
    only_value,
    own_references,
    points,
    referenced,
    regions,
    walk,
)

SR_CLASSES = ("1.2.840.10008.5.1.4.1.1.88.33", "1.2.840.10008.5.1.4.1.1.88.34")
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
TYPE_2 = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "AccessionNumber",
          "StudyID", "ReferringPhysicianName")  # fmt: skip
TYPE_3 = ("IssuerOfPatientID", "PatientAge", "StudyDescription", "TimezoneOffsetFromUTC")
# Optional values that break their VR are left out of a result.
FORMS = {"PatientAge": r"\d{3}[DWMY]", "TimezoneOffsetFromUTC": r"(?!-0000)[+-](0\d|1[0-4])[0-5]\d"}
SEXES = (None, "", "M", "F", "O")  # PS3.3 C.7.1.1
LOSSY_SYNTAXES = (
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.4.203",
)


@dataclass
class _Check:
    problems: list[str] = field(default_factory=list)

    def __call__(self, holds: object, otherwise: str) -> bool:
        if not holds:
            self.problems.append(otherwise)
        return bool(holds)


def assert_report(
    sr: Dataset, analysed: Sequence[Dataset], declined: Sequence[Dataset] = (), heatmaps: Sequence[Dataset] = ()
) -> list[Group]:
    """Fail unless `sr` is our report on exactly these images; return its measurement groups."""
    problems = report_problems(sr, analysed, declined, heatmaps)
    assert not problems, "\n".join(problems)
    return list(groups(sr))


def assert_heatmap(sc: Dataset, source: Dataset) -> None:
    problems = heatmap_problems(sc, source)
    assert not problems, "\n".join(problems)


def report_problems(
    sr: Dataset, analysed: Sequence[Dataset], declined: Sequence[Dataset] = (), heatmaps: Sequence[Dataset] = ()
) -> list[str]:
    """`analysed`, `declined`: headers of the images as they were sent; `heatmaps`: those that the report may show."""
    check = _Check()
    sources = [*analysed, *declined]
    check(sr.SOPClassUID in SR_CLASSES, f"SOP Class {sr.SOPClassUID} is no SR class of ours")
    check(sr.Modality == "SR", f"Modality is {sr.Modality}")
    for keyword, value in (
        ("CompletionFlag", "COMPLETE"),
        ("PreliminaryFlag", "PRELIMINARY"),
        ("VerificationFlag", "UNVERIFIED"),
    ):
        check(sr.get(keyword) == value, f"{keyword} is {sr.get(keyword)}, not {value}")
    _check_common(check, sr, sources[0])
    _check_document(check, sr, bool(analysed))
    _check_summary(check, sr, len(analysed), len(sources))
    evidence = _check_references(check, sr, [*sources, *heatmaps])
    for source in sources:
        check(source.SOPInstanceUID in evidence, f"image {source.SOPInstanceUID} is not in the evidence")
    library = {uid for item in walk(sr) if has_concept(item, "126200") for uid in referenced(item)}
    check(library == {str(source.SOPInstanceUID) for source in sources}, "the Image Library lists other images")
    _check_groups(check, sr, analysed, heatmaps)
    _check_declined(check, sr, declined)
    return check.problems


def heatmap_problems(sc: Dataset, source: Dataset) -> list[str]:
    """What is wrong with `sc` as the heat map of `source`."""
    check = _Check()
    check(sc.SOPClassUID == SECONDARY_CAPTURE, f"SOP Class {sc.SOPClassUID} is not Secondary Capture")
    _check_common(check, sc, source)
    for keyword, value in (
        ("Modality", "OT"),
        ("BurnedInAnnotation", "YES"),
        ("RecognizableVisualFeatures", "NO"),
        ("PhotometricInterpretation", "RGB"),
        ("SamplesPerPixel", 3),
        ("PlanarConfiguration", 0),
        ("BitsAllocated", 8),
    ):
        check(sc.get(keyword) == value, f"{keyword} is {sc.get(keyword)}, not {value}")
    check(list(sc.get("ImageType", [])) == ["DERIVED", "SECONDARY"], f"Image Type is {sc.get('ImageType')}")
    size = sc.Rows * sc.Columns * 3
    check(len(sc.PixelData) == size + size % 2, f"{len(sc.PixelData)} bytes of pixels for {sc.Rows} x {sc.Columns}")
    check(re.search(r"\d+\.\d+ %", sc.get("DerivationDescription", "")), "no probability in Derivation Description")
    check(sc.get("BodyPartExamined"), "no Body Part Examined")
    check(sc.get("LossyImageCompression") == _lossy(source), "Lossy Image Compression is not said or not the source's")
    check("FrameOfReferenceUID" not in sc, "a Frame of Reference that a radiograph does not have")
    references = sc.get("SourceImageSequence") or []
    if check(len(references) == 1, f"{len(references)} source images"):
        reference = references[0]
        check(reference.ReferencedSOPInstanceUID == source.SOPInstanceUID, "the source image is another one")
        check(reference.ReferencedSOPClassUID == source.SOPClassUID, "the source image has another class")
        check(reference.PurposeOfReferenceCodeSequence[0].CodeValue == "121322", "the purpose of reference is wrong")
    series = [item.SeriesInstanceUID for item in sc.get("ReferencedSeriesSequence") or []]
    check(series == [source.SeriesInstanceUID], "Referenced Series is not the source's")
    return check.problems


def _check_common(check: _Check, ds: Dataset, source: Dataset) -> None:
    check(ds.StudyInstanceUID == source.StudyInstanceUID, "another study")
    check(ds.SeriesInstanceUID != source.SeriesInstanceUID, "the source's own series")
    check(UID(ds.SOPInstanceUID).is_valid and ds.SOPInstanceUID.startswith("2.25."), "the SOP Instance UID is not ours")
    check(ds.get("ContentQualification") == "RESEARCH", "Content Qualification is not RESEARCH")
    for keyword in ("ContentDate", "ContentTime", "InstanceCreationDate", "InstanceCreationTime"):
        check(ds.get(keyword), f"no {keyword}")
    meta = getattr(ds, "file_meta", None)
    if meta is not None and "MediaStorageSOPInstanceUID" in meta:
        check(meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID, "file meta names another instance")
        check(meta.MediaStorageSOPClassUID == ds.SOPClassUID, "file meta names another class")
    for equipment in (ds, *(ds.get("ContributingEquipmentSequence") or [Dataset()])):
        made_by = (equipment.get("Manufacturer"), equipment.get("ManufacturerModelName"))
        check(made_by == (MANUFACTURER, MODEL_NAME), f"the equipment is {made_by}: we would analyse our own result")
        check(equipment.get("SoftwareVersions"), "no software version")
        check(equipment.get("DeviceSerialNumber"), "no device serial number")
    check(describes_result(str(ds.get("SeriesDescription", ""))), "Series Description is not ours")
    _check_zone(check, ds)
    _check_identity(check, ds, source)


def _lossy(source: Dataset) -> str:
    """What the source says of itself, else what its transfer syntax makes probable."""
    syntax = getattr(source, "file_meta", Dataset()).get("TransferSyntaxUID")
    return str(source.get("LossyImageCompression") or ("01" if syntax in LOSSY_SYNTAXES else "00"))


def _check_zone(check: _Check, ds: Dataset) -> None:
    """Times are those of the declared zone (PS3.3 C.12.1.1.8), as the contribution says with its own offset."""
    zone = ds.get("TimezoneOffsetFromUTC")
    for equipment in (ds.get("ContributingEquipmentSequence") or ()) if zone else ():
        made = str(equipment.get("ContributionDateTime"))
        check(made == f"{ds.get('ContentDate')}{ds.get('ContentTime')}{zone}", f"made at {made}, not in zone {zone}")


def _check_identity(check: _Check, ds: Dataset, source: Dataset) -> None:
    """Patient and study as in the source: the same bytes, or the same text where the result is in UTF-8."""
    declared, expected = ds.get("SpecificCharacterSet"), source.get("SpecificCharacterSet")
    same_encoding = declared == expected
    check(same_encoding or declared == "ISO_IR 192", f"Specific Character Set is {declared}, the source's {expected}")
    for keyword in (*TYPE_2, *TYPE_3):
        if keyword in FORMS and not re.fullmatch(FORMS[keyword], str(source.get(keyword) or "").strip()):
            check(keyword not in ds, f"{keyword} is not of the form of its VR and should have been left out")
            continue
        if keyword in TYPE_2:
            check(keyword in ds, f"{keyword} is missing")
        if keyword == "PatientSex" and source.get(keyword) not in SEXES:
            check(not ds.get(keyword), f"{keyword} is {ds.get(keyword)}, which the standard does not know")
            continue
        check((keyword in ds) or not source.get(keyword), f"{keyword} was dropped")
        if keyword in ds and keyword not in TYPE_2:
            check(keyword in source, f"{keyword} was invented")
        got, wanted = (_text(one, keyword, as_bytes=same_encoding) for one in (ds, source))
        check(got == wanted, f"{keyword} is {got!r}, the source's {wanted!r}")


def _text(ds: Dataset, keyword: str, as_bytes: bool) -> bytes | str:
    element = ds.get_item(keyword) if keyword in ds else None
    if as_bytes and isinstance(element, RawDataElement):
        return bytes(element.value or b"").rstrip(b" \0")
    text = "" if ds.get(keyword) is None else str(ds[keyword].value).rstrip()
    if not as_bytes:
        return text
    one = Dataset()
    if "SpecificCharacterSet" in ds:
        one.SpecificCharacterSet = ds.SpecificCharacterSet
    if keyword in ds:
        one[keyword] = ds[keyword]
    return _encoded(one, keyword)


def _encoded(ds: Dataset, keyword: str) -> bytes:
    buffer = BytesIO()
    dcmwrite(buffer, ds, implicit_vr=False, little_endian=True)
    again = dcmread(BytesIO(buffer.getvalue()), force=True)
    element = again.get_item(keyword) if keyword in again else None
    return bytes(element.value or b"").rstrip(b" \0") if isinstance(element, RawDataElement) else b""


def _check_document(check: _Check, sr: Dataset, measured: bool) -> None:
    title = code_value(sr.get("ConceptNameCodeSequence"))
    check(title == ("126000" if measured else "18748-4"), f"the title is {title}")
    check(sr.ContentTemplateSequence[0].TemplateIdentifier == "1500", "the template is not TID 1500")
    top = sr.get("ContentSequence") or []
    for code, what in (
        ("121049", "language"),
        ("121005", "observer type"),
        ("121012", "device observer UID"),
        ("121058", "procedure reported"),
        ("111028", "Image Library"),
    ):
        check(sum(has_concept(item, code) for item in top) == 1, f"not exactly one {what}")
    containers = [item for item in top if has_concept(item, "126010")]
    check(len(containers) == int(measured), f"{len(containers)} containers of measurements")
    check(all(item.get("ContentSequence") for item in containers), "an empty container of measurements")
    notices = [item.TextValue for item in walk(sr) if item.ValueType == "TEXT" and has_concept(item, "121106")]
    check(any("Research use only" in text for text in notices), "the report does not say that it is for research")


def _check_references(check: _Check, sr: Dataset, known: Sequence[Dataset]) -> Collection[str]:
    """Everything that the tree refers to is in the evidence, with the class and series that it has."""
    evidence: dict[str, tuple[str, str]] = {}
    for study in sr.get("CurrentRequestedProcedureEvidenceSequence") or ():
        check(study.StudyInstanceUID == sr.StudyInstanceUID, "evidence of another study")
        for series in study.ReferencedSeriesSequence:
            for item in series.ReferencedSOPSequence:
                evidence[item.ReferencedSOPInstanceUID] = (item.ReferencedSOPClassUID, series.SeriesInstanceUID)
    for item in walk(sr):
        for reference in item.get("ReferencedSOPSequence") or ():
            uid = reference.ReferencedSOPInstanceUID
            if check(uid in evidence, f"a reference to {uid}, which is not in the evidence"):
                check(reference.ReferencedSOPClassUID == evidence[uid][0], f"{uid} is referred to with two classes")
    real = {ds.SOPInstanceUID: (ds.SOPClassUID, ds.SeriesInstanceUID) for ds in known}
    for uid, described in evidence.items():
        if check(uid in real, f"evidence {uid} is none of the images or heat maps"):
            check(described == real[uid], f"evidence {uid} has another class or series")
    return evidence


def _check_groups(check: _Check, sr: Dataset, analysed: Sequence[Dataset], heatmaps: Sequence[Dataset]) -> None:
    by_uid = {source.SOPInstanceUID: source for source in analysed}
    seen = list(groups(sr))
    for uid in by_uid:
        check(any(group.image_uid == uid for group in seen), f"no measurement group about image {uid}")
    trackings = [group.tracking_uid for group in seen]
    check(len(set(trackings)) == len(trackings) and all(trackings), "tracking UIDs are missing or repeated")
    pairs = [(group.image_uid, group.finding) for group in seen]
    check(len(set(pairs)) == len(pairs), "a finding is reported twice")
    for group in seen:
        check(group.finding, "a measurement group without a finding")
        check(group.image_uid in by_uid, f"a measurement group about {group.image_uid or 'no image'}")
        check(0 < group.probability < 100, f"a probability of {group.probability} %")
        check(0 < group.threshold < 100, f"an operating threshold of {group.threshold} %")
        decision = "Present" if group.probability >= group.threshold else "Absent"
        check(group.decision == decision, f"{group.probability} % is called {group.decision or 'nothing'}")
        stated = re.fullmatch(r"\S.* (PRESENT|ABSENT) (\d+\.\d+) %", group.verdict)
        if check(stated, f"the verdict in words is {group.verdict!r}") and stated:
            told = (stated[1], float(stated[2]))
            check(told == (decision.upper(), group.probability), f"{group.verdict!r} of {group.probability} %")
    _check_regions(check, sr, seen, by_uid)
    for item in walk(sr):
        if has_concept(item, "125007"):
            check(len(children(item, "112039")) == 1, "not exactly one tracking identifier")
            if any(child.ValueType == "SCOORD" for child in item.get("ContentSequence") or ()):
                check(not children(item, "122157"), "a region with a probability of its own")
            else:
                _check_finding_items(check, item, list(regions(sr)), by_uid)
    shown = {group.heatmap_uid for group in seen if group.heatmap_uid}
    check(shown == {str(ds.SOPInstanceUID) for ds in heatmaps}, "the heat maps shown are not those that were made")


def _check_regions(check: _Check, sr: Dataset, seen: Sequence[Group], by_uid: dict[str, Dataset]) -> None:
    """Every region is a closed outline within the film of a finding that is present."""
    present = {(group.image_uid, group.finding) for group in seen if group.decision == "Present"}
    uids = [group.tracking_uid for group in seen]
    for region in regions(sr):
        check(region.tracking_uid and region.tracking_uid not in uids, "the tracking UID of a region is used twice")
        uids.append(region.tracking_uid)
        check((region.image_uid, region.finding) in present, "a region of no finding that is present")
        source = by_uid.get(region.image_uid)
        xs, ys = [x for x, _ in region.points], [y for _, y in region.points]
        check(region.points[0] == region.points[-1], "the region is no closed polyline")
        check(max(xs) > min(xs) and max(ys) > min(ys) and len(set(region.points)) > 2, "the region has no area")
        if source is not None:
            inside = min(xs) >= 0 and max(xs) <= source.Columns and min(ys) >= 0 and max(ys) <= source.Rows
            check(inside, f"the region {region.points} leaves the frame {source.Columns} x {source.Rows}")


def _check_finding_items(check: _Check, group: Dataset, seen: Sequence[SeenRegion], by_uid: dict[str, Dataset]) -> None:
    for code, what in (("111001", "algorithm name"), ("111000", "algorithm family")):
        check(len(children(group, code)) == 1, f"not exactly one {what}")
    versions = [item.TextValue for item in children(group, "111003")]
    check(re.fullmatch(r"\S+\+sha256\.[0-9a-f]{64}", only_value(versions)), f"the algorithm version is {versions}")
    numbers = children(group, "122157")
    units = [item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence for item in numbers]
    check([code_value(unit) for unit in units] == ["%"], "the probability is not one number in percent")
    scoords = [item for number in numbers for item in number.get("ContentSequence") or ()]
    if check(len(scoords) == 1, f"{len(scoords)} coordinates below the probability"):
        uid = only_value(referenced(scoords[0]))
        sources = [one for item in group.ContentSequence if item.ValueType == "IMAGE" for one in own_references(item)]
        check(uid in sources, "the film of a finding is not the one of its coordinates")
        finding = only_value([item.ConceptCodeSequence[0].CodeValue for item in children(group, "121071")])
        own = [region for region in seen if (region.image_uid, region.finding) == (uid, finding)]
        _check_coordinates(check, points(scoords[0]), own, by_uid.get(uid))


def _check_coordinates(
    check: _Check, drawn: Sequence[tuple[float, float]], own: Sequence[SeenRegion], source: Dataset | None
) -> None:
    """Those of the first region, else two points in the left margin beside which a viewer writes."""
    if own:
        check(tuple(drawn) == own[0].points, "the coordinates of a finding are not those of its first region")
    elif check(len(drawn) == 2, "coordinates of a region that the finding does not have") and source is not None:
        (left, top), (right, bottom) = drawn
        level = top == bottom and 0 <= left < right <= source.Columns * 0.1
        check(level and top <= source.Rows, f"the mark {drawn} is not in the margin")


def _check_summary(check: _Check, sr: Dataset, analysed: int, total: int) -> None:
    """The first thing that a report says in words is the study in a line."""
    containers = [item for item in sr.get("ContentSequence") or () if has_concept(item, "C0034375")]
    first = next((item for container in containers for item in container.ContentSequence), None)
    if (
        check(first is not None and has_concept(first, "121111"), "the report does not begin with its summary")
        and first
    ):
        text = str(first.TextValue)
        check(analysed_count(analysed, total) in text, f"{text!r} of {analysed} films and {total}")
        check(re.search(r"Priority: (raised|unchanged)\.", text), f"no priority in {text!r}")
        present = any(group.decision == "Present" for group in groups(sr))
        check((" PRESENT " in text) == present == ("raised" in text), f"{text!r} is not what the groups say")


def _check_declined(check: _Check, sr: Dataset, declined: Sequence[Dataset]) -> None:
    told: dict[str, str] = {}
    for item in walk(sr):
        if has_concept(item, "111065"):
            check(code_value(item.ConceptCodeSequence) == "111225", "a summary that is not 'Not Attempted'")
            told[only_value(referenced(item))] = only_value([child.TextValue for child in children(item, "121106")])
    check(set(told) == {str(source.SOPInstanceUID) for source in declined}, f"not analysed are {sorted(told)}")
    for uid, reason in told.items():
        check(
            re.search(r"\[[a-z-]+\]: \S", reason), f"image {uid} was not analysed without code and reason: {reason!r}"
        )
