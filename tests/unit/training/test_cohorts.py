"""What a row of manifest.csv says."""

from __future__ import annotations

from pathlib import Path

from training.cohorts import load_examples

HEADER = "path,label,sublabel,split_suggested,original_split,patient_id,view,notes,source,licence\n"


def test_a_row_becomes_an_example(tmp_path: Path) -> None:
    row = "nih512/NORMAL/1_000.jpg,NORMAL,No Finding,val,none,nih:1,PA,adult/any; age 42 sex M,NIH,free\n"
    (tmp_path / "manifest.csv").write_text(HEADER + row)
    (example,) = load_examples(tmp_path)
    assert (example.cohort, example.positive, example.split) == ("nih512", False, "val")
    assert (example.patient_id, example.view, example.age_years) == ("nih:1", "PA", 42.0)


def test_every_label_but_normal_is_positive_and_an_age_may_be_missing(tmp_path: Path) -> None:
    row = "hannover512/COVID19/x.jpg,COVID19,,train,none,han:1,AP,adult COVID-19; ICU yes,Hannover,CC BY 3.0\n"
    (tmp_path / "manifest.csv").write_text(HEADER + row)
    (example,) = load_examples(tmp_path)
    assert example.positive
    assert example.age_years is None
