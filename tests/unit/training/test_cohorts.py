"""What a row of manifest.csv says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cohorts.data import require_data
from training.data.cohorts import COHORTS, WrongLayout, load_examples

HEADER = "path,label,sublabel,split_suggested,original_split,patient_id,view,notes,source,licence\n"


def test_a_row_becomes_an_example(tmp_path: Path) -> None:
    row = "nih512/NORMAL/1_000.jpg,NORMAL,No Finding,val,none,nih:1,PA,adult/any; age 42 sex M,NIH,free\n"
    (tmp_path / "manifest.csv").write_text(HEADER + row)
    (example,) = load_examples(tmp_path)
    assert (example.cohort, example.positive, example.split) == ("nih512", False, "val")
    assert (example.patient_id, example.view, example.age_years, example.sex) == ("nih:1", "PA", 42.0, "M")
    assert example.path == tmp_path / "nih512/NORMAL/1_000.jpg" and example.path.is_absolute()


def test_every_label_but_normal_is_positive_and_an_age_may_be_missing(tmp_path: Path) -> None:
    row = "hannover512/COVID19/x.jpg,COVID19,,train,none,han:1,AP,adult COVID-19; ICU yes,Hannover,CC BY 3.0\n"
    (tmp_path / "manifest.csv").write_text(HEADER + row)
    (example,) = load_examples(tmp_path)
    assert example.findings == {"pneumonia", "covid-19"} and example.positive
    assert example.age_years is None and example.sex == ""


def test_each_cohort_of_the_manifest_loads_its_own_rows(tmp_path: Path) -> None:
    rows = "nih512/x.jpg,NORMAL,,val,none,nih:1,PA,,NIH,free\n"
    rows += "kermany224/y.jpg,PNEUMONIA,virus,train,train,k:1,AP,,K,free\n"
    (tmp_path / "manifest.csv").write_text(HEADER + rows)
    assert [example.path.name for example in COHORTS["nih512"].load(tmp_path)] == ["x.jpg"]
    assert [example.sublabel for example in COHORTS["kermany224"].load(tmp_path)] == ["virus"]


@pytest.mark.parametrize("cohort", ["nih64", "rsna256"])
def test_a_cohort_that_came_later_has_a_table_of_its_own_and_lends_its_healthy_films(
    tmp_path: Path, cohort: str
) -> None:
    with pytest.raises(WrongLayout, match=f"expected {cohort}/manifest_rows.csv, which is not there"):
        COHORTS[cohort].load(tmp_path)
    rows = f"{cohort}/x.png,NORMAL,,train,none,nih:1,PA,adult; age 30 sex F,NIH,free\n"
    rows += f"{cohort}/y.png,PNEUMONIA,,train,none,nih:2,PA,,NIH,free\n"
    rows += f"{cohort}/z.png,OTHER_ABNORMAL,Mass,train,none,nih:3,PA,,NIH,free\n"
    (tmp_path / cohort).mkdir()
    (tmp_path / cohort / "manifest_rows.csv").write_text(HEADER + rows)
    (tmp_path / "manifest.csv").write_text(HEADER + "nih512/a.jpg,NORMAL,,val,none,nih:4,PA,,NIH,free\n")
    (example,) = COHORTS[cohort].load(tmp_path)
    assert (example.path, example.cohort, example.positive) == (tmp_path / f"{cohort}/x.png", cohort, False)
    assert (example.age_years, example.sex) == (30, "F")
    assert [one.cohort for one in load_examples(tmp_path)] == ["nih512"], "the manifest does not hold it"
    (tmp_path / cohort / "manifest_rows.csv").write_text(HEADER + f"{cohort}/x.png,NORMAL,,train,none,,PA,,NIH,free\n")
    with pytest.raises(WrongLayout, match=f"{cohort}/manifest_rows.csv: no patient_id of {cohort}/x.png"):
        COHORTS[cohort].load(tmp_path)


def test_films_of_pneumonia_that_radiologists_called_normal_are_left_out(tmp_path: Path) -> None:
    rows = "".join(
        f"nih512/{name}.jpg,{label},,train,none,nih:{name},PA,,NIH,free\n"
        for name, label in (("a", "PNEUMONIA"), ("b", "PNEUMONIA"), ("c", "NORMAL"))
    )
    (tmp_path / "manifest.csv").write_text(HEADER + rows)
    assert len(load_examples(tmp_path)) == 3
    again = "path,label\nnih512/b.jpg,PNEUMONIA\nnih512/c.jpg,NORMAL\n"
    (tmp_path / "nih512_rsna_normal.csv").write_text(again)
    assert [example.path.name for example in load_examples(tmp_path)] == ["a.jpg", "c.jpg"]


@pytest.mark.data
def test_the_development_data_hold_what_their_cohorts_say() -> None:
    folder = require_data() / "cxr"
    loaded = {name: COHORTS[name].load(folder) for name in ("nih512", "nih64", "rsna256")}
    assert {name: len(examples) for name, examples in loaded.items()} == {"nih512": 669, "nih64": 251, "rsna256": 1200}
    assert not any(example.positive for name in ("nih64", "rsna256") for example in loaded[name])


@pytest.mark.parametrize(
    "content, told",
    [
        (None, "expected manifest.csv, which is not there"),
        ("path,label\n", "expected the columns sublabel, .*, found path, label"),
        ("\ufeff" + HEADER + "nih512/x.jpg,NORMAL\n", "no patient_id of nih512/x.jpg"),
        (HEADER + "nih512/x.jpg,CAT,,val,none,nih:1,PA,,NIH,free\n", "unknown label CAT of nih512/x.jpg"),
    ],
)
def test_a_wrong_manifest_is_told_in_a_sentence(tmp_path: Path, content: str | None, told: str) -> None:
    if content is not None:
        (tmp_path / "manifest.csv").write_text(content, encoding="utf-8")
    with pytest.raises(WrongLayout, match=told):
        load_examples(tmp_path)
