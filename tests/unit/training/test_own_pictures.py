"""Pictures of your own: any format, patients known or not, copies kept together, and a word for what is not enough."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.recipes.own_films import draw
from tests.support.checkout import CHECKOUT
from tests.support.cohorts import made_cohorts as made
from training.__main__ import main
from training.data.cohorts import Example, cohort_at
from training.data.cohorts.own_data import is_known
from training.data.enough import PATIENTS_MIN, check_enough
from training.data.recipe_data import load_recipe_data
from training.learning.first_recipe import CONCEPTS, TO_BE_SAID, concept_of, finding_name
from training.learning.recipe import load_recipe

OWN = "name: ours\nlicence: internal\ncitation: us\npopulation: adults\nlabels: {normal: [], pneumonia: [pneumonia]}\n"
SAID = [
    *("--by", "Us", "--licence", "internal", "--citation", "us", "--population", "adults", "--ages", "18", "90"),
    *("--statement", "Research use only.", "--limit", "One hospital."),
]


pytestmark = pytest.mark.usefixtures("alone")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("own") / "films", 60, 64)


def init(*words: str) -> None:
    main(["init-recipe", "films", "--name", "ours", *words])


def own(films: Path, more: str = "") -> Path:
    (films / "cohort.yaml").write_text(OWN + more, encoding="utf-8")
    return films


def load(films: Path) -> list[Example]:
    return load_recipe_data(["ours"], [f"ours={films}"])


# the folder


def test_class_folders_may_hold_dicom_whatever_it_is_called_and_headers_tell_the_patient(tmp_path: Path) -> None:
    made.picture(tmp_path / "normal" / "1.PNG", 1)
    for n, name in enumerate(("a.dcm", "IM000001")):
        made.dicom(tmp_path / "pneumonia" / name, n, PatientID="SECRET", ViewPosition="AP", PatientSex="F")
    (tmp_path / "pneumonia" / "notes.txt").write_text("no picture", encoding="utf-8")
    found = cohort_at("ours", own(tmp_path)).load(tmp_path)
    assert [(one.path.name, one.view, one.sex) for one in found] == [
        ("1.PNG", "", ""), ("IM000001", "AP", "F"), ("a.dcm", "AP", "F"),
    ]  # fmt: skip
    assert found[1].patient_id == found[2].patient_id and "SECRET" not in found[1].patient_id


def test_pictures_of_nobody_count_each_as_a_patient_with_a_warning(
    films: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = cohort_at("ours", own(films)).load(films)
    assert len({one.patient_id for one in found}) == len(found) and not any(is_known(one.patient_id) for one in found)
    assert "of 60 of 60 images nobody says whose they are" in capsys.readouterr().err


def test_a_table_may_name_pictures_by_path_with_patient_view_sex_and_age(films: Path) -> None:
    files = sorted(file.relative_to(films).as_posix() for file in films.rglob("*.png"))
    rows = [[file, file.split("/")[0], f"p{n // 2}", "pa", "f", "41"] for n, file in enumerate(files)]
    made.table(films / "labels.csv", ("path", "label", "patient", "view", "sex", "age"), rows)
    found = cohort_at("ours", own(films)).load(films)
    assert len(found) == 60 and len({one.patient_id for one in found}) == 30
    assert {(one.view, one.sex, one.age_years) for one in found} == {("PA", "F", 41.0)}


# the division


def test_no_patient_and_no_copy_is_on_both_sides(films: Path) -> None:
    own(films, 'patient_pattern: "^([^_]+)_"\n')
    for n, file in enumerate(sorted((films / "normal").glob("*.png"))[:12]):
        shutil.copy(file, films / "normal" / f"copy{n}_1.png")
    found = load(films)
    split_of = {one.path.name: one.split for one in found}
    originals = sorted(name for name in split_of if name.startswith("n"))[:12]
    assert all(split_of[f"copy{n}_1.png"] == split_of[name] for n, name in enumerate(originals))
    by_patient: dict[str, set[str]] = {}
    for one in found:
        by_patient.setdefault(one.patient_id, set()).add(one.split)
    assert all(len(splits) == 1 for splits in by_patient.values())
    assert {*split_of.values()} == {"train", "val", "devtest"}


def test_of_few_patients_enough_are_measured(films: Path) -> None:
    found = load(own(films))
    for positive in (True, False):
        measured = {one.patient_id for one in found if one.split == "devtest" and one.positive == positive}
        assert len(measured) in range(8, 11), "three tenths of thirty"


@pytest.mark.parametrize(
    ("splits", "told"), [(("train", "devtest"), "stated to be in"), (("train", "train"), ""), (("", "val"), "")]
)
def test_a_stated_split_that_tears_copies_apart_is_refused(splits: tuple[str, str], told: str, films: Path) -> None:
    file, *others = sorted(films.glob("normal/*.png"))
    shutil.copy(file, films / "normal" / "copy.png")
    others += sorted(films.glob("pneumonia/*.png"))
    rows = [(f"normal/{file.name}", splits[0], "normal"), ("normal/copy.png", splits[1], "normal")]
    rows += [(one.relative_to(films).as_posix(), "train", one.parent.name) for one in others]
    made.table(films / "labels.csv", ("path", "split", "label"), rows)
    if told:
        with pytest.raises(SystemExit, match=rf"hold the same picture, {told} train and in devtest"):
            load(own(films))
    else:
        assert load(own(films))


def test_a_picture_with_two_labels_is_refused_by_name(films: Path) -> None:
    shutil.copy(min(films.glob("normal/*.png")), films / "pneumonia" / "the-same.png")
    with pytest.raises(SystemExit, match=r"the-same\.png hold the same picture, labelled normal and pneumonia"):
        load(own(films))


# what is not enough


def test_too_few_patients_are_counted(films: Path) -> None:
    for file in sorted(films.glob("pneumonia/*.png"))[PATIENTS_MIN - 1 :]:
        file.unlink()
    with pytest.raises(SystemExit, match=f"9 patients with pneumonia and 30 without; at least {PATIENTS_MIN} of each"):
        check_enough(load(own(films)), ["pneumonia"])


def test_one_class_is_told(films: Path) -> None:
    shutil.rmtree(films / "normal")
    (films / "cohort.yaml").write_text(OWN.replace("normal: [], ", ""), encoding="utf-8")
    with pytest.raises(SystemExit, match="all 30 images are with pneumonia"):
        check_enough(load(films), ["pneumonia"])


def test_findings_of_other_names_are_told(films: Path) -> None:
    with pytest.raises(SystemExit, match="ours is labelled for pneumonia, the recipe asks for effusion"):
        check_enough(load(own(films)), ["effusion"])


# the first recipe


def test_a_recipe_is_written_that_says_everything_itself(films: Path, capsys: pytest.CaptureFixture[str]) -> None:
    init(*SAID, "--patients", "^([^_]+)_")
    recipe, said = load_recipe(Path("ours.yaml")), capsys.readouterr().out
    assert recipe.inherited == () and recipe.manufacturer == "Us" and recipe.intended_use.limits == ("One hospital.",)
    assert recipe.findings[0].concept.value == "233604007" and set(recipe.cohorts) == {"ours"}
    assert (recipe.intended_use.ages.min_years, recipe.intended_use.ages.max_years) == (18, 90)
    assert "60 pictures, 40 patients, 0 copies of others" in said and TO_BE_SAID.strip() not in said
    assert "next: python -m training train ours.yaml --name ours --data ours=films" in said
    assert load(films)


def test_what_was_not_said_is_marked_and_named(films: Path, capsys: pytest.CaptureFixture[str]) -> None:
    init()
    said = capsys.readouterr().out
    for file in (Path("ours.yaml"), films / "cohort.yaml"):
        assert TO_BE_SAID in file.read_text(encoding="utf-8") and f"{file}".split("/")[-1] in said


def spoil_nothing(films: Path) -> None:
    pass


def no_class(films: Path) -> None:
    shutil.rmtree(films)
    films.mkdir()
    made.picture(films / "1.png", 1)


def one_class(films: Path) -> None:
    shutil.rmtree(films / "normal")


def other_names(films: Path) -> None:
    (films / "normal").rename(films / "group-a")


def broken(films: Path) -> None:
    (min(films.glob("normal/*.png"))).write_bytes(b"\x89PNG\r\n\x1a\n broken")
    (max(films.glob("normal/*.png"))).write_bytes(b"text")


def few(films: Path) -> None:
    for file in sorted(films.glob("normal/*.png"))[3:]:
        file.unlink()


def unlabelled(films: Path) -> None:
    made.table(films / "labels.csv", ("path", "label"), [("normal/n000_1.png", "normal"), ("pneumonia/p000_1.png", "")])


@pytest.mark.parametrize(
    ("spoil", "words", "told"),
    [
        (no_class, (), "expected a folder for each class with pictures in it, or labels.csv"),
        (one_class, (), "expected two classes at least, found only pneumonia"),
        (other_names, (), "which of the labels group-a, pneumonia means that nothing was found"),
        (spoil_nothing, ("--normal", "healthy"), "no label healthy; there are normal, pneumonia"),
        (broken, (), r"n000_1\.png: .*\n.*n019_2\.png: .*\n2 of 60 pictures cannot be read"),
        (few, (), "30 patients with pneumonia and 3 without"),
        (unlabelled, (), r"labels\.csv:3: expected a label, found none"),
    ],
)
def test_a_folder_that_will_not_do_is_told_and_left_as_it_was(
    spoil: Callable[[Path], None], words: tuple[str, ...], told: str, films: Path
) -> None:
    spoil(films)
    with pytest.raises(SystemExit, match=told):
        init(*words)
    assert not (films / "cohort.yaml").exists() and not Path("ours.yaml").exists()


def test_no_file_of_anybody_is_written_over(films: Path) -> None:
    own(films)
    Path("ours.yaml").write_text("mine", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"ours\.yaml is there already"):
        init()
    Path("ours.yaml").unlink()
    init()
    assert (films / "cohort.yaml").read_text(encoding="utf-8") == OWN


@pytest.mark.parametrize("name", ["kermany224", "Our Films"])
def test_a_name_that_is_no_name_of_an_own_cohort_is_refused(
    name: str, films: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["init-recipe", "films", "--name", name])
    assert name in capsys.readouterr().err


@pytest.mark.parametrize("name", CONCEPTS)
def test_every_known_concept_is_one(name: str) -> None:
    assert concept_of(name).scheme == "SCT"


def test_an_unknown_finding_gets_a_code_of_its_own() -> None:
    name = finding_name("Ring-Shadow, left (seen twice)")
    assert name == "ring-shadow-left-seen-twice"
    assert concept_of(name).model_dump() == {
        "value": "RING-SHADOW-LEFT", "scheme": "99LOCAL", "meaning": "Ring shadow left seen twice",
    }  # fmt: skip
    with pytest.raises(SystemExit, match="has no letter"):
        finding_name("健康")


def test_the_template_is_a_recipe_whose_statements_are_its_own() -> None:
    recipe = load_recipe(CHECKOUT / "config" / "training" / "own-data.yaml")
    assert recipe.inherited == () and recipe.manufacturer != "Hilum"


def test_a_picture_that_cannot_be_read_is_named_where_it_is_learned_from(films: Path) -> None:
    broken(films)
    with pytest.raises(SystemExit, match=r"n0.*\.png: "):
        load(own(films))


def test_pixels_and_not_names_make_a_copy(films: Path) -> None:
    first, second, *_ = sorted(films.glob("normal/*.png"))
    cv2.imwrite(str(second), np.asarray(cv2.imread(str(first), cv2.IMREAD_GRAYSCALE)), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    found = {one.path.name: one.split for one in load(own(films))}
    assert found[first.name] == found[second.name]
