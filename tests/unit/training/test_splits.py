"""No patient may be learned from and measured on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support.cohorts import made_cohorts as made
from tests.support.cohorts.data import require_data
from training.data import images
from training.data.cohorts import COHORTS, Example, data_folder, load_examples
from training.data.near_duplicates import find_near_duplicates
from training.data.splits import (
    LEFT_OUT,
    SHARES,
    assign,
    check_earlier_run,
    check_splits,
    divide,
    films_in_two_splits,
    patients_in_two_splits,
    save_split,
    select,
    spread,
    unseen,
    with_saved_split,
)


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
    with pytest.raises(SystemExit, match="unknown splits: 'sealed'"):
        check_splits([example("a.jpg", "sealed", "p1")])
    with pytest.raises(SystemExit, match="unknown splits: 'sealed'"):
        divide([example("a.jpg", "sealed", "p1"), example("b.jpg", "", "p1")])


def test_a_film_in_two_splits_stops_the_run() -> None:
    films = [example("a.jpg", "train", "p1"), example("b.jpg", "val", "p2"), example("c.jpg", LEFT_OUT, "p3")]
    check_splits(films, [(0, 2)])
    with pytest.raises(SystemExit, match=r"1 films are in more than one split, such as .*a\.jpg, .*b\.jpg"):
        check_splits(films, [(0, 1), (0, 2)])


def test_the_split_is_saved_so_that_it_can_be_audited(tmp_path: Path) -> None:
    save_split(tmp_path / "split.csv", [example("a.jpg", "train", "p1")], Path("/data"))
    text = "path,cohort,split,patient_id,label,findings\na.jpg,kermany224,train,p1,PNEUMONIA,pneumonia\n"
    assert (tmp_path / "split.csv").read_text() == text


def test_a_saved_split_is_taken_up_again_wherever_the_images_lie(tmp_path: Path) -> None:
    saved = [example("a.jpg", "train", "p1"), example("b.jpg", "devtest", "p2"), example("c.jpg", LEFT_OUT, "p3")]
    save_split(tmp_path / "split.csv", saved, tmp_path)
    undecided = [replace(one, split="", path=Path("/elsewhere") / one.path.name) for one in saved]
    taken_up = with_saved_split(tmp_path / "split.csv", undecided)
    assert [one.split for one in taken_up] == ["train", "devtest", LEFT_OUT]
    with pytest.raises(SystemExit, match=r"1 images have no split there, such as .*new\.jpg"):
        with_saved_split(tmp_path / "split.csv", [*undecided, example("new.jpg", "", "p3")])


def test_who_an_earlier_run_learned_from_may_not_be_measured_on(tmp_path: Path) -> None:
    earlier = [example("a.jpg", "train", "p1"), example("b.jpg", "devtest", "p2"), example("c.jpg", LEFT_OUT, "p3")]
    save_split(tmp_path / "split.csv", earlier, tmp_path)
    check_earlier_run(tmp_path, [*earlier, example("new.jpg", "devtest", "p4")])
    check_earlier_run(tmp_path, [example("a.jpg", LEFT_OUT, "p1"), example("b.jpg", "train", "p2")])
    for split in ("val", "devtest", "test"):
        with pytest.raises(SystemExit, match=r"learned from 1 patients that now lie in .*, such as p1"):
            check_earlier_run(tmp_path, [example("another.jpg", split, "p1"), example("b.jpg", "train", "p2")])
    check_earlier_run(tmp_path / "without-a-split", [example("a.jpg", "devtest", "p1")])


def test_a_run_without_its_split_is_told(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"split\.csv: No such file or directory"):
        with_saved_split(tmp_path / "split.csv", [example("a.jpg", "", "p1")])


def test_images_are_taken_from_the_whole_of_a_cohort_and_never_more_than_asked_for() -> None:
    films = [example(f"{n}.jpg", "train", f"p{n}") for n in range(199)]
    assert spread(films[:10], 4) == [films[n] for n in (0, 3, 6, 9)]
    assert spread(films[:2], 4) == films[:2]
    assert spread([], 4) == []
    assert len(spread(films, 100)) == 100


def test_a_saved_split_of_another_kind_is_told(tmp_path: Path) -> None:
    (tmp_path / "split.csv").write_text("path,split,positive\na.jpg,train,1\n")
    with pytest.raises(SystemExit, match="expected the columns path, cohort, split, patient_id"):
        with_saved_split(tmp_path / "split.csv", [example("a.jpg", "", "p1")])


def test_what_a_model_has_seen_is_no_test_of_it_under_another_name_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "CACHE", tmp_path / "cache")
    seen = COHORTS["kermany"].load(made.kermany(tmp_path / "kermany", patients=2, side=64))
    others = COHORTS["covid_radiography"].load(made.covid_radiography(tmp_path / "covid", side=64))
    copy, patient = tmp_path / "copy.png", replace(others[7], patient_id=seen[0].patient_id)
    cv2.imwrite(str(copy), np.asarray(cv2.imread(str(seen[1].path), cv2.IMREAD_GRAYSCALE)))
    assert unseen([*others[4:7], patient, replace(others[3], path=copy)], seen) == others[4:7]


def cohort_of(patients: int, cohort: str = "kermany", sick_share: float = 0.25) -> list[Example]:
    """One to three films a patient, a share of the patients sick, none with a split."""
    rng = np.random.default_rng(7)
    films = []
    for patient in range(patients):
        sick = frozenset({"pneumonia"}) if rng.random() < sick_share else frozenset[str]()
        for n in range(rng.integers(1, 4)):
            path = Path(f"/data/{cohort}/{patient}-{n}.png")
            films.append(Example(path, cohort, "x", sick, "", f"{cohort}:{patient}"))
    return films


def test_patients_are_divided_in_the_shares_and_each_class_alike() -> None:
    divided = assign(cohort_of(600), [], seed=3)
    check_splits(divided)
    for positive in (True, False):
        films = [film for film in divided if film.positive == positive]
        for split, share in SHARES.items():
            assert sum(film.split == split for film in films) / len(films) == pytest.approx(share, abs=0.02)


def test_the_seed_alone_decides_whatever_the_order_of_the_images() -> None:
    films = cohort_of(100)
    split_of = {film.path: film.split for film in assign(films, [], seed=1)}
    again = {film.path: film.split for film in assign(films[::-1], [], seed=1)}
    other = {film.path: film.split for film in assign(films, [], seed=2)}
    assert split_of == again and split_of != other


def test_one_more_patient_moves_hardly_any_other() -> None:
    before = {film.path: film.split for film in assign(cohort_of(300), [], seed=1)}
    after = {film.path: film.split for film in assign(cohort_of(301), [], seed=1)}
    assert sum(after[path] != split for path, split in before.items()) <= 0.02 * len(before)


def test_patients_who_share_a_film_are_one_in_every_cohort() -> None:
    films = [*cohort_of(60), *cohort_of(60, "covid_radiography")]
    rng = np.random.default_rng(0)
    pairs = [tuple(sorted(rng.choice(len(films), 2, replace=False).tolist())) for _ in range(40)]
    divided = assign(films, pairs, seed=0)
    check_splits(divided, pairs)
    assert films_in_two_splits(assign(films, [], seed=0), pairs)  # the pairs do cross where nobody looks


def test_a_published_test_part_stays_and_who_shares_a_film_with_it_is_left_out() -> None:
    films = [
        example("test.png", "test", "t"),
        example("copy-of-test.png", "", "p1"),
        example("same-patient-as-the-copy.png", "", "p1"),
        example("other.png", "", "p2"),
    ]
    divided = assign(films, [(0, 1)], seed=0)
    assert [film.split for film in divided] == ["test", LEFT_OUT, LEFT_OUT, "train"]


def test_a_patient_of_two_fixed_splits_stays_in_the_one_that_is_measured_last() -> None:
    films = [example("a.png", "train", "p"), example("b.png", "devtest", "p"), example("c.png", "", "p")]
    assert [film.split for film in assign(films, [], seed=0)] == [LEFT_OUT, "devtest", "devtest"]


DIVIDED: dict[str, Callable[[Path], Path]] = {
    "kermany": lambda folder: made.kermany(folder, patients=6, side=64),
    "covid_radiography": lambda folder: made.covid_radiography(folder, films=6, side=64),
    "tbx11k": lambda folder: made.tbx11k(folder, films=4, side=64),
    "brain_yes_no": lambda folder: made.brain_yes_no(folder, slices=10, side=64),
    "brain_classes": lambda folder: made.brain_classes(folder, slices=4, side=64),
}


@pytest.mark.parametrize("name", DIVIDED)
def test_no_patient_and_no_film_of_a_divided_cohort_crosses(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "CACHE", tmp_path / "cache")
    folder = DIVIDED[name](tmp_path / name)
    copies(folder)
    films = COHORTS[name].load(folder)
    pairs = find_near_duplicates(films)
    assert len(pairs) >= 5
    divided = divide(films, seed=0)
    check_splits(divided, pairs)
    assert [film.split == "test" for film in divided] == [film.split == "test" for film in films]
    assert divide(films, seed=0) == divided


def copies(folder: Path) -> None:
    """Every third picture once more, larger and compressed, under the name of another patient."""
    for n, file in enumerate(sorted(folder.rglob("*.[jp][pn]*g"))[::3]):
        if "masks" in file.parts or file.parent.name in ("test", "da+db"):
            continue
        pixels = cv2.resize(np.asarray(cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)), None, fx=3, fy=2)
        name = f"person{9000 + n}_virus_1.jpeg" if "chest_xray" in file.parts else f"copy{n}{file.suffix}"
        cv2.imwrite(str(file.parent / name), pixels)
        for listed in folder.rglob("TBX11K_train.txt"):
            listed.write_text(listed.read_text() + f"{file.parent.name}/{name}\n")


def test_cohorts_are_divided_together_so_that_a_film_of_both_does_not_cross(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "CACHE", tmp_path / "cache")
    films = COHORTS["kermany"].load(made.kermany(tmp_path / "kermany", patients=4))
    shared = next(film for film in films if film.part == "test" and not film.positive)
    covid = made.covid_radiography(tmp_path / "covid")
    shutil.copyfile(shared.path, covid / "COVID-19_Radiography_Dataset" / "Normal" / "images" / "Normal-77.png")
    both = divide([*films, *COHORTS["covid_radiography"].load(covid)])
    (copy,) = [film for film in both if film.path.name == "Normal-77.png"]
    assert copy.split == LEFT_OUT


@pytest.mark.data
def test_no_patient_of_the_development_data_crosses_splits() -> None:
    examples = load_examples(require_data() / "cxr")
    check_splits(examples)
    patients = {split: {e.patient_id for e in select(examples, split, COHORTS)} for split in SHARES}
    assert all(patients.values()) and not select(examples, "test", COHORTS)
    assert not patients["train"] & patients["val"]
    assert not patients["train"] & patients["devtest"]
    assert not patients["val"] & patients["devtest"]


@pytest.mark.data
@pytest.mark.timeout(900)
def test_no_film_of_the_development_data_crosses_splits() -> None:
    examples = load_examples(require_data() / "cxr")
    pairs = find_near_duplicates(examples)
    assert {(examples[i].cohort, examples[j].cohort) for i, j in pairs} >= {("kermany224", "kermany512")}
    check_splits(examples, pairs)
    assert divide(examples) == examples


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
