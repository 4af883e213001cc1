"""A recipe's cohorts come from the folders that are named, divided together; what cannot be found is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cohorts import made_cohorts as made
from training.data import images
from training.data.cohorts import COHORTS, cohort_at
from training.data.recipe_data import load_recipe_data, recipe_cohorts


@pytest.fixture(autouse=True)
def unknown_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(images, "CACHE", tmp_path / "cache")
    monkeypatch.delenv("HILUM_DATA", raising=False)
    known = dict(COHORTS)
    yield
    COHORTS.clear()
    COHORTS.update(known)


def test_published_and_own_cohorts_are_learned_from_together(tmp_path: Path) -> None:
    given = [f"kermany={made.kermany(tmp_path / 'k')}", f"st-elsewhere={made.dicom_folder(tmp_path / 'own')}"]
    examples = load_recipe_data(["kermany", "st-elsewhere"], given)
    assert {example.cohort for example in examples} == {"kermany", "st-elsewhere"}
    assert all(example.split for example in examples)
    own, folder = recipe_cohorts(["st-elsewhere"], given)["st-elsewhere"]
    assert (own.name, own.licence, own.findings) == ("st-elsewhere", "internal", ("pneumonia", "effusion"))
    assert folder == tmp_path / "own" and COHORTS["st-elsewhere"] == own


def test_a_cohort_lies_in_the_folder_of_its_name_where_nothing_else_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HILUM_DATA", str(tmp_path))
    made.shenzhen(tmp_path / "shenzhen")
    assert len(load_recipe_data(["shenzhen"], [])) == 4


@pytest.mark.parametrize(
    "name, given, told",
    [
        ("mars", [], "unknown cohort mars; known are brain_classes, "),
        ("image_table", ["image_table={own}"], "names a cohort of your own as its cohort.yaml does"),
        ("kermany", [], "where is kermany. Give --data kermany=FOLDER"),
        ("st-else", ["st-else={own}"], "expected the cohort st-else, but cohort.yaml names st-elsewhere"),
        ("st-else", ["st-else={own}/a"], "unknown cohort st-else: expected one of kermany224, "),
    ],
)
def test_what_cannot_be_found_is_told(name: str, given: list[str], told: str, tmp_path: Path) -> None:
    own = made.dicom_folder(tmp_path)
    with pytest.raises(SystemExit, match=told):
        load_recipe_data([name], [one.format(own=own) for one in given])


def test_own_images_are_known_by_the_kind_of_their_folder_too(tmp_path: Path) -> None:
    made.image_folder(tmp_path)
    assert cohort_at("image_folder", tmp_path).name == cohort_at("st-elsewhere", tmp_path).name == "st-elsewhere"
    assert len(cohort_at("st-elsewhere", tmp_path).load(tmp_path)) == 6
