"""The FHIR transaction: valid R4, nothing of the receiver's is changed, and a repetition creates nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from hypothesis import given
from hypothesis import strategies as st

from converter.result.messages.fhir import bundle, write
from tests.support.dicom.sources import cr_japanese, dx_full
from tests.support.results.messages import a_declined_film, a_film, a_message
from tests.unit.result.messages.test_hl7 import MESSAGES, named


def resources(message: Any) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in bundle(message)["entry"]]


@pytest.mark.parametrize("case", MESSAGES)
def test_the_models_of_r4_accept_every_resource_and_keep_all_of_it(case: str) -> None:
    data = write(MESSAGES[case]())
    found = Bundle.model_validate_json(data)
    assert json.loads(found.model_dump_json()) == json.loads(data.replace(b"+00:00", b"Z"))
    assert json.loads(data)["entry"][0]["resource"]["resourceType"] == "DiagnosticReport"


@pytest.mark.parametrize("case", MESSAGES)
def test_each_resource_is_created_once_by_its_identifier_and_results_are_entries(case: str) -> None:
    found = bundle(MESSAGES[case]())
    urls = [entry["fullUrl"] for entry in found["entry"]]
    assert len(set(urls)) == len(urls)
    assert [one["reference"] for one in found["entry"][0]["resource"]["result"]] == urls[1:]
    for entry in found["entry"]:
        (identifier,) = entry["resource"]["identifier"]
        assert entry["request"]["method"] == "POST"
        assert entry["request"]["ifNoneExist"] == f"identifier={identifier['system']}|{identifier['value']}"


def test_findings_and_films_that_were_not_analysed_are_observations() -> None:
    report, positive, negative, declined, priority = resources(
        a_message([a_film(dx_full(), 0.9512, 0.1), a_declined_film(dx_full())])
    )
    assert report["status"] == "preliminary" and "Pneumonia PRESENT 95.1 %" in report["conclusion"]
    assert positive["valueCodeableConcept"]["coding"][0]["code"] == "52101004"
    assert positive["bodySite"] == {"text": "right lung, lower zone"}
    assert positive["component"][0]["valueQuantity"]["value"] == 95.1
    assert negative["interpretation"][0]["coding"][0]["code"] == "NEG" and "bodySite" not in negative
    assert "not-frontal" in declined["dataAbsentReason"]["text"] and "valueCodeableConcept" not in declined
    assert priority["valueCodeableConcept"]["coding"][0]["code"] == "urgent"


@pytest.mark.parametrize(
    ("status", "revision", "said"),
    [("preliminary", 2, "preliminary"), ("final", 1, "final"), ("final", 2, "amended")],
)
def test_a_later_report_amends_only_what_was_final(status: str, revision: int, said: str) -> None:
    assert {one["status"] for one in resources(a_message(status=status, revision=revision))} == {said}


def test_the_order_and_the_patient_are_referred_to_by_what_people_know_of_them() -> None:
    report, *_ = resources(a_message([a_film(cr_japanese())]))
    assert report["basedOn"][0]["identifier"]["value"]
    assert report["subject"]["reference"] == "#patient"
    assert [name["extension"][0]["valueCode"] for name in report["contained"][0]["name"]] == ["ABC", "IDE", "SYL"]


@given(name=st.text(max_size=80), patient_id=st.text(max_size=70), birth_date=st.text(max_size=12))
def test_no_text_of_a_header_makes_an_invalid_resource(name: str, patient_id: str, birth_date: str) -> None:
    source = named(PatientName=name, PatientID=patient_id, StudyDescription=name, AccessionNumber=patient_id)
    source.add_new("PatientBirthDate", "LO", birth_date)
    Bundle.model_validate_json(write(a_message([a_film(source)])))
