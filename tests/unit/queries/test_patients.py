"""A patient is found by the ID, or by how the name begins, however it is spelled and written."""

from __future__ import annotations

import pytest

from converter.result.patient import Patient
from scp_node.ledger import Ledger
from scp_node.queries import patients
from scp_node.queries.patients import PatientFilter, patients_of, studies_of_patient
from tests.support.ledger.ledgers import received

NAMES = ("Yamada^Tarou=山田^太郎=やまだ^たろう", "MÜLLER^HANS", "van der Berg^Jan", "McDonald^Anne", "O'Neil^%_^")


@pytest.fixture
def ledger(empty_ledger: Ledger) -> Ledger:
    return empty_ledger


@pytest.fixture
def named(ledger: Ledger) -> Ledger:
    for study, name in enumerate(NAMES, 1):
        enter(ledger, study, Patient(f"Id{study}", "", name, "19700101"))
    return ledger


def enter(ledger: Ledger, study: int, patient: Patient, number: int = 1) -> None:
    record = received(number, study)
    with ledger.transaction() as tx:
        tx.instances.add(record)
        tx.instances.finish(record.sop_instance_uid, "inferred", route="chest", model="tiny@1", reportable=True)
        tx.versions.name_patient(record.sop_instance_uid, 1, patient)


def found(ledger: Ledger, wanted: PatientFilter) -> set[int]:
    with ledger.reading() as tx:
        return {int(uid.rpartition(".")[2]) for uid in studies_of_patient(tx, wanted).study_instance_uids}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("yamada", {1}),
        ("YAMADA^T", {1}),
        ("yamada, tarou", {1}),
        ("Yamada Tarou", {1}),
        ("山田", {1}),
        ("山田^太", {1}),
        ("müller", {2}),
        ("Müller Hans", {2}),
        ("Van der Berg, jan", {3}),
        ("van der berg jan", {3}),
        ("mcdonald", {4}),
        ("Donald", set()),
        ("o'neil^%", {5}),
        ("%", set()),
        ("_", set()),
        ("   ", set()),
    ],
)
def test_a_name_is_found_by_how_it_begins(named: Ledger, name: str, expected: set[int]) -> None:
    assert found(named, PatientFilter(name=name)) == expected


@pytest.mark.parametrize(("id_", "expected"), [("id2", {2}), (" ID2 ", {2}), ("id", set()), ("", set())])
def test_an_id_is_found_whole(named: Ledger, id_: str, expected: set[int]) -> None:
    assert found(named, PatientFilter(id=id_)) == expected


def test_id_and_name_together_must_both_fit(named: Ledger) -> None:
    assert found(named, PatientFilter("id2", "müller")) == {2}
    assert found(named, PatientFilter("id2", "yamada")) == set()


def test_a_study_of_many_patients_is_cut_and_says_so(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patients, "STUDIES_MAX", 2)
    for study in range(1, 5):
        enter(ledger, study, Patient("same", "", "Same^Name", ""))
    with ledger.reading() as tx:
        many = studies_of_patient(tx, PatientFilter("same"))
    assert len(many.study_instance_uids) == 2 and not many.is_whole


def test_the_patients_of_a_study_are_named_once_each(ledger: Ledger) -> None:
    for number in (1, 2):
        enter(ledger, 1, Patient("A", "", "One^Name", ""), number)
    enter(ledger, 1, Patient("B", "", "Other^Name", ""), 3)
    with ledger.reading() as tx:
        assert [patient.id for patient in patients_of(tx, "1.2.3.1")] == ["A", "B"]
        assert patients_of(tx, "9.9") == ()
