"""Which route an image takes, and under which one it is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset

from converter.image.priority import HIGH, LOW, ROUTINE, STAT
from converter.image.routing_header import AGE_SOURCES, TEXTS, kept_header, routing_header
from scp_node.analysis.routing import choose_by_header, choose_route, expected_rank
from scp_node.settings import Route
from tests.support.dicom.phantoms import make_dx

CHEST = {"name": "chest", "model": "pneumonia", "to": ["pacs"], "when": {"from": ["pacs"]}}
HANDS = {"name": "hands", "model": "fracture", "to": ["pacs"], "when": {"from": ["pacs"], "body_part": ["HAND"]}}
ROOM_2 = {"name": "room2", "model": "pneumonia", "to": ["pacs"], "when": {"from": ["room2"]}}


def routes(*documents: dict[str, Any]) -> list[Route]:
    return [Route.model_validate(document) for document in documents]


def image(**attributes: Any) -> Dataset:
    return make_dx(rows=64, columns=64, **attributes)


def test_the_first_route_that_takes_an_image_gets_it() -> None:
    both = routes(CHEST, {**CHEST, "name": "second"})
    choice = choose_route(both, "pacs", image())
    assert choice.route is both[0] and choice.declined is None


def test_a_later_route_takes_what_an_earlier_one_does_not() -> None:
    both = routes(CHEST, HANDS)
    choice = choose_route(both, "pacs", image(BodyPartExamined="HAND"))
    assert choice.route is both[1] and choice.declined is None


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"BodyPartExamined": "KNEE"}, "wrong-body-part"),
        ({"ViewPosition": "LL"}, "not-frontal"),
        ({"Modality": "CT"}, "wrong-modality"),
    ],
)
def test_what_no_route_takes_is_refused_under_the_first_of_its_source(attributes: dict[str, str], code: str) -> None:
    two = routes(ROOM_2, CHEST)
    choice = choose_route(two, "pacs", image(**attributes))
    assert choice.route is two[1] and choice.declined is not None and choice.declined.code == code


def test_an_image_from_a_source_without_route_belongs_to_none() -> None:
    choice = choose_route(routes(ROOM_2), "pacs", image())
    assert choice.route is None and choice.declined is not None and choice.declined.code == "no-route"


def test_a_route_without_sources_takes_images_from_all() -> None:
    open_to_all = routes({"name": "all", "model": "pneumonia", "to": ["pacs"]})
    assert choose_route(open_to_all, "anybody", image()).route is open_to_all[0]


def test_an_absent_attribute_neither_admits_nor_excludes() -> None:
    one = routes(CHEST)
    assert choose_route(one, "pacs", image(BodyPartExamined=None, ViewPosition=None)).declined is None


def meant_for(**when: Any) -> list[Route]:
    return routes({"name": "one", "model": "pneumonia", "to": ["pacs"], "when": when})


@pytest.mark.parametrize(
    ("when", "attributes", "is_taken"),
    [
        ({"station_name": ["ER*"]}, {"StationName": "er-2"}, True),
        ({"station_name": ["ER*", "ICU?"]}, {"StationName": "ICU1"}, True),
        ({"station_name": ["ER*"]}, {"StationName": "WARD"}, False),
        ({"station_name": ["ER*"]}, {"StationName": None}, False),
        ({"station_name": ["*"]}, {"StationName": None}, False),
        ({"station_name": ["*"]}, {"StationName": "WARD"}, True),
        ({"manufacturer": ["acme*"]}, {"Manufacturer": "ACME Imaging"}, True),
        ({"manufacturer": ["acme*"]}, {"Manufacturer": "Other"}, False),
        ({"institution_name": ["*klinik*"]}, {"InstitutionName": "Universitätsklinikum"}, True),
        ({"study_description": ["*PORTABLE*"]}, {"StudyDescription": "CXR portable AP"}, True),
        ({"series_description": ["AP*"]}, {"SeriesDescription": "PA chest"}, False),
        ({"station_name": ["ER*"], "manufacturer": ["acme"]}, {"StationName": "ER", "Manufacturer": "Foreign"}, False),
        ({"patient_age": {"min_years": 18}}, {"PatientAge": "018Y"}, True),
        ({"patient_age": {"min_years": 18}}, {"PatientAge": "017Y"}, False),
        ({"patient_age": {"max_years": 17}}, {"PatientAge": "215M"}, True),
        ({"patient_age": {"max_years": 17}}, {"PatientAge": "216M"}, False),
        ({"patient_age": {"max_years": 17}}, {"PatientAge": None, "PatientBirthDate": ""}, False),
        ({"patient_age": {"min_years": 0}}, {"PatientAge": None, "PatientBirthDate": ""}, False),
        (
            {"patient_age": {"max_years": 17}},
            {"PatientAge": None, "PatientBirthDate": "20080301", "StudyDate": "20260228"},
            True,
        ),
        (
            {"patient_age": {"max_years": 17}},
            {"PatientAge": None, "PatientBirthDate": "20080301", "StudyDate": "20260301"},
            False,
        ),
        (
            {"patient_age": {"min_years": 18}},
            {"PatientAge": None, "PatientBirthDate": "20080301", "StudyDate": "20260301"},
            True,
        ),
    ],
)
def test_patterns_and_ages_say_which_images_a_route_is_meant_for(
    when: dict[str, Any], attributes: dict[str, Any], is_taken: bool
) -> None:
    choice = choose_route(meant_for(**when), "pacs", image(**attributes))
    assert (choice.route is not None) is is_taken
    if not is_taken:
        assert choice.declined is not None and choice.declined.code == "no-route"
        assert "asks for another" in choice.declined.reason
        assert all(str(value) not in choice.declined.reason for value in attributes.values() if value)


def test_a_refusal_belongs_to_the_first_route_that_the_image_is_meant_for() -> None:
    both = routes({**CHEST, "when": {"station_name": ["ER*"]}}, {**CHEST, "name": "second"})
    choice = choose_route(both, "pacs", image(StationName="WARD", ViewPosition="LL"))
    assert choice.route is both[1] and choice.declined is not None and choice.declined.code == "not-frontal"


@pytest.mark.parametrize(
    ("route", "said", "rank"),
    [
        ({}, "STAT", ROUTINE),
        ({"priority": "high"}, "STAT", HIGH),
        ({"priority": "high", "priority_from_header": True}, "STAT", STAT),
        ({"priority": "high", "priority_from_header": True}, "LOW", HIGH),
        ({"priority": "low", "priority_from_header": True}, "MEDIUM", ROUTINE),
        ({"priority": "low", "priority_from_header": True}, None, LOW),
        ({"priority_from_header": True}, "SOON", ROUTINE),
    ],
)
def test_a_header_makes_an_image_more_urgent_where_its_route_listens_and_never_less(
    route: dict[str, Any], said: str | None, rank: int
) -> None:
    one = routes({**CHEST, **route})
    ds = image(RequestedProcedurePriority=said)
    assert choose_route(one, "pacs", ds).rank == rank
    assert choose_route(one, "pacs", image(RequestedProcedurePriority=said, ViewPosition="LL")).rank == rank
    assert expected_rank(one, "pacs", texts_of(ds)) == rank


def texts_of(ds: Dataset) -> dict[str, str]:
    """As the receiver reads them."""
    return {keyword: "\\".join([ds[keyword].value] if isinstance(ds[keyword].value, str) else ds[keyword].value)
            for keyword in TEXTS if keyword in ds}  # fmt: skip


SAID = st.text(max_size=40) | st.text("\\9Y*?", max_size=9)
ANYTHING = st.dictionaries(st.sampled_from([*TEXTS, *AGE_SOURCES]), SAID)


@given(ANYTHING)
def test_whatever_a_header_says_the_receiver_gets_a_priority(texts: dict[str, str]) -> None:
    several = routes(
        {**CHEST, "when": {"station_name": ["*a*"], "patient_age": {"max_years": 3}}, "priority": "low"},
        {**CHEST, "name": "rest", "priority_from_header": True},
    )
    assert expected_rank(several, "pacs", texts) in (STAT, HIGH, ROUTINE, LOW)


FILMS = st.fixed_dictionaries(
    {
        "StationName": st.sampled_from([None, "ER1", "ward"]),
        "PatientAge": st.sampled_from([None, "003D", "017Y", "080Y"]),
        "BodyPartExamined": st.sampled_from([None, "CHEST", "HAND"]),
        "ViewPosition": st.sampled_from([None, "PA", "LL"]),
        "RequestedProcedurePriority": st.sampled_from([None, "STAT", "LOW", "\u4e00"]),
        "StudyDescription": st.none() | st.text(max_size=90),
        "SeriesDescription": st.sampled_from([None, "Thorax lateral", "Hand"]),
    }
)


@pytest.mark.filterwarnings("ignore")
@given(FILMS)
def test_what_the_ledger_keeps_of_a_header_takes_the_same_route(attributes: dict[str, Any]) -> None:
    several = routes(
        {**HANDS, "priority": "low"},
        {**CHEST, "when": {"station_name": ["er*"], "patient_age": {"min_years": 1}}, "priority_from_header": True},
        {**CHEST, "name": "described", "when": {"study_description": ["*a*"]}, "priority": "high"},
        {**CHEST, "name": "rest"},
    )
    ds = FILM.copy()
    for keyword, value in attributes.items():
        if value is not None:
            setattr(ds, keyword, value)
        elif keyword in ds:
            delattr(ds, keyword)
    kept = kept_header(routing_header(ds).document())
    assert choose_by_header(several, "pacs", kept) == choose_route(several, "pacs", ds)


FILM = image()
