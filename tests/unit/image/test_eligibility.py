"""Which radiographs a chest model is given: header rules one by one, with the code each ends in."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    SecondaryCaptureImageStorage,
)

from converter.declined import REASON_OF_CODE, Declined
from converter.image.age import age_in_years
from converter.image.anatomy import is_one_of, named_body_part
from converter.image.eligibility import BODY_PART_UNKNOWN, HEADER_RULES, VIEW_UNKNOWN, check_header
from converter.image.image_file import read_image
from converter.image.views import DEFINED, VIEW_CODES
from converter.package.intended_use import AgeRange, AgeSpan, IntendedUse
from converter.product import MANUFACTURER, MODEL_NAME
from tests.support.dicom.phantoms import make_dx

USE = IntendedUse(
    modalities=("CR", "DX"),
    body_parts=("CHEST",),
    views=("PA", "AP"),
    ages=AgeRange(min_years=1, max_years=90),
    statement="tests",
)
AGE_UNKNOWN = "the patient's age is unknown; the model is for patients of 1 to 90 years"


def coded(value: str, meaning: str, scheme: str = "SCT") -> list[Dataset]:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return [item]


def equipment() -> list[Dataset]:
    item = Dataset()
    item.Manufacturer, item.ManufacturerModelName = MANUFACTURER, MODEL_NAME
    return [item]


def verdict(**attributes: Any) -> str | tuple[str, ...]:
    """The code it is declined with, or the notes it is accepted with."""
    judged = check_header(make_dx(rows=16, columns=16, **attributes), USE)
    return judged.code if isinstance(judged, Declined) else judged


DECLINED: list[tuple[str, dict[str, Any]]] = [
    ("own-result", {"Manufacturer": MANUFACTURER, "ManufacturerModelName": MODEL_NAME}),
    ("own-result", {"ContributingEquipmentSequence": equipment()}),
    ("own-result", {"SeriesDescription": "AI research: Pneumonia heat map", "PixelData": None}),
    ("own-result", {"SeriesDescription": "AI Pneumonia PRESENT 96.4 % - AP 1 (research)", "PixelData": None}),
    ("no-pixels", {"PixelData": None}),
    ("no-pixels", {"PixelData": None, "Modality": "CT"}),
    ("localizer", {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}),
    ("localizer", {"ImageType": ["DERIVED", "SECONDARY", "AXIAL", "SCOUT"], "Modality": "CT"}),
    ("derived", {"ImageType": ["DERIVED", "SECONDARY", "REFORMATTED"]}),
    ("derived", {"ImageType": ["DERIVED", "PRIMARY", "", "BONE_SUPPRESSED"]}),
    ("derived", {"ImageType": ["DERIVED", "SECONDARY", "OTHER", "heatmap"]}),
    ("derived", {"sop_class": SecondaryCaptureImageStorage, "ConversionType": "SYN"}),
    ("wrong-modality", {"Modality": "CT"}),
    ("wrong-modality", {"Modality": "OT", "sop_class": SecondaryCaptureImageStorage}),
    ("wrong-modality", {"sop_class": CTImageStorage}),
    ("wrong-modality", {"sop_class": DigitalMammographyXRayImageStorageForPresentation, "Modality": None}),
    *[
        ("wrong-body-part", {"BodyPartExamined": part})
        for part in ("HAND", "ABDOMEN", "CHESTABDOMEN", "CHEST ABDOMEN", "TSPINE", "THORACIC SPINE", "RIBS", "hip")
    ],
    *[
        ("wrong-body-part", {"BodyPartExamined": part})
        for part in ("CHESTSPINE", "CHEST TSPINE", "THORAXABD", "ABDCHEST", "CHESTRIBS", "NECKCHEST", "THORACIC")
    ],
    ("wrong-body-part", {"BodyPartExamined": None, "AnatomicRegionSequence": coded("85562004", "Hand")}),
    ("wrong-body-part", {"BodyPartExamined": "", "AnatomicRegionSequence": coded("416550000", "Chest and Abdomen")}),
    *[("not-frontal", {"ViewPosition": view}) for view in ("LL", "RL", "LLD", "RLO", "LAT", "lateral", "AP OBLIQUE")],
    ("not-frontal", {"ViewPosition": None, "ViewCodeSequence": coded("399173006", "left lateral")}),
    ("not-frontal", {"ViewPosition": "", "ViewCodeSequence": coded("R-10236", "left lateral", "SRT")}),
    ("not-frontal", {"ViewPosition": None, "PatientOrientation": ["A", "F"]}),
    ("not-frontal", {"ViewPosition": None, "PatientOrientation": ["P", "F"]}),
    *[
        ("not-frontal", {"ViewPosition": view})
        for view in (
            *("LLATERAL", "LATERALL", "LATERALE", "PROFIL", "PROFILE", "PROFILO", "PERFIL", "SEITLICH", "SEITL."),
            *("LATDEC", "LDECUB", "L", "R", "LT LAT", "LAT L", "LATERALIS", "XTABLELAT", "LATERECT", "PA_LAT"),
        )
    ],
    *[
        ("not-frontal", {"ViewPosition": None, "BodyPartExamined": part})
        for part in ("CHEST_LAT", "CHESTLAT", "CHEST LAT", "CHESTLATERAL", "THORAX SEITLICH", "TORACE LL")
    ],
    *[
        ("not-frontal", {"ViewPosition": "", keyword: text})
        for keyword in ("SeriesDescription", "ProtocolName", "AcquisitionDeviceProcessingDescription")
        for text in ("CHEST LAT", "Thorax seitl.", "Thorax de profil", "Tórax perfil", "W Chest Lat. Bucky")
    ],
    ("not-frontal", {"ViewPosition": "", "SeriesDescription": "LAT", "ProtocolName": "Chest PA/LAT"}),
    *[
        ("wrong-body-part", {"BodyPartExamined": part, "ViewPosition": None, "StudyDescription": None, keyword: text})
        for part in (None, "UNKNOWN")
        for keyword in ("SeriesDescription", "StudyDescription", "ProtocolName")
        for text in (
            "MODALITYLUT - TEETH",
            "hand",
            "Knie",
            "GENOU",
            "rodilla",
            "Ginocchio",
            "JOELHO",
            "Hüfte",
            "L SPINE",
        )
    ],
    *[("outside-ages", {"PatientAge": age}) for age in ("000Y", "011M", "003W", "010D", "091Y", "120Y")],
    ("outside-ages", {"PatientAge": None, "PatientBirthDate": "20240701"}),
]

ACCEPTED: list[tuple[tuple[str, ...], dict[str, Any]]] = [
    ((), {}),
    ((), {"sop_class": ComputedRadiographyImageStorage, "Modality": "CR"}),
    ((), {"ImageType": ["DERIVED", "PRIMARY", ""]}),
    ((), {"ImageType": ["DERIVED", "PRIMARY", "POST_PROCESSED", "", "", "", "", "", "100000"]}),
    ((), {"ImageType": ["DERIVED", "SECONDARY"], "sop_class": SecondaryCaptureImageStorage, "Modality": "CR"}),
    ((), {"ConversionType": "WSD", "sop_class": SecondaryCaptureImageStorage, "Modality": "DX"}),
    ((), {"Modality": None}),
    ((), {"ImageType": None}),
    ((), {"Manufacturer": MANUFACTURER, "ManufacturerModelName": "Detector 3000"}),
    *[
        ((), {"BodyPartExamined": part})
        for part in ("chest", "CHEST PA", "CHEST_AP", "CHESTPA", "PORT CHEST", "THORAX", "Thorax ", "TORAX", "LUNG")
    ],
    *[
        ((), {"BodyPartExamined": part})
        for part in (
            *("TÓRAX", "tórax", "TÃ\x93RAX", "LUNGE", "POUMON", "POUMONS", "PULMON", "PULMÃO", "PULMÓN", "THX"),
            *("CHESTPEDS", "CHESTBABY", "PEDCHEST", "THORAXLIEGEND", "2VCHEST", "CHESTPAAP", "THORAX_AP_LIEGEND"),
        )
    ],
    ((), {"BodyPartExamined": None, "AnatomicRegionSequence": coded("816094009", "Chest")}),
    ((), {"BodyPartExamined": None, "AnatomicRegionSequence": coded("51185008", "Brustkorb")}),
    ((), {"BodyPartExamined": None, "AnatomicRegionSequence": coded("T-D3000", "", "SRT")}),
    ((BODY_PART_UNKNOWN,), {"BodyPartExamined": None}),
    ((BODY_PART_UNKNOWN,), {"BodyPartExamined": "UNKNOWN"}),
    *[((), {"ViewPosition": view}) for view in ("AP", "pa", "PA ERECT", "FRONTAL")],
    ((), {"ViewPosition": "PA", "PatientOrientation": ["A", "F"]}),
    ((), {"ViewPosition": None, "ViewCodeSequence": coded("272479007", "postero-anterior")}),
    ((VIEW_UNKNOWN,), {"ViewPosition": None}),
    ((VIEW_UNKNOWN,), {"ViewPosition": "GENERIC"}),
    *[((), {"ViewPosition": view}) for view in ("P.A.", "p.-a.", "AP DECUBITUS DORSAL", "BILATERAL AP", "PA LATITUDE")],
    *[
        ((VIEW_UNKNOWN,), {"ViewPosition": None, keyword: text})
        for keyword in ("SeriesDescription", "ProtocolName", "AcquisitionDeviceProcessingDescription")
        for text in (
            *("Chest PA/LAT", "Thorax p.a. und lat.", "Chest L", "Laterality L", "chest flat plate", "Dilatation"),
            *("Translate", "Latitude wide", "inhalation", "beidseitig", "Thorax à plat", "Bilateral", "Platform"),
        )
    ],
    ((VIEW_UNKNOWN,), {"ViewPosition": None, "BodyPartExamined": "CHEST-PA/LAT"}),
    ((VIEW_UNKNOWN,), {"ViewPosition": None, "SeriesDescription": "Chest lat", "ProtocolName": "Chest PA"}),
    ((), {"ViewPosition": "PA", "SeriesDescription": "CHEST LAT"}),
    *[
        ((BODY_PART_UNKNOWN, VIEW_UNKNOWN), {"BodyPartExamined": None, "ViewPosition": None, "StudyDescription": text})
        for text in ("", "Chest and hand", "Tórax, rodilla", "CXR hip", "HANDED OVER", "Knie, RöThorax", "routine")
    ],
    (  # the phantom's Study Description says chest
        (BODY_PART_UNKNOWN, VIEW_UNKNOWN),
        {"BodyPartExamined": None, "ViewPosition": None, "SeriesDescription": "Knee"},
    ),
    ((VIEW_UNKNOWN,), {"ViewPosition": None, "ViewCodeSequence": coded("123", "something new")}),
    *[((), {"PatientAge": age}) for age in ("001Y", "012M", "090Y", "53")],
    ((), {"PatientAge": None, "PatientBirthDate": "19700401"}),
    ((), {"PatientAge": "", "PatientBirthDate": "1970.04.01", "StudyDate": "", "AcquisitionDate": "20200101"}),
    ((AGE_UNKNOWN,), {"PatientAge": None, "PatientBirthDate": None}),
    ((AGE_UNKNOWN,), {"PatientAge": "old", "PatientBirthDate": "19991332"}),
    ((AGE_UNKNOWN,), {"PatientAge": None, "PatientBirthDate": "20990101"}),
    ((AGE_UNKNOWN,), {"PatientAge": None, "PatientBirthDate": "18000101"}),
    ((AGE_UNKNOWN,), {"PatientAge": "999Y"}),
]


@pytest.mark.parametrize(("code", "attributes"), DECLINED, ids=str)
def test_an_image_of_another_kind_is_declined(code: str, attributes: dict[str, Any]) -> None:
    assert verdict(**attributes) == code


@pytest.mark.parametrize(("notes", "attributes"), ACCEPTED, ids=str)
def test_a_frontal_chest_radiograph_is_accepted(notes: tuple[str, ...], attributes: dict[str, Any]) -> None:
    assert verdict(**attributes) == notes


def test_every_header_code_is_known_and_reached() -> None:
    reached = {code for code, _ in DECLINED}

    assert {REASON_OF_CODE[code].group for code in reached} == {"header"}
    assert len(reached) == len(HEADER_RULES)  # each rule has one, the view rule a second one: see wrong-view below


def test_reasons_say_what_was_found_but_nothing_of_the_patient() -> None:
    ds = make_dx(
        rows=16, columns=16, PatientAge="099Y", ViewPosition="LL", BodyPartExamined="Phantom, Test, whose hand it is"
    )
    judged = check_header(ds, USE)
    assert isinstance(judged, Declined) and judged.reason == "Body Part is something else"

    ds.BodyPartExamined = "CHEST"
    judged = check_header(ds, USE)
    assert isinstance(judged, Declined) and judged.reason == "View Position is LL"

    ds.ViewPosition = "PA"
    judged = check_header(ds, USE)
    assert isinstance(judged, Declined) and "99" not in judged.reason


def test_a_model_for_one_view_declines_the_other() -> None:
    only_pa = USE.model_copy(update={"views": ("PA",)})

    judged = check_header(make_dx(rows=16, columns=16, ViewPosition="AP"), only_pa)

    assert judged == Declined("wrong-view", "the view is AP, not one of PA")
    assert check_header(make_dx(rows=16, columns=16, ViewPosition="FRONTAL"), only_pa) == ()


def test_a_model_for_lateral_films_declines_frontal_ones_as_such() -> None:
    lateral = USE.model_copy(update={"views": ("LL", "RL")})

    judged = check_header(make_dx(rows=16, columns=16), lateral)

    assert judged == Declined("wrong-view", "the view is PA, not one of LL, RL")
    assert check_header(make_dx(rows=16, columns=16, ViewPosition="LL"), lateral) == ()


@pytest.mark.parametrize(
    ("attributes", "declined"),
    [
        (
            {"ViewCodeSequence": coded("399348003", "antero-posterior")},
            Declined("wrong-view", "the view is AP (View Code Sequence), not one of PA"),
        ),
        (
            {"ViewCodeSequence": coded("399067008", "lateral")},
            Declined("not-frontal", "the view is LATERAL (View Code Sequence)"),
        ),
        ({"PatientOrientation": ["P", "F"]}, Declined("not-frontal", "the view is LATERAL (Patient Orientation)")),
        ({"SeriesDescription": "Chest lat"}, Declined("not-frontal", "the view is LATERAL (Series Description)")),
        ({"ProtocolName": "Thorax seitl."}, Declined("not-frontal", "the view is LATERAL (Protocol Name)")),
        ({"BodyPartExamined": "CHEST_LAT"}, Declined("not-frontal", "the view is LATERAL (Body Part Examined)")),
    ],
    ids=str,
)
def test_the_reason_names_the_attribute_that_gave_the_view_away(attributes: dict[str, Any], declined: Declined) -> None:
    only_pa = USE.model_copy(update={"views": ("PA",)})

    assert check_header(make_dx(rows=16, columns=16, **{"ViewPosition": None, **attributes}), only_pa) == declined


def test_a_region_in_a_description_is_told_without_the_rest_of_the_text() -> None:
    text = "Doe, Jane: left hand, 3 views"
    ds = make_dx(rows=16, columns=16, BodyPartExamined=None, ViewPosition=None, StudyDescription=text)

    judged = check_header(ds, USE)

    assert judged == Declined("wrong-body-part", "Study Description names HAND")


def test_a_region_in_a_description_is_taken_by_the_model_made_for_it() -> None:
    hands = USE.model_copy(update={"body_parts": ("HAND",)})
    ds = make_dx(rows=16, columns=16, BodyPartExamined=None, ViewPosition=None, StudyDescription="Hand and wrist")

    assert check_header(ds, hands) == (BODY_PART_UNKNOWN, VIEW_UNKNOWN)


def test_a_model_for_a_body_part_without_synonyms_takes_its_name() -> None:
    assert is_one_of("HAND PA", ("HAND",))
    assert not is_one_of("CHEST", ("HAND",))


def test_views_of_the_code_table_are_defined_words() -> None:
    assert set(VIEW_CODES) <= DEFINED
    codes = [code for codes in VIEW_CODES.values() for code in codes]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize(
    ("stated", "years"), [("018M", 1.5), ("052W", 0.997), ("010D", 0.027), ("000Y", 0), ("7Y", 7), ("Y", None)]
)
def test_ages_are_read_in_every_unit(stated: str, years: float | None) -> None:
    ds = Dataset()
    ds.PatientAge = stated

    assert age_in_years(ds) == (None if years is None else pytest.approx(years, abs=0.001))


@pytest.mark.parametrize(
    ("born", "seen", "whole", "years"),
    [
        ("20200101", "20210101", 1, 1.0),
        ("20200102", "20210101", 0, 1.0),
        ("20200229", "20210228", 0, 1.0),
        ("20200229", "20210301", 1, 1.0),
        ("20200229", "20240229", 4, 4.0),
        ("20200630", "20260629", 5, 6.0),
        ("20200630", "20260630", 6, 6.0),
        ("20250601", "20250601", 0, 0.0),
    ],
)
def test_the_age_between_two_dates_grows_on_the_birthday(born: str, seen: str, whole: int, years: float) -> None:
    ds = Dataset()
    ds.PatientBirthDate, ds.StudyDate = born, seen

    age = age_in_years(ds)

    assert age is not None and math.floor(age) == whole and age == pytest.approx(years, abs=0.01)


@pytest.mark.parametrize(
    ("age", "birth_date", "is_held"),
    [
        ("001Y", None, True),
        ("005Y", None, True),
        ("012M", None, True),
        ("060M", None, True),
        ("071M", None, True),
        (None, "20190103", True),  # six years tomorrow
        ("", "20240102", True),
        ("006Y", None, False),
        ("072M", None, False),
        ("017Y", None, False),
        ("018Y", None, False),
        ("064Y", None, False),
        ("011M", None, False),
        ("003D", None, False),
        (None, "20190102", False),
        ("", "19600101", False),
        ("old", "19600101", False),
    ],
)
def test_a_model_for_children_takes_them_and_says_why_others_are_declined(
    age: str | None, birth_date: str | None, is_held: bool
) -> None:
    use = USE.model_copy(update={"ages": AgeRange(min_years=1, max_years=5, reason="nobody else was learned from")})
    judged = check_header(make_dx(rows=16, columns=16, PatientAge=age, PatientBirthDate=birth_date), use)
    if is_held:
        assert judged == ()
    else:
        told = "the patient is not of the ages that the model is for, 1 to 5 years: nobody else was learned from"
        assert judged == Declined("outside-ages", told)


@pytest.mark.parametrize(
    ("age", "birth_date"),
    [(None, None), ("", ""), ("Y", ""), ("unknown", "0000"), ("-05Y", "20200001"), ("999Y", None), ("004", None)],
)
def test_an_age_that_nobody_knows_is_noted(age: str | None, birth_date: str | None) -> None:
    use = USE.model_copy(update={"ages": AgeRange(min_years=1, max_years=5)})
    judged = check_header(make_dx(rows=16, columns=16, PatientAge=age, PatientBirthDate=birth_date), use)
    known = () if age == "004" else ("the patient's age is unknown; the model is for patients of 1 to 5 years",)
    assert judged == known


@pytest.mark.parametrize(("oldest", "years", "is_held"), [(0.5, 0.5, True), (0.5, 0.6, False), (0, 0.9, True)])
def test_only_whole_years_last_until_the_birthday(oldest: float, years: float, is_held: bool) -> None:
    assert (years in AgeRange(min_years=0, max_years=oldest)) is is_held


def test_a_model_may_be_for_two_spans_of_ages_with_a_gap_between() -> None:
    ages = AgeRange(min_years=1, max_years=5, also=(AgeSpan(min_years=18, max_years=120),))
    assert str(ages) == "1 to 5 years and 18 to 120 years" and ages.oldest_years == 120
    assert [years in ages for years in (0.5, 1, 5.9, 6, 17.9, 18, 120.5, 121)] == [
        False, True, True, False, False, True, True, False
    ]  # fmt: skip


def test_broken_values_count_as_absent() -> None:
    ds = make_dx(rows=16, columns=16)
    ds.add_new("AnatomicRegionSequence", "OB", b"\x01\x02")
    ds.add_new("BodyPartExamined", "UL", 7)
    del ds.PatientBirthDate
    ds.add_new("PatientAge", "OB", b"\xff\xfe")

    assert named_body_part(ds) == "7"
    assert age_in_years(ds) is None


REAL: dict[str, str | None] = {
    "cxr/dicom/RG1_J2KI.dcm": None,
    "cxr/dicom/RG1_JLSN.dcm": None,
    "cxr/dicom/gdcm-CR-MONO1-10-chest.dcm": None,
    "cxr/dicom/1.2.276.0.7230010.3.1.4.8323329.6904.1517875201.850819.dcm": None,
    "cxr/dicom/Fake_MONOHR1.dcm": None,
    "dicom/nonchest/RG2_RLE.dcm": "wrong-body-part",
    "dicom/nonchest/RG3_JPLY.dcm": "wrong-body-part",
    "dicom/nonchest/CR-ModalitySequenceLUT.dcm": "wrong-body-part",
    "dicom/nonchest/GH133.dcm": "wrong-modality",
    "dicom/nonchest/MG1_J2KI.dcm": "wrong-modality",
    "dicom/nonchest/XA1_J2KI.dcm": "wrong-modality",
    "dicom/nonchest/KarstenHilbertRF.dcm": "wrong-modality",
    "dicom/nonchest/Issue56-NoPixelData.dcm": "no-pixels",
    "dicom/features/test16signed.dcm": "wrong-modality",
}


@pytest.mark.data
@pytest.mark.parametrize("name", REAL)
def test_real_chest_radiographs_are_accepted_and_others_declined(name: str, radiographs: Path) -> None:
    ds = read_image(radiographs / name)
    assert isinstance(ds, Dataset)

    judged = check_header(ds, USE)

    assert (judged.code if isinstance(judged, Declined) else None) == REAL[name]
