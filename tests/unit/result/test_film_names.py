"""Films are named as people name them: by view and Instance Number."""

from typing import Any

import pytest
from pydicom import DataElement, Dataset
from pydicom.config import IGNORE

from converter.image.views import DEFINED
from converter.result.film_names import VIEW_NAMES, film_name, film_names

LATERAL_CODE = ("399067008", "SCT", "lateral")


def _film(uid: str = "1.2.3", **attributes: Any) -> Dataset:
    ds = Dataset()
    ds.SOPInstanceUID = uid
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ds


def _view_code(value: str, scheme: str, meaning: str) -> list[Dataset]:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return [code]


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ({"ViewPosition": "AP", "InstanceNumber": 1}, "AP 1"),
        ({"ViewPosition": "PA", "InstanceNumber": "2"}, "PA 2"),
        ({"ViewPosition": "LL", "InstanceNumber": 3}, "lateral 3"),
        ({"ViewPosition": "LAO", "InstanceNumber": 3}, "oblique 3"),
        ({"ViewCodeSequence": _view_code(*LATERAL_CODE), "InstanceNumber": 3}, "lateral 3"),
        ({"ViewCodeSequence": _view_code("R-10206", "SRT", "AP"), "InstanceNumber": 7}, "AP 7"),
        ({"ViewPosition": "PA", "ViewCodeSequence": _view_code(*LATERAL_CODE), "InstanceNumber": 2}, "PA 2"),
        ({"SeriesDescription": "Thorax seitlich", "InstanceNumber": 5}, "lateral 5"),
        ({"ViewPosition": "FRONTAL", "InstanceNumber": 5}, "frontal 5"),
        ({"InstanceNumber": 4}, "image 4"),
        ({"ViewPosition": "SWIMMER", "InstanceNumber": 4}, "image 4"),
        ({"ViewPosition": "AP"}, "AP"),
        ({"ViewPosition": "AP", "InstanceNumber": None}, "AP"),
        ({"ViewPosition": "AP", "InstanceNumber": 0}, "AP 0"),
        ({}, "image"),
    ],
)
def test_a_film_is_named_by_view_and_number(attributes: dict[str, Any], name: str) -> None:
    assert film_name(_film(**attributes)) == name


@pytest.mark.parametrize("number", ["one", "1.5", "-4", "99999999999"])
def test_a_number_that_is_none_is_not_said(number: str) -> None:
    film = _film(ViewPosition="PA")
    film["InstanceNumber"] = DataElement("InstanceNumber", "LO", number, validation_mode=IGNORE)
    assert film_name(film) == "PA"


def test_every_view_that_a_header_may_name_has_a_name() -> None:
    assert set(VIEW_NAMES) == DEFINED


def test_uids_and_their_order_do_not_matter() -> None:
    films = [_film(uid, ViewPosition="AP", InstanceNumber=n) for uid, n in (("1.9", 1), ("1.1", 2))]
    expected = {"1.9": "AP 1", "1.1": "AP 2"}
    assert film_names(films) == film_names(reversed(films)) == expected


def test_films_of_one_name_are_told_apart_by_their_series() -> None:
    films = [_film(f"1.{n}", ViewPosition="AP", InstanceNumber=1, SeriesNumber=n) for n in (1, 2)]
    films += [_film("1.3", ViewPosition="LL", InstanceNumber=1, SeriesNumber=3)]
    assert film_names(films) == {"1.1": "AP 1 of series 1", "1.2": "AP 1 of series 2", "1.3": "lateral 1"}


def test_films_that_nothing_tells_apart_keep_the_name_that_they_share() -> None:
    films = [_film(f"1.{n}", ViewPosition="AP", InstanceNumber=1) for n in (1, 2)]
    assert film_names(films) == {"1.1": "AP 1", "1.2": "AP 1"}
