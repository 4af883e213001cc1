"""What a row of manifest.csv says."""

from __future__ import annotations

from pathlib import Path

import pytest

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
