"""No patient may be learned from and measured on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.data import require_data
from training.cohorts import COHORTS, Example, data_folder, load_examples
from training.splits import SPLITS, check_splits, patients_in_two_splits, save_split, select


def example(path: str, split: str, patient: str, cohort: str = "kermany224") -> Example:
    return Example(Path("/data") / path, cohort, "PNEUMONIA", frozenset({"pneumonia"}), split, patient, "AP")


def test_a_patient_in_two_splits_stops_the_run() -> None:
    leaking = [example("a.jpg", "train", "p1"), example("b.jpg", "devtest", "p1"), example("c.jpg", "val", "p2")]
    assert patients_in_two_splits(leaking) == {"p1"}
    with pytest.raises(SystemExit, match="1 patients are in more than one split"):
        check_splits(leaking)


def test_a_patient_counts_as_the_same_in_every_cohort() -> None:
    leaking = [example("a.jpg", "train", "p1"), example("b.jpg", "val", "p1", cohort="kermany512")]
    assert patients_in_two_splits(leaking) == {"p1"}


def test_an_unknown_split_stops_the_run() -> None:
    with pytest.raises(SystemExit, match="unknown splits"):
        check_splits([example("a.jpg", "sealed", "p1")])


def test_the_split_is_saved_so_that_it_can_be_audited(tmp_path: Path) -> None:
    save_split(tmp_path / "split.csv", [example("a.jpg", "train", "p1")], Path("/data"))
    assert (tmp_path / "split.csv").read_text() == "path,split,positive\na.jpg,train,1\n"


@pytest.mark.data
def test_no_patient_of_the_development_data_crosses_splits() -> None:
    examples = load_examples(require_data() / "cxr")
    check_splits(examples)
    patients = {split: {e.patient_id for e in select(examples, split, COHORTS)} for split in SPLITS}
    assert all(patients.values())
    assert not patients["train"] & patients["val"]
    assert not patients["train"] & patients["devtest"]
    assert not patients["val"] & patients["devtest"]


@pytest.mark.data
def test_both_copies_of_one_film_are_in_the_same_split() -> None:
    examples = load_examples(require_data() / "cxr")
    split_of = {e.path.stem: e.split for e in examples if e.cohort == "kermany224"}
    copies = [e for e in examples if e.cohort == "kermany512"]
    assert copies
    assert all(split_of[copy.path.stem] == copy.split for copy in copies)


@pytest.mark.data
def test_every_cohort_of_the_data_is_known_with_its_licence() -> None:
    assert {e.cohort for e in load_examples(require_data() / "cxr")} <= set(COHORTS)


def test_a_missing_data_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="HILUM_DATA"):
        data_folder(tmp_path)
