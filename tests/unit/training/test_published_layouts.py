"""Each cohort is read from the layout that is published, and a folder laid out otherwise is told in a sentence."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.checkout import CHECKOUT
from tests.support.cohorts import made_cohorts as made
from training.__main__ import main
from training.data.cohorts import COHORTS, OWN, PUBLISHED, Example, WrongLayout, cohort_at


def loaded(name: str, tmp_path: Path) -> list[Example]:
    return COHORTS[name].load(made.MADE[name](tmp_path))


def by_name(examples: list[Example]) -> dict[str, Example]:
    return {example.path.stem: example for example in examples}


def test_every_cohort_has_a_made_folder_here() -> None:
    assert set(made.MADE) == set(PUBLISHED) | set(OWN)


@pytest.mark.parametrize("name", made.MADE)
def test_every_example_is_a_file_with_known_findings_and_a_patient(name: str, tmp_path: Path) -> None:
    examples = loaded(name, tmp_path)
    about = cohort_at(name, tmp_path)
    assert len({example.path for example in examples}) == len(examples) >= 2
    for example in examples:
        assert example.path.is_absolute() and example.path.is_file()
        assert example.cohort == about.name
        assert example.findings <= set(about.findings)
        assert example.split in (("train", "val", "devtest", "left-out") if name == "brain_kinds" else ("", "test"))
        assert example.patient_id.count(":") >= 1
        assert len(example.boxes) == len(example.box_findings)
    # Two cohorts have no image without a finding.
    ill = {"pneumonia", "covid-19"}, {"glioma", "meningioma", "pituitary-tumour"}
    assert set(about.findings) in ill or {example.positive for example in examples} == {
        True,
        False,
    }
    assert all((about.licence, about.citation, about.population, about.layout))


@pytest.mark.parametrize("name", made.MADE)
def test_an_empty_folder_is_told_with_what_was_expected(name: str, tmp_path: Path) -> None:
    (tmp_path / "holiday.txt").touch()
    with pytest.raises(WrongLayout, match=r"expected .+, found holiday\.txt"):
        COHORTS[name].load(tmp_path)
    with pytest.raises(WrongLayout, match="found no such folder"):
        COHORTS[name].load(tmp_path / "nowhere")


def test_slices_of_brain_tumours_keep_their_splits_and_neighbours_are_one_patient(tmp_path: Path) -> None:
    folder = made.brain_kinds(tmp_path)
    with (folder / "manifest.csv").open("a", encoding="utf-8") as file:
        for order in (12, 13):
            made.picture(folder / f"{order}.jpg", order)
            file.write(f"{order}.jpg,GLIOMA,,train,order {order}.5; similarity to its place 0.9\n")
    found = by_name(COHORTS["brain_kinds"].load(folder))
    assert found["12"].patient_id == "cheng:glioma:train:0" != found["13"].patient_id == "cheng:glioma:train:1"
    (folder / "manifest.csv").write_text("path,label,split_suggested,notes\na.jpg,OEDEMA,train,order 1.0\n")
    with pytest.raises(WrongLayout, match="found OEDEMA"):
        COHORTS["brain_kinds"].load(folder)


@pytest.mark.parametrize(("name", "count"), [("covid_radiography", 1), ("montgomery", 2)])
def test_published_outlines_of_lungs_come_with_the_films_that_have_one(name: str, count: int, tmp_path: Path) -> None:
    examples = loaded(name, tmp_path)
    outlined = [one for one in examples if one.masks]
    assert outlined and all(len(one.masks) == count and all(mask.is_file() for mask in one.masks) for one in outlined)
    assert all(mask.stem == one.path.stem for one in outlined for mask in one.masks)
    outlined[0].masks[-1].unlink()
    (without,) = [one for one in COHORTS[name].load(tmp_path) if one.path == outlined[0].path]
    assert without.masks == ()


def test_kermany_tells_patients_and_causes_by_the_names_of_kaggle(tmp_path: Path) -> None:
    examples = loaded("kermany", tmp_path)
    (bacterial,) = [e for e in examples if e.path.name == "person1_bacteria_1.jpeg" and e.part == "train"]
    (viral,) = [e for e in examples if e.path.name == "person1_virus_9.jpeg"]
    (normal,) = [e for e in examples if e.path.name == "NORMAL2-IM-1400-0001-0002.jpeg"]
    assert (bacterial.sublabel, viral.sublabel, normal.sublabel) == ("bacteria", "virus", "")
    assert bacterial.patient_id == viral.patient_id == "kermany:train:person1"
    assert normal.patient_id == "kermany:train:NORMAL2-IM-1400" and not normal.positive
    assert {(e.part, e.split) for e in examples} == {("train", ""), ("val", ""), ("test", "test")}
    assert not {e.patient_id for e in examples if e.part == "test"} & {e.patient_id for e in examples if e.split == ""}


def test_kermany_reads_the_names_of_the_mendeley_archive_too(tmp_path: Path) -> None:
    examples = COHORTS["kermany"].load(made.kermany_mendeley(tmp_path))
    named = {(e.part, e.path.stem): e for e in examples}
    assert named["train", "VIRUS-1000324-0001"].sublabel == "virus"
    assert named["train", "NORMAL-1003233-0001"].sublabel == ""
    one, other = named["train", "BACTERIA-1008087-0001"], named["train", "BACTERIA-1008087-0002"]
    assert one.patient_id == other.patient_id == "kermany:train:1008087" and one.sublabel == "bacteria"


def test_rsna_keeps_every_box_of_an_image_and_joins_films_of_one_patient(tmp_path: Path) -> None:
    examples = loaded("rsna", tmp_path)
    assert [e.label for e in examples] == list(made.RSNA_CLASSES)
    assert [e.positive for e in examples] == [False, False, True, True]
    assert examples[2].boxes == ((264, 152, 213, 379), (562, 152, 256, 453))
    assert examples[2].box_findings == ("pneumonia", "pneumonia") and examples[0].boxes == ()
    assert (examples[0].view, examples[0].age_years, examples[0].sex) == ("AP", 51.0, "F")
    assert [e.patient_id for e in examples] == ["nih:7", "nih:7", "nih:8", "nih:8"]


def test_rsna_without_the_mapping_says_that_patients_are_unknown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    examples = COHORTS["rsna"].load(made.rsna(tmp_path, mapping=False))
    assert len({e.patient_id for e in examples}) == 4
    assert "may come to lie in two splits" in capsys.readouterr().err


def test_nih_reads_findings_lists_boxes_and_drops_impossible_ages(tmp_path: Path) -> None:
    named = by_name(loaded("nih14", tmp_path))
    first, second, third = named["00000001_000"], named["00000001_001"], named["00000002_000"]
    assert first.findings == {"cardiomegaly", "emphysema"} and not second.positive
    assert third.findings == {"pneumonia", "pleural-thickening"}
    assert (first.patient_id, first.age_years, first.sex, first.view) == ("nih:1", 58.0, "M", "PA")
    assert second.age_years is None
    assert [(e.part, e.split) for e in (first, third)] == [("train_val", ""), ("test", "test")]
    assert third.boxes == ((225.084, 547.019, 86.779, 79.186),) and third.box_findings == ("infiltration",)


def test_nih_reads_the_later_edition_of_its_table(tmp_path: Path) -> None:
    made.nih14(tmp_path)
    table = (tmp_path / "Data_Entry_2017.csv").read_text().replace("Patient Gender", "Patient Sex")
    (tmp_path / "Data_Entry_2017_v2020.csv").write_text(table)
    (tmp_path / "Data_Entry_2017.csv").unlink()
    assert {e.sex for e in COHORTS["nih14"].load(tmp_path)} == {"M", "F"}


def test_a_partly_unpacked_archive_is_read_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made.nih14(tmp_path)
    shutil.rmtree(tmp_path / "images_002")
    assert len(COHORTS["nih14"].load(tmp_path)) == 2
    assert "1 of 3 images that it names are not there, such as 00000001_001.png" in capsys.readouterr().err


def test_covid_films_carry_their_source_and_masks_are_no_films(tmp_path: Path) -> None:
    examples = loaded("covid_radiography", tmp_path)
    assert all(e.path.parent.name == "images" for e in examples)
    assert {e.label: set(e.findings) for e in examples} == {
        "COVID": {"covid-19"},
        "Lung_Opacity": {"lung-opacity"},
        "Normal": set(),
        "Viral Pneumonia": {"viral-pneumonia"},
    }
    assert {e.sublabel for e in examples if e.label == "Normal"} == {"https://source.example/2"}


def test_tuberculosis_readings_give_sex_age_and_the_same_patient(tmp_path: Path) -> None:
    named = by_name(loaded("montgomery", tmp_path))
    assert named["MCUCXR_0301_1"].patient_id == named["MCUCXR_0101_1"].patient_id
    assert (named["MCUCXR_0001_0"].age_years, named["MCUCXR_0001_0"].sex) == (21.0, "F")
    assert named["MCUCXR_0001_0"].sublabel == "normal" and named["MCUCXR_0301_1"].sex == "O"
    assert [named[f"MCUCXR_0{n}"].positive for n in ("001_0", "101_1")] == [False, True]


def test_shenzhen_readings_are_understood_as_they_are_written(tmp_path: Path) -> None:
    named = by_name(loaded("shenzhen", tmp_path))
    normal, sick = named["CHNCXR_0001_0"], named["CHNCXR_0327_1"]
    assert (normal.sex, normal.age_years, normal.positive) == ("M", 45.0, False)
    assert (sick.sex, sick.age_years, sick.sublabel) == ("F", 1.333, "bilateral secondary PTB")


def test_tbx11k_takes_its_lists_and_boxes_and_no_unlabelled_film(tmp_path: Path) -> None:
    examples = loaded("tbx11k", tmp_path)
    assert len(examples) == 12 and {(e.part, e.split) for e in examples} == {("train", ""), ("val", "test")}
    named = by_name(examples)
    assert named["tb0001"].boxes == ((10.5, 20.0, 30.0, 40.0),)
    assert (named["tb0001"].sublabel, named["tb1001"].sublabel) == (
        "ActiveTuberculosis",
        "ObsoletePulmonaryTuberculosis",
    )
    assert named["s0001"].label == "sick" and not named["s0001"].positive


def test_brain_parts_stay_apart_and_earlier_folder_names_are_read(tmp_path: Path) -> None:
    examples = loaded("brain_classes", tmp_path)
    assert {(e.part, e.split) for e in examples} == {("Training", ""), ("Testing", "test")}
    assert {frozenset(e.findings) for e in examples if e.label == "pituitary"} == {
        frozenset({"brain-tumour", "pituitary-tumour"})
    }
    for part in ("Training", "Testing"):
        (tmp_path / part / "notumor").rename(tmp_path / part / "no_tumor")
    assert len(COHORTS["brain_classes"].load(tmp_path)) == len(examples)


def test_brain_ct_and_mri_are_told_apart_and_one_of_them_is_enough(tmp_path: Path) -> None:
    assert {e.sublabel for e in loaded("brain_ct_mri", tmp_path)} == {"CT", "MR"}
    shutil.rmtree(tmp_path / "Brain Tumor MRI images")
    assert {e.sublabel for e in COHORTS["brain_ct_mri"].load(tmp_path)} == {"CT"}


def test_hannover_shares_its_patients_with_the_development_data(tmp_path: Path) -> None:
    named = by_name(loaded("hannover", tmp_path))
    assert (named["b343e657"].patient_id, named["b343e657"].view) == ("han:042f06a9", "AP")
    assert named["61bc50d1"].sex == "F" and named["61bc50d1"].age_years is None


def test_own_images_have_patients_by_the_pattern_and_never_by_their_names(tmp_path: Path) -> None:
    examples = loaded("image_folder", tmp_path)
    assert len(examples) == 6 and len({e.patient_id for e in examples}) == 2
    assert not any("anna" in e.patient_id for e in examples)
    assert {e.label: set(e.findings) for e in examples}["both"] == {"pneumonia", "effusion"}


def test_own_images_may_have_a_table_of_patients_and_a_test_part(tmp_path: Path) -> None:
    made.image_folder(tmp_path)
    (tmp_path / "cohort.yaml").write_text(made.OWN)
    for label in ("normal", "pneumonia", "both"):
        made.picture(tmp_path / "train" / label / "1.png", 1)
        made.picture(tmp_path / "test" / label / "1.png", 2)
        shutil.rmtree(tmp_path / label)
    rows = [
        [f"{part}/{label}/1.png", f"{part}-1", "pa", "58", "m"]
        for part in ("train", "test")
        for label in ("normal", "both")
    ]
    made.table(tmp_path / "patients.csv", ("file", "patient_id", "view", "age", "sex"), rows)
    with pytest.raises(WrongLayout, match=r"train/pneumonia/1\.png: expected a row in patients\.csv, found none"):
        COHORTS["image_folder"].load(tmp_path)
    rows += [[f"{part}/pneumonia/1.png", f"{part}-1", "", "", ""] for part in ("train", "test")]
    made.table(tmp_path / "patients.csv", ("file", "patient_id", "view", "age", "sex"), rows)
    examples = COHORTS["image_folder"].load(tmp_path)
    assert {(e.part, e.split) for e in examples} == {("train", ""), ("test", "test")}
    assert {(e.view, e.age_years, e.sex) for e in examples} == {("PA", 58.0, "M"), ("", None, "")}


def test_own_dicom_takes_from_the_header_what_the_table_leaves_open(tmp_path: Path) -> None:
    named = by_name(loaded("image_table", tmp_path))
    assert (named["1"].view, named["1"].age_years, named["1"].sex, named["1"].split) == ("PA", 42.0, "M", "test")
    assert (named["2"].view, named["2"].sex, named["2"].split) == ("AP", "F", "")
    assert named["2"].age_years == pytest.approx(7 / 12) and named["2"].findings == {"pneumonia", "effusion"}
    assert not any("SECRET" in e.patient_id for e in named.values())


def test_own_dicom_may_be_named_by_uid(tmp_path: Path) -> None:
    made.dicom_folder(tmp_path)
    made.dicom(tmp_path / "a" / "1.dcm", 1, SOPInstanceUID="2.25.7")
    made.table(tmp_path / "labels.csv", ("sop_instance_uid", "label"), [("2.25.7", "normal")])
    (example,) = COHORTS["image_table"].load(tmp_path)
    assert example.path == tmp_path / "a" / "1.dcm"


def rewrite(file: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return change


def rename(old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / old).rename(folder / new)

    return change


def reencode(file: str, encoding: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / file).write_bytes(((folder / file).read_text(encoding="utf-8") + "ü").encode(encoding))

    return change


def keep_first_line(file: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / file).write_text((folder / file).read_text(encoding="utf-8").splitlines()[0] + "\n")

    return change


def make_folder_of(file: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / file).unlink()
        (folder / file).mkdir()

    return change


def name_patients(*rows: tuple[str, str, str]) -> Callable[[Path], None]:
    """patients.csv of every picture, and then `rows`."""

    def change(folder: Path) -> None:
        files = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*.png"))
        all_rows = [(file, f"p{number}", "") for number, file in enumerate(files)] + list(rows)
        made.table(folder / "patients.csv", ("file", "patient_id", "split"), all_rows)

    return change


def divide_into(*parts: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        for label in ("normal", "pneumonia", "both"):
            for part in parts:
                shutil.copytree(folder / label, folder / part / label)
            shutil.rmtree(folder / label)

    return change


WRONG: list[tuple[str, Callable[[Path], None], str]] = [
    (
        "kermany",
        rename("chest_xray/train/NORMAL", "chest_xray/train/normals"),
        "expected the folder NORMAL, found PNEUM",
    ),
    ("kermany", rename("chest_xray/train/NORMAL/IM-0001-0001.jpeg", "chest_xray/train/NORMAL/x.jpeg"), "IM-0115-0001"),
    (
        "rsna",
        rename("stage_2_detailed_class_info.csv", "classes.csv"),
        "expected .*detailed_class_info.csv, found classes",
    ),
    ("rsna", rewrite("stage_2_train_labels.csv", "Target", "target"), "expected the columns Target, found patientId"),
    (
        "rsna",
        rewrite("stage_2_detailed_class_info.csv", "No Lung Opacity", "Opacity"),
        "do not say the same of 1 images",
    ),
    ("rsna", rewrite("stage_2_train_labels.csv", ",264,", ",wide,"), "expected a box for 00000003"),
    (
        "rsna",
        rewrite("pneumonia-challenge-dataset-mappings_2018.json", "img_id", "id"),
        "expected a list of subset_img_id",
    ),
    ("rsna", rename("stage_2_train_images", "images"), "expected stage_2_train_images"),
    (
        "nih14",
        rewrite("Data_Entry_2017.csv", "Cardiomegaly|", "Broken|"),
        "expected No Finding or the 14 .*, found Broken",
    ),
    ("nih14", rewrite("BBox_List_2017.csv", "225.084,", ""), "expected film, finding, x, y, w, h"),
    ("nih14", rename("Data_Entry_2017.csv", "Data.csv"), "expected Data_Entry_2017_v2020.csv or Data_Entry_2017.csv"),
    ("nih14", rewrite("Data_Entry_2017.csv", "_00", "_99"), "3 of 3 images that it names are not there"),
    (
        "covid_radiography",
        rename("COVID-19_Radiography_Dataset/COVID/images", "x"),
        "expected the folder images, found masks/",
    ),
    ("hannover", rename("data.csv", "table.csv"), "expected data.csv or metadata.csv, found png/, table.csv"),
    (
        "montgomery",
        rename("MontgomerySet/CXR_png/MCUCXR_0001_0.png", "MontgomerySet/CXR_png/1.png"),
        "such as MCUCXR_0001_0",
    ),
    (
        "shenzhen",
        rename("ChinaSet_AllFiles/ClinicalReadings", "x"),
        "expected CXR_png, ClinicalReadings, found ChinaSet_AllFiles/",
    ),
    (
        "shenzhen",
        rename("ChinaSet_AllFiles/CXR_png/CHNCXR_0001_0.png", "ChinaSet_AllFiles/CXR_png/1.png"),
        "CHNCXR_0001_0",
    ),
    ("tbx11k", rewrite("TBX11K/lists/TBX11K_val.txt", "tb/", "TB/"), "expected lines such as tb/tb0003.png, found TB/"),
    (
        "tbx11k",
        rewrite("TBX11K/annotations/json/TBX11K_trainval_only_tb.json", "bbox", "box"),
        "expected COCO annotations",
    ),
    ("brain_yes_no", rename("yes", "tumour"), "expected no, yes, found no/, tumour/"),
    ("brain_classes", rename("Training/glioma", "Training/gliomas"), "expected the folders glioma, .*, found gliomas/"),
    ("brain_ct_mri", rename("Brain Tumor MRI images/Tumor", "x"), "expected the folder Tumor, found Healthy/"),
    ("image_folder", rewrite("cohort.yaml", "([^_]+)_", "[^_]+_"), "one pair of parentheses"),
    ("image_folder", rewrite("cohort.yaml", "^([^_]+)_", "^([0-9]+)_"), "expected a name that fits patient_pattern"),
    ("image_folder", rewrite("cohort.yaml", "licence", "license"), "licence: Field required; license: Extra inputs"),
    ("image_folder", rewrite("cohort.yaml", "([^_]+)_", "([^_]+_"), "patient_pattern: .*no regular expression"),
    ("image_folder", rewrite("cohort.yaml", "name:", "name"), "expected YAML"),
    ("image_folder", rename("both", "nothing"), "expected the folders normal, pneumonia, both, found nothing/"),
    (
        "image_table",
        rewrite("labels.csv", "normal", "healthy"),
        "a/1.dcm: expected one of the labels normal, .*, found healthy",
    ),
    (
        "image_table",
        rewrite("labels.csv", ",test", ",exam"),
        "expected a split of train, val, devtest, test, found exam",
    ),
    ("image_table", rewrite("labels.csv", "file,", "name,"), "expected the column file, path or sop_instance_uid"),
    ("image_table", rename("cohort.yaml", "a/1.dcm"), "expected cohort.yaml"),
    ("image_table", reencode("labels.csv", "latin-1"), "labels.csv: expected text in UTF-8"),
    ("image_table", reencode("labels.csv", "utf-16"), "labels.csv: expected text in UTF-8"),
    ("image_table", reencode("cohort.yaml", "latin-1"), "cohort.yaml: expected text in UTF-8"),
    ("image_table", rewrite("cohort.yaml", made.OWN, ""), "cohort.yaml: the file: Input should be a valid dict"),
    ("image_table", rewrite("labels.csv", "normal", "nor\0mal"), "labels.csv: expected text, found a NUL"),
    ("image_table", rewrite("labels.csv", "a/1.dcm", '"a/1.dcm'), "labels.csv: expected a CSV file: unexpected end"),
    ("image_table", rewrite("labels.csv", "a/1.dcm", "b/2.dcm"), "expected one row an image, found more of b/2.dcm"),
    ("image_table", keep_first_line("labels.csv"), "labels.csv: expected rows below"),
    ("hannover", keep_first_line("data.csv"), "data.csv: expected rows below"),
    ("nih14", reencode("test_list.txt", "latin-1"), "test_list.txt: expected text in UTF-8"),
    ("nih14", reencode("BBox_List_2017.csv", "latin-1"), "BBox_List_2017.csv: expected text in UTF-8"),
    ("nih14", make_folder_of("BBox_List_2017.csv"), "BBox_List_2017.csv: expected a file that can be read"),
    ("nih14", rewrite("Data_Entry_2017.csv", ",2,80,", ",P2,80,"), "expected a number as Patient ID .* found P2"),
    (
        "rsna",
        rewrite("pneumonia-challenge-dataset-mappings_2018.json", '"00000007_000.png"', "7"),
        "expected a list of subset_img_id",
    ),
    ("image_folder", name_patients(("both/anna_both.png", "p9", "")), "found more of both/anna_both.png"),
    ("image_folder", name_patients(("none.png", "p9", ""), ("none.png", "p9", "")), "found more of none.png"),
    ("image_folder", divide_into("train", "devtest"), "expected the folders train, val, test, found devtest/"),
]


@pytest.mark.parametrize("name, spoil, told", WRONG, ids=lambda one: one[:40] if isinstance(one, str) else "spoilt")
def test_a_wrong_layout_is_told_in_one_sentence(
    name: str, spoil: Callable[[Path], None], told: str, tmp_path: Path
) -> None:
    spoil(made.MADE[name](tmp_path))
    with pytest.raises(WrongLayout, match=told) as raised:
        COHORTS[name].load(tmp_path)
    assert str(tmp_path) in str(raised.value)


def test_a_byte_order_mark_and_names_with_blanks_and_umlauts_are_read(tmp_path: Path) -> None:
    folder = made.dicom_folder(tmp_path / "Röntgen 1")
    (folder / "a").rename(folder / "Thorax ä")
    rewrite("labels.csv", "a/1.dcm", "Thorax ä/1.dcm")(folder)
    for file in ("labels.csv", "cohort.yaml"):
        (folder / file).write_bytes(b"\xef\xbb\xbf" + (folder / file).read_bytes())
    assert {example.path.name for example in COHORTS["image_table"].load(folder)} == {"1.dcm", "2.dcm"}


def test_links_that_lead_in_a_circle_are_not_followed(tmp_path: Path) -> None:
    made.dicom_folder(tmp_path)
    made.dicom(tmp_path / "a" / "1.dcm", 1, SOPInstanceUID="2.25.7")
    made.table(tmp_path / "labels.csv", ("sop_instance_uid", "label"), [("2.25.7", "normal")])
    (tmp_path / "a" / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "a" / "itself.dcm").symlink_to("itself.dcm")
    assert len(COHORTS["image_table"].load(tmp_path)) == 1


def test_a_name_longer_than_any_file_name_counts_as_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made.dicom_folder(tmp_path)
    rewrite("labels.csv", "a/1.dcm", "a" * 5000)(tmp_path)
    assert len(COHORTS["image_table"].load(tmp_path)) == 1
    assert "1 of 2 images that it names are not there" in capsys.readouterr().err


def test_own_images_keep_the_split_that_their_table_states(tmp_path: Path) -> None:
    made.image_folder(tmp_path)
    rows = [("both/anna_both.png", "p1", "test"), ("normal/anna_normal.png", "p1", "test")]
    made.table(tmp_path / "patients.csv", ("file", "patient_id", "split"), rows)
    split_of = {e.path.relative_to(tmp_path).as_posix(): e.split for e in COHORTS["image_folder"].load(tmp_path)}
    assert {file for file, split in split_of.items() if split == "test"} == {file for file, _, _ in rows}
    made.table(tmp_path / "patients.csv", ("file", "patient_id", "split"), [(rows[0][0], "p1", "exam")])
    with pytest.raises(WrongLayout, match=r"anna_both\.png: expected a split of train, .*, found exam"):
        COHORTS["image_folder"].load(tmp_path)


def test_a_file_that_is_no_dicom_is_named(tmp_path: Path) -> None:
    made.dicom_folder(tmp_path)
    (tmp_path / "a" / "1.dcm").write_bytes(b"no DICOM" * 40)
    with pytest.raises(WrongLayout, match=r"1\.dcm: expected a DICOM image, .*not DICOM"):
        COHORTS["image_table"].load(tmp_path)


def test_the_command_tells_licence_layout_and_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made.kermany(tmp_path)
    main(["cohorts", "kermany", str(tmp_path)])
    said = capsys.readouterr().out
    assert "licence    CC BY 4.0" in said and "chest_xray/{train,test,val}" in said
    assert "images     test  train  val" in said
    assert "NORMAL     4     4      4" in said
    assert "24 images of 21 patients, 0 boxes" in said
    main(["cohorts"])
    listed = capsys.readouterr().out
    assert all(cohort.licence in listed for cohort in COHORTS.values()) and len(listed.splitlines()) == len(COHORTS)


def test_the_command_speaks_of_own_images_by_their_own_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made.dicom_folder(tmp_path)
    main(["cohorts", "image_table", str(tmp_path)])
    said = capsys.readouterr().out
    assert said.startswith("st-elsewhere\n  licence    internal\n") and "2 images of 2 patients" in said


def test_an_unknown_cohort_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"unknown cohort mars: expected one of kermany224, .*image_table"):
        main(["cohorts", "mars", str(tmp_path)])


def test_the_readme_has_every_cohort_in_its_table() -> None:
    readme = (CHECKOUT / "training" / "README.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in readme.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} >= set(COHORTS)
