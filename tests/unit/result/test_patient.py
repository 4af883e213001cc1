"""Whose image it is: pairs of headers that are one patient or two, and any mix of them in one study."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.result.patient import CANDIDATES_MAX, Patient, of_one_patient

A = Patient("4711", "HOSPITAL", "Doe^Jane", "20210401")

SAME: dict[str, tuple[Patient, Patient]] = {
    "all of it": (A, A),
    "blanks and case": (A, Patient(" 4711 ", "hospital", "DOE^JANE^^^", "20210401")),
    "an older way to write dates": (A, Patient("4711", "HOSPITAL", "Doe^Jane", "2021.04.01")),
    "no issuer on one side": (A, Patient("4711", "", "Doe^Jane", "20210401")),
    "a married name": (A, Patient("4711", "HOSPITAL", "Smith^Jane", "20210401")),
    "no ID, same name and birth date": (A, Patient("", "", "doe^jane", "20210401")),
    "no ID, same name": (A, Patient("", "", "Doe^Jane", "")),
    "no ID, same birth date, no name": (A, Patient("", "", "", "20210401")),
    "ID only": (A, Patient("4711")),
    "accents": (Patient("", "", "Müller^Zoë", "20210401"), Patient("", "", "Muller^Zoe", "20210401")),
    "composed otherwise": (
        Patient("", "", unicodedata.normalize("NFC", "Müller"), "20210401"),
        Patient("", "", unicodedata.normalize("NFD", "Müller"), "20210401"),
    ),
    "one with ideographs": (
        Patient("", "", "Yamada^Tarou", "20210401"),
        Patient("", "", "Yamada^Tarou=山田^太郎=やまだ^たろう", "20210401"),
    ),
    "both state nothing": (Patient(), Patient()),
}
OTHER: dict[str, tuple[Patient, Patient]] = {
    "another ID": (A, Patient("4712", "HOSPITAL", "Doe^Jane", "20210401")),
    "the ID of another issuer": (A, Patient("4711", "CLINIC", "Doe^Jane", "20210401")),
    "another birth date": (A, Patient("4711", "HOSPITAL", "Doe^Jane", "20200401")),
    "no ID, another name": (A, Patient("", "", "Smith^Jane", "")),
    "no ID, another name, same birth date": (A, Patient("", "", "Smith^Jane", "20210401")),
    "no ID, same name, another birth date": (A, Patient("", "", "Doe^Jane", "20200401")),
    "nothing stated": (A, Patient()),
    "other ideographs": (
        Patient("", "", "Yamada^Tarou=山田^太郎", "20210401"),
        Patient("", "", "Yamada^Tarou=山口^太郎", "20210401"),
    ),
    "dakuten": (Patient("", "", "かとう", "20210401"), Patient("", "", "がとう", "20210401")),
}


@pytest.mark.parametrize("pair", SAME)
def test_these_are_one_patient(pair: str) -> None:
    one, other = SAME[pair]
    assert of_one_patient([one, other]) == of_one_patient([other, one]) == [True, True]


@pytest.mark.parametrize("pair", OTHER)
def test_these_are_two_patients(pair: str) -> None:
    one, other = OTHER[pair]
    assert sorted(of_one_patient([one, other])) == sorted(of_one_patient([other, one])) == [False, True]


def test_the_patient_of_most_images_is_that_of_the_study_whoever_came_first() -> None:
    stray = Patient("999", "HOSPITAL", "Else^Somebody", "20190101")
    assert of_one_patient([stray, A, A]) == [False, True, True]
    assert of_one_patient([stray, A]) == [True, False], "of equals the one who came first"
    nameless = Patient("", "", "Else^Somebody", "20190101")
    assert of_one_patient([nameless, nameless, A]) == [False, False, True], "who states an ID comes first"


def test_a_patient_with_several_images_is_found_among_any_number_of_strangers() -> None:
    strangers = [Patient(f"S{number}", "", f"Else^{number}", "") for number in range(20 * CANDIDATES_MAX)]
    assert of_one_patient([*strangers, A, A]) == [False] * len(strangers) + [True, True]
    assert of_one_patient(strangers) == [True] + [False] * (len(strangers) - 1)


def test_an_image_without_a_header_stays_and_decides_nothing() -> None:
    assert of_one_patient([None, A, None]) == [True, True, True]
    assert of_one_patient([None]) == [True]
    assert of_one_patient([]) == []


patients = st.builds(
    Patient,
    st.sampled_from(["", "1", "2", " 1", "１"]),
    st.sampled_from(["", "H", "h", "K"]),
    st.sampled_from(["", "A^B", "a^b^", "C", "A^B=山", "C=山", "=山", "==", "\x00"]) | st.text(max_size=5),
    st.sampled_from(["", "20210401", "2021.04.01", "20200401", "unknown", "00000000"]),
)


@given(st.lists(st.none() | patients, max_size=9))
def test_any_mix_has_one_patient_and_every_image_is_in_or_out(mix: list[Patient | None]) -> None:
    is_mine = of_one_patient(mix)
    assert len(is_mine) == len(mix)
    stated = [patient for patient in mix if patient is not None]
    mine = [patient for patient, one in zip(mix, is_mine, strict=True) if one and patient is not None]
    assert bool(mine) == bool(stated)
    assert all(one for patient, one in zip(mix, is_mine, strict=True) if patient is None)
    ids = {patient.compared.id for patient in mine} - {""}
    assert len(ids) <= 1, "no report is on two stated IDs"
    assert len({patient.compared.birth_date for patient in mine} - {""}) <= 1
    if any(patient.compared.id for patient in stated):
        assert ids
    assert of_one_patient(mine) == [True] * len(mine), "a report on these is not refused"
